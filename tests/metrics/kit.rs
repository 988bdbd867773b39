//! A reader of both text formats, written from their description and sharing no line with what
//! writes them.

use crate::hostile_texts::STRINGS;
use crate::support::Server;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;
use std::time::Instant;

/// Name and labels of a sample.
pub(crate) type Series = (String, BTreeMap<String, String>);

/// What an answer said.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Name, labels and value of each sample.
    pub(crate) samples: BTreeMap<Series, f64>,
    /// The type of each metric.
    pub(crate) types: BTreeMap<String, String>,
}

impl Told {
    /// Reads a whole answer; panics where it is malformed or tells a series twice.
    #[track_caller]
    pub(crate) fn parse(text: &str) -> Self {
        assert!(text.ends_with('\n'), "the last line is whole");
        let mut told = Self::default();
        for line in text.split_terminator('\n') {
            if let Some(comment) = line.strip_prefix('#') {
                let words: Vec<&str> = comment.trim_start().splitn(3, ' ').collect();
                if words[0] == "TYPE" {
                    let before = told.types.insert(words[1].to_owned(), words[2].to_owned());
                    assert_eq!(before, None, "{line}");
                }
                continue;
            }
            let (series, value) = sample(line);
            let before = told.samples.insert(series, value);
            assert_eq!(before, None, "told twice: {line}");
        }
        told
    }

    /// Of a running server.
    #[track_caller]
    pub(crate) fn of(server: &Server) -> Self {
        let answer = server.get("/metrics");
        assert_eq!(answer.status, 200, "{answer:?}");
        Self::parse(&answer.text())
    }

    /// One sample, by labels such as `&[("model", "m")]`.
    pub(crate) fn get(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        self.samples.get(&(name.to_owned(), labels)).copied()
    }

    /// The only sample of a name.
    #[track_caller]
    pub(crate) fn one(&self, name: &str) -> f64 {
        self.get(name, &[]).unwrap_or_else(|| panic!("there is no {name}"))
    }

    /// The sum over all samples of a name.
    pub(crate) fn sum(&self, name: &str) -> f64 {
        self.samples.iter().filter(|((of, _), _)| of == name).map(|(_, value)| value).sum()
    }

    /// Every name of a sample.
    pub(crate) fn names(&self) -> BTreeSet<&str> {
        self.samples.keys().map(|(name, _)| name.as_str()).collect()
    }

    /// The values of a label.
    pub(crate) fn values(&self, label: &str) -> BTreeSet<&str> {
        self.samples.keys().filter_map(|(_, labels)| labels.get(label)).map(String::as_str).collect()
    }
}

fn is_name(text: &str) -> bool {
    let rest = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    !text.is_empty() && text.chars().all(rest) && !text.starts_with(|c: char| c.is_ascii_digit())
}

/// `name{key="value",…} number`
#[track_caller]
fn sample(line: &str) -> (Series, f64) {
    let end = line.find(['{', ' ']).unwrap_or_else(|| panic!("no value: {line}"));
    let (name, mut rest) = line.split_at(end);
    assert!(is_name(name), "{line}");
    let mut labels = BTreeMap::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while !rest.starts_with('}') {
            let (key, behind) = rest.split_once("=\"").unwrap_or_else(|| panic!("no label: {line}"));
            let key = key.trim_start_matches(',');
            assert!(is_name(key), "{line}");
            let (value, behind) = quoted(behind);
            assert_eq!(labels.insert(key.to_owned(), value), None, "a label twice: {line}");
            rest = behind;
        }
        rest = &rest[1..];
    }
    let value = rest.strip_prefix(' ').unwrap_or_else(|| panic!("no value: {line}"));
    let value = value.parse().unwrap_or_else(|_| panic!("{value:?} is no number: {line}"));
    ((name.to_owned(), labels), value)
}

/// The text up to a quote that is not escaped, and what stands behind the quote.
fn quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &text[at + 1..]),
            '\\' => match chars.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, c @ ('\\' | '"'))) => value.push(c),
                other => panic!("no such escape: {other:?} in {text}"),
            },
            c => value.push(c),
        }
    }
    panic!("no end of a label's value: {text}")
}

/// Waits until the sealed counts hold so many requests, and answers all.
#[track_caller]
pub(crate) fn once_counted(server: &Server, requests: u64) -> Told {
    let since = Instant::now();
    loop {
        let told = Told::of(server);
        let counted = told.sum("tallyring_status_requests_total");
        if counted >= requests as f64 {
            assert_eq!(counted, requests as f64);
            return told;
        }
        assert!(since.elapsed() < Duration::from_secs(60), "{counted} of {requests} are counted");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The hostile texts that every way out of the program must carry unharmed.
pub(crate) fn hostile() -> Vec<String> {
    let more = ["a\\", "\\\"", "\\n", "# HELP x", "# EOF", "NaN"];
    STRINGS.iter().copied().chain(more).map(str::to_owned).collect()
}
