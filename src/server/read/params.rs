//! The parameters of a query string, checked before anything is asked.

use crate::engine::config::Config;
use crate::engine::event::Dimension;
use crate::engine::event::status;
use crate::engine::query::Filter;
use crate::privacy::Keyring;
use crate::server::error::Problem;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::http::Uri;
use std::ops::RangeInclusive;

/// The value under which the engine counts what it has no room for; no key, so it needs no name.
const OVERFLOW: &str = "__other__";
/// How much of an unknown name is told back.
const MAX_NAME_CHARS: usize = 64;

/// Names and values, percent-decoded.
///
/// Keys are public names from here on: what follows, cursors and errors included, never sees a
/// raw one.
pub(in crate::server) struct Params {
    pairs: Vec<(String, String)>,
    dimensions: Vec<(Dimension, String)>, // those that may filter, by name
}

impl Params {
    /// Reads a query string. Each of `single` may stand once; the dimensions of `filters`, if
    /// given, any number of times. A dimension of the same name as a parameter is the parameter.
    pub(in crate::server) fn read(
        uri: &Uri,
        single: &[&str],
        filters: Option<&Config>,
        keyring: &Keyring,
    ) -> Result<Self, Problem> {
        let malformed = |_| Problem::new(StatusCode::BAD_REQUEST, "the query string is malformed");
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri).map_err(malformed)?;
        let dimensions = filters.map(|config| filterable(config, single)).unwrap_or_default();
        let mut params = Self { pairs, dimensions };
        params.refuse_unknown(single, keyring)?;
        params.refuse_repeated(single)?;
        params.pairs.iter_mut().for_each(|pair| normalise(pair, keyring));
        Ok(params)
    }

    fn refuse_unknown(&self, single: &[&str], keyring: &Keyring) -> Result<(), Problem> {
        let known = |name: &str| single.contains(&name) || self.dimension(name).is_some();
        let Some((name, _)) = self.pairs.iter().find(|(name, _)| !known(name)) else {
            return Ok(());
        };
        let name: String = keyring.scrub(name, "").chars().take(MAX_NAME_CHARS).collect();
        let known =
            if single.is_empty() { "none is known".to_string() } else { format!("known are {}", single.join(", ")) };
        let mut detail = format!("unknown parameter `{name}`; {known}");
        if !self.dimensions.is_empty() {
            let filters: Vec<_> = self.dimensions.iter().map(|(_, name)| name.as_str()).collect();
            detail += &format!("; filters are {}", filters.join(", "));
        }
        Err(Problem::parameter(name, detail))
    }

    fn refuse_repeated(&self, single: &[&str]) -> Result<(), Problem> {
        let times = |name: &str| self.pairs.iter().filter(|(given, _)| given == name).count();
        match single.iter().find(|name| times(name) > 1) {
            Some(name) => Err(Problem::parameter(*name, format!("`{name}` may be given only once"))),
            None => Ok(()),
        }
    }

    fn dimension(&self, name: &str) -> Option<Dimension> {
        self.dimensions.iter().find(|(_, known)| known == name).map(|(dimension, _)| *dimension)
    }

    /// All names and values, for a cursor to recognise its query by.
    pub(super) fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }

    /// The value of a parameter that can stand once.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// The value of a parameter that must stand.
    pub(super) fn required(&self, name: &str) -> Result<&str, Problem> {
        self.text(name).ok_or_else(|| Problem::parameter(name, format!("`{name}` is required")))
    }

    /// The value of a parameter as something else; where that fails, the fault says what is
    /// `allowed`: "`limit` must be …".
    pub(in crate::server) fn parsed<T>(
        &self,
        name: &str,
        allowed: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let refused = || Problem::parameter(name, format!("`{name}` must be {allowed}"));
        self.text(name).map(|text| parse(text).ok_or_else(refused)).transpose()
    }

    /// A whole number in a range.
    pub(super) fn number(&self, name: &str, default: usize, range: RangeInclusive<usize>) -> Result<usize, Problem> {
        let allowed = format!("a whole number from {} to {}", range.start(), range.end());
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        let number = self.parsed(name, &allowed, |text| digits(text).filter(|number| range.contains(number)))?;
        Ok(number.unwrap_or(default))
    }

    /// `true` or `false`.
    pub(in crate::server) fn flag(&self, name: &str) -> Result<bool, Problem> {
        Ok(self.parsed(name, "true or false", |text| text.parse().ok())?.unwrap_or(false))
    }

    /// The filters: repeated names are alternatives, different names must all hold.
    pub(in crate::server) fn filters(&self) -> Vec<Filter> {
        let mut filters: Vec<Filter> = Vec::new();
        for (name, value) in &self.pairs {
            let Some(dimension) = self.dimension(name) else { continue };
            match filters.iter_mut().find(|filter| filter.dimension == dimension) {
                Some(filter) => filter.values.push(value.clone()),
                None => filters.push(Filter { dimension, values: vec![value.clone()] }),
            }
        }
        filters
    }
}

