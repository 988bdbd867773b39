//! `replay DIR`: the state counted anew from the journal, without a server.

mod compared;
mod figures;
mod repriced;

use super::Global;
use super::exit::Exit;
use super::exit::Failure;
use super::output;
use super::verify;
use crate::audit;
use crate::audit::Rebuilt;
use crate::audit::Until;
use crate::engine::config::Config;
use crate::engine::event::Dimension;
use crate::engine::query::MAX_LIMIT;
use crate::engine::query::Query;
use crate::engine::query::Usage;
use crate::engine::time::Timestamp;
use crate::prices::Prices;
use crate::storage::Shared;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(super) struct Args {
    /// The data folder; a server may be running on it
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The state after so many events; a request counts whole or not at all
    #[arg(long, value_name = "N", conflicts_with = "at")]
    at_position: Option<u64>,
    /// The state at an instant: what came before the first request that arrived later
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// Begin with the first event ever, or not at all; without it a pruned journal is counted from
    /// the oldest snapshot that it goes on from
    #[arg(long)]
    from_start: bool,
    /// Hold this snapshot against the journal: exit code 1 where a figure differs
    #[arg(long, value_name = "SNAPSHOT", conflicts_with_all = ["at_position", "at", "from_start", "reprice", "group_by"])]
    expect: Option<String>,
    /// What the calls in the journal would have cost by this table: TOML, or `LiteLLM`'s JSON
    #[arg(long, value_name = "PRICES", conflicts_with_all = ["group_by", "from_start"])]
    reprice: Option<PathBuf>,
    /// Totals by up to three dimensions: key, user, model, provider, endpoint, status or a label
    #[arg(long, value_name = "DIMENSION", value_delimiter = ',')]
    group_by: Vec<String>,
    /// The answer as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, global: &Global) -> Result<Exit, Failure> {
    let prices = args.reprice.as_deref().map(read_prices).transpose()?;
    let storage = verify::open(&args.folder)?;
    if let Some(name) = &args.expect {
        return compared::print(&audit::compare(&storage, name)?, args.json);
    }
    match prices {
        Some(prices) => repriced::print(&audit::reprice(&storage, args.until(), &prices)?, args.json, global),
        None => args.totals(&storage, global),
    }
}

fn read_prices(file: &Path) -> Result<Prices, Failure> {
    let text = fs::read_to_string(file).map_err(|fault| Failure::file(file.display(), &fault))?;
    Prices::parse(&text).map_err(|fault| Failure::usage(format!("{}: {fault}", file.display())))
}

impl Args {
    fn until(&self) -> Until {
        match (self.at_position, self.at) {
            (Some(position), _) => Until::Position(position),
            (None, Some(time)) => Until::Time(time),
            (None, None) => Until::End,
        }
    }

    fn totals(&self, storage: &Shared, global: &Global) -> Result<Exit, Failure> {
        let rebuilt = audit::rebuild(storage, self.until(), self.from_start)?;
        self.warn(&rebuilt);
        let usage = self.ask(&rebuilt)?;
        if self.json {
            return output::print_json(&figures::to_json(&rebuilt, &usage, &self.group_by));
        }
        output::print_bytes(figures::to_text(&rebuilt, &usage, &self.group_by, global.color.stdout()).as_bytes())
    }

    fn warn(&self, rebuilt: &Rebuilt) {
        if let Some((before, after)) = rebuilt.within {
            output::message(&format!("one request has the events {before} to {after}: this is the state before it"));
        }
        if let Some(position) =
            self.at_position.filter(|position| rebuilt.within.is_none() && rebuilt.place.events < *position)
        {
            output::message(&format!("the journal ends at position {}, before {position}", rebuilt.place.events));
        }
    }

    fn ask(&self, rebuilt: &Rebuilt) -> Result<Usage, Failure> {
        let config = rebuilt.engine.config();
        let group_by = self.group_by.iter().map(|name| dimension(config, name)).collect::<Result<_, _>>()?;
        let query = Query { group_by, limit: MAX_LIMIT, ..Query::between(None, None) };
        rebuilt.engine.query(&query, rebuilt.now).map_err(|fault| Failure::usage(fault.to_string()))
    }
}

fn dimension(config: &Config, name: &str) -> Result<Dimension, Failure> {
    let found = config.dimensions().find(|dimension| config.name(*dimension) == name);
    found.ok_or_else(|| {
        let known: Vec<&str> = config.dimensions().map(|dimension| config.name(dimension)).collect();
        Failure::usage(format!("there is no dimension {name}; there is: {}", known.join(", ")))
    })
}
