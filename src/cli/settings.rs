//! Every setting as a flag, and the configuration merged from all its layers.

use super::exit::Failure;
use super::output;
use crate::config::layers::Layers;
use crate::config::layers::Loaded;
use crate::config::layers::Values;
use crate::config::table::SETTINGS;
use crate::config::table::Setting;
use crate::config::table::find;
use clap::Arg;
use clap::ArgMatches;
use clap::Command;
use std::fs;
use std::path::PathBuf;

/// `--config`, and one flag for each setting.
#[derive(clap::Args)]
pub(super) struct Settings {
    /// TOML file of settings; `tallyring config init` writes one. Without it no file is read
    #[arg(long, value_name = "FILE", env = "TALLYRING_CONFIG")]
    config: Option<PathBuf>,
    #[command(flatten)]
    flags: Flags,
}

impl Settings {
    /// Merges flags, environment, file and defaults; the result is not yet validated.
    pub(super) fn load(self) -> Result<Loaded, Failure> {
        let file = match &self.config {
            Some(path) => {
                let name = path.display().to_string();
                let text = fs::read_to_string(path).map_err(|fault| Failure::file(&name, &fault))?;
                Some((name, text))
            }
            None => None,
        };
        let env = |name: &str| std::env::var(name).ok();
        unknown_env().iter().for_each(|name| output::message(&format!("warning: {name} is no setting; ignored")));
        Ok(Layers { flags: self.flags.0, env: &env, file }.load()?)
    }

    /// For a command that has few of the flags.
    pub(super) fn of(config: Option<PathBuf>, flags: Values) -> Self {
        Self { config, flags: Flags(flags) }
    }

    /// With a file named in another way.
    pub(super) fn or_file(self, file: Option<PathBuf>) -> Self {
        Self { config: file.or(self.config), ..self }
    }

    /// The same, validated.
    pub(super) fn load_valid(self) -> Result<Loaded, Failure> {
        let loaded = self.load()?;
        loaded.config.validate()?;
        Ok(loaded)
    }
}

/// Variables that look like settings but are none: a misspelt limit is no limit. They are no error,
/// since an environment is shared with other programs and other releases.
fn unknown_env() -> Vec<String> {
    // The last one is for tests, which need the first line to be the address.
    let others = ["CONFIG", "URL", "TOKEN_FILE", "CA_FILE", "COLOR", "FAILPOINT"];
    let known = |name: &str| others.contains(&name) || find(&name.to_ascii_lowercase()).is_some();
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names.filter(|name| name.strip_prefix("TALLYRING_").is_some_and(|name| !known(name))).collect()
}

/// The flags that were given. They come from the table of settings and not from a derive, so that
/// no setting can lack its flag.
struct Flags(Values);

impl clap::Args for Flags {
    fn augment_args(command: Command) -> Command {
        SETTINGS.iter().fold(command, |command, setting| command.arg(arg(setting)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = |setting: &'static Setting| Some((setting.key, matches.get_one::<String>(setting.key)?.clone()));
        Ok(Self(SETTINGS.iter().filter_map(given).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn arg(setting: &'static Setting) -> Arg {
    let doc = setting.doc.trim_end_matches('.');
    let arg = Arg::new(setting.key).long(setting.flag()).help(doc).help_heading("Settings");
    if setting.value.is_empty() {
        return arg.num_args(0..=1).require_equals(true).default_missing_value("true").value_name("BOOL");
    }
    arg.value_name(setting.value)
}
