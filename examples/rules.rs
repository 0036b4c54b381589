//! Rule authors' tool until the command line has it: `cargo run --release --example rules -- check|test|coverage|explain TEXT`.

use std::io::{Write, stdout};
use std::process::ExitCode;

use mimamori::contract::Role;
use mimamori::rules::command::{
    ExplainOptions, Options, TestOptions, check, coverage, explain, single_message, test,
};

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut out = stdout().lock();
    let options = Options::default();
    let exit = match arguments.first().map(String::as_str) {
        Some("check") => check(&options, &mut out)?,
        Some("test") => test(&TestOptions { options, filter: arguments.get(1).cloned() }, &mut out)?,
        Some("coverage") => coverage(&options, &mut out)?,
        Some("explain") => {
            let text = arguments.get(1).ok_or("explain needs a TEXT")?;
            let messages = vec![single_message(text, Role::Buyer)?];
            explain(&ExplainOptions { options, messages, rule: arguments.get(2).cloned() }, &mut out)?
        }
        _ => return Err("usage: check | test [FILTER] | coverage | explain TEXT [RULE]".into()),
    };
    out.flush()?;
    Ok(ExitCode::from(exit as u8))
}
