//! Log lines on stderr.

use super::Global;
use crate::config::Config;
use crate::config::LogFormat;
use std::io;
use tracing_subscriber::EnvFilter;

/// Starts logging; `-q` and `-v` win over the setting. Does nothing if logging has started.
pub(super) fn start(config: &Config, global: &Global) {
    let directives = match (global.quiet, global.verbose) {
        (true, _) => "error",
        (false, 0) => config.log.as_str(),
        (false, 1) => "debug",
        (false, _) => "trace",
    };
    let logs = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(directives)).with_writer(io::stderr);
    let started = match config.log_format {
        LogFormat::Plain => logs.with_ansi(global.color.stderr()).with_target(false).try_init(),
        LogFormat::Json => logs.json().flatten_event(true).try_init(),
    };
    if let Err(fault) = started {
        super::output::message(&format!("no logging: {fault}"));
    }
}
