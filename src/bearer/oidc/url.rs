//! Which URLs an issuer may have, and its keys.

use http::Uri;
use std::net::IpAddr;

/// Takes an issuer as its tokens name it.
///
/// # Errors
/// What is wrong with it, in words.
pub fn parse_issuer(text: &str) -> Result<String, String> {
    check(text)?;
    // Neither is there in an issuer (OpenID Connect Core 1.0, section 2), and a path follows.
    if text.contains(['?', '#']) {
        return Err("an issuer has no query and no fragment".to_owned());
    }
    Ok(text.to_owned())
}

/// Where an issuer tells of itself (OpenID Connect Discovery 1.0, section 4).
pub(super) fn configuration_of(issuer: &str) -> String {
    let issuer = issuer.trim_end_matches('/');
    format!("{issuer}/.well-known/openid-configuration")
}

/// Checks where an issuer's keys are said to be.
pub(super) fn check_keys(text: &str, issuer: &str) -> Result<(), &'static str> {
    let uri = check(text)?;
    // Whoever is asked in secret isn't believed what comes in the open.
    if issuer.starts_with("https:") && uri.scheme_str() != Some("https") {
        return Err("it doesn't begin with https://, as the issuer does");
    }
    Ok(())
}

/// Whether an issuer is on this machine.
pub(super) fn is_here(issuer: &str) -> bool {
    let uri = issuer.parse::<Uri>().ok();
    uri.is_some_and(|uri| uri.host().is_some_and(is_loopback))
}

fn check(text: &str) -> Result<Uri, &'static str> {
    let uri: Uri = text.parse().map_err(|_| "it isn't a URL")?;
    let host = uri.host().unwrap_or_default();
    if host.is_empty() {
        return Err("it has no host");
    }
    if uri
        .authority()
        .is_some_and(|all| all.as_str().contains('@'))
    {
        return Err("it names a user");
    }
    match uri.scheme_str() {
        Some("https") => Ok(uri),
        Some("http") if is_loopback(host) => Ok(uri),
        // On the way, anybody could put keys of their own there.
        Some("http") => Err("http:// is for this machine alone (localhost, 127.0.0.1, [::1])"),
        _ => Err("it must begin with https://"),
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clear_text_is_for_this_machine() {
        for good in [
            "https://accounts.example.com",
            "https://login.example.com:8443/tenant/v2.0/",
            "http://localhost:8080/realms/test",
            "http://127.0.0.1:1",
            "http://[::1]:1",
        ] {
            assert_eq!(parse_issuer(good).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "accounts.example.com",
            "http://accounts.example.com",
            "http://127.0.0.1.example.com",
            "http://10.0.0.1",
            "http://user@127.0.0.1",
            "https://user:password@example.com",
            "ftp://localhost",
            "https://",
            "https://a/?tenant=1",
            "https://a/#b",
            "https://a b",
        ] {
            assert!(parse_issuer(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn keys_are_asked_for_no_less_safely_than_their_issuer() {
        let (secret, open) = ("https://a.example", "http://localhost:1");
        assert!(check_keys("https://keys.example/k?v=1", secret).is_ok());
        assert!(check_keys("http://localhost:1/keys", secret).is_err());
        assert!(check_keys("http://localhost:1/keys", open).is_ok());
        assert!(check_keys("https://keys.example/", open).is_ok());
        assert!(check_keys("http://keys.example/", open).is_err());
        assert!(check_keys("file:///etc/passwd", open).is_err());
    }

    #[test]
    fn a_slash_at_the_end_is_not_doubled() {
        let at = "https://a.example/t/.well-known/openid-configuration";
        assert_eq!(configuration_of("https://a.example/t"), at);
        assert_eq!(configuration_of("https://a.example/t/"), at);
        assert!(is_here("http://[::1]:8080/") && is_here("https://LOCALHOST/"));
        assert!(!is_here("https://a.example/"));
    }
}
