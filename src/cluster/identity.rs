//! How nodes know each other: each start of a server makes a key and a certificate, whose hash stands with its
//! name in the store. Whoever may write the store is a node, and nobody else.

use crate::tls::Handshake;
use rcgen::{CertificateParams, KeyPair};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::version::TLS13;
use rustls::{
    ClientConfig, DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme,
};
use sha2::{Digest, Sha256};
use std::io;
use std::sync::Arc;

/// A name that certificates have, since they have to have one. Nobody looks at it.
const NAME: &str = "node.lclq.invalid";

/// What a certificate is told by.
pub type KeyHash = [u8; 32];

/// The hash of a certificate.
pub fn hash_of(certificate: &CertificateDer<'_>) -> KeyHash {
    Sha256::digest(certificate.as_ref()).into()
}

/// A node's key and certificate.
pub struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    provider: Arc<CryptoProvider>,
    /// How it answers other nodes.
    pub server: Arc<ServerConfig>,
}

impl Identity {
    /// Makes one.
    ///
    /// # Errors
    /// If the system gives no randomness.
    pub fn new() -> io::Result<Self> {
        let made = || -> Result<_, rcgen::Error> {
            let key = KeyPair::generate()?;
            let params = CertificateParams::new(vec![NAME.to_owned()])?;
            Ok((params.self_signed(&key)?.der().clone(), key))
        };
        let (certificate, key) = made().map_err(io::Error::other)?;
        let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(io::Error::other)?;
        let provider = Arc::new(default_provider());
        let server = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&TLS13])
            .map_err(io::Error::other)?
            .with_client_cert_verifier(Arc::new(Shown(Handshake::new(provider.clone()))))
            .with_single_cert(vec![certificate.clone()], key.clone_key())
            .map_err(io::Error::other)?;
        Ok(Self {
            certificate,
            key,
            provider,
            server: Arc::new(server),
        })
    }

    /// What it is told by.
    pub fn hash(&self) -> KeyHash {
        hash_of(&self.certificate)
    }

    /// How it asks the node that is told by `hash`.
    ///
    /// # Errors
    /// What the library says.
    pub fn client(&self, hash: &[u8]) -> io::Result<Arc<ClientConfig>> {
        let only = Only {
            hash: hash.into(),
            handshake: Handshake::new(self.provider.clone()),
        };
        let config = ClientConfig::builder_with_provider(self.provider.clone())
            .with_protocol_versions(&[&TLS13])
            .map_err(io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(only))
            .with_client_auth_cert(vec![self.certificate.clone()], self.key.clone_key())
            .map_err(io::Error::other)?;
        Ok(Arc::new(config))
    }
}

/// The name that is asked for.
pub fn name() -> ServerName<'static> {
    ServerName::try_from(NAME).expect("it is a name")
}

/// Wants a certificate whose key the other side has. Whose it is, is looked at once it has said who it is, before
/// anything else it says.
#[derive(Debug)]
struct Shown(Handshake);

impl ClientCertVerifier for Shown {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.tls12(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.tls13(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.schemes()
    }
}

/// Believes one certificate.
#[derive(Debug)]
struct Only {
    hash: Box<[u8]>,
    handshake: Handshake,
}

impl ServerCertVerifier for Only {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match hash_of(certificate)[..] == *self.hash {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(rustls::Error::General(
                "another node's certificate stands in the store".to_owned(),
            )),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.handshake.tls12(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.handshake.tls13(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.handshake.schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_rustls::{TlsAcceptor, TlsConnector};

    /// Whether a word comes through, from one who asks the node that `hash` tells.
    fn speaks(asks: &Identity, answers: &Identity, hash: &[u8]) -> bool {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.unwrap().block_on(async {
            let (one, other) = tokio::io::duplex(1 << 16);
            let connect = async {
                let connector = TlsConnector::from(asks.client(hash).unwrap());
                let mut stream = connector.connect(name(), one).await?;
                stream.write_all(b"word").await?;
                stream.flush().await?;
                let mut answer = [0; 4];
                stream.read_exact(&mut answer).await
            };
            let accept = async {
                let acceptor = TlsAcceptor::from(answers.server.clone());
                let mut stream = acceptor.accept(other).await?;
                let (_, session) = stream.get_ref();
                let shown = session.peer_certificates().and_then(|all| all.first());
                assert_eq!(shown.map(hash_of), Some(asks.hash()));
                let mut word = [0; 4];
                stream.read_exact(&mut word).await?;
                stream.write_all(&word).await?;
                stream.flush().await
            };
            let (asked, answered) = futures_util::future::join(connect, accept).await;
            asked.is_ok() && answered.is_ok()
        })
    }

    #[test]
    fn a_node_speaks_with_the_one_that_it_means_and_no_other() {
        let [one, other, third] = [(); 3].map(|()| Identity::new().unwrap());
        assert!(speaks(&one, &other, &other.hash()));
        assert!(!speaks(&one, &other, &third.hash()));
    }
}
