//! The time a client gives a call.

use http::{HeaderMap, HeaderName};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::error::deadline_exceeded;
use super::status::Status;
use crate::runtime::{Sleep, sleep, sleep_until};

const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const TIMEOUT_DIGITS_MAX: usize = 8;

/// When a call must have ended, if its client says so. What can't be read is no limit.
pub(super) fn deadline(headers: &HeaderMap) -> Option<Instant> {
    let timeout = parse_timeout(headers.get(TIMEOUT)?.as_bytes())?;
    Instant::now().checked_add(timeout)
}

/// At most 8 digits and a unit.
fn parse_timeout(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    if digits.is_empty()
        || digits.len() > TIMEOUT_DIGITS_MAX
        || !digits.iter().all(u8::is_ascii_digit)
    {
        return None;
    }
    let count: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some(match unit {
        b'H' => Duration::from_secs(count * 3600),
        b'M' => Duration::from_secs(count * 60),
        b'S' => Duration::from_secs(count),
        b'm' => Duration::from_millis(count),
        b'u' => Duration::from_micros(count),
        b'n' => Duration::from_nanos(count),
        _ => return None,
    })
}

/// How long something may take.
#[derive(Clone, Copy, Debug)]
enum Limit {
    None,
    At(Instant),
    /// From when it is first found not to be ready.
    Within(Duration),
}

pin_project_lite::pin_project! {
    /// Gives `future` its time. A timer is armed only for what isn't ready at once.
    pub(super) struct WithDeadline<F> {
        #[pin]
        future: F,
        limit: Limit,
        sleep: Option<Sleep>,
    }
}

impl<F> WithDeadline<F> {
    /// Until then, if there is an end.
    pub(super) fn at(deadline: Option<Instant>, future: F) -> Self {
        WithDeadline {
            future,
            limit: deadline.map_or(Limit::None, Limit::At),
            sleep: None,
        }
    }

    /// For that long, from the first poll on.
    pub(super) fn within(time: Duration, future: F) -> Self {
        WithDeadline {
            future,
            limit: Limit::Within(time),
            sleep: None,
        }
    }
}

impl<T, F: Future<Output = Result<T, Status>>> Future for WithDeadline<F> {
    type Output = Result<T, Status>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(result) = this.future.poll(cx) {
            return Poll::Ready(result);
        }
        let sleep = match (&mut *this.sleep, *this.limit) {
            (Some(sleep), _) => sleep,
            (None, Limit::None) => return Poll::Pending,
            (slot, Limit::At(deadline)) => slot.insert(sleep_until(deadline)),
            (slot, Limit::Within(time)) => slot.insert(sleep(time)),
        };
        Pin::new(sleep).poll(cx).map(|()| Err(deadline_exceeded()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn timeouts_have_units() {
        for (text, timeout) in [
            ("1H", Duration::from_secs(3600)),
            ("2M", Duration::from_secs(120)),
            ("3S", Duration::from_secs(3)),
            ("100m", Duration::from_millis(100)),
            ("5u", Duration::from_micros(5)),
            ("99999999n", Duration::from_nanos(99_999_999)),
        ] {
            assert_eq!(parse_timeout(text.as_bytes()), Some(timeout), "{text}");
        }
        for bad in ["", "S", "1", "1s", "-1S", "123456789S", "1.5S", "1 S"] {
            assert_eq!(parse_timeout(bad.as_bytes()), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_timeout_may_be_asked_for(value: Vec<u8>, count in 0..100_000_000u64, unit in 0..6usize) {
            let _ = parse_timeout(&value);
            let text = format!("{count}{}", ["H", "M", "S", "m", "u", "n"][unit]);
            let timeout = parse_timeout(text.as_bytes()).unwrap();
            let _ = Instant::now().checked_add(timeout);
        }
    }
}
