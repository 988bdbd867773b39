//! What was saved of a damaged data folder, and the report of it.

use super::fault::Fault;
use crate::engine::time::Timestamp;
use crate::journal::Place;
use std::fmt::Write;

/// Events that are lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Frames, half-open.
    pub frames: (u64, u64),
    /// Positions, half-open; empty where only frames without events are lost.
    pub positions: (u64, u64),
    /// When the requests before and after it came.
    pub arrived: (Option<Timestamp>, Option<Timestamp>),
}

/// What was saved.
#[derive(Clone, Debug, Default)]
pub struct Salvaged {
    /// What is wrong with the journal.
    pub faults: Vec<Fault>,
    /// What was copied as it is: from one place to another.
    pub base: Option<(Place, Place)>,
    /// Snapshots that were copied.
    pub snapshots: Vec<String>,
    /// Snapshots that were not, and why.
    pub left: Vec<String>,
    /// Frames with events that were appended anew.
    pub appended: u64,
    /// Of these, frames that only their checksums vouch for: the chain before them is lost.
    pub unlinked: u64,
    /// What is lost, oldest first.
    pub gaps: Vec<Gap>,
    /// Bytes of a torn last write, never acknowledged, that were left behind.
    pub torn: u64,
    /// Where the new journal ends.
    pub end: Place,
}

impl Salvaged {
    /// Events that are lost.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.gaps.iter().map(|gap| gap.positions.1 - gap.positions.0).sum()
    }

    /// Whether nothing was wrong.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.faults.is_empty() && self.left.is_empty() && self.gaps.is_empty()
    }
}

impl Salvaged {
    /// The report.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::from("tallyring salvage\n\n");
        let mut line = |line: String| writeln!(text, "{line}").expect("memory takes everything");
        match &self.base {
            Some((from, to)) => line(format!(
                "copied as it was: frames {} to {}, positions {} to {}",
                from.frames, to.frames, from.events, to.events
            )),
            None => line("copied as it was: nothing".to_owned()),
        }
        if let Some((from, _)) = self.base.filter(|(from, _)| from.frames > 0) {
            line(format!("what came before position {} is told by the snapshots", from.events));
        }
        line(format!("appended anew: {} frames with events", self.appended));
        if self.unlinked > 0 {
            line(format!(
                "of these {} vouched for by their checksums only: the chain before them is lost",
                self.unlinked
            ));
        }
        line(format!("the new journal ends at position {}", self.end.events));
        if self.torn > 0 {
            line(format!("left behind: {} bytes of a torn last write, never acknowledged", self.torn));
        }
        self.snapshots.iter().for_each(|name| line(format!("snapshot copied: {name}")));
        self.left.iter().for_each(|why| line(format!("snapshot left behind: {why}")));
        let gaps = if self.gaps.len() == 1 { "gap" } else { "gaps" };
        line(format!("lost: {} events in {} {gaps}", self.lost(), self.gaps.len()));
        self.gaps.iter().for_each(|gap| line(format!("  {}", gap.to_text())));
        self.faults.iter().for_each(|fault| line(format!("fault: {fault}")));
        text
    }
}

impl Gap {
    /// In one line.
    #[must_use]
    pub fn to_text(&self) -> String {
        let (from, to) = self.arrived;
        let time = |time: Option<_>| time.map_or("?".to_owned(), |time: Timestamp| time.to_string());
        format!(
            "{} frames from {} on, positions {} to {}, that arrived between {} and {}",
            self.frames.1 - self.frames.0,
            self.frames.0,
            self.positions.0,
            self.positions.1,
            time(from),
            time(to)
        )
    }
}
