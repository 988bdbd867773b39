//! Every setting of the program and its default, and where its value came from.
//!
//! A setting has one name in four places: `max_connections` in the TOML file, the environment
//! variable `TALLYRING_MAX_CONNECTIONS`, the flag `--max-connections`, and the row of
//! [`table::SETTINGS`] that documents it. Flags win over the environment, the environment over the
//! file, the file over the default. This module reads neither the environment nor files: they come
//! in as parameters.

pub mod layers;
pub mod table;
mod text;

use crate::server::Settings as ServerSettings;
use crate::store::Settings as StoreSettings;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The port listened on by default, and asked by the client commands.
pub const DEFAULT_PORT: u16 = 8723;

/// The most events that one request may ever be allowed: its entry of the journal is made in memory.
const MAX_EVENTS: usize = 1_000_000;
/// What an event takes in an entry of the journal besides what its text has, at most.
const EVENT_BYTES: usize = 40;
/// The longest entry of the journal.
const MAX_ENTRY_BYTES: usize = 64 << 20;
/// The least a segment of the journal may have; a smaller one would hardly hold one request.
const MIN_SEGMENT_BYTES: u64 = 1 << 20;
/// The least that may wait to be written.
const MIN_QUEUE_BYTES: usize = 1 << 20;

/// How API keys are shown and stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keys {
    /// As a keyed fingerprint with a masked label; the raw key is never stored.
    #[default]
    Fingerprint,
    /// As they come.
    Plain,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Plain,
    /// One JSON object a line.
    Json,
}

/// The settings of `tallyring serve`, with their defaults.
#[derive(Clone, Debug)]
pub struct Config {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// Whether an address that others can reach may be listened on.
    pub allow_public: bool,
    /// Further names that the server answers to.
    pub hosts: Vec<String>,
    /// Certificates in PEM; with them the server speaks HTTPS.
    pub tls_cert: Option<PathBuf>,
    /// Their private key.
    pub tls_key: Option<PathBuf>,
    /// The file of access tokens; `None` is the one in the data folder.
    pub tokens_file: Option<PathBuf>,
    /// The folder of everything that survives a restart: the journal, the snapshots, and the secret
    /// that key fingerprints are made with.
    pub data_dir: PathBuf,
    /// How API keys are shown and stored.
    pub keys: Keys,
    /// Which messages are logged: a level, or directives of `tracing`.
    pub log: String,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Limits of the HTTP server.
    pub server: ServerSettings,
    /// Limits of the engine, of the journal and of what is kept on the disk.
    pub store: StoreSettings,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT)),
            allow_public: false,
            hosts: Vec::new(),
            tls_cert: None,
            tls_key: None,
            tokens_file: None,
            data_dir: PathBuf::from("tallyring-data"),
            keys: Keys::default(),
            log: "info".to_owned(),
            log_format: LogFormat::default(),
            server: ServerSettings::default(),
            store: StoreSettings::default(),
        }
    }
}

/// A setting that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file is not TOML.
    #[error("{file}: not valid TOML: {detail}")]
    Toml {
        /// Which file.
        file: String,
        /// What the parser says, with the line.
        detail: String,
    },
    /// The file has a key that is no setting.
    #[error("{file}: unknown setting `{key}`{}", guess.map(|g| format!("; did you mean `{g}`?")).unwrap_or_default())]
    Unknown {
        /// Which file.
        file: String,
        /// The key.
        key: String,
        /// The setting that is spelled most alike.
        guess: Option<&'static str>,
    },
    /// A value that the setting does not take.
    #[error("{origin}: `{key}` can't be {value:?}: {detail}")]
    Value {
        /// The key at fault.
        key: &'static str,
        /// Where the value came from.
        origin: layers::Origin,
        /// The value.
        value: String,
        /// What is wrong with it, and what is allowed.
        detail: String,
    },
    /// Values that do not go together.
    #[error("`{key}`: {detail}")]
    Conflict {
        /// The key at fault.
        key: &'static str,
        /// Why.
        detail: String,
    },
}

