//! Forms of text that JSON Schema doesn't know.

/// Checks a text.
type Check = fn(&str) -> bool;

/// Forms of text that JSON Schema doesn't know, with what is expected.
pub(super) const FORMS: &[(&str, &str, Check)] = &[
    ("ip", "an IP address", |text| {
        text.parse::<std::net::IpAddr>().is_ok()
    }),
    ("path", "a path", |text| !text.is_empty()),
    (
        "scope",
        "1 to 80 letters, digits, hyphens and underscores",
        |text| scope_name(text).is_ok(),
    ),
    (
        "host",
        "a host's name without scheme and port, *.name for all below one, or *",
        |text| crate::http::parse_host(text).is_ok(),
    ),
    (
        "hosts",
        "a host's name, *.name for all below one, an address, or a network such as 10.0.0.0/8",
        |text| text.parse::<crate::pubsub::push::Hosts>().is_ok(),
    ),
    (
        "origin",
        "an origin such as https://app.example:8443, or * for any",
        |text| crate::http::parse_origin(text).is_ok(),
    ),
    (
        "url",
        "a URL that begins with http:// or https:// and has a host",
        |text| crate::pubsub::push::parse_endpoint(text).is_ok(),
    ),
    (
        "issuer",
        "a URL that begins with https://, or http:// on this machine, without a query",
        |text| crate::bearer::parse_issuer(text).is_ok(),
    ),
    (
        "region-latency",
        "two regions and the milliseconds between them, such as europe-west1:us-east1=80",
        |text| crate::regions::read_latency(text).is_ok(),
    ),
    ("store", STORE_EXPECTED, |text| store_url(text).is_ok()),
    ("audience", "a text that isn't empty", is_audience),
    (
        "duration",
        "a time in seconds such as \"600s\" or \"1.5s\"",
        |text| is_duration(text),
    ),
    ("json", "a JSON object as a text", |text| {
        serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).is_ok()
    }),
    (
        "log-filter",
        "error, warn, info, debug, trace, or per module (lclq::sqs=debug,info)",
        |text| tracing_subscriber::EnvFilter::try_new(text).is_ok(),
    ),
];

const STORE_EXPECTED: &str = "a URL that begins with postgres://, redis:// or rediss://";

/// A store's URL, as far as it can be told without reading files; or what is expected. It isn't repeated:
/// it may hold a password.
pub(super) fn store_url(text: &str) -> Result<(), &'static str> {
    if lclq_stores::StoreSettings::is_url(text) {
        Ok(())
    } else {
        Err(STORE_EXPECTED)
    }
}

/// A name that can stand in an ARN.
pub(crate) fn scope_name(text: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if (1..=80).contains(&text.len()) && text.bytes().all(plain) {
        Ok(text.to_owned())
    } else {
        Err("1 to 80 letters, digits, hyphens and underscores".to_owned())
    }
}

/// An account's number.
pub(crate) fn account(text: &str) -> Result<String, String> {
    if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err("an account has 12 digits".to_owned())
    }
}

/// Whom a token may be meant for: one that is for nobody in particular is for nobody here.
pub(super) fn is_audience(text: &str) -> bool {
    !text.is_empty()
}

/// Whether a text is a duration as protobuf's JSON has it.
fn is_duration(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.strip_suffix('s')
        .is_some_and(|number| match number.split_once('.') {
            Some((whole, rest)) => digits(whole) && digits(rest) && rest.len() <= 9,
            None => digits(number),
        })
}
