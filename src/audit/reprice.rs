//! What the calls in the journal would have cost by other prices, beside what they told.
//!
//! Only calls that are still in the journal can be priced again: a snapshot keeps sums. A call
//! without a price is counted as such, and never as one that cost nothing.

use super::fault::Unreadable;
use super::origin::unusable;
use super::replay::Until;
use crate::engine::aggregate::Cost;
use crate::engine::aggregate::Costs;
use crate::engine::event::Dimension;
use crate::engine::event::Measures;
use crate::engine::money::Money;
use crate::journal::Frame;
use crate::journal::Kind;
use crate::journal::Place;
use crate::journal::Reader;
use crate::prices::Prices;
use crate::prices::Unpriced;
use crate::storage::Shared;
use crate::store::record::Record;
use std::collections::BTreeMap;

/// Some calls at two prices.
#[derive(Clone, Debug, Default)]
pub struct Sums {
    /// How many.
    pub calls: u64,
    /// What they told, by currency.
    pub recorded: Costs,
    /// What they cost by the table, by currency.
    pub repriced: Costs,
    /// Calls whose model, or a kind of whose tokens, has no price.
    pub no_price: u64,
    /// Calls that tell no tokens.
    pub no_tokens: u64,
    /// Calls that tell more tokens of a part than of the whole, charged for the parts.
    pub odd: u64,
}

/// All calls that are kept, priced again.
#[derive(Clone, Debug, Default)]
pub struct Repriced {
    /// Before the first call.
    pub from: Place,
    /// After the last one.
    pub to: Place,
    /// All of them.
    pub all: Sums,
    /// By model; `""` for calls without one.
    pub models: BTreeMap<String, Sums>,
}

/// Prices all kept calls up to a point again.
///
/// # Errors
/// [`Unreadable`]: there is no journal, or it is damaged.
pub fn reprice(storage: &Shared, until: Until, prices: &Prices) -> Result<Repriced, Unreadable> {
    let mut reader = Reader::open(storage.clone(), None).map_err(unusable)?;
    let mut repriced = Repriced { from: reader.stand().place, to: reader.stand().place, ..Repriced::default() };
    while let Some(frame) = reader.next().map_err(unusable)? {
        if !until.takes(&frame) {
            break;
        }
        repriced.frame(&frame, prices)?;
        repriced.to = frame.after();
    }
    Ok(repriced)
}

impl Repriced {
    fn frame(&mut self, frame: &Frame, prices: &Prices) -> Result<(), Unreadable> {
        if frame.kind != Kind::Events {
            return Ok(());
        }
        let record = Record::decode(&frame.payload).map_err(|fault| {
            Unreadable::Unusable(format!("the frame after position {}: {fault}", frame.before.events))
        })?;
        let series: Vec<_> = record.columns.series().collect();
        for row in record.columns.rows() {
            let names = &series[row.series as usize];
            let (provider, model) = (names.get(Dimension::Provider), names.get(Dimension::Model));
            let one = Sums::of(&row.measures, prices, provider, model);
            self.all.add(&one);
            match self.models.get_mut(model) {
                Some(sums) => sums.add(&one),
                None => drop(self.models.insert(model.to_owned(), one)),
            }
        }
        Ok(())
    }
}

impl Sums {
    fn of(measures: &Measures, prices: &Prices, provider: &str, model: &str) -> Self {
        let mut sums = Self { calls: 1, ..Self::default() };
        if let Some(Money { nanos, currency }) = measures.cost {
            sums.recorded.add(Cost { currency, nanos: i128::from(nanos), calls: 1 });
        }
        match prices.cost(provider, model, measures) {
            Ok(priced) => {
                sums.repriced.add(Cost { currency: priced.currency, nanos: priced.nanos, calls: 1 });
                sums.odd = u64::from(priced.odd);
            }
            Err(Unpriced::NoPrice) => sums.no_price = 1,
            Err(Unpriced::NoTokens) => sums.no_tokens = 1,
        }
        sums
    }

    fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.recorded.merge(&other.recorded);
        self.repriced.merge(&other.repriced);
        self.no_price += other.no_price;
        self.no_tokens += other.no_tokens;
        self.odd += other.odd;
    }
}
