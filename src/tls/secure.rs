//! A connection's handshake.

use super::Tls;
use crate::net::{ByTls, Channel, Duplex, Handshake, Secure};
use hyper_util::rt::TokioIo;
use rustls::pki_types::CertificateDer;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use x509_parser::parse_x509_certificate;

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
            let subject = shown.and_then(<[_]>::first).and_then(subject_of);
            let clear = Box::new(TokioIo::new(stream)) as Box<dyn Duplex>;
            Ok((clear, ByTls { subject }))
        })
    }

    fn refuses_clear_text(&self) -> bool {
        self.0.only()
    }
}

/// Whom a certificate is of. It has been verified: clients are asked for one only where an authority of
/// theirs is known.
fn subject_of(certificate: &CertificateDer<'_>) -> Option<Arc<str>> {
    let (_, certificate) = parse_x509_certificate(certificate).ok()?;
    Some(certificate.subject().to_string().into())
}
