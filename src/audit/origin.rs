//! Where a replay can begin: at the beginning of the journal, or at a snapshot that the kept part of
//! it goes on from.

use super::fault::Unreadable;
use super::fault::of_journal;
use crate::engine::config::Config;
use crate::engine::config::TierConfig;
use crate::engine::image::Facts;
use crate::journal;
use crate::journal::Identity;
use crate::journal::JournalError;
use crate::journal::Place;
use crate::snapshot;
use crate::snapshot::Head;
use crate::snapshot::SnapshotError;
use crate::storage::Shared;
use crate::store::image::Thawed;

/// The journal as a replay sees it.
pub(super) struct Source<'a> {
    pub(super) storage: &'a Shared,
    /// Before the first frame that is kept.
    pub(super) first: Place,
    /// Of the newest segment.
    pub(super) identity: Identity,
    /// Snapshots whose heads are whole, oldest first.
    pub(super) snapshots: Vec<(String, Head)>,
}

impl<'a> Source<'a> {
    pub(super) fn open(storage: &'a Shared) -> Result<Self, Unreadable> {
        let first = journal::segment_after(storage, None).map_err(unusable)?;
        let (Some((_, first)), Some(identity)) = (first, journal::identity(storage).map_err(unusable)?) else {
            return Err(Unreadable::Empty(storage.describe("")));
        };
        let listed = snapshot::list(&**storage).map_err(of_snapshot)?.into_iter().rev();
        let own = listed.filter_map(|listed| Some((listed.name, listed.head.ok()?)));
        let own = own.filter(|(_, head)| head.instance == identity.instance).collect();
        Ok(Self { storage, first: first.map_err(unusable)?.info.first, identity, snapshots: own })
    }

    /// Whether the journal has its beginning.
    pub(super) fn is_complete(&self) -> bool {
        self.first.frames == 0
    }

    /// The oldest whole snapshot that the kept journal goes on from, if `fits`.
    pub(super) fn oldest(&self, fits: impl Fn(&Head) -> bool) -> Result<Option<Thawed>, Unreadable> {
        let useful = |head: &Head| head.place.frames >= self.first.frames && fits(head);
        for (name, _) in self.snapshots.iter().filter(|(_, head)| useful(head)) {
            match Thawed::open(&**self.storage, name) {
                Ok(thawed) => return Ok(Some(thawed)),
                Err(SnapshotError::Damaged { .. }) => {}
                Err(error) => return Err(of_snapshot(error)),
            }
        }
        Ok(None)
    }

    /// The names of labels by the newest segment.
    pub(super) fn labels(&self) -> Vec<String> {
        let schema = String::from_utf8_lossy(&self.identity.schema);
        schema.split('\n').filter(|label| !label.is_empty()).map(str::to_owned).collect()
    }

    /// Tiers as the newest snapshot has them; the defaults without one.
    pub(super) fn config(&self) -> Config {
        let newest = self.snapshots.iter().rev().find_map(|(name, _)| Thawed::open(&**self.storage, name).ok());
        let config = newest.map_or_else(Config::default, |thawed| config_of(thawed.facts()));
        Config { labels: self.labels(), ..roomy(config) }
    }
}

/// The configuration a snapshot was taken under, as far as it shows.
pub(super) fn config_of(facts: &Facts) -> Config {
    let tiers = facts.tiers.iter().map(|(step_secs, len)| TierConfig { step_secs: *step_secs, len: *len }).collect();
    roomy(Config { tiers, labels: facts.labels.clone(), ..Config::default() })
}

/// A replay gives nothing up for want of memory: what was given up then is told by a snapshot.
fn roomy(config: Config) -> Config {
    Config { memory_bytes: 1 << 60, recent_calls: 1, stripes: 1, ..config }
}

pub(super) fn unusable(error: JournalError) -> Unreadable {
    match of_journal(error) {
        Ok(fault) => Unreadable::Unusable(fault.to_string()),
        Err(unreadable) => unreadable,
    }
}

pub(super) fn of_snapshot(error: SnapshotError) -> Unreadable {
    match error {
        SnapshotError::Io { name, fault } => Unreadable::Io { name, fault },
        other => Unreadable::Unusable(other.to_string()),
    }
}
