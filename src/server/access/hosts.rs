//! Which names of itself a server answers to.
//!
//! A web page can let its own name point to this machine, and then ask a server here as its own
//! origin (DNS rebinding). The browser then sends the page's name in `Host`, which gives it away.

use axum::http::Request;
use axum::http::header;
use axum::http::uri::Authority;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// Names that are answered to.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    /// What is listened on; `None` where every name will do.
    pub(super) listen: Option<IpAddr>,
    /// Further names, in small letters, with or without a port.
    pub(super) named: Vec<String>,
}

impl Hosts {
    /// Whether a request asks for this server. One that names nobody does: every browser names
    /// whom it asks, and only programs that speak HTTP/1.0 do not.
    ///
    /// Where every caller shows a token, any name will do unless there is a list: a page of
    /// another origin has no token to show.
    pub(super) fn knows<B>(&self, request: &Request<B>, tokens: bool) -> bool {
        let Some(listen) = self.listen else { return true };
        if tokens && self.named.is_empty() {
            return true;
        }
        let mut told = request.headers().get_all(header::HOST).iter();
        let (host, more) = (told.next(), told.next());
        let host = host.map(|host| host.to_str().is_ok_and(|host| self.is_known(host, listen)));
        let target = request.uri().authority().map(|target| self.is_known(target.as_str(), listen));
        more.is_none() && host.unwrap_or(true) && target.unwrap_or(true)
    }

    fn is_known(&self, told: &str, listen: IpAddr) -> bool {
        is_local(told) || self.is_known_otherwise(told, listen)
    }

    fn is_known_otherwise(&self, told: &str, listen: IpAddr) -> bool {
        let Ok(authority) = Authority::from_str(told) else { return false };
        if authority.as_str().contains('@') {
            return false;
        }
        let host = authority.host().to_ascii_lowercase();
        let whole = authority.as_str().to_ascii_lowercase();
        let host = host.trim_end_matches('.');
        match host.trim_start_matches('[').trim_end_matches(']').parse() {
            Ok(address) if is_own(address, listen) => true,
            _ => {
                let local = host == "localhost" || host.ends_with(".localhost");
                local || self.named.iter().any(|name| name == host || *name == whole)
            }
        }
    }
}

/// What nearly every request of this machine has, told without taking the name apart: `localhost`
/// or an address of the loopback, with or without a port.
fn is_local(told: &str) -> bool {
    let (host, port) = told.split_once(':').unwrap_or((told, "0"));
    let is_port = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    is_port && (host == "localhost" || host.parse().is_ok_and(|address: Ipv4Addr| address.is_loopback()))
}

/// Loopback, what is listened on, and any address where all of them are listened on: there is no
/// telling which are this machine's. An address needs no name to be bent, so it is safe.
fn is_own(address: IpAddr, listen: IpAddr) -> bool {
    address.to_canonical().is_loopback() || address == listen || listen.is_unspecified()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn knows(listen: &str, named: &[&str], host: &str, tokens: bool) -> bool {
        let hosts = Hosts { listen: listen.parse().ok(), named: named.iter().map(ToString::to_string).collect() };
        hosts.knows(&Request::get("/").header(header::HOST, host).body(Body::empty()).unwrap(), tokens)
    }

    #[test]
    fn a_server_of_this_machine_answers_to_names_of_this_machine() {
        let own =
            ["localhost", "LOCALHOST:8723", "localhost.", "a.localhost:1", "127.0.0.1", "127.9.9.9:80", "[::1]:8723"];
        for host in own {
            assert!(knows("127.0.0.1", &[], host, false), "{host}");
        }
        let others = [
            "evil.example",
            "evil.example:8723",
            "localhost.evil.example",
            "notlocalhost",
            "",
            "127.0.0.1.evil.example",
            "a@localhost",
            "localhost@evil.example",
            "10.0.0.1",
            "0.0.0.0",
            "[::2]",
            "[::1",
            "evil.example#localhost",
            "lo calhost",
        ];
        for host in others {
            assert!(!knows("127.0.0.1", &[], host, false), "{host}");
            assert!(knows("127.0.0.1", &[], host, true), "a token says more than a name: {host}");
            assert!(!knows("127.0.0.1", &["x"], host, true), "a list holds also with tokens: {host}");
            assert!(knows("", &[], host, false), "no listen address, no list: {host}");
        }
        assert!(knows("10.0.0.1", &[], "10.0.0.1:80", false));
        assert!(knows("0.0.0.0", &[], "10.0.0.1:80", false) && !knows("0.0.0.0", &[], "evil.example", false));
    }

    #[test]
    fn what_is_told_at_once_is_known_otherwise_too() {
        let (hosts, listen) = (Hosts::default(), "127.0.0.1".parse().unwrap());
        let parts =
            ["", "localhost", "LOCALHOST", "127.0.0.1", "127.1", "010.0.0.1", "::1", ":", ":8", ":70000", ".", "x"];
        let mut known = 0;
        for told in parts.iter().flat_map(|a| parts.iter().flat_map(move |b| parts.map(|c| format!("{a}{b}{c}")))) {
            known += usize::from(is_local(&told));
            assert!(!is_local(&told) || hosts.is_known_otherwise(&told, listen), "{told}");
        }
        assert!(known > 8, "{known}");
    }

    #[test]
    fn further_names_can_be_listed() {
        let named = ["usage.example", "other.example:8080"];
        for host in ["usage.example", "Usage.Example:99", "usage.example.", "other.example:8080", "localhost"] {
            assert!(knows("127.0.0.1", &named, host, true), "{host}");
        }
        for host in ["other.example", "other.example:80", "x.usage.example"] {
            assert!(!knows("127.0.0.1", &named, host, true), "{host}");
        }
    }

    #[test]
    fn each_name_in_a_request_must_be_known() {
        let hosts = Hosts { listen: "127.0.0.1".parse().ok(), named: Vec::new() };
        let with = |uri: &str, names: &[&str]| {
            let request = names.iter().fold(Request::get(uri), |request, name| request.header(header::HOST, *name));
            hosts.knows(&request.body(Body::empty()).unwrap(), false)
        };
        assert!(with("/", &[]), "no browser leaves it out");
        assert!(with("http://localhost/", &["localhost"]) && with("http://localhost/", &[]));
        assert!(!with("http://evil.example/", &["localhost"]) && !with("http://localhost/", &["evil.example"]));
        assert!(!with("/", &["localhost", "localhost"]), "one name is enough");
    }
}
