//! The `mimamori` program. Everything is in the library.

fn main() -> std::process::ExitCode {
    mimamori::cli::main()
}
