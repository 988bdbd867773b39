//! Values as text: read from flags, environment and file; shown again in the file.

use crate::engine::config::Config as EngineConfig;
use crate::engine::config::TierConfig;
use crate::engine::event::Dimension;
use crate::store::Ack;
use std::path::Path;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// Reads anything that reads itself, into its place.
pub(super) fn read<T: FromStr>(place: &mut T, value: &str, allowed: &str) -> Result<(), String> {
    *place = value.trim().parse().map_err(|_| allowed.to_owned())?;
    Ok(())
}

/// Reads a size such as `4MiB`, `16 MB` or `8192`, into a place of any integer type.
pub(super) fn read_bytes<T: TryFrom<u64>>(place: &mut T, value: &str) -> Result<(), String> {
    let wanted = "expected a size such as 4MiB or 8192";
    let size: bytesize::ByteSize = value.trim().parse().map_err(|_| wanted.to_owned())?;
    *place = T::try_from(size.as_u64()).map_err(|_| wanted.to_owned())?;
    Ok(())
}

/// Reads a duration such as `5s` or `1m 30s`.
fn read_duration(value: &str) -> Result<Duration, String> {
    humantime::parse_duration(value.trim()).map_err(|_| "expected a duration such as 500ms, 10s or 5m".to_owned())
}

/// Reads a duration, into its place.
pub(super) fn read_duration_to(place: &mut Duration, value: &str) -> Result<(), String> {
    *place = read_duration(value)?;
    Ok(())
}

/// Reads whole seconds.
pub(super) fn read_seconds(place: &mut u32, value: &str) -> Result<(), String> {
    let duration = read_duration(value)?;
    if duration.subsec_nanos() > 0 {
        return Err("expected whole seconds".to_owned());
    }
    *place = u32::try_from(duration.as_secs()).map_err(|_| "too long".to_owned())?;
    Ok(())
}

/// Reads whole milliseconds.
pub(super) fn read_millis(place: &mut u64, value: &str) -> Result<(), String> {
    let duration = read_duration(value)?;
    if !duration.subsec_nanos().is_multiple_of(1_000_000) {
        return Err("expected whole milliseconds".to_owned());
    }
    *place = u64::try_from(duration.as_millis()).map_err(|_| "too long".to_owned())?;
    Ok(())
}

/// Reads what an acknowledgement promises.
pub(super) fn read_ack(value: &str) -> Result<Ack, String> {
    let found = Ack::ALL.into_iter().find(|known| known.word() == value.trim());
    found.ok_or_else(|| "expected fsync, write or memory".to_owned())
}

