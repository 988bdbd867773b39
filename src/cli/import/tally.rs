//! What became of the records, counted and told.

use super::Args;
use super::sink::Accepted;
use crate::cli::Global;
use crate::cli::exit::Exit;
use crate::cli::exit::Failure;
use crate::cli::output;
use crate::cli::table::Cell;
use crate::cli::table::Table;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;

/// Faults kept to be told; all are counted.
const MAX_KEPT: usize = 1_000;
/// Faults told on stderr.
const MAX_SHOWN: usize = 20;

/// A record that was not counted, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Fault {
    pub(super) line: u64,
    pub(super) reason: String,
    pub(super) pointer: String,
    pub(super) detail: String,
}

impl Fault {
    pub(super) fn invalid(line: u64, pointer: &str, detail: &str) -> Self {
        Self { line, reason: "invalid".to_owned(), pointer: pointer.to_owned(), detail: detail.to_owned() }
    }
}

/// Counts of one import: accepted + duplicates + rejected = records.
#[derive(Debug, Default)]
pub(super) struct Tally {
    sent: u64,
    accepted: u64,
    duplicates: u64,
    rejected: u64,
    reasons: BTreeMap<String, u64>,
    faults: Vec<Fault>,
    last_line: u64,
}

impl Tally {
    /// Counts a record that was refused before it was sent.
    pub(super) fn reject(&mut self, fault: Fault) {
        self.rejected += 1;
        *self.reasons.entry(fault.reason.clone()).or_default() += 1;
        if self.faults.len() < MAX_KEPT {
            self.faults.push(fault);
        }
    }

    /// Counts what a server said about a batch; `lines` are the lines of its events. Answers how
    /// many faults it counted but did not name.
    pub(super) fn add(&mut self, answer: &Accepted, lines: &[u64]) -> u64 {
        self.sent += lines.len() as u64;
        self.accepted += answer.accepted;
        self.duplicates += answer.duplicates;
        self.last_line = lines.last().copied().unwrap_or(self.last_line);
        for error in &answer.errors {
            let line = lines.get(error.index).copied().unwrap_or(0);
            let (reason, detail) = error.told();
            self.reject(Fault { line, reason, pointer: error.pointer.clone(), detail });
        }
        let unnamed = answer.rejected.saturating_sub(answer.errors.len() as u64);
        self.rejected += unnamed;
        if unnamed > 0 {
            *self.reasons.entry("not named by the server".to_owned()).or_default() += unnamed;
        }
        unnamed
    }

    /// The import ended early: says where, so that nothing has to be counted twice.
    pub(super) fn interrupted(&self, failure: &Failure) -> Failure {
        let exit = failure.exit;
        let text = match self.sent {
            0 => failure.to_string(),
            sent => format!(
                "{failure}\n{sent} events up to line {} were sent and answered before that ({} accepted)",
                self.last_line, self.accepted
            ),
        };
        Failure::unreachable(text).with(exit)
    }

    /// Tells the counts on stdout and the faults on stderr.
    pub(super) fn print(mut self, args: &Args, global: &Global) -> Result<Exit, Failure> {
        self.faults.sort_by_key(|fault| fault.line);
        if args.json {
            output::print_json(&json!({
                "dry_run": args.dry_run,
                "sent": if args.dry_run { 0 } else { self.sent },
                "accepted": self.accepted,
                "duplicates": self.duplicates,
                "rejected": self.rejected,
                "reasons": self.reasons,
                "errors": self.faults,
            }))?;
        } else {
            output::print_bytes(self.table(args.dry_run).render(global.color.stdout()).as_bytes())?;
        }
        self.tell_faults(args, global);
        Ok(if self.rejected > 0 { Exit::Partly } else { Exit::Ok })
    }

    fn table(&self, dry_run: bool) -> Table {
        let mut table = match dry_run {
            true => Table::titled("dry run: nothing was sent; judged by the default limits"),
            false => Table::default(),
        };
        let counts = [
            ("sent", self.sent),
            ("accepted", self.accepted),
            ("duplicates", self.duplicates),
            ("rejected", self.rejected),
        ];
        let reasons = self.reasons.iter().map(|(reason, count)| (format!("  {reason}"), *count));
        let counts = counts.into_iter().map(|(name, count)| (name.to_owned(), count)).chain(reasons);
        for (name, count) in counts.filter(|(name, _)| !(dry_run && name == "sent")) {
            let name = if dry_run { format!("would be {name}").replace("be   ", "be rejected: ") } else { name };
            table
                .push([("events".to_owned(), Cell::text(name)), ("count".to_owned(), Cell::number(count.to_string()))]);
        }
        table
    }

    fn tell_faults(&self, args: &Args, global: &Global) {
        if global.quiet || args.json {
            return;
        }
        for fault in self.faults.iter().take(MAX_SHOWN) {
            let place = if fault.pointer.is_empty() { String::new() } else { format!("{}: ", fault.pointer) };
            output::message(&format!("line {}: {}: {place}{}", fault.line, fault.reason, fault.detail));
        }
        let shown = self.faults.len().min(MAX_SHOWN) as u64;
        if self.rejected > shown {
            output::message(&format!("… and {} more", self.rejected - shown));
        }
        if self.reasons.contains_key("too_old") && !args.shift_to_now {
            output::message("hint: --shift-to-now moves an old trace so that it ends now");
        }
    }
}
