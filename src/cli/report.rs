//! `report NAME`: the named reports, over `/v1/reports`.

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
use super::table::Table;
use clap::Subcommand;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    report: Report,
    #[command(flatten)]
    common: Common,
}

/// What every report takes.
#[derive(clap::Args)]
struct Common {
    #[command(flatten)]
    format: Format,
    #[command(flatten)]
    server: Server,
}

/// A key: its public name, or the raw key out of a file.
#[derive(clap::Args)]
struct Key {
    /// The key's public name, as answers show it
    #[arg(long, conflicts_with = "key_file")]
    key: Option<String>,
    /// The raw key in this file (`-` is stdin): a key on the command line shows in `ps`
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

/// Whose calls a report is about; by default everybody's.
#[derive(clap::Args)]
struct Scope {
    #[command(flatten)]
    key: Key,
    /// Only calls of this model
    #[arg(long)]
    model: Option<String>,
    /// Only calls of this user
    #[arg(long)]
    user: Option<String>,
    /// Only calls of this endpoint
    #[arg(long)]
    endpoint: Option<String>,
}

/// From and to, both included.
#[derive(clap::Args)]
struct Bounds {
    /// The first instant: RFC 3339, Unix time or a date; by default all that is kept
    #[arg(long, value_name = "INSTANT")]
    start: Option<String>,
    /// The last instant; by default now
    #[arg(long, value_name = "INSTANT")]
    end: Option<String>,
    /// The zone of dates in --start and --end, and of the span in the answer
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
}

#[derive(Subcommand)]
enum Report {
    /// Calls of the last minute, hour, 8 hours, 24 hours and of this month
    Summary {
        #[command(flatten)]
        scope: Scope,
        /// The zone in which the month begins
        #[arg(long, value_name = "ZONE")]
        tz: Option<String>,
        /// `flat` gives plain totals
        #[arg(long)]
        shape: Option<String>,
    },
    /// Recent calls, newest first
    Calls {
        /// How far back: 1m, 1h, 8h or 24h
        #[arg(long, default_value = "1h")]
        period: String,
        #[command(flatten)]
        scope: Scope,
        /// The zone of the times
        #[arg(long, value_name = "ZONE")]
        tz: Option<String>,
        /// The most calls
        #[arg(long, value_name = "N")]
        limit: Option<String>,
        /// The next page, as the last answer names it
        #[arg(long)]
        cursor: Option<String>,
    },
    /// One key's calls by model
    KeyUsage {
        #[command(flatten)]
        key: Key,
        /// How far back; by default 24h
        #[arg(long, value_name = "TIME")]
        window: Option<String>,
    },
    /// One user's calls, tokens, costs and latency
    User {
        /// Whose
        user: String,
        #[command(flatten)]
        bounds: Bounds,
    },
    /// Calls, tokens and costs by day
    Daily {
        /// How many days, today included; by default 30
        #[arg(long, value_name = "N")]
        days: Option<String>,
        /// The zone of the days
        #[arg(long, value_name = "ZONE")]
        tz: Option<String>,
        /// Days without calls too
        #[arg(long)]
        fill: bool,
    },
    /// Costs by day
    CostTrend {
        /// How many days, today included; by default 30
        #[arg(long, value_name = "N")]
        days: Option<String>,
        /// The zone of the days
        #[arg(long, value_name = "ZONE")]
        tz: Option<String>,
        /// Days without calls too
        #[arg(long)]
        fill: bool,
    },
    /// Users ranked, by cost unless said otherwise
    TopUsers {
        /// The most users; by default 10
        #[arg(long, value_name = "N")]
        limit: Option<String>,
        #[command(flatten)]
        bounds: Bounds,
        /// What ranks them, such as requests or total_tokens
        #[arg(long, value_name = "METRIC", allow_hyphen_values = true)]
        order_by: Option<String>,
    },
    /// Endpoints by calls
    Endpoints {
        #[command(flatten)]
        bounds: Bounds,
    },
    /// Keys with most calls of one status in the last 24 hours
    AttentionKeys {
        /// The HTTP status; by default 429
        #[arg(long, value_name = "CODE")]
        status_code: Option<String>,
        /// The most keys; by default 20
        #[arg(long, value_name = "N")]
        limit: Option<String>,
    },
}

/// How an answer becomes a table.
#[derive(Clone, Copy)]
enum Shape {
    /// A row for each object of a list.
    Rows,
    /// A row for each window.
    Windows,
    /// A row for each figure.
    Figures,
    /// A row for each model.
    Models,
}

/// One report asked for.
struct Asked {
    name: &'static str,
    parameters: Vec<(&'static str, Option<String>)>,
    shape: Shape,
}

pub(super) fn run(args: Args, global: &Global) -> Result<Exit, Failure> {
    let Args { report, common } = args;
    let Asked { name, parameters, shape } = report.asked()?;
    let client = Client::new(&common.server)?;
    let given: Vec<_> = parameters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let answer = client.get(&format!("/v1/reports/{name}"), &given, "application/json")?;
    if common.format.json {
        return output::print_bytes(&output::with_line_end(answer));
    }
    let node = Node::parse(&answer)?;
    let table = shape.table(node);
    let text = if common.format.csv { table.csv() } else { table.render(global.color.stdout()) };
    output::print_bytes(text.as_bytes())?;
    if let Some(cursor) = node.get("next_cursor").and_then(Node::text) {
        output::message(&format!("more calls: --cursor {cursor}"));
    }
    Ok(Exit::Ok)
}

impl Shape {
    fn table(self, answer: Node<'_>) -> Table {
        match self {
            Self::Rows => answer::rows(answer),
            Self::Windows => answer::named(answer, "window"),
            Self::Figures => answer::figures(answer),
            Self::Models => answer::pairs(answer.row(), ["model", "calls"]),
        }
    }
}

impl Key {
    fn read(self) -> Result<Option<String>, Failure> {
        Ok(self.key.or(secret::read(self.key_file.as_deref())?))
    }
}

impl Scope {
    fn parameters(self) -> Result<[(&'static str, Option<String>); 4], Failure> {
        let Self { key, model, user, endpoint } = self;
        Ok([("key", key.read()?), ("model", model), ("user", user), ("endpoint", endpoint)])
    }
}

impl Bounds {
    fn parameters(self) -> [(&'static str, Option<String>); 3] {
        [("start", self.start), ("end", self.end), ("tz", self.tz)]
    }
}

impl Report {
    fn asked(self) -> Result<Asked, Failure> {
        let ask = |name, shape, parameters| Asked { name, parameters, shape };
        Ok(match self {
            Self::Summary { scope, tz, shape } => {
                let rest = [("tz", tz), ("shape", shape)];
                ask("summary", Shape::Windows, scope.parameters()?.into_iter().chain(rest).collect())
            }
            Self::Calls { period, scope, tz, limit, cursor } => {
                let rest = [("period", Some(period)), ("tz", tz), ("limit", limit), ("cursor", cursor)];
                ask("calls", Shape::Rows, scope.parameters()?.into_iter().chain(rest).collect())
            }
            Self::KeyUsage { key, window } => {
                let Some(key) = key.read()? else {
                    return Err(Failure::usage("which key? --key NAME or --key-file FILE"));
                };
                let scope = vec![("key", Some(key)), ("window", window)];
                ask("key-usage", Shape::Models, scope)
            }
            Self::User { user, bounds } => {
                let scope = [("user", Some(user))].into_iter().chain(bounds.parameters()).collect();
                ask("user", Shape::Figures, scope)
            }
            Self::Daily { days, tz, fill } => {
                let fill = fill.then(|| "true".to_owned());
                ask("daily", Shape::Rows, vec![("days", days), ("tz", tz), ("fill", fill)])
            }
            Self::CostTrend { days, tz, fill } => {
                let fill = fill.then(|| "true".to_owned());
                ask("cost-trend", Shape::Rows, vec![("days", days), ("tz", tz), ("fill", fill)])
            }
            Self::TopUsers { limit, bounds, order_by } => {
                let page = [("limit", limit), ("order_by", order_by)].into_iter().chain(bounds.parameters()).collect();
                ask("top-users", Shape::Rows, page)
            }
            Self::Endpoints { bounds } => ask("endpoints", Shape::Rows, bounds.parameters().into()),
            Self::AttentionKeys { status_code, limit } => {
                ask("attention-keys", Shape::Rows, vec![("status_code", status_code), ("limit", limit)])
            }
        })
    }
}
