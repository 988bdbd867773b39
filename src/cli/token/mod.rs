//! `token create|list|revoke`: the file of access tokens. A server that is running sees a change
//! within a second.

mod create;
mod list;

use super::Global;
use super::access;
use super::exit::Exit;
use super::exit::Failure;
use super::output;
use super::output::Format;
use super::settings::Settings;
use crate::config::Config;
use crate::config::layers::Values;
use crate::server::access::Token;
use crate::server::access::read_tokens;
use crate::server::access::write_tokens;
use clap::Subcommand;
use std::fs;
use std::fs::File;
use std::path::Path;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    place: Place,
}

/// Where the tokens are: as the server's settings say, of which these can be given here.
#[derive(clap::Args)]
struct Place {
    /// The server's file of settings, for its data folder and its labels
    #[arg(long, global = true, value_name = "FILE", env = "TALLYRING_CONFIG")]
    config: Option<PathBuf>,
    /// The server's data folder
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The file of tokens, where it is not `tokens.toml` in the data folder
    #[arg(long, global = true, value_name = "FILE")]
    tokens_file: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Make a token and print it: it is told this once. The first one ends access without
    Create(create::Args),
    /// List the tokens; their secrets are kept nowhere
    List {
        #[command(flatten)]
        format: Format,
    },
    /// Take a token back: it is refused from then on
    Revoke {
        /// Its id, or its name where only one has it
        #[arg(value_name = "ID|NAME")]
        which: String,
    },
}

pub(super) fn run(args: Args, global: &Global) -> Result<Exit, Failure> {
    let config = args.place.settings()?;
    let file = access::tokens_file(&config);
    match args.command {
        Command::Create(args) => create::run(&args, &config, &file),
        Command::List { format } => list::run(&existing(&file)?, format, global),
        Command::Revoke { which } => revoke(&file, &which),
    }
}

impl Place {
    fn settings(self) -> Result<Config, Failure> {
        let given = [("data_dir", self.data_dir), ("tokens_file", self.tokens_file)];
        let given = given.into_iter().filter_map(|(key, path)| Some((key, path?.display().to_string())));
        Ok(Settings::of(self.config, given.collect::<Values>()).load_valid()?.config)
    }
}

/// The tokens of a file that must be there.
fn existing(file: &Path) -> Result<Vec<Token>, Failure> {
    let missing = || {
        let name = file.display();
        Failure::usage(format!("{name}: there are no access tokens; `tallyring token create` makes the first"))
    };
    read_tokens(file)?.ok_or_else(missing)
}

/// Changes the file while nobody else does.
fn change<T>(
    file: &Path,
    change: impl FnOnce(Option<Vec<Token>>) -> Result<(Vec<Token>, T), Failure>,
) -> Result<T, Failure> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let fault = |fault| Failure::file(folder.display(), &fault);
    fs::create_dir_all(folder).map_err(fault)?;
    // Where folders can't be opened, two changes at once are one too many.
    let _held = if cfg!(unix) { Some(held(folder).map_err(fault)?) } else { None };
    let (tokens, told) = change(read_tokens(file)?)?;
    write_tokens(file, &tokens)?;
    Ok(told)
}

fn held(folder: &Path) -> std::io::Result<File> {
    let folder = File::open(folder)?;
    folder.lock()?;
    Ok(folder)
}

fn revoke(file: &Path, which: &str) -> Result<Exit, Failure> {
    existing(file)?;
    let gone = change(file, |tokens| {
        let mut tokens = tokens.unwrap_or_default();
        let place = find(&tokens, which)?;
        let gone = tokens.remove(place);
        Ok((tokens, gone))
    })?;
    output::message(&format!("{} ({}) is refused from now on", gone.id, gone.name));
    Ok(Exit::Ok)
}

fn find(tokens: &[Token], which: &str) -> Result<usize, Failure> {
    if let Some(place) = tokens.iter().position(|token| &*token.id == which) {
        return Ok(place);
    }
    let named: Vec<usize> = (0..tokens.len()).filter(|place| &*tokens[*place].name == which).collect();
    match named.as_slice() {
        [] => Err(Failure::usage(format!("there is no token {which}; `tallyring token list` tells which there are"))),
        [only] => Ok(*only),
        several => {
            let ids: Vec<&str> = several.iter().map(|place| &*tokens[*place].id).collect();
            Err(Failure::usage(format!("{which} is the name of several tokens; which one: {}?", ids.join(", "))))
        }
    }
}
