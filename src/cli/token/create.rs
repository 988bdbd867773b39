//! `token create`.

use super::super::exit::Exit;
use super::super::exit::Failure;
use super::super::output;
use super::super::secret;
use super::super::serve;
use super::change;
use crate::clock::Clock;
use crate::clock::System;
use crate::config::Config;
use crate::engine::event::Dimension;
use crate::engine::event::status;
use crate::engine::time::Timestamp;
use crate::server::access::Grant;
use crate::server::access::Only;
use crate::server::access::Token;
use crate::server::access::secret::Digest;
use crate::server::access::secret::Secret;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

const EXAMPLES: &str = "Examples:
  tallyring token create --name gateway --scope ingest > gateway.token
  tallyring token create --name dashboard --scope read
  tallyring token create --name ann --scope read --only user=ann --expires 90d";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Who will hold it. Event ids and idempotency keys are one name's own: a token that takes over
    /// from another should have its name
    #[arg(long)]
    name: String,
    /// What it is for: ingest (send calls), read (ask) or admin (everything); repeat it for more
    #[arg(long, value_name = "SCOPE", required = true, value_delimiter = ',', value_parser = grant)]
    scope: Vec<Grant>,
    /// Its holder sees calls with this value alone; repeat a name for "or", other names for "and"
    #[arg(long, value_name = "NAME=VALUE", value_parser = only)]
    only: Vec<(String, String)>,
    /// The same for the API key in the first line of a file (`-` is stdin)
    #[arg(long, value_name = "FILE")]
    only_key_file: Option<PathBuf>,
    /// How long it is good for: 12h, 90d; without it for ever
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    expires: Option<Duration>,
}

fn grant(word: &str) -> Result<Grant, String> {
    Grant::parse(word).ok_or_else(|| "expected ingest, read or admin".to_owned())
}

fn only(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE, such as user=ann")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

pub(super) fn run(args: &Args, config: &Config, file: &Path) -> Result<Exit, Failure> {
    let now = System.now();
    let fault = |fault| Failure::file("random source", &fault);
    let (id, secret) = (Secret::new_id().map_err(fault)?, Secret::random().map_err(fault)?);
    let only = args.only(config)?;
    let token = Token::new(&id, &args.name, Digest::of(&secret), now)
        .and_then(|token| token.meant_for(args.scope.clone(), only, args.end(now)))
        .map_err(Failure::usage)?;
    let told = change(file, |tokens| {
        let told = news(tokens.as_deref(), &token);
        Ok((tokens.unwrap_or_default().into_iter().chain([token]).collect(), told))
    })?;
    told.iter().for_each(|line| output::message(line));
    output::print_bytes(format!("{}\n", secret.reveal(&id)).as_bytes())
}

/// What a new token means for those that there are.
fn news(tokens: Option<&[Token]>, token: &Token) -> Vec<String> {
    let mut told = vec![format!("{} ({}) was made; it is shown this once", token.id, token.name)];
    let Some(tokens) = tokens else {
        told.push("it is the first: from now on every request to this server needs a token".to_owned());
        return told;
    };
    let same = tokens.iter().filter(|other| other.name == token.name);
    told.extend(
        same.map(|other| format!("{} has this name too: `token revoke {}` once it is not used", other.id, other.id)),
    );
    told
}

impl Args {
    fn end(&self, now: Timestamp) -> Option<Timestamp> {
        let micros = |time: Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        let end = self.expires.map(|time| now.micros().saturating_add(micros(time)));
        end.map(|micros| Timestamp::from_micros(micros).unwrap_or(Timestamp::MAX))
    }

    /// The forced filter, with values as the server knows them.
    fn only(&self, config: &Config) -> Result<Only, Failure> {
        let key = secret::read(self.only_key_file.as_deref())?.map(|key| ("key".to_owned(), key));
        let mut only = Only::new();
        for (name, value) in self.only.iter().cloned().chain(key) {
            let value = known(config, &name, value)?;
            only.entry(name).or_default().push(value);
        }
        Ok(only)
    }
}

fn known(config: &Config, name: &str, value: String) -> Result<String, Failure> {
    let engine = &config.store.engine;
    match engine.dimension(name) {
        Some(Dimension::Key) => Ok(serve::keyring(config)?.public_name(&value)),
        Some(Dimension::Status) => Ok(status::canonical(&value).to_owned()),
        Some(_) => Ok(value),
        None => {
            let known: Vec<&str> = engine.dimensions().map(|dimension| engine.name(dimension)).collect();
            let known = known.join(", ");
            Err(Failure::usage(format!(
                "--only {name}: there is no such dimension; known are {known} (labels are settings)"
            )))
        }
    }
}
