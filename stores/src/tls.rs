//! TLS to stores by rustls. Certificates are always checked: a mode that takes any would hand the
//! password to whoever stands in between.

use crate::NodeError;
use rustls::crypto::ring::default_provider;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use std::sync::Arc;

/// Certificates that a file of roots may have.
const ROOTS_MAX: usize = 1_024;

/// Whom to trust.
#[derive(Clone, Copy)]
pub(crate) enum Roots<'a> {
    Nobody,
    TheSystems,
    These(&'a [CertificateDer<'static>]),
}

/// How handshakes are made; `parameter` names where the roots come from.
pub(crate) fn client_config(
    roots: Roots<'_>,
    parameter: &str,
) -> Result<Arc<ClientConfig>, NodeError> {
    let mut trusted = RootCertStore::empty();
    match roots {
        Roots::Nobody => {}
        Roots::These(named) => {
            for root in named {
                let broken = |error| NodeError::Settings(format!("{parameter}: {error}"));
                trusted.add(root.clone()).map_err(broken)?;
            }
        }
        Roots::TheSystems => {
            // What can't be read is not trusted; without any, a handshake says so.
            trusted.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| NodeError::Settings(error.to_string()))?
        .with_root_certificates(trusted)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// The certificates of a PEM file; `parameter` names it.
pub(crate) fn read_roots(
    parameter: &str,
    file: &str,
) -> Result<Vec<CertificateDer<'static>>, NodeError> {
    let broken = |error| NodeError::Settings(format!("{parameter} {file}: {error}"));
    let found = CertificateDer::pem_file_iter(file).map_err(broken)?;
    let roots: Result<Vec<_>, _> = found.take(ROOTS_MAX).collect();
    let roots = roots.map_err(broken)?;
    if roots.is_empty() {
        let none = format!("{parameter} {file}: there is no certificate in it");
        return Err(NodeError::Settings(none));
    }
    Ok(roots)
}
