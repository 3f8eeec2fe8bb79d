//! Whom requests of our own trust over https, and who they say they are.

use super::{about, files};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::CertificateDer;
use std::io;
use std::path::Path;
use std::sync::Arc;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

/// Trusts the authorities of a PEM file, or the system's without one, and shows the certificate and
/// key of two others, if there are any.
///
/// # Errors
/// Which file is wrong and why.
pub fn client(authorities: Option<&Path>, shown: Option<(&Path, &Path)>) -> io::Result<TlsConfig> {
    let trusted = match authorities {
        Some(path) => files::certificates(path)?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    let shown = shown.map(|(chain, key)| {
        let chain: Vec<_> = files::certificates(chain)?.iter().map(own).collect();
        let text = std::fs::read(key).map_err(|error| about(key, error))?;
        let key = PrivateKey::from_pem(&text).map_err(|error| about(key, error))?;
        io::Result::Ok(ClientCert::new_with_certs(&chain, key))
    });
    Ok(trusting(&trusted, shown.transpose()?))
}

/// Trusts the system's authorities and, besides them, those of a PEM file, if there is one.
///
/// # Errors
/// What is wrong with the file.
pub fn client_besides(authorities: Option<&Path>) -> io::Result<TlsConfig> {
    let mut trusted = rustls_native_certs::load_native_certs().certs;
    if let Some(path) = authorities {
        trusted.extend(files::certificates(path)?);
    }
    Ok(trusting(&trusted, None))
}

fn trusting(trusted: &[CertificateDer<'_>], shown: Option<ClientCert>) -> TlsConfig {
    let trusted: Vec<_> = trusted.iter().map(own).collect();
    TlsConfig::builder()
        .root_certs(RootCerts::new_with_certs(&trusted))
        .client_cert(shown)
        .unversioned_rustls_crypto_provider(Arc::new(default_provider()))
        .build()
}

fn own(certificate: &CertificateDer<'_>) -> Certificate<'static> {
    Certificate::from_der(certificate).to_owned()
}
