//! `query`: any window, groups, filters and figures, over `/v1/usage`.

use super::Global;
use super::answer;
use super::answer::Node;
use super::client::Client;
use super::client::Server;
use super::exit::Exit;
use super::exit::Failure;
use super::output;
use super::output::Format;
use super::secret;
use super::table::Cell;
use super::table::Table;
use std::path::PathBuf;

/// Figures of a table for people; `--metrics` asks for others, `--json` and `--csv` give all.
const SHORT: &str = "requests,failures,error_rate,total_tokens,cost,latency_ms";

const EXAMPLES: &str = "Examples:
  tallyring query --window 1h --group-by model
  tallyring query --window 24h --group-by user --filter model=gpt-4o --order-by -cost --limit 10
  tallyring query --from 2026-11-01T00:00:00Z --to 2026-12-01T00:00:00Z --interval 1d --tz Asia/Shanghai --csv";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The last so much time: 90s, 15m, 24h, 30d
    #[arg(long, value_name = "TIME", conflicts_with_all = ["from", "to"])]
    window: Option<String>,
    /// The first instant: RFC 3339, or Unix time in s, ms, µs or ns
    #[arg(long, value_name = "INSTANT")]
    from: Option<String>,
    /// The instant after the last
    #[arg(long, value_name = "INSTANT")]
    to: Option<String>,
    /// Up to three of key, user, model, provider, endpoint, status and labels
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    group_by: Vec<String>,
    /// Only calls with this value; repeat a name for "or", other names for "and"
    #[arg(long, value_name = "NAME=VALUE", value_parser = filter)]
    filter: Vec<(String, String)>,
    /// Only calls of the key in this file (`-` is stdin): a key on the command line shows in `ps`
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// A series of buckets: 1s, 1m, 15m, 1h, 1d, 1mo, auto
    #[arg(long, value_name = "WIDTH")]
    interval: Option<String>,
    /// The zone of days, months and of the times in the answer
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
    /// Latency quantiles, such as 0.5,0.95,0.99
    #[arg(long, value_name = "LIST")]
    quantiles: Option<String>,
    /// Which figures, such as requests,cost,latency_ms
    #[arg(long, value_name = "LIST")]
    metrics: Option<String>,
    /// What ranks the groups; with a minus, largest first: -cost
    #[arg(long, value_name = "METRIC", allow_hyphen_values = true)]
    order_by: Option<String>,
    /// The most groups
    #[arg(long, value_name = "N")]
    limit: Option<String>,
    /// The next page of groups, as the last answer names it
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
    /// Asks a snapshot instead of the present, as of when it was taken
    #[arg(long, value_name = "ID")]
    snapshot: Option<String>,
    /// Compares with another span: `previous`
    #[arg(long, value_name = "WITH", num_args = 0..=1, default_missing_value = "previous")]
    compare: Option<String>,
    #[command(flatten)]
    format: Format,
    #[command(flatten)]
    server: Server,
}

pub(super) fn filter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE, such as model=gpt-4o")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

pub(super) fn run(args: &Args, global: &Global) -> Result<Exit, Failure> {
    let client = Client::new(&args.server)?;
    let parameters = args.parameters()?;
    let accept = if args.format.csv { "text/csv" } else { "application/json" };
    let answer = client.get("/v1/usage", &parameters, accept)?;
    if args.format.csv || args.format.json {
        return output::print_bytes(&output::with_line_end(answer));
    }
    let node = Node::parse(&answer)?;
    let table = if args.interval.is_some() { series(node) } else { groups(node) };
    output::print_bytes(table.render(global.color.stdout()).as_bytes())?;
    if let Some(cursor) = node.get("next_cursor").and_then(Node::text) {
        output::message(&format!("more groups: --cursor {cursor}"));
    }
    Ok(Exit::Ok)
}