/// Reads `a, b, c`; an empty text is an empty list.
pub(super) fn read_list(value: &str) -> Vec<String> {
    value.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

/// Reads the name of a file; an empty text is none.
#[expect(clippy::unnecessary_wraps, reason = "it stands where a setting may be refused")]
pub(super) fn read_file(place: &mut Option<PathBuf>, value: &str) -> Result<(), String> {
    *place = Some(value.trim()).filter(|name| !name.is_empty()).map(PathBuf::from);
    Ok(())
}

/// Shows the name of a file.
pub(super) fn file(file: Option<&Path>) -> String {
    quoted(file.unwrap_or(Path::new("")).display())
}

/// Reads names of hosts.
pub(super) fn read_hosts(value: &str) -> Result<Vec<String>, String> {
    let hosts = read_list(value);
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    match hosts.iter().find(|host| !host.chars().all(plain)) {
        Some(_) => Err("expected names such as usage.example or usage.example:8723, without scheme or path".to_owned()),
        None => Ok(hosts),
    }
}

/// Reads `1s x 1h, 1m x 48h`: a bucket's length and how far back such buckets are kept.
pub(super) fn read_tiers(value: &str) -> Result<Vec<TierConfig>, String> {
    read_list(value).iter().map(|tier| read_tier(tier)).collect()
}

fn read_tier(text: &str) -> Result<TierConfig, String> {
    let (step, kept) = text.split_once('x').ok_or("expected STEP x RETENTION such as \"1m x 48h\"")?;
    let (mut step_secs, mut kept_secs) = (0, 0);
    read_seconds(&mut step_secs, step)?;
    read_seconds(&mut kept_secs, kept)?;
    if step_secs == 0 || !kept_secs.is_multiple_of(step_secs) {
        return Err("the retention must be a multiple of the step".to_owned());
    }
    Ok(TierConfig { step_secs, len: kept_secs / step_secs })
}

/// Reads names of dimensions; labels must be configured by then.
pub(super) fn read_dimensions(engine: &EngineConfig, value: &str) -> Result<Vec<Dimension>, String> {
    let known: Vec<&str> = engine.dimensions().map(|dimension| engine.name(dimension)).collect();
    let find = |name: &String| {
        engine.dimension(name).ok_or_else(|| format!("`{name}` is no dimension; there are {}", known.join(", ")))
    };
    read_list(value).iter().map(find).collect()
}

/// A TOML string.
pub(super) fn quoted(value: impl std::fmt::Display) -> String {
    toml::Value::String(value.to_string()).to_string()
}

/// A TOML array of strings.
pub(super) fn quoted_list(items: impl IntoIterator<Item = impl std::fmt::Display>) -> String {
    let items: Vec<String> = items.into_iter().map(quoted).collect();
    format!("[{}]", items.join(", "))
}

/// A size by its largest binary unit that divides it.
pub(super) fn bytes(size: impl TryInto<u64>) -> String {
    let size: u64 = size.try_into().unwrap_or(u64::MAX);
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B")];
    quoted(largest(size, &units))
}

/// A duration by its largest unit that divides it.
pub(super) fn duration(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if millis.is_multiple_of(1_000) { quoted(span(millis / 1_000)) } else { quoted(format!("{millis}ms")) }
}

/// Milliseconds likewise.
pub(super) fn millis(millis: u64) -> String {
    duration(Duration::from_millis(millis))
}

/// Seconds by their largest unit that divides them.
pub(super) fn seconds(secs: u32) -> String {
    quoted(span(u64::from(secs)))
}

/// Tiers as [`read_tiers`] reads them.
pub(super) fn tiers(tiers: &[TierConfig]) -> String {
    let tier = |tier: &TierConfig| {
        let kept = u64::from(tier.step_secs) * u64::from(tier.len);
        format!("{} x {}", span(u64::from(tier.step_secs)), span(kept))
    };
    quoted_list(tiers.iter().map(tier))
}

fn span(secs: u64) -> String {
    largest(secs, &[(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")])
}

fn largest(value: u64, units: &[(u64, &str)]) -> String {
    let fits = |unit: &&(u64, &str)| value >= unit.0 && value.is_multiple_of(unit.0);
    match units.iter().find(fits).or(units.last()) {
        Some((unit, name)) => format!("{}{name}", value / unit),
        None => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_read_again() {
        let tiers_of = |text: &str| read_tiers(text).unwrap();
        let default = EngineConfig::default().tiers;
        let shown = tiers(&default);
        assert_eq!(shown, r#"["1s x 1h", "1m x 2d", "15m x 62d", "1d x 400d"]"#);
        assert_eq!(tiers_of("1s x 1h, 1m x 48h, 15m x 62d, 1d x 400d"), default);
        assert_eq!(bytes(4_u64 << 20), "\"4MiB\"");
        assert_eq!(bytes(1000_u64), "\"1000B\"");
        assert_eq!(duration(Duration::from_millis(1500)), "\"1500ms\"");
        assert_eq!(seconds(300), "\"5m\"");
        assert_eq!(seconds(0), "\"0s\"");
    }

    #[test]
    fn what_is_no_value_is_refused() {
        for text in ["1m", "x", "1m x", "0s x 1h", "7s x 1h", "1500ms x 1h", "1s x 99999999999999d"] {
            assert!(read_tiers(text).is_err(), "{text}");
        }
        let mut size = 0_u32;
        for text in ["", "-1", "lots", "8GiB"] {
            assert!(read_bytes(&mut size, text).is_err(), "{text}");
        }
        assert!(read_dimensions(&EngineConfig::default(), "model, team").unwrap_err().contains("`team`"));
    }
}
