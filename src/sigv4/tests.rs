//! Published examples of signed requests, and what becomes of those that are changed.

use super::*;
use http::{Request, Uri};
use proptest::prelude::*;
use std::rc::Rc;
use time::OffsetDateTime;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

struct OneKey {
    id: &'static str,
    secret: SecretKey,
}

impl Keys for OneKey {
    type Owner = String;

    fn version(&self) -> u64 {
        1
    }

    fn find(&self, id: &str) -> Option<Known<String>> {
        (id == self.id).then(|| Known {
            secret: self.secret.clone(),
            session: None,
            owner: self.id.to_owned(),
        })
    }
}

fn example(service: &'static str) -> Verifier<OneKey> {
    let keys = OneKey {
        id: "AKIDEXAMPLE",
        secret: SecretKey::new(SECRET),
    };
    Verifier::new(keys, service)
}

fn at(time: &str) -> OffsetDateTime {
    instant::read(time).unwrap()
}

fn verified(
    verifier: &Verifier<OneKey>,
    request: Request<&[u8]>,
    now: &str,
) -> Result<Rc<String>, Refusal> {
    let (head, body) = request.into_parts();
    let signed = Signed {
        method: &head.method,
        uri: &head.uri,
        headers: &head.headers,
        body,
    };
    verifier.verify(&signed, at(now))
}

/// Of AWS' test suite for signers: method, target, headers besides those of all, body, signature.
type Published = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static [u8],
    &'static str,
);

/// <https://docs.aws.amazon.com/general/latest/gr/signature-v4-test-suite.html>
const PUBLISHED: &[Published] = &[
    (
        "GET",
        "/",
        &[],
        b"",
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    ),
    (
        "GET",
        "/?Param2=value2&Param1=value1",
        &[],
        b"",
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ),
    (
        "POST",
        "/",
        &[],
        b"",
        "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
    ),
    (
        "POST",
        "/",
        &[("content-type", "application/x-www-form-urlencoded")],
        b"Param1=value1",
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    ),
];

fn published((method, target, headers, body, signature): Published) -> Request<&'static [u8]> {
    let mut names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
    names.extend(["host", "x-amz-date"]);
    names.sort_unstable();
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
         SignedHeaders={}, Signature={signature}",
        names.join(";")
    );
    let mut request = Request::builder()
        .method(method)
        .uri(target)
        .header("host", "example.amazonaws.com")
        .header("x-amz-date", "20150830T123600Z")
        .header("authorization", authorization);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body).unwrap()
}

#[test]
fn published_examples_are_right() {
    let verifier = example("service");
    for one in PUBLISHED {
        let outcome = verified(&verifier, published(*one), "20150830T123600Z");
        assert_eq!(outcome, Ok(Rc::new("AKIDEXAMPLE".to_owned())), "{one:?}");
    }
}

