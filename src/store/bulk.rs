//! A request that came column by column: what is the same for all calls of a series is decided
//! once, and the columns are taken as they are.
//!
//! It comes to the same as [`push`](super::Intake::push) of the calls one by one; a test holds that.

use super::batch::EventError;
use super::batch::Origin;
use super::columns::Columns;
use super::columns::Row;
use super::intake::Intake;
use super::intake::Mark;
use crate::dedupe::Hashers;
use crate::engine::event::Dimensions;
use crate::engine::event::Event;
use crate::engine::event::Reject;
use crate::engine::time::DAY;
use crate::engine::time::Timestamp;

/// The calls of a request.
pub(crate) struct Bulk {
    /// All but the series; the numbers of rows are those of the sender's series. Of a row that has
    /// a fault here, only the place counts.
    pub(crate) columns: Columns,
    /// Whether the sender told the time, by row.
    pub(crate) timed: Vec<bool>,
    /// What is wrong with rows already, in their order.
    pub(crate) faults: Vec<EventError>,
}

/// The sender's table of series.
pub(crate) trait SeriesTable {
    /// How many there are.
    fn len(&self) -> usize;

    /// The names of one.
    fn names(&self, series: u32) -> Dimensions<'_>;

    /// A number below [`slots`](Self::slots) for the name of a series in a dimension; other names
    /// have other numbers, and 0 is `""`.
    fn slot(&self, series: u32, place: usize) -> usize;

    /// How many such numbers there can be.
    fn slots(&self) -> usize;

    /// How many names there are, about.
    fn names_at_most(&self) -> usize;
}

/// What is known of the sender's series.
struct Known {
    /// By series: its number in the record, or one of the two below.
    numbers: Vec<u32>,
    /// By series: the latest day it was resolved on.
    days: Vec<i64>,
    /// By slot: the number of the name in the record; 0 where it has none yet.
    names: Vec<u32>,
    /// The second that was judged last, and whether it is late.
    second: (i64, bool),
}

/// What was decided, row by row.
#[derive(Default)]
pub(super) struct Fate {
    /// The number of each row's series in the record; [`REFUSED`] where the row is left out.
    pub(super) numbers: Vec<u32>,
    /// Rows that are late, in order.
    pub(super) late: Vec<usize>,
    /// Of those kept that have an id, in order.
    pub(super) payloads: Vec<u64>,
    pub(super) kept: usize,
}

impl Fate {
    fn keep(&mut self, number: u32, late: bool) {
        if late {
            self.late.push(self.numbers.len());
        }
        self.numbers.push(number);
        self.kept += 1;
    }

    fn refuse(&mut self) {
        self.numbers.push(REFUSED);
    }
}

const UNSEEN: u32 = u32::MAX;
pub(super) const REFUSED: u32 = u32::MAX - 1;

