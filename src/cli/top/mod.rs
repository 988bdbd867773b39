//! `top`: what happens now, as a table that is asked for again each second.
//!
//! ```text
//! keys ────────────▶ state ─▶ view ─▶ terminal
//! /v1/stream ─▶ news ─┘  │ question
//! /v1/usage  ◀───────────┘
//! ```
//!
//! The state knows neither terminal nor server: what is shown is a function of it.

mod feed;
mod figures;
mod keys;
mod news;
mod screen;
mod state;
mod table;
mod view;

use super::Global;
use super::client::Client;
use super::client::Server;
use super::exit::Exit;
use super::exit::Failure;
use super::output;
use super::query::filter;
use feed::Feed;
use state::State;
use std::io;
use std::io::IsTerminal;

const EXAMPLES: &str = "Keys, once it runs: ? tells all of them.
Examples:
  tallyring top
  tallyring top --by user --window 1h --filter model=gpt-4o
  tallyring top --once --by provider";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// What the rows are: model, user, key, provider, endpoint or status
    #[arg(long, value_name = "NAME", default_value = "model", value_parser = state::By::parse)]
    by: state::By,
    /// The last so much time: 1m, 5m, 15m, 1h, 8h, 24h or 30d
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = state::Window::parse)]
    window: state::Window,
    /// Only calls with this value; repeat a name for "or", other names for "and"
    #[arg(long, value_name = "NAME=VALUE", value_parser = filter)]
    filter: Vec<(String, String)>,
    /// Prints the table once, and ends
    #[arg(long, visible_alias = "plain")]
    once: bool,
    #[command(flatten)]
    server: Server,
}

pub(super) fn run(args: &Args, global: &Global) -> Result<Exit, Failure> {
    let client = Client::new(&args.server)?;
    let mut state = State::new(args.by, args.window, &args.filter);
    if args.once {
        state.answered(feed::ask(&client, &state.question())?);
        return output::print_bytes(table::plain(&state, global.color.stdout()).as_bytes());
    }
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return Err(Failure::usage("top needs a terminal; --once prints the table once"));
    }
    // Whoever mistypes an address is told on a terminal that is still as it was.
    state.answered(feed::ask(&client, &state.question())?);
    let feed = Feed::start(client);
    screen::run(&mut state, &feed, global.color.stdout())
}

#[cfg(test)]
mod tests;
