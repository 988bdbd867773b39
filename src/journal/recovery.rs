//! What is done where frames end: the table that recovery and reading follow.
//!
//! | a segment follows | at the end of the frames | proven synced | owed | then |
//! |---|---|---|---|---|
//! | yes | the end of the file | | | the next segment |
//! | yes | anything else | | | damaged |
//! | no | a whole frame that does not follow | | | damaged |
//! | no | any | yes | | damaged |
//! | no | any | | yes | damaged |
//! | no | the end of the file, or zeros | no | no | the end |
//! | no | anything else | no | no | a torn tail |
//!
//! *Proven synced*: a later header says that the frame which should be here was synced. *Owed*:
//! a snapshot covers, or knows durable, more than what comes before.
//!
//! Why later frames don't prove damage by themselves: a group of frames is written at once and
//! synced at once, and a power cut in between leaves any of its sectors. So a whole frame may
//! survive behind a broken one without either having been acknowledged. What a header says was
//! synced, was; damage to that is never cut.
//!
//! A torn tail is copied to `journal/<segment>.<offset>.torn` and synced before it is cut; a crash
//! at any point of that leaves a torn tail, or its end. Whatever was read is synced before it is
//! told to be there: after a crash of the process it may have been in the page cache only. Recovery
//! deletes nothing.

/// What is known where frames end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    /// A segment follows.
    pub(super) followed: bool,
    pub(super) here: Here,
    /// A later header in the segment says the frame that should be here was synced.
    pub(super) proven: bool,
    /// More than what comes before is known durable.
    pub(super) owed: bool,
}

/// What is at the end of the frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Here {
    /// The end of the file.
    End,
    /// Zeros to the end of the file.
    Zeros,
    /// No whole frame, or one from before.
    Broken,
    /// A whole frame that does not follow.
    Stranger,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Read the next segment.
    Next,
    /// The journal ends here.
    End,
    /// What is here was never acknowledged: copy it aside and cut it.
    Torn,
    /// Refuse.
    Damaged(&'static str),
}

/// The table.
pub(super) fn decide(facts: Facts) -> Verdict {
    match facts {
        Facts { followed: true, here: Here::End, .. } => Verdict::Next,
        Facts { followed: true, .. } => {
            Verdict::Damaged("a segment follows, yet this one does not end with a whole frame")
        }
        Facts { here: Here::Stranger, .. } => Verdict::Damaged("a frame does not follow the one before it"),
        Facts { proven: true, .. } => {
            Verdict::Damaged("a later frame says that the one which was here had been synced")
        }
        Facts { owed: true, .. } => {
            Verdict::Damaged("the journal ends before events that are known to have been synced")
        }
        Facts { here: Here::End | Here::Zeros, .. } => Verdict::End,
        Facts { here: Here::Broken, .. } => Verdict::Torn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: [Here; 4] = [Here::End, Here::Zeros, Here::Broken, Here::Stranger];

    /// The table of the module once more, as a rule for each outcome.
    fn expected(facts: Facts) -> Verdict {
        let Facts { followed, here, proven, owed } = facts;
        let nothing_lost = !followed && !proven && !owed;
        match here {
            Here::End if followed => Verdict::Next,
            Here::End | Here::Zeros if nothing_lost => Verdict::End,
            Here::Broken if nothing_lost => Verdict::Torn,
            _ => Verdict::Damaged(""),
        }
    }

    #[test]
    fn every_row() {
        let mut rows = 0;
        for here in HERE {
            for bits in 0..8 {
                let facts = Facts { followed: bits & 1 > 0, here, proven: bits & 2 > 0, owed: bits & 4 > 0 };
                let verdict = match decide(facts) {
                    Verdict::Damaged(_) => Verdict::Damaged(""),
                    verdict => verdict,
                };
                assert_eq!(verdict, expected(facts), "{facts:?}");
                rows += 1;
            }
        }
        assert_eq!(rows, 32);
    }

    #[test]
    fn a_tail_is_cut_in_one_row_only() {
        let all = HERE.into_iter().flat_map(|here| {
            (0..8).map(move |bits| Facts { followed: bits & 1 > 0, here, proven: bits & 2 > 0, owed: bits & 4 > 0 })
        });
        let torn: Vec<_> = all.filter(|facts| decide(*facts) == Verdict::Torn).collect();
        assert_eq!(torn, [Facts { followed: false, here: Here::Broken, proven: false, owed: false }]);
    }
}