impl Intake<'_> {
    /// Decides on all events of the request; nothing is counted yet, and nothing was pushed before.
    pub(crate) fn push_all(&mut self, bulk: Bulk, table: &impl SeriesTable) {
        debug_assert!(self.is_empty() && self.rejected == 0, "the request is taken as a whole");
        let Bulk { columns, timed, faults } = bulk;
        self.inner.engine.observe(self.now);
        let mut known = Known {
            numbers: vec![UNSEEN; table.len()],
            days: vec![i64::MIN; table.len()],
            names: vec![0; table.slots()],
            second: (i64::MIN, false),
        };
        self.record.columns.reserve(table.names_at_most(), table.len());
        let mut fate = Fate { numbers: Vec::with_capacity(columns.len()), ..Fate::default() };
        let mut faults = faults.into_iter().peekable();
        // Most calls have figures within their limits and no id: then two columns tell all.
        let whole = columns.has_ids() || !columns.is_within_limits();
        let mut rows = whole.then(|| columns.rows());
        for (place, (of, timestamp)) in columns.places().enumerate() {
            let row = rows.as_mut().and_then(Iterator::next);
            let origin = Origin { index: place as u64, timed: timed[place] };
            let judged = match faults.next_if(|error| error.index == place as u64) {
                Some(error) => Err(error),
                None => self
                    .judge(of, timestamp, row.as_ref(), table, &mut known)
                    .map_err(|reject| origin.error(&reject, |pointer| pointer)),
            };
            match judged {
                Ok((number, late)) => {
                    let row = row.filter(|row| !row.id.is_empty());
                    fate.payloads.extend(row.map(|row| self.mark(fate.kept, &row, table.names(of), origin)));
                    fate.keep(number, late);
                }
                Err(error) => {
                    let reject = Reject { reason: error.reason, pointer: "", detail: "" };
                    self.inner.engine.note(std::slice::from_ref(&reject), 0);
                    self.reject(&reject, error);
                    fate.refuse();
                }
            }
        }
        columns.settle(fate, &mut self.record.columns);
        self.list_faults();
    }

    /// The number of a call's series in the record, and whether it is late.
    fn judge(
        &mut self,
        of: u32,
        timestamp: Timestamp,
        row: Option<&Row<'_>>,
        table: &impl SeriesTable,
        known: &mut Known,
    ) -> Result<(u32, bool), Reject> {
        let (engine, place) = (&self.inner.engine, of as usize);
        if known.numbers[place] == UNSEEN {
            if let Err(reject) = engine.check_names(&table.names(of)) {
                known.numbers[place] = REFUSED;
                return Err(reject);
            }
        } else if known.numbers[place] == REFUSED {
            engine.check_names(&table.names(of))?;
        }
        if let Some(row) = row {
            row.measures.check()?;
        }
        let late = self.is_late(timestamp, known)?;
        let day = timestamp.secs() / DAY;
        if known.days[place] < day {
            known.days[place] = day;
            self.resolve(of, timestamp, table, known);
        }
        Ok((known.numbers[place], late))
    }

    /// Whether a time is late, if it can be counted. Neighbours mostly share their second; only one
    /// ahead of the clock is a matter of less than that.
    fn is_late(&self, timestamp: Timestamp, known: &mut Known) -> Result<bool, Reject> {
        let second = timestamp.secs();
        if second != known.second.0 || timestamp > self.now {
            known.second = (second, self.inner.engine.judge(timestamp, self.now)?);
        }
        Ok(known.second.1)
    }

    /// Looks a series up, which notes that it is seen on this day.
    fn resolve(&mut self, of: u32, timestamp: Timestamp, table: &impl SeriesTable, known: &mut Known) {
        let (names, engine) = (table.names(of), &self.inner.engine);
        let (series, same) = engine.resolve(&names, timestamp);
        if known.numbers[of as usize] != UNSEEN {
            return;
        }
        known.numbers[of as usize] = *self.known.entry(series.id).or_insert_with(|| {
            self.resolved.push(series);
            let columns = &mut self.record.columns;
            if same {
                let slot = |(place, name)| (name, table.slot(of, place));
                columns.add_series_by_slots(names.0.into_iter().enumerate().map(slot), &mut known.names)
            } else {
                engine.with_names(&series, |own| columns.add_series_by_slots(own.map(|name| (name, 0)), &mut [0]))
            }
        });
    }

    /// Notes an event with an id; answers its payload.
    fn mark(&mut self, place: usize, row: &Row<'_>, dimensions: Dimensions<'_>, origin: Origin) -> u64 {
        let Row { timestamp, measures, id, job_id, error, .. } = *row;
        let event = Event { timestamp, dimensions, measures, id, job_id, error };
        let payload = Hashers::payload(&event, origin.timed, &mut self.scratch);
        let hash = self.inner.hashers.id(&self.record.writer, id);
        self.marks.push(Mark { row: place, origin, id: hash, payload });
        payload
    }
}
