//! Who sent a request, what they may do, and which calls they see.

use super::grant::Grant;
use crate::engine::config::Config;
use crate::engine::event::Dimension;
use crate::engine::query::Filter;
use crate::engine::query::narrowed;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::LazyLock;

/// A forced filter: by the name of a dimension, the values that its holder sees. Keys stand there by
/// their public names.
pub type Only = BTreeMap<String, Vec<String>>;

/// Who sent a request, and which calls they may see.
#[derive(Clone, Debug)]
pub(in crate::server) struct Caller {
    /// The name of their token, `""` where none is asked for: event ids and idempotency keys are
    /// theirs alone.
    pub(in crate::server) name: Arc<str>,
    /// The id of their token, if they needed one.
    pub(super) token: Option<Arc<str>>,
    pub(super) grants: Arc<[Grant]>,
    pub(super) only: Arc<Only>,
}

/// Whoever can reach a server that asks nobody for a token: they may do everything.
impl Default for Caller {
    fn default() -> Self {
        // One for all requests: the parts are shared.
        static EVERYBODY: LazyLock<Caller> =
            LazyLock::new(|| Caller { name: "".into(), token: None, grants: Grant::ALL.into(), only: Arc::default() });
        EVERYBODY.clone()
    }
}

impl Caller {
    /// Whoever asks an open route of a server that asks others for a token: they may do nothing.
    pub(super) fn nobody() -> Self {
        Self { grants: Arc::default(), ..Self::default() }
    }

    /// Whether they have shown a token.
    pub(super) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Whether they see some calls only.
    pub(in crate::server) fn is_confined(&self) -> bool {
        !self.only.is_empty()
    }

    /// Whether their token is for this.
    pub(super) fn may(&self, needed: Grant) -> bool {
        self.grants.iter().any(|grant| grant.includes(needed))
    }

    /// The filters of a question, narrowed to the calls that this caller may see: whatever is
    /// answered to them goes through here, be it from the engine, the journal or a stream. With
    /// filters that have no values left, nothing matches. Doing it twice changes nothing.
    ///
    /// A dimension that the engine does not have is one of a label no longer configured: then
    /// nobody can tell which calls are theirs, and they see none.
    pub(in crate::server) fn confine(&self, filters: Vec<Filter>, config: &Config) -> Vec<Filter> {
        let filter = |(name, values): (&String, &Vec<String>)| match config.dimension(name) {
            Some(dimension) => Filter { dimension, values: values.clone() },
            None => Filter { dimension: Dimension::Key, values: Vec::new() },
        };
        narrowed(filters, self.only.iter().map(filter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(only: &[(&str, &[&str])]) -> Caller {
        let list = |values: &[&str]| values.iter().map(ToString::to_string).collect();
        let only = only.iter().map(|(name, values)| ((*name).to_owned(), list(values))).collect();
        Caller { only: Arc::new(only), ..Caller::default() }
    }

    fn filter(dimension: Dimension, values: &[&str]) -> Filter {
        Filter { dimension, values: values.iter().map(ToString::to_string).collect() }
    }

    #[test]
    fn what_is_asked_is_narrowed_to_what_may_be_seen() {
        let (user, model, team) = (Dimension::User, Dimension::Model, Dimension::Label(0));
        let config = Config { labels: vec!["team".into()], ..Config::default() };
        let ann = caller(&[("user", &["ann", "eve"]), ("team", &["red"])]);
        let narrow = |filters: &[Filter]| {
            let mut once = ann.confine(filters.to_vec(), &config);
            assert_eq!(ann.confine(once.clone(), &config), once, "twice is the same");
            once.sort_by_key(|filter| filter.dimension);
            once
        };
        let red = filter(team, &["red"]);
        assert_eq!(narrow(&[]), [filter(user, &["ann", "eve"]), red.clone()]);
        assert_eq!(narrow(&[filter(user, &["ann"])]), [filter(user, &["ann"]), red.clone()]);
        assert_eq!(narrow(&[filter(user, &["bob"])]), [filter(user, &[]), red.clone()]);
        let both = [filter(user, &["eve"]), filter(model, &["m"]), red];
        assert_eq!(narrow(&[filter(model, &["m"]), filter(user, &["bob", "eve"])]), both);
        assert_eq!(Caller::default().confine(vec![filter(model, &["m"])], &config), [filter(model, &["m"])]);
    }

    #[test]
    fn who_is_confined_by_a_label_that_is_gone_sees_nothing() {
        let gone = caller(&[("team", &["red"])]);
        assert_eq!(gone.confine(Vec::new(), &Config::default()), [filter(Dimension::Key, &[])]);
        let asked = vec![filter(Dimension::Key, &["k"])];
        assert_eq!(gone.confine(asked, &Config::default()), [filter(Dimension::Key, &[])]);
    }
}
