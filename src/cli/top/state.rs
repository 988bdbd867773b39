//! What `top` shows, and what keys and news make of it.

use super::figures::Row;
use super::figures::Second;
use super::news::Answer;
use super::news::Question;
use std::collections::VecDeque;

/// Seconds of the graph in the head.
pub(super) const HISTORY: usize = 120;

/// What the rows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Model,
    User,
    Key,
    Provider,
    Endpoint,
    Status,
}

impl By {
    pub(super) const ALL: [Self; 6] =
        [Self::Model, Self::User, Self::Key, Self::Provider, Self::Endpoint, Self::Status];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::User => "user",
            Self::Key => "key",
            Self::Provider => "provider",
            Self::Endpoint => "endpoint",
            Self::Status => "status",
        }
    }

    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|by| by.name() == text);
        found.ok_or_else(|| format!("expected one of {}", Self::ALL.map(Self::name).join(", ")))
    }

    fn next(self) -> Self {
        Self::ALL[(self as usize + 1) % Self::ALL.len()]
    }
}

/// The span that is counted, by its place in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window(usize);

impl Window {
    const ALL: [(&'static str, u32); 7] =
        [("1m", 60), ("5m", 300), ("15m", 900), ("1h", 3_600), ("8h", 28_800), ("24h", 86_400), ("30d", 2_592_000)];

    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().position(|(name, _)| *name == text);
        found.map(Self).ok_or_else(|| format!("expected one of {}", Self::ALL.map(|(name, _)| name).join(", ")))
    }

    pub(super) fn name(self) -> &'static str {
        Self::ALL[self.0].0
    }

    pub(super) fn secs(self) -> u32 {
        Self::ALL[self.0].1
    }

    fn step(self, by: isize) -> Self {
        Self(self.0.saturating_add_signed(by).min(Self::ALL.len() - 1))
    }
}

/// What ranks the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Name,
    Requests,
    Errors,
    Tokens,
    Cost,
    P50,
    P95,
    Ttft,
}

impl Sort {
    pub(super) const ALL: [Self; 8] =
        [Self::Name, Self::Requests, Self::Errors, Self::Tokens, Self::Cost, Self::P50, Self::P95, Self::Ttft];

    /// As the server calls it.
    fn metric(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Requests => "requests",
            Self::Errors => "error_rate",
            Self::Tokens => "total_tokens",
            Self::Cost => "cost",
            Self::P50 => "latency_ms.p50",
            Self::P95 => "latency_ms.p95",
            Self::Ttft => "ttft_ms.p95",
        }
    }

    fn step(self, by: usize) -> Self {
        Self::ALL[(self as usize + by) % Self::ALL.len()]
    }
}

/// What a key asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    By(By),
    NextBy,
    Sort(usize),
    Reverse,
    Window(isize),
    Move(isize),
    First,
    Last,
    Enter,
    Back,
    Pause,
    Help,
    Search,
    Type(char),
    Erase,
    Accept,
    Cancel,
    Quit,
}

/// All of it.
#[derive(Debug)]
pub(super) struct State {
    pub(super) by: By,
    pub(super) window: Window,
    pub(super) sort: Sort,
    pub(super) ascending: bool,
    /// Those of the command line, then those of rows that were entered, with what was shown then.
    pub(super) filters: Vec<(String, String)>,
    entered: Vec<By>,
    pub(super) search: String,
    pub(super) searching: bool,
    pub(super) selected: usize,
    pub(super) paused: bool,
    pub(super) help: bool,
    pub(super) quit: bool,
    /// Calls of each of the last seconds, newest last.
    pub(super) history: VecDeque<u64>,
    pub(super) now: Option<Second>,
    pub(super) rows: Vec<Row>,
    pub(super) groups: u64,
    pub(super) total: Option<Row>,
    pub(super) trouble: Option<String>,
    asked: u64, // counts questions: answers to older ones are late
}

impl State {
    pub(super) fn new(by: By, window: Window, filters: &[(String, String)]) -> Self {
        Self {
            by,
            window,
            sort: Sort::Requests,
            ascending: false,
            filters: filters.to_vec(),
            entered: Vec::new(),
            search: String::new(),
            searching: false,
            selected: 0,
            paused: false,
            help: false,
            quit: false,
            history: VecDeque::new(),
            now: None,
            rows: Vec::new(),
            groups: 0,
            total: None,
            trouble: None,
            asked: 0,
        }
    }

