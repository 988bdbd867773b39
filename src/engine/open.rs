//! A bucket still written to: one cell for each series touched, one for each rollup group, and a
//! log of histogram bins that is sorted only when the bucket is sealed.

use super::bins::BinRows;
use super::cell::Cell;
use super::cell::Cells;
use super::cell::Delta;
use super::column::Time;
use super::event::Measures;
use super::histogram::bin_of;
use super::series::Resolved;
use std::borrow::Cow;

/// How much an open bucket holds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Room {
    series: usize,
    groups: usize,
    bins: [usize; 2],
}

/// Cells and bins of one bucket, in the order of arrival.
///
/// Invariant: `slots` holds `stride` places in `groups` for each cell of `series`, so that a call
/// of a known series finds its groups without looking them up.
#[derive(Debug)]
pub(super) struct Open {
    series: Cells,
    groups: Cells,
    slots: Vec<u32>,
    stride: usize,
    bins: [Vec<(u32, u16)>; 2], // (place in `series`, bin), by `Time`
}

impl Open {
    /// An empty bucket whose series belong to `stride` groups each.
    pub(super) fn new(stride: usize) -> Self {
        Self::with_room(stride, Room::default())
    }

    /// An empty bucket with room for what another one held, so that it need not grow as it fills.
    pub(super) fn with_room(stride: usize, room: Room) -> Self {
        Self {
            series: Cells::with_capacity(room.series),
            groups: Cells::with_capacity(room.groups),
            slots: Vec::with_capacity(room.series * stride),
            stride,
            bins: room.bins.map(Vec::with_capacity),
        }
    }

    /// The room it takes.
    pub(super) fn room(&self) -> Room {
        let bins = self.bins.each_ref().map(Vec::len);
        Room { series: self.series.all().len(), groups: self.groups.all().len(), bins }
    }

    /// Counts one call.
    #[inline]
    pub(super) fn record(&mut self, series: &Resolved, measures: &Measures) {
        let (place, new) = self.series.place(series.id);
        if new {
            let groups = &mut self.groups;
            self.slots.extend(series.groups[..self.stride].iter().map(|group| groups.place(*group).0 as u32));
        }
        let delta = Delta::new(measures, series.kind);
        self.series.at(place).add(&delta);
        for slot in &self.slots[place * self.stride..][..self.stride] {
            self.groups.at(*slot as usize).add(&delta);
        }
        let place = place as u32;
        if let Some(us) = measures.latency_us {
            self.bins[Time::Latency as usize].push((place, bin_of(us)));
        }
        if let Some(us) = measures.ttft_us {
            self.bins[Time::Ttft as usize].push((place, bin_of(us)));
        }
    }

    /// How many series it has seen.
    pub(super) fn len(&self) -> usize {
        self.series.all().len()
    }

    /// How many cells and bins it holds.
    pub(super) fn held(&self) -> usize {
        self.len() + self.bins[0].len() + self.bins[1].len()
    }

    /// One cell for each series seen.
    pub(super) fn series(&self) -> &Cells {
        &self.series
    }

    /// One cell for each rollup group seen.
    pub(super) fn groups(&self) -> &Cells {
        &self.groups
    }

    /// The bins of a time, each with the place of its series.
    pub(super) fn bins(&self, time: Time) -> &[(u32, u16)] {
        &self.bins[time as usize]
    }

    /// The places in `groups` of the series at a place.
    pub(super) fn slots(&self, place: u32) -> &[u32] {
        &self.slots[place as usize * self.stride..][..self.stride]
    }

    /// Bytes on the heap, about.
    pub(super) fn bytes(&self) -> usize {
        let bins: usize = self.bins.iter().map(|bins| bins.capacity() * 8).sum();
        self.series.bytes() + self.groups.bytes() + self.slots.capacity() * 4 + bins
    }
}

/// An open bucket with its bins gathered by series: what sealing begins with.
pub(super) struct Gathered<'a> {
    open: &'a Open,
    bins: [BinRows; 2], // by place in `series`
}

impl<'a> Gathered<'a> {
    pub(super) fn new(open: &'a Open) -> Self {
        let gather = |time| {
            let log = open.bins(time);
            BinRows::gather(open.len(), |visit| log.iter().for_each(|(place, bin)| visit(*place, *bin, 1)))
        };
        Self { open, bins: Time::BOTH.map(gather) }
    }

    /// The bins of each rollup group: those of its series together.
    fn groups(&self, time: Time) -> BinRows {
        BinRows::gather(self.open.groups.all().len(), |visit| {
            for (place, bins) in (0..).zip(self.bins[time as usize].rows()) {
                for slot in self.open.slots(place) {
                    bins.clone().for_each(|(bin, count)| visit(*slot, bin, count));
                }
            }
        })
    }
}

/// An open bucket's cells by id, upwards: what sealing turns into columns.
pub(super) struct Sorted<'a> {
    pub(super) cells: Vec<&'a Cell>,
    pub(super) ids: Vec<u32>,
    order: Vec<u32>, // by row: the place of its bins
    bins: [Cow<'a, BinRows>; 2],
}

impl<'a> Sorted<'a> {
    /// The series of a bucket.
    pub(super) fn series(gathered: &'a Gathered<'a>) -> Self {
        Self::sort(gathered.open.series.all(), gathered.bins.each_ref().map(Cow::Borrowed))
    }

    /// The rollup groups of a bucket.
    pub(super) fn groups(gathered: &'a Gathered<'a>) -> Self {
        Self::sort(gathered.open.groups.all(), Time::BOTH.map(|time| Cow::Owned(gathered.groups(time))))
    }

    fn sort(cells: &'a [Cell], bins: [Cow<'a, BinRows>; 2]) -> Self {
        let mut order: Vec<u32> = (0..cells.len() as u32).collect();
        order.sort_unstable_by_key(|place| cells[*place as usize].id);
        let cells: Vec<&Cell> = order.iter().map(|place| &cells[*place as usize]).collect();
        Self { ids: cells.iter().map(|cell| cell.id).collect(), cells, order, bins }
    }

    /// The bins of a row.
    pub(super) fn bins(&self, time: Time, row: usize) -> impl Iterator<Item = (u16, u64)> + '_ {
        self.bins[time as usize].row(self.order[row] as usize)
    }
}
