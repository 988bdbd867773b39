//! The command line: one file per subcommand.
//!
//! stdout is data, stderr is messages. Client commands speak the public HTTP API.

mod access;
mod answer;
#[doc(hidden)]
pub mod bench;
mod client;
mod completions;
mod config;
mod demo;
mod exit;
mod fsck;
mod import;
mod logging;
mod man;
mod opening;
mod output;
mod query;
mod ready;
mod replay;
mod report;
mod secret;
mod serve;
mod settings;
mod snapshot;
mod stream;
mod table;
mod tail;
mod token;
mod top;
mod verify;

use clap::CommandFactory;
use clap::FromArgMatches;
use clap::Parser;
use clap::Subcommand;
use exit::Exit;
use exit::Failure;
use output::Color;
use std::process::ExitCode;

/// Live, exact usage accounting for API and LLM calls.
#[derive(Parser)]
#[command(name = "tallyring", version, max_term_width = 100, after_help = EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 ok, 1 negative answer, 2 usage, 3 unreachable or a data folder that can't be \
                          opened, 4 partly rejected, 74 the disk failed.";

/// Options of every command.
#[derive(clap::Args)]
#[command(next_help_heading = "Global options")]
struct Global {
    /// Colours in output: auto (on a terminal, unless `NO_COLOR` is set), always or never
    #[arg(long, global = true, value_name = "WHEN", env = "TALLYRING_COLOR")]
    #[arg(default_value = "auto", hide_possible_values = true)]
    color: Color,
    /// Only errors on stderr
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// More messages on stderr; twice for even more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server
    Serve(serve::Args),
    /// Run a server that feeds itself realistic traffic
    Demo(demo::Args),
    /// Ask for usage: any window, groups and filters
    Query(query::Args),
    /// Ask for a named report
    Report(report::Args),
    /// Watch usage live, as a table
    Top(top::Args),
    /// Print calls as they come
    Tail(tail::Args),
    /// Send calls from a file
    Import(import::Args),
    /// Take, list, check or compare snapshots
    Snapshot(snapshot::Args),
    /// Make, list and take back access tokens
    Token(token::Args),
    /// Prove that a data folder is whole and unchanged
    Verify(verify::Args),
    /// Count the journal of a data folder anew: totals then, a snapshot checked, other prices
    Replay(replay::Args),
    /// See what a start would do with a data folder; save what is whole of a damaged one
    Fsck(fsck::Args),
    /// Write, check or show the configuration
    Config(config::Args),
    /// Measure this build on this machine
    Bench(bench::Args),
    /// See whether a server answers questions: exits with 0 if it does, else with 1
    Ready(ready::Args),
    /// Print a completion script for a shell
    Completions(completions::Args),
    /// Print the manual page, or write one for each command
    Man(man::Args),
}

/// Parses the command line, runs the command, tells a failure on stderr.
#[must_use]
pub fn main() -> ExitCode {
    let cli = parse();
    let color = cli.global.color;
    match run(cli) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output::message_error(color, &failure.to_string());
            failure.exit.into()
        }
    }
}

fn parse() -> Cli {
    let matches = Cli::command().get_matches();
    Cli::from_arg_matches(&matches).unwrap_or_else(|fault| fault.exit())
}

fn run(cli: Cli) -> Result<Exit, Failure> {
    let global = &cli.global;
    match cli.command {
        Command::Serve(args) => serve::run(args, global),
        Command::Demo(args) => demo::run(args, global),
        Command::Query(args) => query::run(&args, global),
        Command::Report(args) => report::run(args, global),
        Command::Top(args) => top::run(&args, global),
        Command::Tail(args) => tail::run(&args, global),
        Command::Import(args) => import::run(&args, global),
        Command::Snapshot(args) => snapshot::run(&args, global),
        Command::Token(args) => token::run(args, global),
        Command::Verify(args) => verify::run(&args, global),
        Command::Replay(args) => replay::run(&args, global),
        Command::Fsck(args) => fsck::run(&args, global),
        Command::Config(args) => config::run(args),
        Command::Bench(args) => bench::run(&args, global),
        Command::Ready(args) => ready::run(&args, global),
        Command::Completions(args) => completions::run(&args, Cli::command()),
        Command::Man(args) => man::run(&args, Cli::command()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