    /// What to ask for the table.
    pub(super) fn question(&self) -> Question {
        let minus = if self.ascending { "" } else { "-" };
        Question {
            number: self.asked,
            by: self.by.name(),
            window: self.window.name(),
            order: format!("{minus}{}", self.sort.metric()),
            filters: self.filters.clone(),
        }
    }

    /// What the server said; an answer to an older question is dropped.
    pub(super) fn answered(&mut self, answer: Answer) {
        if self.paused || answer.number != self.asked {
            return;
        }
        let Answer { rows, total, groups, .. } = answer;
        let held = self.shown().get(self.selected).map(|row| row.name.clone());
        (self.rows, self.total, self.groups, self.trouble) = (rows, Some(total), groups, None);
        // The row that was chosen stays so where it moves to.
        let place = held.and_then(|name| self.shown().iter().position(|row| row.name == name));
        self.selected = place.unwrap_or(self.selected).min(self.shown().len().saturating_sub(1));
    }

    /// One more second.
    pub(super) fn ticked(&mut self, second: Second) {
        if self.paused {
            return;
        }
        self.history.push_back(second.requests);
        while self.history.len() > HISTORY {
            self.history.pop_front();
        }
        (self.now, self.trouble) = (Some(second), None);
    }

    /// The rows that match what is searched for.
    pub(super) fn shown(&self) -> Vec<&Row> {
        let part = self.search.to_lowercase();
        self.rows.iter().filter(|row| row.name().to_lowercase().contains(&part)).collect()
    }

    /// Does what a key asks for; answers whether there is a new question.
    pub(super) fn act(&mut self, action: &Action) -> bool {
        match action {
            Action::By(by) => return self.turn_to(*by),
            Action::NextBy => return self.turn_to(self.by.next()),
            Action::Sort(by) => self.sort = self.sort.step(*by),
            Action::Reverse => self.ascending = !self.ascending,
            Action::Window(by) => self.window = self.window.step(*by),
            Action::Enter => return self.enter(),
            Action::Back => return self.leave(),
            Action::Pause => self.paused = !self.paused,
            other => {
                self.look(other);
                return false;
            }
        }
        self.ask_anew()
    }

    /// What changes nothing but what is seen.
    fn look(&mut self, action: &Action) {
        let last = self.shown().len().saturating_sub(1);
        match action {
            Action::Move(by) => self.selected = self.selected.saturating_add_signed(*by).min(last),
            Action::First => self.selected = 0,
            Action::Last => self.selected = last,
            Action::Help => self.help = !self.help,
            Action::Search => (self.searching, self.help) = (true, false),
            Action::Type(c) => self.search.push(*c),
            Action::Erase => drop(self.search.pop()),
            Action::Accept => self.searching = false,
            Action::Cancel => {
                (self.searching, self.help) = (false, false);
                self.search.clear();
            }
            Action::Quit => self.quit = true,
            _ => {}
        }
        self.selected = self.selected.min(self.shown().len().saturating_sub(1));
    }

    fn ask_anew(&mut self) -> bool {
        self.asked += 1;
        !self.paused
    }

    fn turn_to(&mut self, by: By) -> bool {
        (self.by, self.selected) = (by, 0);
        self.search.clear();
        self.ask_anew()
    }

    /// Into the row that is chosen: only its calls, by the next thing they are not chosen by yet.
    fn enter(&mut self) -> bool {
        let Some(name) = self.shown().get(self.selected).map(|row| row.name.clone().unwrap_or_default()) else {
            return false;
        };
        self.filters.push((self.by.name().to_owned(), name));
        self.entered.push(self.by);
        let filtered = |by: &By| self.filters.iter().any(|(name, _)| name == by.name());
        let next = By::ALL.into_iter().cycle().skip(self.by as usize + 1).take(By::ALL.len());
        let next = next.into_iter().find(|by| !filtered(by)).unwrap_or(self.by);
        self.turn_to(next)
    }

    /// Out of the row entered last.
    fn leave(&mut self) -> bool {
        let Some(by) = self.entered.pop() else { return false };
        self.filters.pop();
        self.turn_to(by)
    }
}
