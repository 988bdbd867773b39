//! The `tallyring` binary; everything it does is in [`tallyring::cli`].

fn main() -> std::process::ExitCode {
    tallyring::cli::main()
}
