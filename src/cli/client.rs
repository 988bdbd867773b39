//! Client commands speak to a server over its public HTTP API.

use super::exit::Failure;
use super::secret;
use serde_json::Value;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use ureq::Agent;
use ureq::Body;
use ureq::RequestBuilder;
use ureq::http::HeaderValue;
use ureq::http::Response;
use ureq::tls::PemItem;
use ureq::tls::RootCerts;
use ureq::tls::TlsConfig;
use ureq::tls::parse_pem;

/// Longer than any answer takes; a server that hangs must not hang its clients.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How long a live stream, which tells something each second, may say nothing.
const SILENCE: Duration = Duration::from_secs(20);

/// Largest answer read. A page of 10,000 groups has a few MB.
const MAX_ANSWER_BYTES: u64 = 256 << 20;

/// Which server to ask, and how it knows who asks.
#[derive(clap::Args, Debug)]
pub(super) struct Server {
    /// The server's address
    #[arg(long, global = true, value_name = "URL", env = "TALLYRING_URL", default_value = "http://127.0.0.1:8723")]
    url: String,
    /// The access token, in the first line of a file (`-` is stdin)
    #[arg(long, global = true, value_name = "FILE", env = "TALLYRING_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// Certificates in PEM that an https server is checked with, instead of the public authorities'
    #[arg(long, global = true, value_name = "FILE", env = "TALLYRING_CA_FILE")]
    ca_file: Option<PathBuf>,
}

/// A connection to one server.
pub(super) struct Client {
    agent: Agent,
    base: String,
    token: Option<HeaderValue>,
}

/// An answer that is not a failure of the connection.
pub(super) struct Answer {
    pub(super) status: u16,
    /// Seconds of `Retry-After`.
    pub(super) retry_after: Option<u64>,
    pub(super) body: Vec<u8>,
}

