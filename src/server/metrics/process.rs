//! What the system knows of this process; nothing where it does not tell.

use super::family::Metric;

/// Ticks of a second in `/proc`: the same on every Linux.
const TICKS: f64 = 100.0;

pub(super) fn metrics() -> Vec<Metric> {
    [memory(), files(), cpu()].into_iter().flatten().chain(start()).collect()
}

/// A figure of `/proc/self/status` in kB, as bytes.
fn memory() -> Option<Metric> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(Metric::gauge("process_resident_memory_bytes", "Resident memory.").is(kib * 1024))
}

fn files() -> Option<Metric> {
    let open = std::fs::read_dir("/proc/self/fd").ok()?.count();
    // One of them was this look.
    Some(Metric::gauge("process_open_fds", "Open file descriptors.").is(open.saturating_sub(1)))
}

/// The fields of `/proc/self/stat` behind the name of the program, which may hold anything.
fn stat() -> Option<Vec<f64>> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    Some(fields.split(' ').skip(1).filter_map(|field| field.trim().parse().ok()).collect())
}

fn cpu() -> Option<Metric> {
    let stat = stat()?;
    let ticks = stat.get(10)? + stat.get(11)?; // utime and stime
    Some(Metric::counter("process_cpu_seconds", "Processor time, of user and system.").is(ticks / TICKS))
}

fn start() -> Option<Metric> {
    let since_boot = stat()?.get(18)? / TICKS;
    let system = std::fs::read_to_string("/proc/stat").ok()?;
    let boot: f64 = system.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    Some(Metric::gauge("process_start_time_seconds", "When the process began, since the epoch.").is(boot + since_boot))
}
