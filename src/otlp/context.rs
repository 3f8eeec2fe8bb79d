//! Where a trace comes from: `traceparent` (<https://www.w3.org/TR/trace-context/>), and AWS X-Ray's
//! header (<https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader>).

use crate::hex;

/// A span of somebody's, as it is named to others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SpanContext {
    /// Its trace.
    pub trace_id: [u8; 16],
    /// Itself.
    pub span_id: [u8; 8],
    /// Whether its trace is recorded.
    pub sampled: bool,
}

impl SpanContext {
    /// Of `00-<trace id>-<span id>-<flags>`. Later versions may have more behind it.
    pub fn of_traceparent(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('-');
        let version = hex::read::<1>(parts.next()?)?;
        let trace_id = hex::read(parts.next()?)?;
        let span_id = hex::read(parts.next()?)?;
        let flags = hex::read::<1>(parts.next()?)?;
        let is_sound = version[0] != 0xff && (version[0] > 0 || parts.next().is_none());
        let context = Self {
            trace_id,
            span_id,
            sampled: flags[0] & 1 == 1,
        };
        context.checked().filter(|_| is_sound)
    }

    /// Of `Root=1-<8 digits>-<24 digits>;Parent=<span id>;Sampled=1`, in any order, and with more.
    pub fn of_amazon(text: &str) -> Option<Self> {
        let field = |name: &str| {
            let fields = text.split(';').map(str::trim);
            fields
                .filter_map(|field| field.split_once('='))
                .find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value.trim()))
        };
        let mut root = field("Root")?.split('-');
        let (version, time, rest) = (root.next()?, root.next()?, root.next()?);
        if version != "1" || time.len() != 8 || root.next().is_some() {
            return None;
        }
        Self {
            trace_id: hex::read(&format!("{time}{rest}"))?,
            span_id: hex::read(field("Parent")?)?,
            sampled: field("Sampled") == Some("1"),
        }
        .checked()
    }

    /// Of either form.
    pub fn of(text: &str) -> Option<Self> {
        Self::of_traceparent(text).or_else(|| Self::of_amazon(text))
    }

    fn checked(self) -> Option<Self> {
        (self.trace_id != [0; 16] && self.span_id != [0; 8]).then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    #[test]
    fn traceparents_are_read_and_bad_ones_are_none() {
        let text = format!("00-{TRACE}-{SPAN}-01");
        let context = SpanContext::of(&text).unwrap();
        assert!(context.sampled);
        assert_eq!((context.trace_id[0], context.span_id[7]), (0x4b, 0xb7));
        let unsampled = SpanContext::of(&format!("00-{TRACE}-{SPAN}-02")).unwrap();
        assert!(!unsampled.sampled);
        assert!(SpanContext::of(&format!("01-{TRACE}-{SPAN}-01-more")).is_some());
        for wrong in [
            String::new(),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{}-{SPAN}-01", "0".repeat(32)),
            format!("00-{TRACE}-{}-01", "0".repeat(16)),
            format!("00-{TRACE}-+0f067aa0ba902b7-01"),
            format!("00-é{}-{SPAN}-01", &TRACE[2..]),
        ] {
            assert_eq!(SpanContext::of_traceparent(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn amazons_headers_are_read() {
        let text =
            "Self=x; Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1;Parent=53995c3f42cd8ad8";
        let context = SpanContext::of(text).unwrap();
        assert!(context.sampled);
        assert_eq!(context.trace_id[..4], [0x57, 0x59, 0xe9, 0x88]);
        for wrong in [
            "Root=1-5759e988-bd862e3fe1be46a994272793",
            "Root=2-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8",
            "Root=1-5759e9-88bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8",
            "Parent=53995c3f42cd8ad8",
        ] {
            assert_eq!(SpanContext::of(wrong), None, "{wrong}");
        }
    }
}
