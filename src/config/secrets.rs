//! What is shown of values that may hold secrets: user names and passwords, and queries of URLs.

use serde_json::{Map, Value};

/// What stands in a secret's place.
pub(super) const MASK: &str = "***";

/// A value as it may be shown. `key` is what it is the value of.
pub fn masked(key: &str, value: &Value) -> Value {
    match value {
        Value::String(text) if text.contains("://") => masked_url(text).into(),
        // Such as an endpoint's own headers.
        Value::String(_) if is_secret(key) => MASK.into(),
        Value::Array(all) => all.iter().map(|one| masked(key, one)).collect(),
        Value::Object(all) => {
            let entry = |(key, value): (&String, &Value)| (key.clone(), masked(key, value));
            all.iter().map(entry).collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["password", "secret", "token", "authorization", "credential"]
        .iter()
        .any(|word| key.contains(word))
}

fn masked_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (rest, query) = match rest.split_once('?') {
        Some((rest, _)) => (rest, format!("?{MASK}")),
        None => (rest, String::new()),
    };
    let host_bytes = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(host_bytes);
    match authority.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://{MASK}@{host}{path}{query}"),
        None => format!("{scheme}://{authority}{path}{query}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_are_not_shown() {
        let shown = masked(
            "subscriptions",
            &json!({
                "push-config": {
                    "push-endpoint": "https://u:p@h:1/path?token=1",
                    "attributes": {"x-secret": "s", "x-goog-version": "v1"},
                },
                "name": "a",
            }),
        );
        let expected = json!({
            "push-config": {
                "push-endpoint": "https://***@h:1/path?***",
                "attributes": {"x-secret": "***", "x-goog-version": "v1"},
            },
            "name": "a",
        });
        assert_eq!(shown, expected);
        let issuer = json!("https://accounts.example");
        assert_eq!(masked("token-issuer", &issuer), issuer);
    }
}
