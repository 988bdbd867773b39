//! Connections: accepting them, who gives way when there are too many, who is too slow, how they
//! are encrypted, and how they end.

mod connection;
mod paced;
pub(super) mod peer;
mod places;
mod run;
mod tls;

pub use run::Ended;
pub use run::serve;
pub use run::serve_once_open;
pub use tls::Listener;
pub use tls::Tls;
pub use tls::TlsError;
