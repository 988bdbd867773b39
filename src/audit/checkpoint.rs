//! A checkpoint: where a journal stood, as a few lines to be noted where whoever can change the
//! data folder can't: in another machine's git, in a mail, on paper.
//!
//! ```text
//! tallyring checkpoint 1
//! instance 0f3c…            32 digits
//! frames 1024
//! events 98304
//! chain 8b1d…               64 digits
//! time 2026-11-22T16:00:00Z when the latest request before it came
//! labels 6c0e…              16 digits: BLAKE3 of the labels' names
//! snapshot 0000…-0000….snap 77aa…   the newest, with its BLAKE3; or `none`
//! check 5d20…               16 digits: BLAKE3 of the lines above
//! ```
//!
//! The last line tells a typing error from a journal that was changed; it keeps nobody from making
//! a checkpoint of his own. The lines are hashed as they are printed here, so capitals, blank lines
//! and spaces at the ends do not matter.

use super::hex;
use crate::engine::time::Timestamp;
use crate::journal::Place;
use crate::snapshot::vouch::Vouch;
use std::fmt;
use std::str::FromStr;

const TITLE: &str = "tallyring checkpoint 1";

/// Where a journal stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The installation.
    pub instance: [u8; 16],
    /// The place: frames, events, chain.
    pub place: Place,
    /// When the latest request before it came.
    pub time: Timestamp,
    /// The first 8 bytes of the BLAKE3 of the labels' names; see [`labels`].
    pub labels: [u8; 8],
    /// The newest snapshot.
    pub snapshot: Option<Vouch>,
}

/// Why a text is no checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// It begins otherwise.
    #[error("this is no checkpoint: it does not begin with `{TITLE}`")]
    Foreign,
    /// A line is missing, or can't be read.
    #[error("the line `{0}` of the checkpoint is missing or can't be read")]
    Malformed(&'static str),
    /// It was not copied as it was.
    #[error("the checkpoint was not copied as it was written: its check line does not match the others")]
    Mistyped,
}

/// What a checkpoint tells of the names of labels, which the chain does not cover.
#[must_use]
pub fn labels(schema: &[u8]) -> [u8; 8] {
    *blake3::hash(schema).as_bytes().first_chunk().expect("a hash is longer")
}

impl Checkpoint {
    /// All lines but the last.
    fn lines(&self) -> String {
        let Self { instance, place, time, labels, snapshot } = self;
        let snapshot =
            snapshot.as_ref().map_or("none".to_owned(), |vouch| format!("{} {}", vouch.name, hex::of(&vouch.blake3)));
        let fields = [
            ("instance", hex::of(instance)),
            ("frames", place.frames.to_string()),
            ("events", place.events.to_string()),
            ("chain", hex::of(&place.chain)),
            ("time", time.to_string()),
            ("labels", hex::of(labels)),
            ("snapshot", snapshot),
        ];
        fields.iter().fold(format!("{TITLE}\n"), |text, (name, value)| text + name + " " + value + "\n")
    }
}

/// The first 8 bytes of a text's BLAKE3: enough against mistakes.
fn check(lines: &str) -> String {
    hex::of(&blake3::hash(lines.as_bytes()).as_bytes()[..8])
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.lines();
        writeln!(f, "{lines}check {}", check(&lines))
    }
}

/// The lines of a text, taken one after the other.
struct Lines<'a>(Box<dyn Iterator<Item = &'a str> + 'a>);

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        Self(Box::new(text.lines().map(str::trim).filter(|line| !line.is_empty())))
    }

    /// The value of the next line, which must have this name.
    fn value<T>(&mut self, name: &'static str, read: impl FnOnce(&'a str) -> Option<T>) -> Result<T, CheckpointError> {
        let line = self.0.next().and_then(|line| line.split_once(' '));
        let value = line.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim());
        value.and_then(read).ok_or(CheckpointError::Malformed(name))
    }
}

impl FromStr for Checkpoint {
    type Err = CheckpointError;

    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let mut lines = Lines::of(text);
        lines.0.next().filter(|line| line.eq_ignore_ascii_case(TITLE)).ok_or(CheckpointError::Foreign)?;
        let instance = lines.value("instance", hex::read)?;
        let frames = lines.value("frames", |text| text.parse().ok())?;
        let events = lines.value("events", |text| text.parse().ok())?;
        let place = Place { frames, events, chain: lines.value("chain", hex::read)? };
        let time = lines.value("time", |text| text.to_uppercase().parse().ok())?;
        let labels = lines.value("labels", hex::read)?;
        let snapshot = lines.value("snapshot", snapshot)?;
        let told = lines.value("check", |text| Some(text.to_lowercase()))?;
        let checkpoint = Self { instance, place, time, labels, snapshot };
        if told == check(&checkpoint.lines()) { Ok(checkpoint) } else { Err(CheckpointError::Mistyped) }
    }
}

fn snapshot(text: &str) -> Option<Option<Vouch>> {
    if text.eq_ignore_ascii_case("none") {
        return Some(None);
    }
    let (name, blake3) = text.split_once(' ')?;
    Some(Some(Vouch { name: name.to_lowercase(), blake3: hex::read(blake3.trim())? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Checkpoint {
        let vouch = Vouch { name: "00000000000000000007-00000000000000000042.snap".to_owned(), blake3: [9; 32] };
        Checkpoint {
            instance: [0xab; 16],
            place: Place { frames: 1_024, events: 98_304, chain: [0xcd; 32] },
            time: "2026-11-22T16:00:00.25Z".parse().unwrap(),
            labels: labels(b"team\nregion"),
            snapshot: Some(vouch),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for checkpoint in [sample(), Checkpoint { snapshot: None, ..sample() }] {
            let text = checkpoint.to_string();
            assert_eq!(text.parse(), Ok(checkpoint.clone()), "{text}");
            let by_hand = text.to_uppercase().replace('\n', " \r\n\r\n");
            assert_eq!(by_hand.parse(), Ok(checkpoint), "{by_hand}");
        }
    }

    #[test]
    fn a_typing_error_is_told_from_a_mismatch() {
        let text = sample().to_string();
        for (from, to) in [("98304", "98305"), ("abab", "abac"), ("16:00:00", "16:00:01"), ("cdcd", "cdce")] {
            assert_eq!(text.replacen(from, to, 1).parse::<Checkpoint>(), Err(CheckpointError::Mistyped), "{from}");
        }
        let malformed = |text: &str| text.parse::<Checkpoint>().unwrap_err();
        assert_eq!(malformed(&text.replace("frames", "frame")), CheckpointError::Malformed("frames"));
        assert_eq!(malformed(&text.replace("abab", "abag")), CheckpointError::Malformed("instance"));
        assert_eq!(malformed(&text[..text.len() - 20]), CheckpointError::Malformed("check"));
        assert_eq!(malformed("instance 1"), CheckpointError::Foreign);
    }

    #[test]
    fn every_character_counts() {
        let text = sample().to_string();
        for (index, byte) in text.bytes().enumerate().filter(|(_, byte)| byte.is_ascii_alphanumeric()) {
            let other = if byte == b'1' { "2" } else { "1" };
            let changed = [&text[..index], other, &text[index + 1..]].concat();
            assert!(changed.parse::<Checkpoint>().is_err(), "{changed}");
        }
    }
}