#[test]
fn each_part_of_a_request_counts() {
    let verifier = example("service");
    let change = |change: fn(&mut Request<&'static [u8]>)| {
        let mut request = published(PUBLISHED[3]);
        change(&mut request);
        verified(&verifier, request, "20150830T123600Z").unwrap_err()
    };
    let changes: [fn(&mut Request<&'static [u8]>); 5] = [
        |request| *request.method_mut() = http::Method::PUT,
        |request| *request.uri_mut() = Uri::from_static("/other"),
        |request| *request.uri_mut() = Uri::from_static("/?a=b"),
        |request| *request.body_mut() = b"Param1=value2",
        |request| {
            drop(
                request
                    .headers_mut()
                    .insert("host", "other".parse().unwrap()),
            )
        },
    ];
    for one in changes {
        let refusal = change(one);
        assert_eq!(refusal.problem, Problem::Mismatch);
        let expected =
            "The request signature we calculated does not match the signature you provided.";
        assert!(refusal.message.starts_with(expected), "{refusal}");
    }
}

#[test]
fn what_is_missing_or_wrong_is_told_in_the_services_words() {
    let told = |request: &dyn Fn() -> Request<&'static [u8]>, service: &'static str, now: &str| {
        let refusal = verified(&example(service), request(), now).unwrap_err();
        (refusal.problem, refusal.message)
    };
    let plain = || published(PUBLISHED[0]);
    let with = |authorization: &'static str| {
        move || {
            let mut request = published(PUBLISHED[0]);
            let value = authorization.parse().unwrap();
            request.headers_mut().insert("authorization", value);
            request
        }
    };
    let now = "20150830T123600Z";
    let cases = [
        (
            told(&plain, "service", "20150830T125200Z"),
            Problem::Mismatch,
            "Signature expired: 20150830T123600Z is now earlier than 20150830T123700Z \
             (20150830T125200Z - 15 min.)",
        ),
        (
            told(&plain, "service", "20150830T122000Z"),
            Problem::Mismatch,
            "Signature not yet current: 20150830T123600Z is still later than 20150830T123500Z \
             (20150830T122000Z + 15 min.)",
        ),
        (
            told(&plain, "sqs", now),
            Problem::Mismatch,
            "Credential should be scoped to correct service: 'sqs'. ",
        ),
        (
            told(
                &with(
                    "AWS4-HMAC-SHA256 Credential=NOBODY/20150830/us-east-1/service/aws4_request, SignedHeaders=host, Signature=0",
                ),
                "service",
                now,
            ),
            Problem::UnknownKey,
            "The security token included in the request is invalid.",
        ),
        (
            told(
                &with(
                    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150829/us-east-1/service/aws4_request, SignedHeaders=host, Signature=0",
                ),
                "service",
                now,
            ),
            Problem::Mismatch,
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from \
             HTTP: '20150829' != '20150830', from '20150830T123600Z'.",
        ),
        (
            told(
                &with(
                    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4, SignedHeaders=host, Signature=0",
                ),
                "service",
                now,
            ),
            Problem::Mismatch,
            "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws4'. ",
        ),
        (
            told(
                &with(
                    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=x-amz-date, Signature=0",
                ),
                "service",
                now,
            ),
            Problem::Mismatch,
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
        ),
        (
            told(
                &with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE, SignedHeaders=host, Signature=0"),
                "service",
                now,
            ),
            Problem::Incomplete,
            "Credential must have exactly 5 slash-delimited elements, e.g. \
             keyid/date/region/service/term, got 'AKIDEXAMPLE'",
        ),
        (
            told(&with("AWS4-ECDSA-P256-SHA256 Credential=x"), "service", now),
            Problem::Incomplete,
            "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256'.",
        ),
        (
            told(&with("AWS4-HMAC-SHA256 Credential=x"), "service", now),
            Problem::Incomplete,
            "Authorization header requires 'Signature' parameter. Authorization header requires \
             'SignedHeaders' parameter. (Hashed with SHA-256 and encoded with Base64) \
             Authorization=QHlJmfD2o2bPzjaCGgdbYrDYKOYfhMKmDqg5zNEsMFk=",
        ),
    ];
    for ((problem, message), expected, text) in cases {
        let hashed = "Authorization=";
        let (told, text) = match (message.split_once(hashed), text.split_once(hashed)) {
            (Some((told, hash)), Some((text, _))) => {
                assert_eq!(hash.len(), 44, "{message}");
                (told.to_owned(), text)
            }
            _ => (message.clone(), text),
        };
        assert_eq!((problem, told.as_str()), (expected, text));
    }
    let unsigned = || Request::get("/").body(&b""[..]).unwrap();
    let missing = told(&unsigned, "service", now);
    let text = "Request is missing Authentication Token".to_owned();
    assert_eq!(missing, (Problem::Missing, text));
    let part = || {
        Request::get("/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=x")
            .body(&b""[..])
            .unwrap()
    };
    let (problem, message) = told(&part, "service", now);
    assert_eq!(problem, Problem::Incomplete);
    assert_eq!(
        message,
        "AWS query-string parameters must include 'X-Amz-Credential'. AWS query-string parameters \
         must include 'X-Amz-Signature'. AWS query-string parameters must include \
         'X-Amz-SignedHeaders'. Re-examine the query-string parameters."
    );
}

#[test]
fn the_hash_of_a_long_secret_is_as_good_as_the_secret() {
    assert!(SecretKey::hash("short").is_none());
    let secret = "k".repeat(61);
    let hash = SecretKey::hash(&secret).unwrap();
    let request = || {
        let signed = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
                      SignedHeaders=host;x-amz-date, Signature=00";
        let mut request = published(PUBLISHED[0]);
        request
            .headers_mut()
            .insert("authorization", signed.parse().unwrap());
        request
    };
    // What it should have been is the same by both, and by neither what the other secret makes.
    let tag = |secret: &SecretKey| secret.tag_of(b"20150830");
    assert_eq!(
        tag(&SecretKey::new(&secret)),
        tag(&SecretKey::of_hash(&hash))
    );
    assert_ne!(
        tag(&SecretKey::new(SECRET)),
        tag(&SecretKey::of_hash(&hash))
    );
    let verifier = example("service");
    assert!(verified(&verifier, request(), "20150830T123600Z").is_err());
}

proptest! {
    /// Nothing that a client says panics or is believed.
    #[test]
    fn no_text_is_believed(header in "(AWS4-HMAC-SHA256 )?[ -~]{0,200}", target in "/[!-~]{0,80}", date in "[ -~]{0,20}") {
        let Ok(uri) = target.parse::<Uri>() else { return Ok(()) };
        let request = Request::get(uri)
            .header("authorization", header)
            .header("x-amz-date", date)
            .body(&b""[..])
            .unwrap();
        prop_assert!(verified(&example("service"), request, "20150830T123600Z").is_err());
    }
}
