//! Flags over environment over file over defaults.

use super::Config;
use super::ConfigError;
use super::table::SETTINGS;
use super::table::Setting;
use super::table::find;
use std::collections::BTreeMap;
use std::fmt;

/// Where the value of a setting came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The file of this name.
    File(String),
    /// The environment variable of this name.
    Env(String),
    /// The flag of this name, without hyphens.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(name) => write!(f, "file {name}"),
            Self::Env(name) => write!(f, "env {name}"),
            Self::Flag(name) => write!(f, "flag --{name}"),
        }
    }
}

/// Values by key, as text.
pub type Values = BTreeMap<&'static str, String>;

/// A configuration, and where each of its values came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings; not yet [validated](Config::validate).
    pub config: Config,
    /// The origin of each, in the order of [`SETTINGS`].
    pub origins: Vec<Origin>,
}

impl Loaded {
    /// Where the value of a setting came from.
    #[must_use]
    pub fn origin(&self, key: &str) -> Option<&Origin> {
        let place = SETTINGS.iter().position(|setting| setting.key == key)?;
        self.origins.get(place)
    }
}

/// What settings are read from.
pub struct Layers<'a> {
    /// From the command line.
    pub flags: Values,
    /// Looks an environment variable up.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// The name and the text of the file.
    pub file: Option<(String, String)>,
}

impl Layers<'_> {
    /// Merges them.
    ///
    /// # Errors
    /// [`ConfigError`] names the first key at fault and where its value came from.
    pub fn load(self) -> Result<Loaded, ConfigError> {
        let (file, values) = match self.file {
            Some((name, text)) => (name.clone(), read_file(&name, &text)?),
            None => (String::new(), Values::new()),
        };
        let mut config = Config::default();
        let mut origins = Vec::with_capacity(SETTINGS.len());
        for setting in SETTINGS {
            let flag = self.flags.get(setting.key).map(|value| (Origin::Flag(setting.flag()), value.clone()));
            let env = || (self.env)(&setting.env()).map(|value| (Origin::Env(setting.env()), value));
            let kept = || values.get(setting.key).map(|value| (Origin::File(file.clone()), value.clone()));
            origins.push(match flag.or_else(env).or_else(kept) {
                Some((origin, value)) => apply(setting, &mut config, origin, value)?,
                None => Origin::Default,
            });
        }
        Ok(Loaded { config, origins })
    }
}

fn apply(setting: &Setting, config: &mut Config, origin: Origin, value: String) -> Result<Origin, ConfigError> {
    match (setting.set)(config, &value) {
        Ok(()) => Ok(origin),
        Err(detail) => Err(ConfigError::Value { key: setting.key, origin, value, detail }),
    }
}

/// Every key of a file must be a setting: a misspelt limit that is silently ignored is no limit.
fn read_file(file: &str, text: &str) -> Result<Values, ConfigError> {
    let table: toml::Table = text
        .parse()
        .map_err(|fault: toml::de::Error| ConfigError::Toml { file: file.to_owned(), detail: fault.to_string() })?;
    let mut values = Values::new();
    for (key, value) in &table {
        let Some(setting) = find(key) else {
            return Err(ConfigError::Unknown { file: file.to_owned(), key: key.clone(), guess: guess(key) });
        };
        let Some(text) = text_of(value) else {
            return Err(ConfigError::Value {
                key: setting.key,
                origin: Origin::File(file.to_owned()),
                value: value.to_string(),
                detail: "expected a string, a whole number, true or false, or a list of strings".to_owned(),
            });
        };
        values.insert(setting.key, text);
    }
    Ok(values)
}

/// A TOML value as a flag would write it.
pub(super) fn text_of(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        toml::Value::Array(items) => {
            let items: Option<Vec<&str>> = items.iter().map(toml::Value::as_str).collect();
            items.map(|items| items.join(","))
        }
        toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}

/// The key spelled most alike, if it is alike at all.
fn guess(key: &str) -> Option<&'static str> {
    let near = SETTINGS.iter().map(|setting| (distance(key, setting.key), setting.key)).min()?;
    (near.0 <= 3 && near.0 < key.len()).then_some(near.1)
}

/// How many letters must be put in, taken out or changed to make one of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let changed = diagonal + usize::from(left != *right);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(flag: Option<&str>, env: Option<&str>, file: Option<&str>) -> Result<Loaded, ConfigError> {
        let flags = flag.map(|value| ("max_series", value.to_owned())).into_iter().collect();
        let env = |name: &str| env.filter(|_| name == "TALLYRING_MAX_SERIES").map(str::to_owned);
        Layers { flags, env: &env, file: file.map(|text| ("t.toml".to_owned(), text.to_owned())) }.load()
    }

    #[test]
    fn the_nearest_layer_wins() {
        let file = Some("max_series = 300");
        let cases = [
            (Some("100"), Some("200"), file, 100, "flag --max-series"),
            (None, Some("200"), file, 200, "env TALLYRING_MAX_SERIES"),
            (None, None, file, 300, "file t.toml"),
            (None, None, None, 1_000_000, "default"),
        ];
        for (flag, env, file, series, origin) in cases {
            let loaded = load(flag, env, file).unwrap();
            let place = SETTINGS.iter().position(|setting| setting.key == "max_series").unwrap();
            assert_eq!(loaded.config.store.engine.max_series, series);
            assert_eq!(loaded.origins[place].to_string(), origin);
        }
    }

    #[test]
    fn the_key_at_fault_is_named() {
        let text = |file: &str| load(None, None, Some(file)).unwrap_err().to_string();
        assert_eq!(text("max_serie = 5"), "t.toml: unknown setting `max_serie`; did you mean `max_series`?");
        assert_eq!(text("quux = 5"), "t.toml: unknown setting `quux`");
        assert_eq!(
            text("max_series = 'many'"),
            "file t.toml: `max_series` can't be \"many\": expected a whole number, 0 or more"
        );
        assert!(text("max_series = 1.5").contains("expected a string"));
        assert!(text("max_series = ").starts_with("t.toml: not valid TOML"));
        assert!(text("tiers = ['1s x 1h', '1m']").contains("`tiers`"));
    }

    #[test]
    fn labels_can_be_rolled_up() {
        let loaded = load(None, None, Some("labels = ['team']\nrollups = ['model', 'team']")).unwrap();
        assert_eq!(loaded.config.store.engine.rollups.len(), 2);
    }
}
