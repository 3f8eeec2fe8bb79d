//! A connection's handshake.

use super::Tls;
use crate::net::{Channel, Handshake, Secure, Secured, SecuredBy};
use hyper_util::rt::TokioIo;
use std::sync::Arc;
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
            let shown = stream.get_ref().1.peer_certificates();
            let certificate = shown.and_then(<[_]>::first).map(|first| first.to_vec());
            Ok(Secured {
                stream: Box::new(TokioIo::new(stream)),
                by: Arc::new(SecuredBy { certificate }),
            })
        })
    }

    fn refuses_clear_text(&self) -> bool {
        self.0.only()
    }
}
