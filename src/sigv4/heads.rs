//! The headers that signatures speak of, found in one pass: to look each up would hash each name.

use http::{HeaderMap, HeaderValue};
use smallvec::SmallVec;

/// Headers among which each signed one is looked for one by one. Signed names are as many as a header has
/// room for, so the product is bounded by this.
const COMPARED_HEADERS_MAX: usize = 24;

/// The first of each.
#[derive(Default)]
pub(super) struct Heads<'r> {
    pub authorization: Option<&'r HeaderValue>,
    pub amz_date: Option<&'r HeaderValue>,
    pub date: Option<&'r HeaderValue>,
    pub token: Option<&'r HeaderValue>,
    pub content_hash: Option<&'r HeaderValue>,
    pub has_target: bool,
    all: SmallVec<[(&'r str, &'r HeaderValue); COMPARED_HEADERS_MAX]>,
    has_many: bool,
}

impl<'r> Heads<'r> {
    pub fn of(headers: &'r HeaderMap) -> Self {
        let mut heads = Self {
            has_many: headers.len() > COMPARED_HEADERS_MAX,
            ..Self::default()
        };
        for (name, value) in headers {
            let name = name.as_str();
            if !heads.has_many {
                heads.all.push((name, value));
            }
            let place = match name {
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

    /// All headers, unless they are many.
    pub fn all(&self) -> Option<&[(&'r str, &'r HeaderValue)]> {
        (!self.has_many).then_some(&self.all)
    }
}
