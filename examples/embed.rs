//! The engine inside a program of your own: no server, no runtime, no files.
//!
//! ```text
//! cargo run --example embed --no-default-features
//! ```

use std::error::Error;
use tallyring::Engine;
use tallyring::clock::Clock;
use tallyring::clock::System;
use tallyring::engine::config::Config;
use tallyring::engine::event::Dimension;
use tallyring::engine::event::Dimensions;
use tallyring::engine::event::Event;
use tallyring::engine::event::Measures;
use tallyring::engine::money::Currency;
use tallyring::engine::money::Money;
use tallyring::engine::money::decimal;
use tallyring::engine::query::Query;
use tallyring::engine::reports::Scope;
use tallyring::engine::time::Zone;

fn main() -> Result<(), Box<dyn Error>> {
    let engine = Engine::new(Config::default())?;
    // The engine has no clock of its own: the caller says what time it is.
    let now = System.now();

    // One call, named in full.
    let dimensions = Dimensions::default()
        .with(Dimension::User, "ann")
        .with(Dimension::Model, "gpt-4o")
        .with(Dimension::Status, "429");
    let limited = Event { timestamp: now.plus_secs(-30), dimensions, ..Event::default() };
    println!("one call alone: {:?}", engine.record(&limited, now)?);

    // Many calls of one series: its names are looked up once.
    let series = engine.series(&dimensions.with(Dimension::Status, "200"))?;
    for n in 0..1_000 {
        let measures = Measures {
            latency_us: Some(200_000 + n * 1_000),
            input_tokens: Some(1_000),
            output_tokens: Some(n),
            cost: Some(Money::parse("0.0025", Currency::USD)?),
            ..Measures::default()
        };
        let _counted_in_time = series.record(&measures, now.plus_secs(-60), now)?;
    }

    // Any window, any groups: counts and money are exact, percentiles within 1 %.
    let usage = engine.query(&Query::window(3_600).group_by(Dimension::Model).group_by(Dimension::Status), now)?;
    println!("\n{:10} {:>6} {:>8} {:>9} {:>12} {:>8}", "model", "status", "requests", "tokens", "USD", "p95 ms");
    for group in &usage.groups {
        let name = |place: usize| group.name[place].as_deref().unwrap_or("-");
        let sums = &group.totals.sums;
        let cost = sums.cost.get(Currency::USD).map_or("-".to_owned(), decimal);
        let p95 = group.totals.latency.quantile(0.95).map_or("-".to_owned(), |us| (us / 1_000).to_string());
        println!("{:10} {:>6} {:>8} {:>9} {:>12} {:>8}", name(0), name(1), sums.requests, sums.total_tokens, cost, p95);
    }
    println!("counted: {} .. {}, {} calls without a cost", usage.from, usage.to, usage.completeness.unpriced);

    // And the questions that gateways ask every day, by name.
    let summary = engine.reports(now).summary(&Scope::default(), &Zone::parse("Asia/Shanghai")?)?;
    let hour = summary.calls_1h;
    println!("\nlast hour: {} calls, {} succeeded, {} failed", hour.total, hour.success, hour.failure);
    Ok(())
}
