//! `ready`: whether a server answers questions, for health checks that have no shell and no curl.

use super::Global;
use super::client::Client;
use super::client::Server;
use super::exit::Exit;
use super::exit::Failure;
use super::output;
use std::thread;
use std::time::Duration;
use std::time::Instant;

/// How long between two looks.
const PAUSE: Duration = Duration::from_millis(200);

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    server: Server,
    /// How long to wait until it is ready, such as 30s
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, default_value = "0s")]
    wait: Duration,
}

/// Exits with 0 if it is ready, and with 1 if it is not or does not answer; then stderr says why.
pub(super) fn run(args: &Args, global: &Global) -> Result<Exit, Failure> {
    let (client, since) = (Client::new(&args.server)?, Instant::now());
    loop {
        match client.get("/readyz", &[], "*/*") {
            Ok(_) => {
                if !global.quiet {
                    output::message("ready");
                }
                return Ok(Exit::Ok);
            }
            Err(failure) if failure.exit != Exit::Unreachable => return Err(failure),
            Err(failure) if since.elapsed() >= args.wait => return Err(failure.with(Exit::Negative)),
            Err(_) => thread::sleep(PAUSE),
        }
    }
}
