//! TLS on every port: whose certificate is shown, who has to show one, and the handshake.
//!
//! A connection whose first byte begins a handshake gets here; what it says within is served as
//! clear text is. Certificates are read again when they are asked to be; connections that are open
//! keep what they were made with.

mod authority;
mod client;
mod files;
mod handshake;
mod secure;

pub use client::{client, client_besides};
pub use handshake::Handshake;
pub use secure::TlsOnCore;

use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::{Ticketer, default_provider};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

/// What clients may choose to speak, what is preferred first.
const ALPN: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Whose certificate is shown.
#[derive(Clone, Debug)]
pub enum Certificate {
    /// Its own, in PEM.
    Files {
        /// The certificate, and what is between it and its root.
        chain: PathBuf,
        /// Its private key.
        key: PathBuf,
    },
    /// One that an authority of this server's makes at each start.
    SelfSigned {
        /// Where the authority is kept.
        directory: PathBuf,
        /// Names and addresses besides this machine's own that it is for.
        names: Vec<String>,
    },
}

/// How TLS is spoken.
#[derive(Clone, Debug)]
pub struct TlsSettings {
    /// Whose certificate is shown.
    pub certificate: Certificate,
    /// Authorities of which every client has to show a certificate, a PEM file.
    pub client_ca: Option<PathBuf>,
    /// Whether clear text is refused.
    pub only: bool,
}

/// TLS as it is spoken now, for all cores.
#[derive(Clone)]
pub struct Tls {
    settings: Arc<TlsSettings>,
    current: Arc<RwLock<Arc<ServerConfig>>>,
}

/// What a server shows of itself.
type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

impl Tls {
    /// Reads or makes what it takes.
    ///
    /// # Errors
    /// Which file is wrong and why.
    pub fn start(settings: TlsSettings) -> io::Result<Self> {
        let current = Arc::new(RwLock::new(Arc::new(load(&settings)?)));
        Ok(Self {
            settings: Arc::new(settings),
            current,
        })
    }

    /// Reads or makes it again, for connections from now on. May wait for a disk.
    ///
    /// # Errors
    /// Which file is wrong and why; what was read before stays.
    pub fn reload(&self) -> io::Result<()> {
        let new = Arc::new(load(&self.settings)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    /// Whether clear text is refused.
    pub fn only(&self) -> bool {
        self.settings.only
    }

    fn current(&self) -> Arc<ServerConfig> {
        let current = self.current.read();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What a client needs to know, for people and for scripts.
impl fmt::Display for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.settings.certificate {
            Certificate::Files { chain, .. } => write!(f, "certificate {}", chain.display()),
            Certificate::SelfSigned { directory, .. } => {
                let file = directory.join(authority::CERTIFICATE_FILE);
                write!(f, "trust {}", file.display())
            }
        }
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

fn load(settings: &TlsSettings) -> io::Result<ServerConfig> {
    let provider = Arc::new(default_provider());
    let identity = match &settings.certificate {
        Certificate::Files { chain, key } => files::identity(chain, key)?,
        Certificate::SelfSigned { directory, names } => authority::identity(directory, names)?,
    };
    let roots = settings
        .client_ca
        .as_deref()
        .map(files::roots)
        .transpose()?;
    configured(provider, identity, roots).map_err(|error| match &settings.certificate {
        Certificate::Files { chain, .. } => about(chain, error),
        Certificate::SelfSigned { directory, .. } => about(directory, error),
    })
}

fn configured(
    provider: Arc<CryptoProvider>,
    (chain, key): Identity,
    client_roots: Option<RootCertStore>,
) -> io::Result<ServerConfig> {
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    let builder = match client_roots {
        None => builder.with_no_client_auth(),
        Some(roots) => {
            let roots = Arc::new(roots);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
            builder.with_client_cert_verifier(verifier.map_err(io::Error::other)?)
        }
    };
    let mut config = builder
        .with_single_cert(chain, key)
        .map_err(io::Error::other)?;
    config.alpn_protocols = ALPN.map(<[u8]>::to_vec).to_vec();
    // Clients keep what it takes to come back, so that nothing of them is kept here, on no core.
    config.ticketer = Ticketer::new().map_err(io::Error::other)?;
    Ok(config)
}

/// An error that names its file.
fn about(path: &Path, error: impl fmt::Display) -> io::Error {
    io::Error::other(format!("TLS: {}: {error}", path.display()))
}
