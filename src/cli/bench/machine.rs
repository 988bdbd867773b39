//! What ran where: a figure without its machine says little.
//!
//! Everything is read from `/proc`; where there is none, it is "unknown" or 0.

use serde_json::Value;
use serde_json::json;
use std::fmt;
use std::fs;

/// Clock ticks a second in `/proc`: 100 on every Linux there is.
const TICKS: f64 = 100.0;

/// The machine and the build.
pub(super) struct Machine {
    cpu: String,
    cores: usize,
    /// Processes that wanted to run, averaged over a minute, before the first row.
    load: String,
}

/// The commit, where the build was told: `TALLYRING_COMMIT=$(git rev-parse --short HEAD) cargo build`.
const COMMIT: Option<&str> = option_env!("TALLYRING_COMMIT");

impl Machine {
    pub(super) fn now() -> Self {
        let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        Self {
            cpu: model.map_or("unknown", |(_, model)| model).to_owned(),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            load: load.split(' ').next().filter(|load| !load.is_empty()).unwrap_or("unknown").to_owned(),
        }
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "cpu": self.cpu,
            "cores": self.cores,
            "load_1m": self.load,
            "version": env!("CARGO_PKG_VERSION"),
            "commit": COMMIT,
            "optimised": !cfg!(debug_assertions),
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let commit = COMMIT.map(|commit| format!(" ({commit})")).unwrap_or_default();
        let build = if cfg!(debug_assertions) { ", NOT an optimised build" } else { "" };
        let Self { cpu, cores, load } = self;
        write!(f, "tallyring {}{commit}{build} on {cpu}, {cores} cores, load {load}", env!("CARGO_PKG_VERSION"))
    }
}

/// Resident memory of this process.
pub(super) fn resident_bytes() -> u64 {
    status_bytes("VmRSS:")
}

/// The most that was ever resident of this process.
pub(super) fn peak_bytes() -> u64 {
    status_bytes("VmHWM:")
}

fn status_bytes(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or(0) * 1_024
}

/// Seconds of processor time a process has used, those in the kernel included.
pub(super) fn cpu_seconds(process: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name of the program, in brackets, may hold anything.
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
    let ticks = fields.split(' ').skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() / TICKS
}
