//! A connection's handshake.

use super::Tls;
use crate::net::{Channel, Duplex, Handshake, Secure};
use hyper_util::rt::TokioIo;
use tokio_rustls::TlsAcceptor;

/// The server's part in TLS on a core.
pub struct TlsOnCore(Tls);

impl TlsOnCore {
    /// As it is spoken now, whenever that is.
    pub fn new(tls: Tls) -> Self {
        Self(tls)
    }
}

impl Secure for TlsOnCore {
    fn handshake(&self, wire: Channel) -> Handshake {
        let acceptor = TlsAcceptor::from(self.0.current());
        Box::pin(async move {
            let stream = acceptor.accept(TokioIo::new(wire)).await?;
            Ok(Box::new(TokioIo::new(stream)) as Box<dyn Duplex>)
        })
    }

    fn refuses_clear_text(&self) -> bool {
        self.0.only()
    }
}