impl Config {
    /// Whether a server can run with these settings.
    ///
    /// # Errors
    /// [`ConfigError::Conflict`] names the first key at fault.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.validate_tls()?;
        self.validate_sizes()?;
        self.validate_store()?;
        self.store.engine.validate().map_err(|fault| {
            use crate::engine::config::ConfigError as Fault;
            let key = match &fault {
                Fault::Tiers(_) => "tiers",
                Fault::Label(_) => "labels",
                Fault::TooSmall(name, _) => table::find(name).map_or("engine", |setting| setting.key),
            };
            ConfigError::Conflict { key, detail: fault.to_string() }
        })
    }

    fn validate_tls(&self) -> Result<(), ConfigError> {
        let key = match (&self.tls_cert, &self.tls_key) {
            (Some(_), None) => "tls_key",
            (None, Some(_)) => "tls_cert",
            _ => return Ok(()),
        };
        Err(ConfigError::Conflict { key, detail: "a certificate and its key go together: name both files".to_owned() })
    }

    /// Whether a server may listen where it is told to, once it is known whether it asks for access
    /// tokens.
    ///
    /// # Errors
    /// [`ConfigError::Conflict`] where other machines could read and write without one.
    pub fn validate_listen(&self, asks_for_tokens: bool) -> Result<(), ConfigError> {
        if self.listen.ip().to_canonical().is_loopback() || asks_for_tokens || self.allow_public {
            return Ok(());
        }
        let detail = format!(
            "{} can be reached from other machines, and there are no access tokens: anyone who reaches it could read \
             and write usage. Make a token with `tallyring token create`, or listen on a loopback address such as \
             127.0.0.1:{DEFAULT_PORT}, or say --allow-public where a proxy in front checks who asks",
            self.listen
        );
        Err(ConfigError::Conflict { key: "listen", detail })
    }

    fn validate_sizes(&self) -> Result<(), ConfigError> {
        let server = &self.server;
        let detail = if server.max_connections == 0 {
            ("max_connections", "must be at least 1")
        } else if server.max_event_bytes < 256 {
            ("max_event_bytes", "must be at least 256 bytes")
        } else if server.max_body_bytes < server.max_event_bytes {
            ("max_body_bytes", "must hold at least one event of max_event_bytes")
        } else if server.max_decompressed_bytes < server.max_body_bytes {
            ("max_decompressed_bytes", "must be at least max_body_bytes")
        } else if !(1..=MAX_EVENTS).contains(&server.max_events) {
            ("max_events", "must be 1 to 1000000")
        } else if server.max_decompressed_bytes + server.max_events * EVENT_BYTES > MAX_ENTRY_BYTES {
            (
                "max_decompressed_bytes",
                "with 40 bytes more for each of max_events, it must fit into an entry of the journal: 64MiB",
            )
        } else if server.header_timeout.is_zero() {
            ("header_timeout", "must be longer than 0")
        } else if server.body_idle_timeout.is_zero() {
            ("body_idle_timeout", "must be longer than 0")
        } else if server.write_timeout.is_zero() {
            ("write_timeout", "must be longer than 0")
        } else if server.max_questions == 0 {
            ("max_questions", "must be at least 1")
        } else {
            return Ok(());
        };
        Err(ConfigError::Conflict { key: detail.0, detail: detail.1.to_owned() })
    }

    fn validate_store(&self) -> Result<(), ConfigError> {
        let (store, journal) = (&self.store, &self.store.journal);
        let detail = if journal.segment_bytes < MIN_SEGMENT_BYTES {
            ("journal_segment_bytes", "must be at least 1MiB")
        } else if store.journal_max_bytes < 2 * journal.segment_bytes {
            ("journal_max_bytes", "must hold at least two segments of journal_segment_bytes")
        } else if journal.queue_bytes < MIN_QUEUE_BYTES {
            ("queue_bytes", "must be at least 1MiB")
        } else if journal.flush_ms == 0 {
            ("flush_interval", "must be longer than 0")
        } else if store.id_horizon == 0 {
            ("id_horizon", "must be at least 1")
        } else {
            return Ok(());
        };
        Err(ConfigError::Conflict { key: detail.0, detail: detail.1.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        assert_eq!(Config::default().validate(), Ok(()));
    }

    #[test]
    fn a_public_address_needs_tokens_or_a_word() {
        let listen = "0.0.0.0:80".parse().unwrap();
        let config = Config { listen, ..Config::default() };
        let error = config.validate_listen(false).unwrap_err().to_string();
        assert!(error.contains("--allow-public") && error.contains("token create"), "{error}");
        assert_eq!(config.validate_listen(true), Ok(()));
        assert_eq!(Config { allow_public: true, ..config }.validate_listen(false), Ok(()));
        for local in ["127.0.0.9:80", "[::1]:80", "[::ffff:127.0.0.1]:80"] {
            assert_eq!(Config { listen: local.parse().unwrap(), ..Config::default() }.validate_listen(false), Ok(()));
        }
    }

    #[test]
    fn a_certificate_needs_its_key() {
        let config = Config { tls_cert: Some("a.pem".into()), ..Config::default() };
        assert!(matches!(config.validate(), Err(ConfigError::Conflict { key: "tls_key", .. })));
        let config = Config { tls_key: Some("a.pem".into()), ..Config::default() };
        assert!(matches!(config.validate(), Err(ConfigError::Conflict { key: "tls_cert", .. })));
    }

    #[test]
    fn the_engine_s_limits_are_named_by_their_setting() {
        let mut config = Config::default();
        config.store.engine.max_series = 0;
        assert!(matches!(config.validate(), Err(ConfigError::Conflict { key: "max_series", .. })));
        config = Config::default();
        config.store.engine.tiers.clear();
        assert!(matches!(config.validate(), Err(ConfigError::Conflict { key: "tiers", .. })));
    }
}