impl Client {
    pub(super) fn new(server: &Server) -> Result<Self, Failure> {
        let base = server.url.trim_end_matches('/');
        if !["http://", "https://"].iter().any(|scheme| base.starts_with(scheme)) {
            return Err(Failure::usage(format!("--url {base}: expected http://HOST:PORT or https://HOST:PORT")));
        }
        let token = secret::read(server.token_file.as_deref())?.map(|token| bearer(&token)).transpose()?;
        let roots = server.ca_file.as_deref().map_or(Ok(RootCerts::WebPki), authorities)?;
        // No proxy from the environment: what is asked about is nearly always on this machine.
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .timeout_global(Some(TIMEOUT))
            .user_agent(concat!("tallyring/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self { agent: config.new_agent(), base: base.to_owned(), token })
    }

    /// GET, answered in the media type asked for.
    pub(super) fn get(&self, path: &str, parameters: &[(&str, String)], accept: &str) -> Result<Vec<u8>, Failure> {
        let pairs = parameters.iter().map(|(name, value)| (*name, value.as_str()));
        let request = self.agent.get(format!("{}{path}", self.base)).header("accept", accept).query_pairs(pairs);
        let request = self.signed(request);
        let answer = request.call().map_err(|fault| self.failed(&fault)).and_then(|answer| self.read(answer))?;
        if answer.status == 200 { Ok(answer.body) } else { Err(self.refused(&answer)) }
    }

    /// GET of an answer that goes on, to be read as it comes. One that says nothing for long is lost.
    pub(super) fn follow(
        &self,
        path: &str,
        parameters: &[(String, String)],
    ) -> Result<impl Read + Send + use<>, Failure> {
        let pairs = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let request = self.signed(self.agent.get(format!("{}{path}", self.base)).query_pairs(pairs));
        let request = request.config().timeout_global(None).timeout_per_read(Some(SILENCE)).build();
        let answer = request.call().map_err(|fault| self.failed(&fault))?;
        if answer.status() != 200 {
            return Err(self.read(answer).map_or_else(|failure| failure, |answer| self.refused(&answer)));
        }
        Ok(answer.into_body().into_with_config().limit(u64::MAX).reader())
    }

    /// POST without a body; a second time does no harm.
    pub(super) fn post(&self, path: &str, parameters: &[(&str, String)]) -> Result<Vec<u8>, Failure> {
        let pairs = parameters.iter().map(|(name, value)| (*name, value.as_str()));
        let request = self.signed(self.agent.post(format!("{}{path}", self.base)).query_pairs(pairs));
        let answer = request.send_empty().map_err(|fault| self.failed(&fault)).and_then(|answer| self.read(answer))?;
        if matches!(answer.status, 200 | 201) { Ok(answer.body) } else { Err(self.refused(&answer)) }
    }

    /// POST of newline-delimited JSON. `Err` holds whether the request may have been read.
    pub(super) fn post_lines(&self, path: &str, lines: &[u8]) -> Result<Answer, (Failure, bool)> {
        let request = self.signed(self.agent.post(format!("{}{path}", self.base)).content_type("application/x-ndjson"));
        let answer = request.send(lines).map_err(|fault| (self.failed(&fault), !never_sent(&fault)))?;
        self.read(answer).map_err(|failure| (failure, true))
    }

    fn signed<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        match &self.token {
            Some(token) => request.header("authorization", token),
            None => request,
        }
    }

    fn read(&self, mut answer: Response<Body>) -> Result<Answer, Failure> {
        let header = answer.headers().get("retry-after");
        let retry_after = header.and_then(|value| value.to_str().ok()).and_then(|value| value.trim().parse().ok());
        let status = answer.status().as_u16();
        let mut body = Vec::new();
        let mut reader = answer.body_mut().as_reader().take(MAX_ANSWER_BYTES);
        reader.read_to_end(&mut body).map_err(|fault| self.failed(&ureq::Error::Io(fault)))?;
        Ok(Answer { status, retry_after, body })
    }

    fn failed(&self, fault: &ureq::Error) -> Failure {
        match fault {
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => Failure::usage(format!("--url {}: {fault}", self.base)),
            _ => Failure::unreachable(format!(
                "no answer from {}: {fault}; is `tallyring serve` running there? (--url or TALLYRING_URL says where)",
                self.base
            )),
        }
    }

    /// A refusal, as the server explains it.
    pub(super) fn refused(&self, answer: &Answer) -> Failure {
        match (answer.status, &self.token) {
            (401, None) => {
                return Failure::usage(
                    "the server asks for an access token: name a file that holds one with --token-file or \
                     TALLYRING_TOKEN_FILE",
                );
            }
            (401, Some(_)) => {
                return Failure::usage("the server does not know the access token: it is wrong, revoked or expired");
            }
            _ => {}
        }
        let problem: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let detail = problem["detail"].as_str().unwrap_or("no explanation");
        let subject = match problem["parameter"].as_str() {
            Some(name) => format!("`{name}`: {detail}"),
            None => detail.to_owned(),
        };
        if answer.status < 500 {
            Failure::usage(format!("the server refused ({}): {subject}", answer.status))
        } else {
            Failure::unreachable(format!("the server failed ({}): {subject}", answer.status))
        }
    }
}

/// The header of a token. What is no token is not told back: it may be another secret.
fn bearer(token: &str) -> Result<HeaderValue, Failure> {
    let value = HeaderValue::try_from(format!("Bearer {token}"));
    let mut value = value.map_err(|_| Failure::usage("--token-file: its first line is no access token"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn authorities(file: &Path) -> Result<RootCerts, Failure> {
    let text = std::fs::read(file).map_err(|fault| Failure::file(file.display(), &fault))?;
    let items = parse_pem(&text).filter_map(Result::ok);
    let found = items.filter_map(|item| match item {
        PemItem::Certificate(certificate) => Some(certificate),
        _ => None,
    });
    let found: Vec<_> = found.collect();
    if found.is_empty() {
        return Err(Failure::usage(format!("--ca-file {}: it holds no certificate in PEM", file.display())));
    }
    Ok(RootCerts::new_with_certs(&found))
}

/// Whether a request certainly never reached the server, so that sending it again counts nothing
/// twice.
fn never_sent(fault: &ureq::Error) -> bool {
    match fault {
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed | ureq::Error::BadUri(_) => true,
        ureq::Error::Timeout(what) => matches!(what, ureq::Timeout::Resolve | ureq::Timeout::Connect),
        ureq::Error::Io(fault) => fault.kind() == std::io::ErrorKind::ConnectionRefused,
        _ => false,
    }
}
