//! TLS of the server's own: a certificate and its key from PEM files, read again when told to.
//!
//! Only HTTP/1.1 is offered. A connection under way keeps the certificate it began with.

use parking_lot::RwLock;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem;
use rustls::pki_types::pem::PemObject;
use std::fs::File;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// A certificate or key that can't be used, and why. Nothing of the key is told.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file can't be read as PEM.
    #[error("{}: {detail}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// The files can be read, but do not go together or can't be used.
    #[error("{} and {}: {detail}", cert.display(), key.display())]
    Pair {
        /// The certificates.
        cert: PathBuf,
        /// The key.
        key: PathBuf,
        /// What is wrong with them.
        detail: String,
    },
}

/// A certificate chain with its key, shared by all connections.
pub struct Tls {
    cert: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads both files.
    ///
    /// # Errors
    /// [`TlsError`] says which file is at fault.
    pub fn load(cert: &Path, key: &Path) -> Result<Self, TlsError> {
        let current = RwLock::new(Arc::new(read(cert, key)?));
        Ok(Self { cert: cert.to_owned(), key: key.to_owned(), current })
    }

    /// Reads both files again; new connections get what they hold now.
    ///
    /// # Errors
    /// [`TlsError`]; what was there before is used on.
    pub fn reload(&self) -> Result<(), TlsError> {
        let next = Arc::new(read(&self.cert, &self.key)?);
        *self.current.write() = next;
        Ok(())
    }

    /// Shakes hands, if the client does so in time.
    pub(super) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        timeout: Duration,
    ) -> io::Result<TlsStream<S>> {
        let acceptor = TlsAcceptor::from(Arc::clone(&self.current.read()));
        tokio::time::timeout(timeout, acceptor.accept(stream)).await.map_err(io::Error::from)?
    }
}

fn read(cert: &Path, key: &Path) -> Result<ServerConfig, TlsError> {
    let chain = certificates(cert)?;
    let secret = PrivateKeyDer::from_pem_reader(open(key)?).map_err(|fault| unreadable(key, &fault, "private key"))?;
    let pair = |detail: String| TlsError::Pair { cert: cert.to_owned(), key: key.to_owned(), detail };
    let provider = Arc::new(ring::default_provider());
    let versions = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = versions.map_err(|fault| pair(fault.to_string()))?.with_no_client_auth();
    let mut config = builder.with_single_cert(chain, secret).map_err(|fault| pair(fault.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_reader_iter(open(file)?).collect();
    let chain = chain.map_err(|fault| unreadable(file, &fault, "certificate"))?;
    if chain.is_empty() { Err(unreadable(file, &pem::Error::NoItemsFound, "certificate")) } else { Ok(chain) }
}

fn open(file: &Path) -> Result<File, TlsError> {
    File::open(file).map_err(|fault| TlsError::File { file: file.to_owned(), detail: fault.to_string() })
}

/// The parser quotes the line it can't read, which may be of a key: that stays out.
fn unreadable(file: &Path, fault: &pem::Error, what: &str) -> TlsError {
    let detail = match fault {
        pem::Error::Io(fault) => fault.to_string(),
        pem::Error::NoItemsFound => format!("holds no {what} in PEM"),
        _ => format!("is not PEM with a {what}"),
    };
    TlsError::File { file: file.to_owned(), detail }
}

/// Where connections come from, and whether they are encrypted.
pub struct Listener {
    pub(super) socket: TcpListener,
    pub(super) tls: Option<Arc<Tls>>,
}

impl Listener {
    /// One that serves HTTPS where there is a certificate, and else plain HTTP.
    #[must_use]
    pub fn new(socket: TcpListener, tls: Option<Arc<Tls>>) -> Self {
        Self { socket, tls }
    }
}

/// Plain HTTP.
impl From<TcpListener> for Listener {
    fn from(socket: TcpListener) -> Self {
        Self::new(socket, None)
    }
}
