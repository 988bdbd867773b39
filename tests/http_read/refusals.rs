//! Bad parameters: each is a 400 that names the parameter and what is allowed.

use crate::site::NOON;
use crate::site::Site;

const WINDOW: &str = "window: `window` must be a whole number and s, m, h or d, such as 90s, 15m, 24h or 30d";
const ZONE: &str = "tz: `tz` must be an IANA time zone such as Asia/Kathmandu, or UTC";

fn check(table: &[(&str, &str)]) {
    let site = Site::at(NOON);
    for (target, expected) in table {
        let told = site.refusal(target);
        assert!(told.starts_with(expected), "{target}\n told: {told}\n not: {expected}");
    }
}

#[test]
fn usage_names_the_parameter_and_what_is_allowed() {
    check(&[
        ("/v1/usage?window=1w", WINDOW),
        ("/v1/usage?window=0s", WINDOW),
        ("/v1/usage?window=1h&from=1", "window: give either `window`, or `from` and `to`, not both"),
        ("/v1/usage?window=401d", "window: `window` must be from 1s to 34560000s, the longest retention"),
        ("/v1/usage?from=monday", "from: `from` must be an RFC 3339 time, a Unix time"),
        ("/v1/usage?to=", "to: `to` must be an RFC 3339 time, a Unix time"),
        ("/v1/usage?from=2026-11-22&to=2026-11-22", "from: `from` must lie before `to`"),
        ("/v1/usage?from=2026-11-22&to=2026-11-21", "from: `from` must lie before `to`"),
        ("/v1/usage?from=2026-11-22T12:00:01Z", "from: `from` must not lie in the future"),
        ("/v1/usage?tz=Nowhere", ZONE),
        ("/v1/usage?interval=2d", "interval: `interval` must be a whole number and s, m or h"),
        ("/v1/usage?window=30d&interval=1s", "interval: `interval` is too fine for this span"),
        (
            "/v1/usage?group_by=color",
            "group_by: `group_by` must be up to 3 different names, with commas between them, \
                                      of key, user, model, provider, endpoint, status, team",
        ),
        ("/v1/usage?group_by=key,user,model,team", "group_by: `group_by` takes up to 3 different dimensions"),
        ("/v1/usage?group_by=key,key", "group_by: `group_by` takes up to 3 different dimensions"),
        ("/v1/usage?group_by=key&group_by=user", "group_by: `group_by` may be given only once"),
        ("/v1/usage?metrics=speed", "metrics: `metrics` must be different names"),
        ("/v1/usage?quantiles=2", "quantiles: `quantiles` must be up to 20 different decimals from 0 to 1"),
        ("/v1/usage?bins=2,1", "bins: `bins` must be auto, or up to 40 ascending milliseconds with commas"),
        ("/v1/usage?order_by=speed", "order_by: `order_by` must be one of name, requests"),
        ("/v1/usage?limit=0", "limit: `limit` must be a whole number from 1 to 10000"),
        ("/v1/usage?limit=10001", "limit: `limit` must be a whole number from 1 to 10000"),
        ("/v1/usage?cursor=abc", "cursor: `cursor` must be one that this same query gave"),
        ("/v1/usage?compare=yesterday", "compare: `compare` must be previous"),
        ("/v1/usage?format=xml", "format: `format` must be json or csv"),
        ("/v1/usage?format=csv&compare=previous&interval=1m", "compare: `compare` and `interval` do not fit"),
        (
            "/v1/usage?colour=red",
            "colour: unknown parameter `colour`; known are window, from, to, tz, interval, \
                                  group_by, metrics, quantiles, bins, order_by, limit, cursor, compare, format, snapshot; filters are \
                                  key, user, model, provider, endpoint, status, team",
        ),
    ]);
}

#[test]
fn call_details_and_dimensions_name_theirs() {
    check(&[
        ("/v1/events?limit=1001", "limit: `limit` must be a whole number from 1 to 1000"),
        ("/v1/events?outcome=maybe", "outcome: `outcome` must be success or failure"),
        ("/v1/events?group_by=key", "group_by: unknown parameter `group_by`; known are window, from, to, tz, outcome"),
        ("/v1/events?from=2026-11-23", "from: `from` must not lie in the future"),
        ("/v1/events?from=2026-11-22&to=2026-11-21", "from: `from` must lie before `to`"),
        ("/v1/dimensions?x=1", "x: unknown parameter `x`; none is known"),
        ("/v1/dimensions/model/values?limit=0", "limit: `limit` must be a whole number from 1 to 1000"),
        ("/v1/dimensions/model/values?query=x", "query: unknown parameter `query`; known are q, limit"),
    ]);
}

#[test]
fn reports_name_theirs() {
    check(&[
        ("/v1/reports/summary?shape=round", "shape: `shape` must be flat or full"),
        ("/v1/reports/summary?provider=x", "provider: unknown parameter `provider`; known are key, model, user,"),
        ("/v1/reports/summary?tz=UTC%2B8", ZONE),
        ("/v1/reports/calls", "period: `period` is required"),
        ("/v1/reports/calls?period=2h", "period: `period` must be 1m, 1h, 8h or 24h"),
        ("/v1/reports/key-usage", "key: `key` is required"),
        ("/v1/reports/key-usage?key=k&window=24", WINDOW),
        ("/v1/reports/user", "user: `user` is required"),
        ("/v1/reports/user?user=a&start=2026-11-22&end=2026-11-21", "start: `start` must not lie after `end`"),
        ("/v1/reports/user?user=a&start=2026-11-24", "start: `start` must not lie in the future"),
        ("/v1/reports/user?user=a&end=x", "end: `end` must be an RFC 3339 time"),
        ("/v1/reports/top-users?limit=1001", "limit: `limit` must be a whole number from 1 to 1000"),
        ("/v1/reports/top-users?order_by=speed", "order_by: `order_by` must be one of name"),
        ("/v1/reports/endpoints?start=0x1", "start: `start` must be an RFC 3339 time"),
        ("/v1/reports/daily?days=0", "days: `days` must be a whole number from 1 to 400"),
        ("/v1/reports/daily?days=401", "days: `days` must be a whole number from 1 to 400"),
        ("/v1/reports/daily?fill=1", "fill: `fill` must be true or false"),
        ("/v1/reports/cost-trend?days=x", "days: `days` must be a whole number from 1 to 400"),
        ("/v1/reports/attention-keys?status_code=600", "status_code: `status_code` must be a whole number"),
    ]);
}

#[test]
fn a_refusal_never_tells_a_key() {
    let site = Site::at(NOON);
    let key = "sk-proj-0123456789abcdefghijklmnopqrstuvwxyz";
    let targets = [
        format!("/v1/usage?key={key}&window=x"),
        format!("/v1/usage?{key}=1"),
        format!("/v1/usage?group_by={key}"),
        format!("/v1/dimensions/{key}/values"),
        format!("/api/key-usage-details/{key}?x=1"),
    ];
    for target in targets {
        let reply = site.get(&target);
        assert!((400..500).contains(&reply.status), "{target}");
        assert!(!reply.body.contains("0123456789"), "{}", reply.body);
    }
}
