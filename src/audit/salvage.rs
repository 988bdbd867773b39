//! A new data folder from what is whole in a damaged one, which is not touched.
//!
//! ```text
//! segments   ████ ████ ██▒█ ████       █ whole   ▒ damaged
//!            └─ base ──┘ └ loose ┘
//! ```
//!
//! * The **base** is a run of whole frames, copied byte for byte: its places, its chain and the
//!   snapshots of it stay valid, and so do checkpoints of it. It is the run with the newest whole
//!   snapshot, which tells what came before; otherwise the one from the beginning, otherwise none.
//! * **Loose** frames behind it are appended in the order of their numbers, where their checksums
//!   are right. They get new places and a new chain; events keep their ids, and their instance, so
//!   that what is sent again is still known.
//!
//! What lies in a gap is lost, and told.

use super::fault::Unreadable;
use super::loose::Loose;
use super::loose::Taken;
use super::origin::of_snapshot;
use super::origin::unusable;
use super::runs;
use super::runs::Piece;
use super::runs::Run;
use super::runs::Runs;
use super::salvaged::Gap;
use super::salvaged::Salvaged;
use super::transfer;
use crate::engine::time::Timestamp;
use crate::journal;
use crate::journal::Ack;
use crate::journal::Draft;
use crate::journal::Evidence;
use crate::journal::Frame;
use crate::journal::Graft;
use crate::journal::Identity;
use crate::journal::Journal;
use crate::journal::Kind;
use crate::journal::Place;
use crate::journal::Unavailable;
use crate::snapshot;
use crate::snapshot::Head;
use crate::snapshot::Lean;
use crate::snapshot::Snapshot;
use crate::snapshot::vouch;
use crate::storage::Shared;
use crate::store::image::Thawed;
use std::collections::BTreeSet;
use std::path::Path;

/// Fills a new data folder, which must be empty, or not there.
///
/// # Errors
/// [`Unreadable`]: the disk failed, there is no journal, or `out` is not empty.
pub fn salvage(storage: &Shared, out: &Path) -> Result<Salvaged, Unreadable> {
    let listed = snapshot::list(&**storage).map_err(of_snapshot)?;
    let wanted: Vec<u64> = listed.iter().filter_map(|listed| Some(listed.head.as_ref().ok()?.place.frames)).collect();
    let found = runs::find(storage, &wanted)?;
    let Some(identity) = found.identity.clone() else {
        return Err(Unreadable::Empty(storage.describe(journal::FOLDER)));
    };
    let target = transfer::empty_folder(out)?;
    let mut salvage = Salvage { storage, target, identity, told: Salvaged::default() };
    salvage.snapshots(&found, listed)?;
    salvage.told.torn = found.torn;
    let base = salvage.base(&found);
    salvage.copy(base)?;
    salvage.append(&found, base)?;
    salvage.told.faults = found.faults;
    transfer::write_report(out, &salvage.told)?;
    Ok(salvage.told)
}

struct Salvage<'a> {
    storage: &'a Shared,
    target: Shared,
    identity: Identity,
    told: Salvaged,
}

