//! What the settings about TLS amount to.

use super::given::TlsArg;
use super::settings::{Settings, place};
use crate::tls::{Certificate, TlsSettings};

/// Where the server's own authority is kept, in its data directory.
const DIRECTORY: &str = "tls";

/// How TLS is spoken, if it is.
///
/// # Errors
/// What is missing or comes to nothing.
pub(super) fn tls(settings: &Settings) -> Result<Option<TlsSettings>, String> {
    let files = (&settings.tls_cert, &settings.tls_key);
    let asked = settings.tls.unwrap_or(match files {
        (None, None) => TlsArg::Off,
        _ => TlsArg::Files,
    });
    let certificate = match asked {
        TlsArg::Off => {
            let without = [
                ("tls-only", settings.tls_only),
                ("tls-client-ca", settings.tls_client_ca.is_some()),
            ];
            // Taken for protected, a server that isn't would be worse than none.
            return match without.iter().find(|(_, given)| *given) {
                Some((key, _)) => Err(wants(key, "tls", "a certificate to show")),
                None => Ok(None),
            };
        }
        TlsArg::Files => match files {
            (Some(chain), Some(key)) => Certificate::Files {
                chain: chain.clone(),
                key: key.clone(),
            },
            (None, _) => return Err(wants("tls-key", "tls-cert", "the key's certificate")),
            (_, None) => return Err(wants("tls-cert", "tls-key", "the certificate's key")),
        },
        TlsArg::SelfSigned => {
            let in_data = settings.data_dir.as_ref().map(|dir| dir.join(DIRECTORY));
            let Some(directory) = settings.tls_dir.clone().or(in_data) else {
                let why = "a directory to keep its authority in, such as that of the data";
                return Err(wants("tls", "tls-dir", why));
            };
            Certificate::SelfSigned {
                directory,
                names: settings.tls_name.clone(),
            }
        }
    };
    Ok(Some(TlsSettings {
        certificate,
        client_ca: settings.tls_client_ca.clone(),
        // A client that may come in clear text shows no certificate.
        only: settings.tls_only || settings.tls_client_ca.is_some(),
    }))
}

fn wants(given: &str, missing: &str, why: &str) -> String {
    format!(
        "--{given} ({}): this needs {why}: --{missing} ({})",
        place(given),
        place(missing)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_enough_and_half_of_one_is_too_little() {
        let mut settings = Settings::default();
        assert!(tls(&settings).unwrap().is_none());
        settings.tls_cert = Some("cert.pem".into());
        let error = tls(&settings).unwrap_err();
        assert_eq!(
            error,
            "--tls-cert (tls.cert): this needs the certificate's key: --tls-key (tls.key)"
        );
        settings.tls_key = Some("key.pem".into());
        assert!(!tls(&settings).unwrap().unwrap().only);
        settings.tls_client_ca = Some("ca.pem".into());
        assert!(tls(&settings).unwrap().unwrap().only);
        settings.tls = Some(TlsArg::Off);
        assert!(tls(&settings).is_err());
    }

    #[test]
    fn an_authority_of_its_own_is_kept_beside_the_data() {
        let mut settings = Settings {
            tls: Some(TlsArg::SelfSigned),
            ..Settings::default()
        };
        assert!(tls(&settings).is_err());
        settings.data_dir = Some("data".into());
        let kept = |settings: &Settings| match tls(settings).unwrap().unwrap().certificate {
            Certificate::SelfSigned { directory, .. } => directory,
            Certificate::Files { .. } => panic!("no files were named"),
        };
        assert_eq!(kept(&settings), std::path::Path::new("data/tls"));
        settings.tls_dir = Some("elsewhere".into());
        assert_eq!(kept(&settings), std::path::Path::new("elsewhere"));
    }
}