impl Args {
    fn parameters(&self) -> Result<Vec<(&str, String)>, Failure> {
        let brief = !self.format.csv && !self.format.json;
        let metrics = self.metrics.clone().or_else(|| brief.then(|| SHORT.to_owned()));
        let given = [
            ("window", self.window.clone()),
            ("from", self.from.clone()),
            ("to", self.to.clone()),
            ("group_by", (!self.group_by.is_empty()).then(|| self.group_by.join(","))),
            ("interval", self.interval.clone()),
            ("tz", self.tz.clone()),
            ("quantiles", self.quantiles.clone()),
            ("metrics", metrics),
            ("order_by", self.order_by.clone()),
            ("limit", self.limit.clone()),
            ("cursor", self.cursor.clone()),
            ("snapshot", self.snapshot.clone()),
            ("compare", self.compare.clone()),
            ("key", secret::read(self.key_file.as_deref())?),
        ];
        let given = given.into_iter().filter_map(|(name, value)| Some((name, value?)));
        Ok(given.chain(self.filter.iter().map(|(name, value)| (name.as_str(), value.clone()))).collect())
    }
}

/// A row for each group, then what is not on the page, then the totals.
fn groups(answer: Node<'_>) -> Table {
    let mut table = Table::titled(title(answer));
    let groups = answer.get("data").and_then(Node::items).unwrap_or_default();
    let name = groups.first().and_then(|group| group.get("group")?.members().into_iter().next());
    groups.iter().for_each(|group| table.push(figures(group.row())));
    let mut sum = |label: String, node: Option<Node<'_>>| {
        if let Some(node) = node {
            let first = name.iter().map(|(name, _)| (name.clone(), Cell::text(label.clone())));
            table.push(first.chain(figures(node.row())));
        }
    };
    let other = answer.get("other");
    let count = other.and_then(|other| other.get("groups")?.text()).unwrap_or_default();
    sum(format!("({count} others)"), other.filter(|_| !matches!(count.as_str(), "" | "0")));
    sum("(total)".to_owned(), answer.get("totals"));
    sum("(total before)".to_owned(), answer.get("previous"));
    table
}

/// A row for each bucket of each group, or of the totals where there are no groups.
fn series(answer: Node<'_>) -> Table {
    let mut table = Table::titled(title(answer));
    let mut add = |name: Vec<(String, Cell)>, points: Option<Node<'_>>| {
        for point in points.and_then(Node::items).unwrap_or_default() {
            let mut row = figures(point.row());
            row.retain(|(name, _)| name != "to");
            table.push(name.iter().cloned().chain(row));
        }
    };
    let groups = answer.get("data").and_then(Node::items).unwrap_or_default();
    if groups.is_empty() {
        add(Vec::new(), answer.get("series"));
    }
    for group in groups {
        add(group.get("group").map(Node::row).unwrap_or_default(), group.get("series"));
    }
    table
}

/// Without what people seldom ask, which `--json` and `--csv` have; the largest after the quantiles,
/// as they rise.
fn figures(mut row: Vec<(String, Cell)>) -> Vec<(String, Cell)> {
    let seldom = |name: &str| {
        let timing = name.strip_prefix("previous_").unwrap_or(name);
        let timing = timing.strip_prefix("latency_ms_").or_else(|| timing.strip_prefix("ttft_ms_"));
        name == "groups" || matches!(timing, Some("count" | "min" | "mean"))
    };
    row.retain(|(name, _)| !seldom(name));
    for timing in ["previous_latency_ms", "previous_ttft_ms", "latency_ms", "ttft_ms"] {
        let of = |name: &str| name.strip_prefix(timing).is_some_and(|part| part.starts_with('_'));
        let max = row.iter().position(|(name, _)| of(name) && name.ends_with("_max"));
        let last = row.iter().rposition(|(name, _)| of(name));
        if let (Some(max), Some(last)) = (max, last) {
            row[max..=last].rotate_left(1);
        }
    }
    row
}

/// The span that was counted, and what keeps the answer from being complete.
fn title(answer: Node<'_>) -> String {
    let mut title = answer::span(answer).unwrap_or_default();
    let completeness = answer.get("completeness").map(Node::row).unwrap_or_default();
    let notes: Vec<String> = completeness
        .iter()
        .filter(|(_, cell)| !matches!(cell.raw(), "" | "0"))
        .map(|(name, cell)| format!("{} {}", name.replace('_', " "), cell.raw()))
        .collect();
    if !notes.is_empty() {
        title += &format!("\n{}", notes.join(", "));
    }
    title
}
