//! An authority of the server's own, whose certificates are good for whoever trusts it.
//!
//! Only the authority is kept. What the server shows is made at each start, so its key is never on a
//! disk, and names and time are always those that are asked for.

use super::{Identity, about};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use rustls::pki_types::PrivateKeyDer;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::Path;
use time::{Duration, OffsetDateTime};

/// What clients are given to trust.
pub(super) const CERTIFICATE_FILE: &str = "ca.pem";
const KEY_FILE: &str = "ca-key.pem";

/// How long the authority is good for. Clients are told to trust it by hand.
const AUTHORITY_DAYS: i64 = 3650;
/// How long a certificate is; clients of Apple's take none for longer than 398 days.
const CERTIFICATE_DAYS: i64 = 397;
/// Clients' clocks may be late.
const EARLIER: Duration = Duration::days(1);

/// A certificate for this machine and these names, by the authority that is kept in a directory. It
/// is made if it isn't there.
pub(super) fn identity(directory: &Path, names: &[String]) -> io::Result<Identity> {
    let key = authority_key(directory)?;
    let made = issue(&Issuer::new(authority()?, key), names);
    made.map_err(|error| about(directory, error))
}

/// What the authority's certificate says, the same at every start: only its key tells it apart.
fn authority() -> io::Result<CertificateParams> {
    let mut params = CertificateParams::default();
    params.distinguished_name = named("lclq local authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn named(name: &str) -> DistinguishedName {
    let mut named = DistinguishedName::new();
    named.push(DnType::OrganizationName, "lclq");
    named.push(DnType::CommonName, name);
    named
}

fn authority_key(directory: &Path) -> io::Result<KeyPair> {
    let (certificate, key) = (directory.join(CERTIFICATE_FILE), directory.join(KEY_FILE));
    if key.exists() && certificate.exists() {
        let pem = fs::read_to_string(&key).map_err(|error| about(&key, error))?;
        return KeyPair::from_pem(&pem).map_err(|error| about(&key, error));
    }
    if key.exists() || certificate.exists() {
        let text = format!(
            "only one of {CERTIFICATE_FILE} and {KEY_FILE} is there: restore the other, or take \
             this one away to have both made anew"
        );
        return Err(about(directory, text));
    }
    fs::create_dir_all(directory).map_err(|error| about(directory, error))?;
    let pair = KeyPair::generate().map_err(|error| about(directory, error))?;
    let mut params = authority()?;
    (params.not_before, params.not_after) = period(AUTHORITY_DAYS);
    let made = params.self_signed(&pair);
    let made = made.map_err(|error| about(directory, error))?;
    // The key first: with a certificate alone, clients would trust what nothing can be made by.
    write_new(&key, &pair.serialize_pem(), 0o600)?;
    write_new(&certificate, &made.pem(), 0o644)?;
    Ok(pair)
}

fn period(days: i64) -> (OffsetDateTime, OffsetDateTime) {
    let now = OffsetDateTime::now_utc();
    (now - EARLIER, now + Duration::days(days))
}

fn write_new(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let written = options.open(path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|error| about(path, error))
}

fn issue(issuer: &Issuer<'_, KeyPair>, names: &[String]) -> Result<Identity, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name = named("lclq");
    let own = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let machine = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let machine = machine.map(|name| name.trim().to_owned());
    for name in own.iter().chain(&machine).chain(names) {
        let name = match name.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName(name.as_str().try_into()?),
        };
        if !params.subject_alt_names.contains(&name) {
            params.subject_alt_names.push(name);
        }
    }
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    (params.not_before, params.not_after) = period(CERTIFICATE_DAYS);
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, issuer)?;
    let key = PrivateKeyDer::try_from(key.serialize_der())
        .map_err(|_| rcgen::Error::PemError("a key that was just made can't be read".to_owned()))?;
    Ok((vec![certificate.der().clone()], key))
}
