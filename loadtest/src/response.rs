//! Responses: where they end, and the few values wanted of them.

use memchr::memmem;

/// One complete response at the start of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framed {
    /// The status code.
    pub status: u16,
    /// Where its body begins.
    pub body_start: usize,
    /// Where it ends.
    pub end: usize,
}

/// Finds the first response in `buf`: `Ok(None)` if it isn't complete yet, an error if it isn't
/// HTTP/1.1 with a Content-Length.
pub fn frame(buf: &[u8]) -> Result<Option<Framed>, &'static str> {
    let Some(head_end) = memmem::find(buf, b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = &buf[..head_end];
    if head.len() < 12 || !head.starts_with(b"HTTP/1.1 ") {
        return Err("not an HTTP/1.1 response");
    }
    let status = head[9..12]
        .iter()
        .fold(0, |status, digit| status * 10 + u16::from(digit - b'0'));
    let body_start = head_end + 4;
    let length = match content_length(head) {
        Some(length) => length,
        None if status == 204 => 0,
        None => return Err("no content-length"),
    };
    let end = body_start + length;
    Ok((buf.len() >= end).then_some(Framed {
        status,
        body_start,
        end,
    }))
}

fn content_length(head: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"content-length:";
    for start in memchr::memchr_iter(b'\n', head) {
        let line = &head[start + 1..];
        if line.len() > NAME.len() && line[..NAME.len()].eq_ignore_ascii_case(NAME) {
            let mut value = 0;
            for byte in line[NAME.len()..].trim_ascii_start() {
                if !byte.is_ascii_digit() {
                    break;
                }
                value = value * 10 + usize::from(byte - b'0');
            }
            return Some(value);
        }
    }
    None
}

/// Every string value of a key in a JSON body, unescaped ones only (receipt handles, URLs).
pub fn string_values<'a>(body: &'a [u8], key: &str) -> Vec<&'a str> {
    let pattern = format!("\"{key}\":\"");
    memmem::find_iter(body, pattern.as_bytes())
        .filter_map(|at| {
            let value = &body[at + pattern.len()..];
            let end = memchr::memchr(b'"', value)?;
            std::str::from_utf8(&value[..end]).ok()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_are_framed() {
        let one = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        assert_eq!(
            frame(one),
            Ok(Some(Framed {
                status: 200,
                body_start: 38,
                end: 43
            }))
        );
        assert_eq!(frame(&one[..42]), Ok(None));
        assert_eq!(frame(&one[..20]), Ok(None));
        assert!(frame(b"HTTP/1.1 200 OK\r\nfoo: bar\r\n\r\n").is_err());
    }

    #[test]
    fn values_are_found() {
        let body = br#"{"Messages":[{"ReceiptHandle":"a","Body":"x"},{"ReceiptHandle":"b"}]}"#;
        assert_eq!(string_values(body, "ReceiptHandle"), ["a", "b"]);
    }
}
