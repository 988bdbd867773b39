//! `completions SHELL`: a script that completes commands and flags.

use super::exit::Exit;
use super::exit::Failure;
use super::output;
use clap_complete::Shell;

#[derive(clap::Args)]
pub(super) struct Args {
    /// Which shell; e.g. `tallyring completions bash > /etc/bash_completion.d/tallyring`
    shell: Shell,
}

pub(super) fn run(args: &Args, mut command: clap::Command) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "tallyring", &mut script);
    output::print_bytes(&script)
}
