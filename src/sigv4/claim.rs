//! What a request says of its signature, in its header or its query.

use super::heads::Heads;
use super::refusal::Refusal;
use http::HeaderValue;
use memchr::{memchr, memchr_iter};
use percent_encoding::percent_decode_str;
use std::borrow::Cow;
use std::mem;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Seconds that a presigned URL may be good for.
const EXPIRES_SECONDS_MAX: i64 = 604_800;

/// What a request says of its signature.
#[derive(Debug)]
pub(super) struct Claim<'r> {
    /// `keyid/date/region/service/aws4_request`.
    pub credential: Cow<'r, str>,
    /// When it was signed.
    pub time: Cow<'r, str>,
    /// Names of the headers that are signed, lower-case, by `;`.
    pub signed_headers: Cow<'r, str>,
    pub signature: Cow<'r, str>,
    /// How long it is good for, seconds, where the URL is presigned.
    pub expires: Option<i64>,
    /// Of a session.
    pub token: Option<Cow<'r, str>>,
}

impl<'r> Claim<'r> {
    /// Reads it.
    pub fn of(heads: &Heads<'r>, query: &'r str) -> Result<Self, Refusal> {
        let header = heads.authorization;
        // Cheaper than to take each query apart, of which most requests have none.
        let presigned = query.contains("X-Amz-Algorithm=");
        match (header, presigned) {
            (Some(_), true) => Err(Refusal::in_two_places()),
            (Some(header), false) => Self::of_header(header.as_bytes(), heads),
            (None, true) => Self::of_query(query),
            (None, false) => Err(Refusal::missing()),
        }
    }

    fn of_header(header: &'r [u8], heads: &Heads<'r>) -> Result<Self, Refusal> {
        let text = std::str::from_utf8(header).unwrap_or("");
        let (algorithm, rest) = text.split_once(' ').unwrap_or((text, ""));
        let is_of_amazon = algorithm.starts_with("AWS4-");
        if is_of_amazon && algorithm != ALGORITHM {
            return Err(Refusal::algorithm(algorithm));
        }
        let mut parts = [None; 3];
        const NAMES: [&str; 3] = ["Credential", "Signature", "SignedHeaders"];
        if is_of_amazon {
            for part in split(rest, b',') {
                let part = part.trim();
                let Some(equals) = memchr(b'=', part.as_bytes()) else {
                    continue;
                };
                let place = match &part[..equals] {
                    "Credential" => 0,
                    "Signature" => 1,
                    "SignedHeaders" => 2,
                    _ => continue,
                };
                parts[place].get_or_insert(&part[equals + 1..]);
            }
        }
        let text = |value: Option<&'r HeaderValue>| value.and_then(|value| value.to_str().ok());
        let time = text(heads.amz_date).or(text(heads.date));
        match (parts, time) {
            ([Some(credential), Some(signature), Some(signed_headers)], Some(time)) => Ok(Self {
                credential: credential.into(),
                time: time.into(),
                signed_headers: signed_headers.into(),
                signature: signature.into(),
                expires: None,
                token: text(heads.token).map(Cow::from),
            }),
            _ => {
                let missing = NAMES.iter().zip(parts);
                let missing = missing.filter(|(_, part)| part.is_none());
                let missing: Vec<&str> = missing.map(|(name, _)| *name).collect();
                Err(Refusal::incomplete_header(&missing, time.is_none(), header))
            }
        }
    }

    fn of_query(query: &'r str) -> Result<Self, Refusal> {
        const NAMES: [&str; 5] = [
            "X-Amz-Algorithm",
            "X-Amz-Credential",
            "X-Amz-Signature",
            "X-Amz-SignedHeaders",
            "X-Amz-Date",
        ];
        let mut parts: [Option<Cow<'r, str>>; 5] = Default::default();
        let (mut expires, mut token) = (None, None);
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = || percent_decode_str(value).decode_utf8_lossy();
            match NAMES.iter().position(|known| *known == name) {
                Some(place) => drop(parts[place].get_or_insert_with(value)),
                None if name == "X-Amz-Expires" => expires = Some(value()),
                None if name == "X-Amz-Security-Token" => token = Some(value()),
                None => {}
            }
        }
        let missing = NAMES.iter().zip(&parts);
        let missing = missing.filter(|(_, part)| part.as_ref().is_none_or(|part| part.is_empty()));
        let missing: Vec<&str> = missing.map(|(name, _)| *name).collect();
        let [
            Some(algorithm),
            Some(credential),
            Some(signature),
            Some(signed_headers),
            Some(time),
        ] = parts
        else {
            return Err(Refusal::incomplete_query(&missing));
        };
        if !missing.is_empty() {
            return Err(Refusal::incomplete_query(&missing));
        }
        if algorithm != ALGORITHM {
            return Err(Refusal::algorithm(&algorithm));
        }
        let expires = match expires {
            None => None,
            Some(text) => {
                let seconds = text.parse().ok();
                let seconds = seconds.filter(|seconds| (1..=EXPIRES_SECONDS_MAX).contains(seconds));
                Some(seconds.ok_or_else(Refusal::expires_form)?)
            }
        };
        Ok(Self {
            credential,
            time,
            signed_headers,
            signature,
            expires,
            token,
        })
    }
}

/// The parts of a credential.
pub(super) struct Scope<'c> {
    pub key_id: &'c str,
    pub date: &'c str,
    pub region: &'c str,
    pub service: &'c str,
    pub end: &'c str,
}

impl<'c> Scope<'c> {
    pub fn of(credential: &'c str) -> Result<Self, Refusal> {
        // Key ids have no slashes, and what comes behind them never had any.
        let mut parts = split(credential, b'/');
        let mut part = || parts.next();
        let all = (part(), part(), part(), part(), part(), part());
        match all {
            (Some(key_id), Some(date), Some(region), Some(service), Some(end), None) => Ok(Self {
                key_id,
                date,
                region,
                service,
                end,
            }),
            _ => Err(Refusal::credential(credential)),
        }
    }
}

/// What stands between the separators, which have to be of ASCII.
pub(super) fn split(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let ends = memchr_iter(separator, text.as_bytes()).chain([text.len()]);
    let mut start = 0;
    ends.map(move |end| &text[mem::replace(&mut start, end + 1)..end])
}
