//! The headers that signatures speak of, found in one pass: to look each up would hash each name.

use http::{HeaderMap, HeaderValue};

/// The first of each.
#[derive(Default)]
pub(super) struct Heads<'r> {
    pub authorization: Option<&'r HeaderValue>,
    pub amz_date: Option<&'r HeaderValue>,
    pub date: Option<&'r HeaderValue>,
    pub token: Option<&'r HeaderValue>,
    pub content_hash: Option<&'r HeaderValue>,
    pub has_target: bool,
}

impl<'r> Heads<'r> {
    pub fn of(headers: &'r HeaderMap) -> Self {
        let mut heads = Self::default();
        for (name, value) in headers {
            let place = match name.as_str() {
                "authorization" => &mut heads.authorization,
                "x-amz-date" => &mut heads.amz_date,
                "date" => &mut heads.date,
                "x-amz-security-token" => &mut heads.token,
                "x-amz-content-sha256" => &mut heads.content_hash,
                "x-amz-target" => {
                    heads.has_target = true;
                    continue;
                }
                _ => continue,
            };
            place.get_or_insert(value);
        }
        heads
    }
}