impl Salvage<'_> {
    /// Chooses the snapshots that can be used: whole, of this journal, at a place in a run; they are
    /// kept in `told.snapshots`, newest first.
    fn snapshots(&mut self, found: &Runs, listed: Vec<snapshot::Listed>) -> Result<(), Unreadable> {
        for listed in listed {
            let opened = Thawed::open(&**self.storage, &listed.name).and_then(|thawed| {
                thawed.check()?;
                Ok(thawed.head().clone())
            });
            match opened {
                Ok(head) if self.fits(found, &head) => self.told.snapshots.push(listed.name),
                Ok(_) => self.told.left.push(format!("{}: the journal it goes with is damaged there", listed.name)),
                Err(error) => self.told.left.push(of_snapshot(error).to_string()),
            }
        }
        Ok(())
    }

    fn fits(&self, found: &Runs, head: &Head) -> bool {
        head.instance == self.identity.instance && found.runs.iter().any(|run| run.holds(&head.place))
    }

    /// Chooses the run that is copied.
    fn base<'r>(&mut self, found: &'r Runs) -> Option<&'r Run> {
        let newest = self.told.snapshots.first().and_then(|name| Snapshot::open(&**self.storage, name).ok());
        let of_snapshot = newest.and_then(|newest| found.runs.iter().rfind(|run| run.holds(&newest.head().place)));
        of_snapshot.or_else(|| found.runs.first().filter(|run| run.headed && run.first.frames == 0))
    }

    /// Copies the base, the snapshots of it, and what else is in the folder.
    fn copy(&mut self, base: Option<&Run>) -> Result<(), Unreadable> {
        transfer::copy_loose_files(self.storage, &self.target)?;
        let Some(base) = base else {
            let left = std::mem::take(&mut self.told.snapshots);
            self.told.left.extend(left.into_iter().map(|name| format!("{name}: no part of the journal goes with it")));
            return Ok(());
        };
        self.pieces(base)?;
        let mut needed = BTreeSet::new();
        let names = std::mem::take(&mut self.told.snapshots);
        for name in names {
            let snapshot = Snapshot::open(&**self.storage, &name).map_err(of_snapshot)?;
            if base.holds(&snapshot.head().place) {
                needed.extend(snapshot.leans().iter().map(Lean::name));
                needed.insert(name.clone());
                self.told.snapshots.push(name);
            } else {
                self.told.left.push(format!("{name}: it goes with a part of the journal that is not copied"));
            }
        }
        for name in &needed {
            transfer::copy(self.storage, &self.target, &format!("{}/{name}", snapshot::FOLDER), u64::MAX)?;
        }
        self.told.base = Some((base.first, base.end));
        Ok(())
    }

    /// Copies the frames of the base. Behind damage the first segment begins later than it did, and
    /// those after it must say so: heads are no part of the chain.
    fn pieces(&self, base: &Run) -> Result<(), Unreadable> {
        let mut previous = base.first.frames;
        for Piece { name, range, first, arrived, identity } in &base.pieces {
            if base.headed {
                transfer::copy(self.storage, &self.target, name, range.end)?;
                continue;
            }
            let (range, first, arrived) = (range.clone(), *first, *arrived);
            let graft = Graft { source: name, range, first, previous, arrived, identity };
            journal::graft(self.storage, &self.target, &graft).map_err(unusable)?;
            previous = first.frames;
        }
        Ok(())
    }

    /// Appends the loose frames behind the base.
    fn append(&mut self, found: &Runs, base: Option<&Run>) -> Result<(), Unreadable> {
        let from = base.map_or(Place::default(), |run| run.first);
        let journal = self.open(from)?;
        let mut next = Next::after(base, found);
        let behind: Vec<u64> =
            found.numbers.iter().copied().filter(|number| base.is_none_or(|run| *number >= run.last)).collect();
        // Behind a whole journal there is at most a torn tail: never acknowledged.
        if !found.faults.is_empty() || base.is_none_or(|run| found.runs.last().is_some_and(|last| last.end != run.end))
        {
            let identity = self.identity.clone();
            let mut loose = Loose::find(self.storage, &identity, &behind, next.place.frames)?;
            for number in loose.numbers() {
                if let Some(taken) = loose.take(number, next.chain_of(number))? {
                    self.one(&journal, &mut next, taken)?;
                }
            }
        }
        journal.sync().map_err(failed)?;
        self.told.end = journal.close().map_err(failed)?;
        Ok(())
    }

    fn open(&self, from: Place) -> Result<Journal, Unreadable> {
        let settings = journal::Settings { ack: Ack::Write, ..journal::Settings::default() };
        let evidence = Evidence { from, ..Evidence::default() };
        let opened = Journal::open(self.target.clone(), settings, self.identity.clone(), &evidence, &mut |_| Ok(()));
        opened.map(|(journal, _)| journal).map_err(unusable)
    }

    fn one(&mut self, journal: &Journal, next: &mut Next, taken: Taken) -> Result<(), Unreadable> {
        let Taken { frame, linked } = taken;
        self.told.gaps.extend(next.gap(&frame));
        next.pass(&frame);
        let wanted = match frame.kind {
            Kind::Events => true,
            Kind::Snapshot => {
                vouch::decode(&frame.payload).is_some_and(|vouch| self.told.snapshots.contains(&vouch.name))
            }
            Kind::Mark => false,
        };
        if !wanted {
            return Ok(());
        }
        self.told.appended += u64::from(frame.kind == Kind::Events);
        self.told.unlinked += u64::from(frame.kind == Kind::Events && !linked);
        let Frame { kind, events, arrived, span, payload, .. } = frame;
        let draft = || Draft { kind, events, arrived, span, payload: payload.clone() };
        while let Err(fault) = journal.append(draft()) {
            if fault != Unavailable::Busy {
                return Err(failed(fault));
            }
            journal.sync().map_err(failed)?;
        }
        Ok(())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn failed(fault: Unavailable) -> Unreadable {
    Unreadable::Unusable(format!("the new folder: {fault}"))
}

/// What should come next in the old journal.
struct Next {
    place: Place,
    chain: Option<[u8; 32]>,
    arrived: Option<i64>,
}

impl Next {
    /// Behind the base; without one, what came before the first kept frame is lost.
    fn after(base: Option<&Run>, found: &Runs) -> Self {
        match base {
            Some(run) => Self { place: run.end, chain: Some(run.end.chain), arrived: Some(run.arrived) },
            None => {
                let chain = found.runs.is_empty().then_some([0; 32]);
                Self { place: Place::default(), chain, arrived: None }
            }
        }
    }

    fn chain_of(&self, number: u64) -> Option<&[u8; 32]> {
        self.chain.as_ref().filter(|_| number == self.place.frames)
    }

    fn gap(&self, frame: &Frame) -> Option<Gap> {
        let Place { frames, events, .. } = frame.before;
        let time = |micros: i64| Timestamp::from_micros(micros).ok();
        (frames > self.place.frames).then(|| Gap {
            frames: (self.place.frames, frames),
            positions: (self.place.events, events.max(self.place.events)),
            arrived: (self.arrived.and_then(time), time(frame.arrived)),
        })
    }

    fn pass(&mut self, frame: &Frame) {
        self.place = frame.after();
        self.chain = Some(frame.chain);
        self.arrived = Some(frame.arrived);
    }
}
