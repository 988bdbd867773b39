//! Whole frames that lie behind damage, by their own checksums, in the order of their numbers.

use super::fault::Unreadable;
use super::origin::unusable;
use crate::journal::Found;
use crate::journal::Frame;
use crate::journal::Identity;
use crate::journal::Rubble;
use crate::storage::Shared;
use std::collections::BTreeMap;

/// A frame that was found: which segment, where in it, and the chain after it.
#[derive(Clone, Copy, Debug)]
struct At {
    segment: u64,
    offset: u64,
    chain: [u8; 32],
    /// Whether the chain continues that of the frame before it in the segment.
    linked: bool,
}

/// All frames found, by number.
pub(super) struct Loose<'a> {
    storage: &'a Shared,
    identity: &'a Identity,
    found: BTreeMap<u64, Vec<At>>,
    /// The segment read last: frames lie one after the other.
    reading: Option<(u64, Rubble)>,
}

/// A frame, and whether the chain proves that it follows the one taken before.
pub(super) struct Taken {
    pub(super) frame: Frame,
    pub(super) linked: bool,
}

impl<'a> Loose<'a> {
    /// Looks for frames numbered `from` or higher in these segments.
    pub(super) fn find(
        storage: &'a Shared,
        identity: &'a Identity,
        segments: &[u64],
        from: u64,
    ) -> Result<Self, Unreadable> {
        let mut loose = Self { storage, identity, found: BTreeMap::new(), reading: None };
        for segment in segments {
            let mut rubble = Rubble::read(storage, *segment, identity, 0).map_err(unusable)?;
            let mut before = None;
            while let Some(found) = rubble.next() {
                let number = found.frame.before.frames;
                let linked = before.is_some_and(|(next, chain)| next == number && rubble.follows(&found, &chain));
                before = Some((number + 1, found.frame.chain));
                if number >= from {
                    let at = At { segment: *segment, offset: found.offset, chain: found.frame.chain, linked };
                    loose.found.entry(number).or_default().push(at);
                }
            }
        }
        Ok(loose)
    }

    /// The numbers there are.
    pub(super) fn numbers(&self) -> Vec<u64> {
        self.found.keys().copied().collect()
    }

    /// A frame by its number; of several that claim it the one that continues `chain`, or else one
    /// that continues its neighbour.
    pub(super) fn take(&mut self, number: u64, chain: Option<&[u8; 32]>) -> Result<Option<Taken>, Unreadable> {
        let mut claims = self.found.get(&number).cloned().unwrap_or_default();
        claims.sort_by_key(|at| !at.linked);
        for at in &claims {
            let Some(found) = self.read(*at)? else { continue };
            let linked = chain.is_some_and(|chain| self.follows(&found, chain));
            if linked || chain.is_none() {
                return Ok(Some(Taken { frame: found.frame, linked }));
            }
        }
        // Nothing continues what was taken; what has the right number and checksums is better than nothing.
        let Some(at) = claims.first() else { return Ok(None) };
        Ok(self.read(*at)?.map(|found| Taken { frame: found.frame, linked: false }))
    }

    fn follows(&self, found: &Found, chain: &[u8; 32]) -> bool {
        self.reading.as_ref().is_some_and(|(_, rubble)| rubble.follows(found, chain))
    }

    fn read(&mut self, at: At) -> Result<Option<Found>, Unreadable> {
        if self.reading.as_ref().is_none_or(|(segment, _)| *segment != at.segment) {
            let rubble = Rubble::read(self.storage, at.segment, self.identity, at.offset).map_err(unusable)?;
            self.reading = Some((at.segment, rubble));
        }
        let (_, rubble) = self.reading.as_mut().expect("read just now");
        rubble.go_to(at.offset);
        Ok(rubble.next().filter(|found| found.frame.chain == at.chain))
    }
}
