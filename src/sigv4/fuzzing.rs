//! Signatures, for tests/fuzz.

use super::instant;
use super::verify::{Keys, Known, SecretKey, Signed, Verifier};
use crate::fuzzing::request;

/// The key and the time of AWS' test suite for signers.
const KEY_ID: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const NOW: &str = "20150830T123600Z";

struct OneKey;

impl Keys for OneKey {
    type Owner = ();

    fn version(&self) -> u64 {
        1
    }

    fn find(&self, id: &str) -> Option<Known<()>> {
        (id == KEY_ID).then(|| Known {
            secret: SecretKey::new(SECRET),
            session: None,
            owner: (),
        })
    }
}

thread_local! {
    static VERIFIER: Verifier<OneKey> = Verifier::new(OneKey, "service");
}

/// A signed request. Whoever asks twice is told the same, though the key is remembered by then; and what
/// is believed isn't believed with another body.
pub fn signature(bytes: &[u8]) {
    let Some((head, body)) = request(bytes) else {
        return;
    };
    let now = instant::read(NOW).expect("it is a time");
    let is_believed = |verifier: &Verifier<OneKey>, body: &[u8]| {
        let signed = Signed {
            method: &head.method,
            uri: &head.uri,
            headers: &head.headers,
            body,
        };
        verifier.verify(&signed, now).is_ok()
    };
    VERIFIER.with(|verifier| {
        let first = is_believed(verifier, body);
        assert_eq!(is_believed(verifier, body), first);
        let hash = head.headers.get("x-amz-content-sha256");
        if first && hash.is_none_or(|hash| hash != "UNSIGNED-PAYLOAD") {
            let other = [body, b"x"].concat();
            assert!(!is_believed(verifier, &other));
        }
    });
}
