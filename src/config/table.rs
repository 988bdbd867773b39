//! The settings, one row each: the name, what it means, how it is read and how it is shown.
//!
//! Flags, environment variables, the file that `config init` writes and the checks of the file all
//! come from these rows, so a setting can't be missing in one of them.

use super::Config;
use super::Keys;
use super::LogFormat;
use super::text;

/// One setting.
pub struct Setting {
    /// Its name in the file. The flag has hyphens, the environment variable is in capitals.
    pub key: &'static str,
    /// What stands for its value in the help; empty for a switch.
    pub value: &'static str,
    /// What it means, with its unit and what is allowed.
    pub doc: &'static str,
    pub(super) set: fn(&mut Config, &str) -> Result<(), String>,
    pub(super) show: fn(&Config) -> String,
}

impl Setting {
    /// The environment variable.
    #[must_use]
    pub fn env(&self) -> String {
        format!("TALLYRING_{}", self.key.to_ascii_uppercase())
    }

    /// The flag, without the leading hyphens.
    #[must_use]
    pub fn flag(&self) -> String {
        self.key.replace('_', "-")
    }

    /// The value in a configuration, as TOML.
    #[must_use]
    pub fn show(&self, config: &Config) -> String {
        (self.show)(config)
    }
}

/// The row of a key.
#[must_use]
pub fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

const NUMBER: &str = "expected a whole number, 0 or more";

