//! `config init|check|show`: the settings as a file, checked, and as they are in effect.

use super::access;
use super::exit::Exit;
use super::exit::Failure;
use super::output;
use super::settings::Settings;
use crate::config::Config;
use crate::config::layers::Loaded;
use crate::config::layers::Origin;
use crate::config::table::SETTINGS;
use clap::Subcommand;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write a file with every setting, its meaning and its default
    Init {
        /// Where to; `-` is stdout. An existing file is left alone
        #[arg(default_value = "tallyring.toml")]
        file: PathBuf,
    },
    /// Check the settings; names the key at fault and exits with 1 if there is one
    Check {
        /// The file to check, like --config
        file: Option<PathBuf>,
        #[command(flatten)]
        settings: Settings,
    },
    /// Show every setting in effect and where its value came from
    Show {
        /// As JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        settings: Settings,
    },
}

pub(super) fn run(args: Args) -> Result<Exit, Failure> {
    match args.command {
        Command::Init { file } => init(&file),
        Command::Check { file, settings } => check(file, settings),
        Command::Show { json, settings } => show(json, settings),
    }
}

fn init(file: &Path) -> Result<Exit, Failure> {
    let text = template();
    if file == Path::new("-") {
        return output::print_bytes(text.as_bytes());
    }
    let name = file.display();
    let made = OpenOptions::new().write(true).create_new(true).open(file);
    made.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|fault| Failure::file(&name, &fault))?;
    output::message(&format!("wrote {name}"));
    Ok(Exit::Ok)
}

/// What the file says before the first setting.
const HEAD: &str = "\
# Settings of tallyring. Every line shows its default; take the # away to change one.
# Flags win over TALLYRING_* variables, those over this file.
#
# Times are written with their unit: 500ms, 10s, 5m, 24h, 400d. So are sizes: 4MiB is 4194304 bytes,
# 4MB is 4000000, and a bare number is bytes. Lists are lists of texts.
";

/// Where a group of settings begins, and what it is about.
const GROUPS: [(&str, &str); 7] = [
    ("listen", "Who can reach it"),
    ("data_dir", "Where things are, and how keys are named"),
    ("log", "Logs"),
    ("max_connections", "Limits of connections and requests"),
    ("ack", "What is kept on the disk"),
    ("tiers", "What is counted, and how finely"),
    ("max_series", "Limits of memory"),
];

/// Every setting commented out, at its default: a file that changes nothing until it is edited,
/// and that takes up better defaults of later releases.
fn template() -> String {
    let defaults = Config::default();
    let mut text = String::from(HEAD);
    for setting in SETTINGS {
        if let Some((_, title)) = GROUPS.iter().find(|(first, _)| *first == setting.key) {
            text += &format!("\n\n# ---- {title} ----\n");
        }
        text += &format!("\n{}# {} = {}\n", comment(setting.doc), setting.key, setting.show(&defaults));
    }
    text
}

/// Breaks a text into comment lines of up to 98 letters.
fn comment(doc: &str) -> String {
    let mut lines = vec![String::from("#")];
    for word in doc.split_whitespace() {
        let fits = lines.last().is_some_and(|line| line.len() + word.len() < 98);
        if !fits {
            lines.push(String::from("#"));
        }
        if let Some(line) = lines.last_mut() {
            *line += " ";
            *line += word;
        }
    }
    lines.join("\n") + "\n"
}

fn check(file: Option<PathBuf>, settings: Settings) -> Result<Exit, Failure> {
    let settings = settings.or_file(file);
    let config = settings.load_valid().map_err(|failure| failure.with(Exit::Negative))?.config;
    let tokens = access::tokens_file(&config).exists();
    config.validate_listen(tokens).map_err(|fault| Failure::from(fault).with(Exit::Negative))?;
    output::message("the settings are valid");
    Ok(Exit::Ok)
}

fn show(json: bool, settings: Settings) -> Result<Exit, Failure> {
    let loaded = settings.load_valid()?;
    if json { output::print_json(&as_json(&loaded)) } else { output::print_bytes(as_toml(&loaded).as_bytes()) }
}

fn as_toml(loaded: &Loaded) -> String {
    let lines: Vec<(String, &Origin)> = SETTINGS
        .iter()
        .zip(&loaded.origins)
        .map(|(setting, origin)| (format!("{} = {}", setting.key, setting.show(&loaded.config)), origin))
        .collect();
    let width = lines.iter().map(|(line, _)| line.len()).max().unwrap_or(0);
    lines.iter().map(|(line, origin)| format!("{line:width$}  # {origin}\n")).collect()
}

fn as_json(loaded: &Loaded) -> Value {
    let entry = |(setting, origin): (&crate::config::table::Setting, &Origin)| {
        let shown = format!("v = {}", setting.show(&loaded.config));
        let value: toml::Table = shown.parse().expect("a setting is shown as TOML");
        (setting.key.to_owned(), json!({ "value": value["v"], "origin": origin.to_string() }))
    };
    Value::Object(SETTINGS.iter().zip(&loaded.origins).map(entry).collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_written_is_valid_with_and_without_its_comments() {
        let text = template();
        assert_eq!(text.parse::<toml::Table>().unwrap().len(), 0);
        let settings = text.lines().filter_map(|line| line.strip_prefix("# ")).filter(|line| line.contains(" = "));
        let table: toml::Table = settings.collect::<Vec<_>>().join("\n").parse().unwrap();
        assert_eq!(table.len(), SETTINGS.len());
        assert!(text.lines().all(|line| line.len() <= 100), "{text}");
    }

    #[test]
    fn every_group_has_its_title_and_the_first_setting_is_in_one() {
        let text = template();
        let titles: Vec<&str> = text.lines().filter(|line| line.starts_with("# ---- ")).collect();
        assert_eq!(titles.len(), GROUPS.len(), "{titles:?}");
        assert_eq!(GROUPS[0].0, SETTINGS[0].key);
    }
}
