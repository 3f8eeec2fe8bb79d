//! Pages of lists.

use base64_simd::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::pubsub::error::{PubsubResult, invalid_page_token, out_of_bounds};
use crate::pubsub::limits::PAGE_ITEMS_MAX;

/// Items of a page if the request doesn't say.
const PAGE_DEFAULT: usize = 100;
/// Bytes of a token that show it to be one of ours, and of this list.
const SEAL_BYTES: usize = 8;

/// What a page of a list is to hold.
#[derive(Debug)]
pub(super) struct Page {
    list: String,
    /// Items that it may have.
    pub(super) size: usize,
    /// The last item of the page before.
    pub(super) after: Option<Box<str>>,
}

impl Page {
    /// Reads a request's size and token. `list` names the list: a token is good for one only.
    pub(super) fn read(list: String, size: i32, token: &str) -> PubsubResult<Self> {
        let size = match usize::try_from(size) {
            Ok(0) => PAGE_DEFAULT,
            Ok(size) if size <= PAGE_ITEMS_MAX => size,
            _ => return Err(out_of_bounds("page_size", size, 0, PAGE_ITEMS_MAX)),
        };
        let after = match token {
            "" => None,
            _ => Some(open(&list, token).ok_or_else(|| invalid_page_token(token))?),
        };
        Ok(Page { list, size, after })
    }

    /// Cuts what was found to the page's size and says how to go on. Items are in order, from the
    /// first after `after` on, and there should be one more than the page holds, if there is one.
    pub(super) fn cut<T>(&self, items: &mut Vec<T>, name: impl Fn(&T) -> &str) -> String {
        if items.len() <= self.size {
            return String::new();
        }
        items.truncate(self.size);
        items.last().map_or_else(String::new, |last| {
            let mut bytes = seal(&self.list, name(last)).to_vec();
            bytes.extend_from_slice(name(last).as_bytes());
            URL_SAFE_NO_PAD.encode_to_string(bytes)
        })
    }
}

fn seal(list: &str, after: &str) -> [u8; SEAL_BYTES] {
    let digest = Sha256::new()
        .chain_update(list.len().to_le_bytes())
        .chain_update(list)
        .chain_update(after)
        .finalize();
    let mut seal = [0; SEAL_BYTES];
    seal.copy_from_slice(&digest[..SEAL_BYTES]);
    seal
}

fn open(list: &str, token: &str) -> Option<Box<str>> {
    let bytes = URL_SAFE_NO_PAD.decode_to_vec(token.as_bytes()).ok()?;
    let (given, after) = bytes.split_at_checked(SEAL_BYTES)?;
    let after = std::str::from_utf8(after).ok()?;
    (given == seal(list, after)).then(|| after.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes_have_bounds() {
        let size = |size| Page::read("l".into(), size, "").map(|page| page.size);
        assert_eq!(size(0).unwrap(), PAGE_DEFAULT);
        assert_eq!(size(1000).unwrap(), 1000);
        for bad in [-1, 1001, i32::MIN, i32::MAX] {
            let error = size(bad).unwrap_err();
            assert_eq!(
                error.message,
                format!(
                    "The value for page_size is out of bounds. You passed {bad} in the request, \
                     but the value must be between 0 and 1000."
                )
            );
        }
    }

    #[test]
    fn a_full_page_without_more_has_no_token() {
        let page = Page::read("l".into(), 2, "").unwrap();
        let mut items = vec!["a", "b"];
        assert_eq!(page.cut(&mut items, |item| item), "");
        let mut items = vec!["a", "b", "c"];
        let token = page.cut(&mut items, |item| item);
        assert_eq!(items, ["a", "b"]);
        let next = Page::read("l".into(), 2, &token).unwrap();
        assert_eq!(next.after.as_deref(), Some("b"));
        assert!(Page::read("another".into(), 2, &token).is_err());
    }

    proptest! {
        #[test]
        fn any_token_may_be_sent(token in "\\PC{1,60}") {
            let error = Page::read("l".into(), 1, &token).unwrap_err();
            prop_assert_eq!(
                error.message,
                format!("Invalid page token given (token={token}).")
            );
        }
    }
}
