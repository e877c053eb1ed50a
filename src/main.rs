//! The program `sealcheck`; see the library for what it does.

fn main() -> std::process::ExitCode {
    sealcheck::cli::run()
}
