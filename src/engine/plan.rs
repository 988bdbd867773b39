//! How a query is read: which rows count, for which group, and where they are found soonest.
//!
//! A query over one rolled-up dimension (or none) is read from rollup groups; any other from the
//! series themselves: a few of them looked up one by one, or all of them scanned.

use super::event::Dimension;
use super::event::status;
use super::query::Filter;
use super::query::GroupName;
use super::query::MAX_GROUP_BY;
use super::query::Query;
use super::series::SeriesTable;
use super::series::TOTAL;
use super::series::group_of;
use super::slice::NOWHERE;
use super::values::NONE;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::cmp::Ordering;
use std::hash::BuildHasher;

/// Values by number, in the order of `group_by`; the rest is [`NONE`].
type Numbers = [u32; MAX_GROUP_BY];

/// Which ids count for which place.
#[derive(Debug)]
pub(super) enum Ids {
    /// These, by ascending id.
    Few(Vec<(u32, u32)>),
    /// Each id's place, or [`NOWHERE`].
    Many(Vec<u32>),
}

impl Ids {
    /// The place of an id.
    #[inline]
    pub(super) fn place(&self, id: u32) -> u32 {
        match self {
            Self::Few(few) => few.binary_search_by_key(&id, |(id, _)| *id).map_or(NOWHERE, |found| few[found].1),
            Self::Many(places) => places.get(id as usize).copied().unwrap_or(NOWHERE),
        }
    }
}

/// A query's groups, numbered by place.
#[derive(Debug)]
pub(super) struct Plan {
    /// Whether `ids` are rollup groups rather than series.
    pub(super) rolled_up: bool,
    pub(super) ids: Ids,
    groups: Vec<Numbers>, // none where the query does not group: then there is one place
    dimensions: Vec<Dimension>,
}

impl Plan {
    pub(super) fn new(query: &Query, series: &SeriesTable, rollups: &[Dimension]) -> Self {
        let filters: Vec<(Dimension, Vec<u32>)> = query.filters.iter().map(|filter| numbers(filter, series)).collect();
        let mut concerned = query.group_by.iter().chain(filters.iter().map(|(dimension, _)| dimension));
        let first = concerned.next();
        let one = concerned.all(|dimension| Some(dimension) == first);
        match first {
            None => Self::total(),
            Some(dimension) if one && rollups.contains(dimension) => {
                Self::of_rollup(query, *dimension, &filters, series)
            }
            Some(_) => Self::of_series(query, &filters, series),
        }
    }

    fn total() -> Self {
        let ids = Ids::Few(vec![(TOTAL, 0)]);
        Self { rolled_up: true, ids, groups: Vec::new(), dimensions: Vec::new() }
    }

    fn of_rollup(query: &Query, dimension: Dimension, filters: &[(Dimension, Vec<u32>)], series: &SeriesTable) -> Self {
        let known = series.values(dimension);
        let values: Vec<u32> = match filters.split_first() {
            None => known.numbers().collect(),
            Some(((_, first), others)) => {
                let wanted = |number: &u32| {
                    !known.series(*number).is_empty() && others.iter().all(|(_, values)| values.contains(number))
                };
                let mut values: Vec<u32> = first.iter().copied().filter(wanted).collect();
                values.sort_unstable();
                values.dedup();
                values
            }
        };
        let grouped = !query.group_by.is_empty();
        let place = |place: usize| if grouped { place as u32 } else { 0 };
        let mut ids: Vec<(u32, u32)> =
            values.iter().enumerate().map(|(at, number)| (group_of(dimension, *number), place(at))).collect();
        ids.sort_unstable();
        let groups = if grouped { values.iter().map(|number| [*number, NONE, NONE]).collect() } else { Vec::new() };
        Self { rolled_up: true, ids: Ids::Few(ids), groups, dimensions: query.group_by.clone() }
    }

