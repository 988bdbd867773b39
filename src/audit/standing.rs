//! A journal against a checkpoint that was noted before.
//!
//! | the checkpoint's place | then |
//! |---|---|
//! | is on the kept chain, with its hash | held: everything up to it is what it was then |
//! | is on it with another hash | broken: frames up to it were changed |
//! | lies after the end | broken: cut, or rolled back to an older state |
//! | lies before the first kept frame | not provable |
//! | lies where frames can't be read | not provable |
//!
//! The snapshot that was noted must have its hash still, or be gone together with all older ones:
//! where it is gone and an older one is there, the snapshots were rolled back.
//!
//! Why nothing excuses a pruned journal: what links the checkpoint to the first kept frame is the
//! frames between them, and these are gone. A snapshot with the hash that was noted proves the
//! state at its own place; a newer one is vouched for by the kept chain only, which may begin
//! anywhere. So this is told, and is a fault.

use super::chain::Kept;
use super::checkpoint;
use super::checkpoint::Checkpoint;
use super::fault::DISTRUST;
use super::fault::Fault;
use super::hex;
use super::snapshots::Whole;
use crate::journal::Place;
use crate::snapshot::vouch::Vouch;

/// What became of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Everything up to it is what it was then.
    Held,
    /// Something up to it was changed or is gone.
    Broken,
    /// What would prove it is no longer kept.
    NotProvable,
}

impl Standing {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Broken => "broken",
            Self::NotProvable => "not provable",
        }
    }
}

const OLDER: &str =
    "the last checkpoint whose place is kept proves more: note one more often than the journal is pruned";
const BELIEVE: &str = "first see what is damaged, then verify again";

/// Judges; tells what is wrong.
pub(super) fn judge(noted: &Checkpoint, kept: &Kept, whole: &[Whole], folder: &str) -> (Standing, Vec<Fault>) {
    let fault = |what: String, advice| vec![Fault::new(folder, what, advice).after(noted.place.events)];
    if let Some(instance) = kept.instance.filter(|instance| *instance != noted.instance) {
        let what =
            format!("this is installation {}, the checkpoint is of {}", hex::of(&instance), hex::of(&noted.instance));
        return (Standing::Broken, fault(what, "see whether folder and checkpoint were mixed up, or swapped"));
    }
    let (standing, what, advice) = match place(&noted.place, kept) {
        Ok(()) if counts_by(&kept.schema, noted.labels) => match rolled_back(noted, whole) {
            None => return (Standing::Held, Vec::new()),
            Some(what) => (Standing::Broken, what, DISTRUST),
        },
        Ok(()) => (Standing::Broken, "the labels are not those of the checkpoint".to_owned(), DISTRUST),
        Err(verdict) => verdict,
    };
    (standing, fault(what, advice))
}

/// Snapshots go oldest first.
fn rolled_back(noted: &Checkpoint, whole: &[Whole]) -> Option<String> {
    let Vouch { name, blake3 } = noted.snapshot.as_ref()?;
    match whole.iter().find(|whole| whole.name == *name) {
        Some(found) if found.blake3 == *blake3 => None,
        Some(_) => Some(format!("the snapshot {name} is not the one that was noted")),
        None => {
            let older = whole.iter().find(|whole| whole.name < *name)?;
            Some(format!("the snapshot {name} that was noted is gone, and the older {} is there", older.name))
        }
    }
}

type Verdict = (Standing, String, &'static str);

fn place(noted: &Place, kept: &Kept) -> Result<(), Verdict> {
    let Some(first) = kept.first else {
        return Err((Standing::Broken, "there is no journal that the checkpoint could be of".to_owned(), DISTRUST));
    };
    if let Some(found) = kept.places.get(&noted.frames) {
        let what = format!("the frames up to the checkpoint (frame {}) are not those they were then", noted.frames);
        return if found == noted { Ok(()) } else { Err((Standing::Broken, what, DISTRUST)) };
    }
    if noted.frames < first.frames {
        let what = format!(
            "not provable: the journal was pruned up to frame {}, the checkpoint is of frame {}; nothing that is kept links the two",
            first.frames, noted.frames
        );
        return Err((Standing::NotProvable, what, OLDER));
    }
    if kept.faults.is_empty() {
        let what = format!(
            "the journal ends after frame {} (position {}), the checkpoint is of frame {}: it was cut, or rolled back to an older state",
            kept.end.frames, kept.end.events, noted.frames
        );
        return Err((Standing::Broken, what, DISTRUST));
    }
    let what = format!("not provable: frame {}, of which the checkpoint is, can't be read", noted.frames);
    Err((Standing::NotProvable, what, BELIEVE))
}

/// Whether the labels, or the first of them, are those of a checkpoint: they can be added to.
fn counts_by(schema: &[u8], noted: [u8; 8]) -> bool {
    let ends = schema.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(index, _)| index);
    [0, schema.len()].into_iter().chain(ends).any(|end| checkpoint::labels(&schema[..end]) == noted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_may_have_been_added_since() {
        for (then, now, fine) in [
            ("", "team", true),
            ("team", "team", true),
            ("team", "team\nregion", true),
            ("team", "teams", false),
            ("team\nregion", "team", false),
            ("region", "team\nregion", false),
        ] {
            assert_eq!(counts_by(now.as_bytes(), checkpoint::labels(then.as_bytes())), fine, "{then:?} {now:?}");
        }
    }

    #[test]
    fn each_place_has_its_verdict() {
        let place = |frames: u64, chain: u8| Place { frames, events: 10 * frames, chain: [chain; 32] };
        let noted = |place| Checkpoint {
            instance: [1; 16],
            place,
            time: Default::default(),
            labels: checkpoint::labels(b""),
            snapshot: None,
        };
        let kept = |first, end: u64| Kept {
            instance: Some([1; 16]),
            first: Some(place(first, 0)),
            end: place(end, 9),
            places: [(5, place(5, 5))].into_iter().filter(|(frames, _)| (first..=end).contains(frames)).collect(),
            ..Kept::default()
        };
        let broken = Kept { faults: vec![Fault::new("", "", "")], ..kept(0, 4) };
        for (kept, at, expected) in [
            (kept(0, 9), place(5, 5), Standing::Held),
            (kept(5, 9), place(5, 5), Standing::Held),
            (kept(0, 9), place(5, 6), Standing::Broken),
            (kept(0, 9), Place { events: 49, ..place(5, 5) }, Standing::Broken),
            (kept(0, 4), place(5, 5), Standing::Broken),
            (kept(6, 9), place(5, 5), Standing::NotProvable),
            (broken, place(5, 5), Standing::NotProvable),
            (Kept::default(), place(5, 5), Standing::Broken),
            (Kept { instance: Some([2; 16]), ..kept(0, 9) }, place(5, 5), Standing::Broken),
        ] {
            let (standing, faults) = judge(&noted(at), &kept, &[], "data");
            assert_eq!((standing, faults.is_empty()), (expected, expected == Standing::Held), "{kept:?}");
        }
    }
}