fn filterable(config: &Config, single: &[&str]) -> Vec<(Dimension, String)> {
    let named = config.dimensions().map(|dimension| (dimension, config.name(dimension).to_string()));
    named.filter(|(_, name)| !single.contains(&name.as_str())).collect()
}

/// Values as the engine knows them: public names of keys, one word for success.
fn normalise((name, value): &mut (String, String), keyring: &Keyring) {
    match name.as_str() {
        "key" => *value = public_name(value, keyring),
        "status" => *value = status::canonical(value).to_string(),
        _ => {}
    }
}

/// The public name of a key; `""` and `__other__` are no keys and stay.
pub(super) fn public_name(key: &str, keyring: &Keyring) -> String {
    if key.is_empty() || key == OVERFLOW { key.to_string() } else { keyring.public_name(key) }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) const SINGLE: &[&str] = &[
        "window",
        "from",
        "to",
        "tz",
        "interval",
        "limit",
        "order_by",
        "metrics",
        "quantiles",
        "bins",
        "fill",
        "cursor",
    ];

    pub(in super::super) fn read(query: &str) -> Result<Params, Problem> {
        let config = Config { labels: vec!["team".into(), "limit".into()], ..Config::default() };
        let uri: Uri = format!("/v1/usage?{query}").parse().unwrap();
        Params::read(&uri, SINGLE, Some(&config), &Keyring::plain())
    }

    /// `parameter: detail` of a refusal.
    pub(in super::super) fn fault<T>(result: Result<T, Problem>) -> String {
        let problem = serde_json::to_value(result.err().expect("a refusal")).unwrap();
        assert_eq!(problem["status"], 400);
        format!("{}: {}", problem["parameter"].as_str().unwrap(), problem["detail"].as_str().unwrap())
    }

    #[test]
    fn an_unknown_name_is_told_with_the_known_ones() {
        assert_eq!(
            fault(read("window=1h&modle=x")),
            "modle: unknown parameter `modle`; known are window, from, to, tz, interval, limit, order_by, metrics, \
             quantiles, bins, fill, cursor; filters are key, user, model, provider, endpoint, status, team"
        );
        assert_eq!(
            fault(read("").and_then(|_| Params::read(&"/?x=1".parse().unwrap(), &["period"], None, &Keyring::plain()))),
            "x: unknown parameter `x`; known are period"
        );
        let long = fault(read(&format!("{}=1", "n".repeat(500))));
        assert!(long.len() < 400, "{long}");
    }

    #[test]
    fn a_key_in_the_wrong_place_is_not_told_back() {
        let uri: Uri = "/?sk-0123456789abcdefghijklmnop=1".parse().unwrap();
        let told = fault(Params::read(&uri, &["period"], None, &Keyring::new([7; 32])));
        assert!(!told.contains("0123456789"), "{told}");
    }

    #[test]
    fn only_filters_may_be_repeated() {
        assert_eq!(fault(read("limit=1&limit=1")), "limit: `limit` may be given only once");
        assert!(read("model=a&model=b").is_ok());
    }

    #[test]
    fn filters_are_gathered_by_dimension() {
        let filters = read("model=a&team=red&model=&key=k%2F1&status=OK&limit=3").unwrap().filters();
        let expected = [
            (Dimension::Model, vec!["a", ""]),
            (Dimension::Label(0), vec!["red"]),
            (Dimension::Key, vec!["k/1"]),
            (Dimension::Status, vec!["success"]),
        ];
        let gathered: Vec<_> = filters
            .iter()
            .map(|filter| (filter.dimension, filter.values.iter().map(String::as_str).collect::<Vec<_>>()))
            .collect();
        assert_eq!(gathered, expected, "a label named like a parameter is the parameter");
    }

    #[test]
    fn numbers_and_flags_say_what_is_allowed() {
        let number = |query: &str| read(query).and_then(|params| params.number("limit", 7, 1..=10));
        assert_eq!(number("").unwrap(), 7);
        assert_eq!((number("limit=1").unwrap(), number("limit=10").unwrap()), (1, 10));
        for bad in ["0", "11", "-1", "%2B1", "1.0", "", "ten", "99999999999999999999999"] {
            let text = fault(number(&format!("limit={bad}")));
            assert_eq!(text, "limit: `limit` must be a whole number from 1 to 10", "{bad}");
        }
        let flag = |query: &str| read(query).and_then(|params| params.flag("fill"));
        assert_eq!((flag("").unwrap(), flag("fill=true").unwrap(), flag("fill=false").unwrap()), (false, true, false));
        assert_eq!(fault(flag("fill=yes")), "fill: `fill` must be true or false");
    }

    #[test]
    fn a_required_parameter_is_named() {
        assert_eq!(fault(read("").and_then(|p| p.required("from").map(str::len))), "from: `from` is required");
    }
}
