//! The names of snapshots: `<frames>-<events>.snap`, twenty digits each, so that names sort by age.

use super::FOLDER;
use crate::journal::Place;

/// Where the next snapshot is written; no name that is ever listed.
pub(super) const NEXT: &str = "snapshots/next.tmp";

const END: &str = ".snap";

/// The name of the snapshot of a place, without the folder.
pub(super) fn of(place: &Place) -> String {
    format!("{:020}-{:020}{END}", place.frames, place.events)
}

/// The frames and events a name tells; `None` where it is no snapshot's.
pub(super) fn read(name: &str) -> Option<(u64, u64)> {
    let (frames, events) = name.strip_suffix(END)?.split_once('-')?;
    let number = |digits: &str| {
        let plain = digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit());
        digits.parse().ok().filter(|_| plain)
    };
    Some((number(frames)?, number(events)?))
}

/// The name with its folder.
pub(super) fn path(name: &str) -> String {
    format!("{FOLDER}/{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_place_and_sorts_by_it() {
        let name = |frames, events| of(&Place { frames, events, ..Place::default() });
        assert_eq!(read(&name(7, 1_000)), Some((7, 1_000)));
        assert_eq!(read(&name(u64::MAX, u64::MAX)), Some((u64::MAX, u64::MAX)));
        assert!(name(9, 90) < name(10, 90) && name(10, 90) < name(10, 91));
    }

    #[test]
    fn nothing_else_is_a_name() {
        let good = of(&Place::default());
        let bad = [
            "next.tmp",
            "",
            ".snap",
            "-.snap",
            "1-2.snap",
            "../00000000000000000001-00000000000000000001.snap",
            "+0000000000000000001-00000000000000000001.snap",
            "99999999999999999999-00000000000000000001.snap",
        ];
        let cut = [&good[1..], &good[..good.len() - 1], &format!("{good}~"), &good.to_uppercase()].map(str::to_owned);
        for name in bad.into_iter().map(str::to_owned).chain(cut) {
            assert_eq!(read(&name), None, "{name}");
        }
    }
}