/// Every setting, in the order in which they are applied and shown.
pub static SETTINGS: &[Setting] = &[
    Setting {
        key: "listen",
        value: "ADDR",
        doc: "Address and port to listen on. Port 0 takes any free one.",
        set: |c, v| text::read(&mut c.listen, v, "expected an address and a port such as 127.0.0.1:8723 or [::1]:8723"),
        show: |c| text::quoted(c.listen),
    },
    Setting {
        key: "allow_public",
        value: "",
        doc: "Allow an address that other machines can reach although there are no access tokens: for a server behind \
              a proxy that checks who asks.",
        set: |c, v| text::read(&mut c.allow_public, v, "expected true or false"),
        show: |c| c.allow_public.to_string(),
    },
    Setting {
        key: "hosts",
        value: "LIST",
        doc: "Further names that the server answers to, with a port or without, besides localhost and the address it \
              listens on: a browser tells which name it asks. Without a list any name will do where access tokens \
              are asked for, and none where they are not.",
        set: |c, v| {
            c.hosts = text::read_hosts(v)?;
            Ok(())
        },
        show: |c| text::quoted_list(&c.hosts),
    },
    Setting {
        key: "tls_cert",
        value: "FILE",
        doc: "Certificates in PEM, the server's own first: with them it speaks HTTPS only. SIGHUP reads them and \
              their key again.",
        set: |c, v| text::read_file(&mut c.tls_cert, v),
        show: |c| text::file(c.tls_cert.as_deref()),
    },
    Setting {
        key: "tls_key",
        value: "FILE",
        doc: "The private key of `tls_cert` in PEM.",
        set: |c, v| text::read_file(&mut c.tls_key, v),
        show: |c| text::file(c.tls_key.as_deref()),
    },
    Setting {
        key: "data_dir",
        value: "DIR",
        doc: "Folder of everything that survives a restart: the journal of all calls taken, the snapshots, and \
              `key-pepper`, the secret that key fingerprints are made with (lose it, and keys get new names). It is \
              made if it is not there. It belongs to one server at a time.",
        set: |c, v| text::read(&mut c.data_dir, v, "expected a folder"),
        show: |c| text::quoted(c.data_dir.display()),
    },
    Setting {
        key: "tokens_file",
        value: "FILE",
        doc: "The file of access tokens, which `tallyring token` writes; by default `tokens.toml` in `data_dir`. While \
              it is there, every request needs a token.",
        set: |c, v| text::read_file(&mut c.tokens_file, v),
        show: |c| text::file(c.tokens_file.as_deref()),
    },
    Setting {
        key: "keys",
        value: "HOW",
        doc: "How API keys are stored and shown: `fingerprint` (a keyed hash and a masked label; the raw key is \
              stored nowhere) or `plain`.",
        set: |c, v| {
            c.keys = match v.trim() {
                "fingerprint" => Keys::Fingerprint,
                "plain" => Keys::Plain,
                _ => return Err("expected fingerprint or plain".to_owned()),
            };
            Ok(())
        },
        show: |c| text::quoted(if c.keys == Keys::Plain { "plain" } else { "fingerprint" }),
    },
    Setting {
        key: "log",
        value: "LEVEL",
        doc: "What is logged to stderr: off, error, warn, info, debug, trace, or directives such as \
              `info,tallyring=debug`.",
        set: |c, v| {
            // A single word that is no level would be taken for the name of a module.
            let level = v.contains('=') || v.trim().parse::<tracing_subscriber::filter::LevelFilter>().is_ok();
            if v.trim().is_empty() || !level || tracing_subscriber::EnvFilter::try_new(v).is_err() {
                return Err("expected off, error, warn, info, debug or trace".to_owned());
            }
            v.trim().clone_into(&mut c.log);
            Ok(())
        },
        show: |c| text::quoted(&c.log),
    },
    Setting {
        key: "log_format",
        value: "FORMAT",
        doc: "How log lines look: `plain` or `json` (one object a line).",
        set: |c, v| {
            c.log_format = match v.trim() {
                "plain" => LogFormat::Plain,
                "json" => LogFormat::Json,
                _ => return Err("expected plain or json".to_owned()),
            };
            Ok(())
        },
        show: |c| text::quoted(if c.log_format == LogFormat::Json { "json" } else { "plain" }),
    },
    Setting {
        key: "max_connections",
        value: "N",
        doc: "The most connections at a time. A further one takes the place of the one that has waited longest for a \
              request; where none waits, it is answered 503.",
        set: |c, v| text::read(&mut c.server.max_connections, v, NUMBER),
        show: |c| c.server.max_connections.to_string(),
    },
    Setting {
        key: "header_timeout",
        value: "TIME",
        doc: "How long a client may take to send the head of a request, and idle between two.",
        set: |c, v| text::read_duration_to(&mut c.server.header_timeout, v),
        show: |c| text::duration(c.server.header_timeout),
    },
    Setting {
        key: "body_idle_timeout",
        value: "TIME",
        doc: "How long a client may send nothing in the middle of a body.",
        set: |c, v| text::read_duration_to(&mut c.server.body_idle_timeout, v),
        show: |c| text::duration(c.server.body_idle_timeout),
    },
    Setting {
        key: "min_body_rate",
        value: "SIZE",
        doc: "Bytes a second that a body must keep up with, and a client that reads an answer.",
        set: |c, v| text::read_bytes(&mut c.server.min_body_rate, v),
        show: |c| text::bytes(c.server.min_body_rate),
    },
    Setting {
        key: "write_timeout",
        value: "TIME",
        doc: "How long an answer may wait for a client that reads nothing of it.",
        set: |c, v| text::read_duration_to(&mut c.server.write_timeout, v),
        show: |c| text::duration(c.server.write_timeout),
    },
    Setting {
        key: "max_streams",
        value: "N",
        doc: "The most live streams (`/v1/stream`) at a time; each holds a connection. Beyond, clients are told to \
              come back.",
        set: |c, v| text::read(&mut c.server.max_streams, v, NUMBER),
        show: |c| c.server.max_streams.to_string(),
    },
    Setting {
        key: "max_wait",
        value: "TIME",
        doc: "How long a request with calls may have to wait for its turn; where it would be longer, it is told to \
              come back.",
        set: |c, v| text::read_duration_to(&mut c.server.max_wait, v),
        show: |c| text::duration(c.server.max_wait),
    },
    Setting {
        key: "max_questions",
        value: "N",
        doc: "The most questions answered at the same time; further ones wait up to 2 s. The default is twice the \
              cores, at least 4.",
        set: |c, v| text::read(&mut c.server.max_questions, v, NUMBER),
        show: |c| c.server.max_questions.to_string(),
    },
    Setting {
        key: "max_unread_bytes",
        value: "SIZE",
        doc: "The bytes of all long answers that wait to be read by their clients; further ones are told to come back.",
        set: |c, v| text::read_bytes(&mut c.server.max_unread_bytes, v),
        show: |c| text::bytes(c.server.max_unread_bytes),
    },
    Setting {
        key: "metrics_max_labels",
        value: "N",
        doc: "The most models, providers, endpoints, and combinations of them, that `/metrics` tells apart: the first \
              ones seen since the start. What comes later is told as `__other__`.",
        set: |c, v| text::read(&mut c.server.metrics_max_labels, v, NUMBER),
        show: |c| c.server.metrics_max_labels.to_string(),
    },
    Setting {
        key: "shutdown_timeout",
        value: "TIME",
        doc: "How long requests under way may take to end once the server is told to stop.",
        set: |c, v| text::read_duration_to(&mut c.server.shutdown_timeout, v),
        show: |c| text::duration(c.server.shutdown_timeout),
    },
    Setting {
        key: "max_body_bytes",
        value: "SIZE",
        doc: "The largest compressed body, as it is sent.",
        set: |c, v| text::read_bytes(&mut c.server.max_body_bytes, v),
        show: |c| text::bytes(c.server.max_body_bytes),
    },
    Setting {
        key: "max_decompressed_bytes",
        value: "SIZE",
        doc: "The largest body after decompression, or as it is sent if it is not compressed.",
        set: |c, v| text::read_bytes(&mut c.server.max_decompressed_bytes, v),
        show: |c| text::bytes(c.server.max_decompressed_bytes),
    },
    Setting {
        key: "max_inflight_bytes",
        value: "SIZE",
        doc: "The bytes of all bodies held at once; a request that finds no room is told to come back.",
        set: |c, v| text::read_bytes(&mut c.server.max_inflight_bytes, v),
        show: |c| text::bytes(c.server.max_inflight_bytes),
    },
    Setting {
        key: "max_event_bytes",
        value: "SIZE",
        doc: "The largest single event.",
        set: |c, v| text::read_bytes(&mut c.server.max_event_bytes, v),
        show: |c| text::bytes(c.server.max_event_bytes),
    },
    Setting {
        key: "max_events",
        value: "N",
        doc: "The most events of one request. All of them are written as one entry of the journal, whole or not at \
              all.",
        set: |c, v| text::read(&mut c.server.max_events, v, NUMBER),
        show: |c| c.server.max_events.to_string(),
    },
    Setting {
        key: "ack",
        value: "HOW",
        doc: "What a call that was answered 2xx has survived: `fsync` (written and synced: it survives a power \
              cut), `write` (handed to the system: it survives the end of this program) or `memory` (written \
              soon after).",
        set: |c, v| {
            c.store.journal.ack = text::read_ack(v)?;
            Ok(())
        },
        show: |c| text::quoted(c.store.journal.ack.word()),
    },
    Setting {
        key: "flush_interval",
        value: "TIME",
        doc: "The longest time until what was written is synced where no request waits for it.",
        set: |c, v| text::read_millis(&mut c.store.journal.flush_ms, v),
        show: |c| text::millis(c.store.journal.flush_ms),
    },
    Setting {
        key: "queue_bytes",
        value: "SIZE",
        doc: "Bytes that may wait to be written to the journal; beyond, requests are told to come back.",
        set: |c, v| text::read_bytes(&mut c.store.journal.queue_bytes, v),
        show: |c| text::bytes(c.store.journal.queue_bytes),
    },
    Setting {
        key: "journal_segment_bytes",
        value: "SIZE",
        doc: "The size of a file of the journal; its room is reserved when it begins. At least 1MiB.",
        set: |c, v| text::read_bytes(&mut c.store.journal.segment_bytes, v),
        show: |c| text::bytes(c.store.journal.segment_bytes),
    },
    Setting {
        key: "journal_max_bytes",
        value: "SIZE",
        doc: "The size of the journal above which its oldest files go, once two snapshots hold their calls. What \
              goes can no longer be listed call by call or replayed; the counts stay.",
        set: |c, v| text::read_bytes(&mut c.store.journal_max_bytes, v),
        show: |c| text::bytes(c.store.journal_max_bytes),
    },
    Setting {
        key: "journal_max_age",
        value: "TIME",
        doc: "The age at which files of the journal go, likewise.",
        set: |c, v| text::read_seconds(&mut c.store.journal_max_age_secs, v),
        show: |c| text::seconds(c.store.journal_max_age_secs),
    },
    Setting {
        key: "snapshot_every",
        value: "TIME",
        doc: "How often a snapshot is taken if calls came in between; a restart reads the newest and what the \
              journal has after it. 0s takes them on demand and at the end only.",
        set: |c, v| text::read_seconds(&mut c.store.snapshot_every_secs, v),
        show: |c| text::seconds(c.store.snapshot_every_secs),
    },
    Setting {
        key: "min_free_bytes",
        value: "SIZE",
        doc: "Free room on the disk of data_dir below which calls are refused with 503. Questions are answered all \
              the same, and nothing is removed to make room.",
        set: |c, v| text::read_bytes(&mut c.store.min_free_bytes, v),
        show: |c| text::bytes(c.store.min_free_bytes),
    },
    Setting {
        key: "id_horizon",
        value: "N",
        doc: "How many ids and idempotency keys are remembered at least, the last ones. Each takes some 50 bytes.",
        set: |c, v| text::read(&mut c.store.id_horizon, v, NUMBER),
        show: |c| c.store.id_horizon.to_string(),
    },
    Setting {
        key: "tiers",
        value: "LIST",
        doc: "The resolutions kept, finest first: the length of a bucket and how far back such buckets reach. The \
              first must be 1s; each step must divide the next and a day.",
        set: |c, v| {
            c.store.engine.tiers = text::read_tiers(v)?;
            Ok(())
        },
        show: |c| text::tiers(&c.store.engine.tiers),
    },
    Setting {
        key: "open_secs",
        value: "TIME",
        doc: "How far behind the clock an event may come without counting as late (late ones are counted too).",
        set: |c, v| text::read_seconds(&mut c.store.engine.open_secs, v),
        show: |c| text::seconds(c.store.engine.open_secs),
    },
    Setting {
        key: "ahead_secs",
        value: "TIME",
        doc: "How far ahead of the clock an event may be; beyond, it is rejected.",
        set: |c, v| text::read_seconds(&mut c.store.engine.ahead_secs, v),
        show: |c| text::seconds(c.store.engine.ahead_secs),
    },
    Setting {
        key: "labels",
        value: "LIST",
        doc: "Up to four names of labels that calls are counted by, besides key, user, model, provider, endpoint and \
              status.",
        set: |c, v| {
            c.store.engine.labels = text::read_list(v);
            Ok(())
        },
        show: |c| text::quoted_list(&c.store.engine.labels),
    },
    Setting {
        key: "rollups",
        value: "LIST",
        doc: "Dimensions of few values whose windows are read in O(1). Each value costs memory.",
        set: |c, v| {
            c.store.engine.rollups = text::read_dimensions(&c.store.engine, v)?;
            Ok(())
        },
        show: |c| text::quoted_list(c.store.engine.rollups.iter().map(|rollup| c.store.engine.name(*rollup))),
    },
    Setting {
        key: "max_series",
        value: "N",
        doc: "The most series (combinations of dimension values). Beyond, calls are counted under `__other__`.",
        set: |c, v| text::read(&mut c.store.engine.max_series, v, NUMBER),
        show: |c| c.store.engine.max_series.to_string(),
    },
    Setting {
        key: "max_identities",
        value: "N",
        doc: "The most keys, and the most users, likewise.",
        set: |c, v| text::read(&mut c.store.engine.max_identities, v, NUMBER),
        show: |c| c.store.engine.max_identities.to_string(),
    },
    Setting {
        key: "max_values",
        value: "N",
        doc: "The most models, providers, endpoints, statuses and values of a label, likewise.",
        set: |c, v| text::read(&mut c.store.engine.max_values, v, NUMBER),
        show: |c| c.store.engine.max_values.to_string(),
    },
    Setting {
        key: "memory_bytes",
        value: "SIZE",
        doc: "The memory budget. Above it, the oldest fine buckets give way to the coarser ones that hold the same \
              calls; totals stay exact.",
        set: |c, v| text::read_bytes(&mut c.store.engine.memory_bytes, v),
        show: |c| text::bytes(c.store.engine.memory_bytes),
    },
    Setting {
        key: "recent_calls",
        value: "N",
        doc: "How many recent calls are kept for call details.",
        set: |c, v| text::read(&mut c.store.engine.recent_calls, v, NUMBER),
        show: |c| c.store.engine.recent_calls.to_string(),
    },
    Setting {
        key: "stripes",
        value: "N",
        doc: "How many writers can record at the same time without waiting. The default is twice the cores.",
        set: |c, v| text::read(&mut c.store.engine.stripes, v, NUMBER),
        show: |c| c.store.engine.stripes.to_string(),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_read_again_as_it_is_shown() {
        let defaults = Config::default();
        for setting in SETTINGS {
            let shown = setting.show(&defaults);
            let table: toml::Table = format!("v = {shown}").parse().expect("a setting is shown as TOML");
            let value = super::super::layers::text_of(&table["v"]).expect("a setting is shown as text or numbers");
            let mut config = Config::default();
            assert_eq!((setting.set)(&mut config, &value), Ok(()), "{}", setting.key);
            assert_eq!(setting.show(&config), shown, "{}", setting.key);
        }
    }

    #[test]
    fn every_setting_changes_itself_and_no_other() {
        let values =
            ["7", "true", "7s", "7KiB", "[::1]:7", "plain", "json", "off", "1s x 7h", "team", "model", "write"];
        let defaults = Config::default();
        for setting in SETTINGS {
            let changed = values.iter().find_map(|value| {
                let mut config = Config::default();
                let taken = (setting.set)(&mut config, value).is_ok();
                (taken && setting.show(&config) != setting.show(&defaults)).then_some(config)
            });
            let changed = changed.unwrap_or_else(|| panic!("nothing changes {}", setting.key));
            for other in SETTINGS.iter().filter(|other| other.key != setting.key) {
                assert_eq!(other.show(&changed), other.show(&defaults), "{} changes {}", setting.key, other.key);
            }
        }
    }

    #[test]
    fn every_setting_is_documented_once() {
        for (place, setting) in SETTINGS.iter().enumerate() {
            assert!(setting.doc.ends_with('.'), "{}", setting.key);
            assert!(SETTINGS[..place].iter().all(|other| other.key != setting.key), "{}", setting.key);
        }
    }
}
