//! Who may ask a server that is about to start.

use super::exit::Failure;
use crate::config::Config;
use crate::server::Tls;
use crate::server::TlsError;
use crate::server::access::Access;
use crate::server::access::TOKENS_FILE;
use crate::server::access::TokensError;
use std::path::PathBuf;
use std::sync::Arc;

/// What SIGHUP reads again.
#[derive(Clone)]
pub(super) struct Doors {
    pub(super) access: Arc<Access>,
    pub(super) tls: Option<Arc<Tls>>,
}

impl Doors {
    /// Those of a configuration.
    ///
    /// `tokens` is a file that there need not be. A public address is refused where there is none.
    pub(super) fn open(config: &Config, tokens: Option<PathBuf>) -> Result<Self, Failure> {
        let access = match tokens {
            Some(file) => Access::with_tokens(file, config.listen.ip(), &config.hosts)?,
            None => Access::without_tokens(config.listen.ip(), &config.hosts),
        };
        config.validate_listen(access.asks_for_tokens())?;
        let tls = match (&config.tls_cert, &config.tls_key) {
            (Some(cert), Some(key)) => Some(Arc::new(Tls::load(cert, key)?)),
            _ => None,
        };
        Ok(Self { access: Arc::new(access), tls })
    }

    /// `https` where there is a certificate.
    pub(super) fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Reads tokens and certificates again. What can't be read changes nothing.
    pub(super) fn reload(&self) {
        self.access.reload();
        match self.tls.as_ref().map(|tls| tls.reload()) {
            None => {}
            Some(Ok(())) => tracing::info!("the certificate was read again"),
            Some(Err(fault)) => {
                tracing::error!("the certificate can't be read, the one from before is used on: {fault}");
            }
        }
    }
}

/// The file of tokens that a configuration means.
pub(super) fn tokens_file(config: &Config) -> PathBuf {
    config.tokens_file.clone().unwrap_or_else(|| config.data_dir.join(TOKENS_FILE))
}

impl From<TokensError> for Failure {
    fn from(fault: TokensError) -> Self {
        Self::usage(fault.to_string())
    }
}

impl From<TlsError> for Failure {
    fn from(fault: TlsError) -> Self {
        Self::usage(fault.to_string())
    }
}
