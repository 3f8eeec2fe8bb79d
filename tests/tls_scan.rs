//! What a scanner would find on the TLS ports: openssl's client offers every old version and every cipher that it
//! knows, one at a time.

mod support;

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use support::{Launch, Server};

fn served(directory: &std::path::Path) -> Server {
    Launch::new()
        .flag("--tls-dir", directory)
        .flag("--tls", "self-signed")
        .switch("--tls-only")
        .start()
}

/// What openssl's client says of a handshake in which it offers just this, if there is one.
fn offered(address: SocketAddr, words: &[&str]) -> Option<String> {
    let output = Command::new("openssl")
        .args([
            "s_client",
            "-connect",
            &address.to_string(),
            "-servername",
            "localhost",
        ])
        .args(words)
        .stdin(Stdio::null())
        .output()
        .expect("openssl is there");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // Its last word on a connection that failed is no cipher.
    let agreed = output.status.success() && !text.contains("Cipher is (NONE)");
    agreed.then_some(text)
}

/// Names of all ciphers that openssl knows for versions before TLS 1.3.
fn ciphers() -> Vec<String> {
    let output = Command::new("openssl")
        .args(["ciphers", "-tls1_2", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"])
        .output()
        .expect("openssl is there");
    let text = String::from_utf8(output.stdout).unwrap();
    let names = text
        .trim()
        .split(':')
        .filter(|name| !name.starts_with("TLS_"));
    names.map(str::to_owned).collect()
}

#[test]
fn old_versions_and_ciphers_are_refused_on_every_port() {
    let directory = tempfile::tempdir().unwrap();
    let server = served(directory.path());
    let trusted = server.to_trust();
    let trusted = trusted.to_str().unwrap();
    for address in [
        server.address(),
        server.pubsub_address(),
        server.admin_address(),
    ] {
        for version in ["-tls1", "-tls1_1"] {
            let weak = [version, "-cipher", "ALL:@SECLEVEL=0"];
            assert!(offered(address, &weak).is_none(), "{address} {version}");
        }
        for version in ["-tls1_2", "-tls1_3"] {
            let strict = [version, "-CAfile", trusted, "-verify_return_error"];
            let text = offered(address, &strict).unwrap_or_else(|| panic!("{address} {version}"));
            assert!(text.contains("Verify return code: 0 (ok)"), "{text}");
            assert!(
                text.contains("Compression: NONE") || !text.contains("Compression:"),
                "{text}"
            );
        }
    }
    let all = ciphers();
    assert!(all.len() > 50, "{all:?}");
    let taken: Vec<&String> = all
        .iter()
        .filter(|name| {
            offered(
                server.address(),
                &["-tls1_2", "-cipher", &format!("{name}:@SECLEVEL=0")],
            )
            .is_some()
        })
        .collect();
    // Forward secrecy and authenticated encryption, or nothing.
    assert!(!taken.is_empty());
    for name in &taken {
        let is_modern = name.starts_with("ECDHE-ECDSA-")
            && (name.contains("-GCM-") || name.contains("CHACHA20"));
        assert!(is_modern, "{name}");
    }
    server.stop();
}

#[test]
fn nobody_renegotiates_and_curves_are_strong() {
    let directory = tempfile::tempdir().unwrap();
    let server = served(directory.path());
    let text = offered(server.address(), &["-tls1_2"]).expect("a handshake");
    assert!(text.contains("Secure Renegotiation IS supported"), "{text}");
    for weak in ["secp192r1", "sect163k1", "secp224r1"] {
        let words = ["-tls1_2", "-curves", weak];
        assert!(offered(server.address(), &words).is_none(), "{weak}");
    }
    for strong in ["X25519", "P-256", "P-384"] {
        let words = ["-tls1_3", "-curves", strong];
        assert!(offered(server.address(), &words).is_some(), "{strong}");
    }
    server.stop();
}