    fn of_series(query: &Query, filters: &[(Dimension, Vec<u32>)], series: &SeriesTable) -> Self {
        let mut groups: Vec<Numbers> = Vec::new();
        let (mut known, hasher) = (HashTable::new(), RandomState::default());
        let mut place = |id: u32| {
            if query.group_by.is_empty() {
                return 0;
            }
            let numbers = series.numbers(id);
            let mut name = [NONE; MAX_GROUP_BY];
            for (number, dimension) in name.iter_mut().zip(&query.group_by) {
                *number = numbers[dimension.index()];
            }
            let same = |place: &u32| groups[*place as usize] == name;
            let hash = hasher.hash_one(name);
            if let Some(place) = known.find(hash, same) {
                return *place;
            }
            let place = groups.len() as u32;
            groups.push(name);
            known.insert_unique(hash, place, |place| hasher.hash_one(groups[*place as usize]));
            place
        };
        let wanted = |id: &u32| {
            let numbers = series.numbers(*id);
            filters.iter().all(|(dimension, values)| values.contains(&numbers[dimension.index()]))
        };
        let ids = match shortest(filters, series) {
            Some(carriers) if carriers.len() * 8 < series.len() => {
                let mut few: Vec<(u32, u32)> = carriers.into_iter().filter(wanted).map(|id| (id, place(id))).collect();
                few.sort_unstable();
                Ids::Few(few)
            }
            _ => {
                let mut many = vec![NOWHERE; series.bound()];
                series.ids().filter(wanted).for_each(|id| many[id as usize] = place(id));
                Ids::Many(many)
            }
        };
        Self { rolled_up: false, ids, groups, dimensions: query.group_by.clone() }
    }

    /// How many groups.
    pub(super) fn len(&self) -> usize {
        if self.dimensions.is_empty() { 1 } else { self.groups.len() }
    }

    /// The name of the group at a place.
    pub(super) fn name(&self, place: usize, series: &SeriesTable) -> GroupName {
        let name = |(dimension, number): (&Dimension, &u32)| {
            (*number != NONE).then(|| series.values(*dimension).text(*number).clone())
        };
        self.dimensions.iter().zip(&self.groups[place]).map(name).collect()
    }

    /// Compares the names of two groups, as [`name`](Self::name) tells them.
    pub(super) fn compare(&self, a: usize, b: usize, series: &SeriesTable) -> Ordering {
        let text = |(dimension, number): (&Dimension, &u32)| {
            (*number != NONE).then(|| &**series.values(*dimension).text(*number))
        };
        let texts = |place: usize| self.dimensions.iter().zip(&self.groups[place]).map(text);
        texts(a).cmp(texts(b))
    }
}

/// A filter's values by number; those that no call ever had are left out.
pub(super) fn numbers(filter: &Filter, series: &SeriesTable) -> (Dimension, Vec<u32>) {
    let values = series.values(filter.dimension);
    let canonical = |value: &String| match filter.dimension {
        Dimension::Status => values.find(status::canonical(value)),
        _ => values.find(value),
    };
    (filter.dimension, filter.values.iter().filter_map(canonical).collect())
}

/// The series whose calls the filters let through.
pub(super) fn matching(filters: &[Filter], series: &SeriesTable) -> Vec<u32> {
    let filters: Vec<(Dimension, Vec<u32>)> = filters.iter().map(|filter| numbers(filter, series)).collect();
    let wanted = |id: &u32| {
        let numbers = series.numbers(*id);
        filters.iter().all(|(dimension, values)| values.contains(&numbers[dimension.index()]))
    };
    match shortest(&filters, series) {
        Some(carriers) => carriers.into_iter().filter(wanted).collect(),
        None => series.ids().collect(),
    }
}

/// The series that carry a value of the filter with the fewest, all sorted.
fn shortest(filters: &[(Dimension, Vec<u32>)], series: &SeriesTable) -> Option<Vec<u32>> {
    let count = |(dimension, values): &&(Dimension, Vec<u32>)| {
        values.iter().map(|number| series.values(*dimension).series(*number).len()).sum::<usize>()
    };
    let (dimension, values) = filters.iter().min_by_key(count)?;
    let mut carriers: Vec<u32> =
        values.iter().flat_map(|number| series.values(*dimension).series(*number).iter()).collect();
    carriers.sort_unstable();
    carriers.dedup();
    Some(carriers)
}
