//! Compiles the IPADIC morphological dictionary into `OUT_DIR`, so that `cargo build` alone is enough.
//!
//! lindera's own `embed-*` features download the dictionary while building, which fails behind a registry-only network. The
//! crate `lindera-ipadic` 0.28.0 carries the raw archive; Cargo downloads and locks it, and this script takes the archive
//! from there, checks its hash and compiles it.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use lindera_dictionary::builder::DictionaryBuilder;
use sha2::{Digest, Sha256};

const SOURCE: &str = "mecab-ipadic-2.7.0-20070801";
const SOURCE_SHA256: &str = "b62f527d881c504576baed9c6ef6561554658b175ce6ae0096a60307e49e3523";
const SOURCE_CRATE: (&str, &str) = ("lindera-ipadic", "0.28.0");
const METADATA: &str = "dictionary/ipadic-metadata.json";

fn main() -> Result<(), Box<dyn Error>> {
    for file in ["build.rs", METADATA, "Cargo.lock"] {
        println!("cargo::rerun-if-changed={file}");
    }
    let archive = fs::read(source_archive()?)?;
    let hash: String = Sha256::digest(&archive).iter().map(|byte| format!("{byte:02x}")).collect();
    if hash != SOURCE_SHA256 {
        return Err(format!("{SOURCE}.tar.gz: expected SHA-256 {SOURCE_SHA256}, found {hash}").into());
    }

    let out = PathBuf::from(env::var("OUT_DIR")?);
    tar::Archive::new(flate2::read::GzDecoder::new(&archive[..])).unpack(&out)?;
    let metadata = serde_json::from_str(&fs::read_to_string(METADATA)?)?;
    DictionaryBuilder::new(metadata).build_dictionary(&out.join(SOURCE), &out.join("ipadic"))?;
    fs::remove_dir_all(out.join(SOURCE))?;

    // `lindera_dictionary::embedded_dictionary!` looks here for the compiled files.
    println!("cargo::rustc-env=LINDERA_WORKDIR={}", out.display());
    Ok(())
}

/// Where Cargo keeps the archive: beside the manifest of the locked source crate.
fn source_archive() -> Result<PathBuf, Box<dyn Error>> {
    let metadata = Command::new(env::var("CARGO")?).args(["metadata", "--format-version=1", "--locked"]).output()?;
    if !metadata.status.success() {
        return Err(String::from_utf8_lossy(&metadata.stderr).into());
    }
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout)?;
    let (name, version) = SOURCE_CRATE;
    let manifest = metadata["packages"]
        .as_array()
        .and_then(|packages| packages.iter().find(|p| p["name"] == name && p["version"] == version))
        .and_then(|package| package["manifest_path"].as_str())
        .ok_or_else(|| format!("{name} {version} is not in Cargo.lock"))?;
    Ok(Path::new(manifest).with_file_name("resources").join(format!("{SOURCE}.tar.gz")))
}
