//! Service accounts by `lclq credentials`, and requests with their tokens over REST.

use super::{Answer, Client};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

/// The file that Google's libraries read.
pub struct Account(pub Value);

impl Account {
    pub fn create(file: &Path) -> Self {
        Self::named("worker", file)
    }

    /// The same under another name.
    pub fn named(name: &str, file: &Path) -> Self {
        let output = Command::new(super::binary())
            .args(["credentials", "create-service-account", name])
            .args(["--project", "p", "--file"])
            .arg(file)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        Self(serde_json::from_slice(&output.stdout).unwrap())
    }

    /// The name that policies have for it.
    pub fn member(&self) -> String {
        format!(
            "serviceAccount:{}",
            self.0["client_email"].as_str().unwrap()
        )
    }

    /// A token that it signs itself.
    pub fn sign(&self, audience: &str) -> String {
        let text = |name: &str| self.0[name].as_str().unwrap();
        let key = rsa::PrivateKey::from_pkcs8_pem(text("private_key")).unwrap();
        let der = key.to_pkcs1_der().unwrap();
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(text("private_key_id").to_owned());
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let email = text("client_email");
        let claims = json!({
            "iss": email, "sub": email, "aud": audience, "iat": now, "exp": now + 3600,
        });
        let key = EncodingKey::from_rsa_der(der.as_bytes());
        encode(&header, &claims, &key).unwrap()
    }
}

/// Asks over REST.
pub fn asked(client: &mut Client, method: &str, path: &str, headers: &str, body: &str) -> Answer {
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    client.write(request.as_bytes()).unwrap();
    client.receive().unwrap()
}

/// Asks with a token, and an empty object.
pub fn with_token(client: &mut Client, method: &str, path: &str, token: &str) -> Answer {
    let headers = format!("Content-Type: application/json\r\nAuthorization: Bearer {token}\r\n");
    asked(client, method, path, &headers, "{}")
}
