//! Certificates and keys in PEM files.

use super::{Identity, about};
use rustls::RootCertStore;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::io;
use std::path::Path;

/// A certificate with what is between it and its root, and its key.
pub(super) fn identity(chain: &Path, key: &Path) -> io::Result<Identity> {
    let key =
        PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, error, "private key"))?;
    Ok((certificates(chain)?, key))
}

/// Authorities to trust.
pub(super) fn roots(path: &Path) -> io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| about(path, error))?;
    }
    Ok(roots)
}

/// All certificates of a file, of which there is one at least.
pub(super) fn certificates(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let said = |error| wrong(path, error, "certificate");
    let all = CertificateDer::pem_file_iter(path).map_err(said)?;
    let all = all.collect::<Result<Vec<_>, _>>().map_err(said)?;
    if all.is_empty() {
        return Err(said(pem::Error::NoItemsFound));
    }
    Ok(all)
}

fn wrong(path: &Path, error: pem::Error, wanted: &str) -> io::Error {
    match error {
        pem::Error::NoItemsFound => about(path, format_args!("no {wanted} in PEM's form is in it")),
        pem::Error::Io(error) => about(path, error),
        error => about(path, format_args!("{error:?}")),
    }
}
