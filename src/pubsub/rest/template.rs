//! Path templates: `/v1/{topic=projects/*/topics/*}:publish`.

use percent_encoding::percent_decode_str;
use smallvec::SmallVec;
use std::borrow::Cow;
use std::ops::Range;

/// Segments of a path that is looked at. No template is that long, but `**` takes any number.
const SEGMENTS_MAX: usize = 32;

/// A request's path, cut up.
#[derive(Debug)]
pub struct Path<'a> {
    text: &'a str,
    /// Where each segment is in `text`.
    segments: SmallVec<[Range<usize>; 8]>,
}

impl<'a> Path<'a> {
    /// Cuts up a path. `None` if it has more segments than anything that is served.
    pub fn new(text: &'a str) -> Option<Self> {
        let text = text.strip_prefix('/')?;
        let mut segments = SmallVec::new();
        let mut start = 0;
        for segment in text.split('/') {
            if segments.len() == SEGMENTS_MAX {
                return None;
            }
            segments.push(start..start + segment.len());
            start += segment.len() + 1;
        }
        Some(Path { text, segments })
    }

    /// What stands behind the last segment's last colon.
    pub fn verb(&self) -> Option<&'a str> {
        let last = self.segments.last()?.clone();
        Some(self.text[last].rsplit_once(':')?.1)
    }

    /// The path without its [`Path::verb`].
    pub fn without_verb(mut self) -> Self {
        if let (Some(verb), Some(last)) = (self.verb(), self.segments.last_mut()) {
            last.end -= verb.len() + 1;
        }
        self
    }

    fn segment(&self, at: usize) -> &'a str {
        &self.text[self.segments[at].clone()]
    }

    /// Several segments as the field that they are meant for. Encoded slashes stay encoded, so that
    /// what comes out has the structure of what came in. `None` if it isn't text.
    pub fn field(&self, segments: &Range<usize>) -> Option<Cow<'a, str>> {
        let parts = self.segments.get(segments.clone())?;
        let (first, last) = (parts.first()?, parts.last()?);
        decode(&self.text[first.start..last.end])
    }
}

fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest
        .as_bytes()
        .windows(3)
        .position(|bytes| bytes.eq_ignore_ascii_case(b"%2f"))
    {
        decoded += &percent_decode_str(&rest[..at]).decode_utf8().ok()?;
        decoded += &rest[at..at + 3];
        rest = &rest[at + 3..];
    }
    decoded += &percent_decode_str(rest).decode_utf8().ok()?;
    Some(Cow::Owned(decoded))
}

/// A template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    segments: Vec<Segment>,
    /// What must stand behind the colon; empty if nothing.
    pub verb: String,
    pub variables: Vec<Variable>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    One,
    /// Any number of them, at least one here. Only at the end.
    Rest,
}

/// A field that is taken from the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The field's name, with dots: `topic.name`.
    pub field: String,
    /// The first of its segments.
    pub start: usize,
    /// One after the last of them; `None` is the path's end.
    pub end: Option<usize>,
}

impl Variable {
    /// Its segments in a path that matched.
    pub fn segments(&self, path: &Path<'_>) -> Range<usize> {
        self.start..self.end.unwrap_or(path.segments.len())
    }
}

impl Template {
    /// Reads a template. `None` if it isn't one, or has `**` anywhere but at its end.
    pub fn parse(text: &str) -> Option<Self> {
        let mut template = Template {
            segments: Vec::new(),
            verb: String::new(),
            variables: Vec::new(),
        };
        let mut rest = text.strip_prefix('/')?;
        loop {
            rest = match rest.strip_prefix('{') {
                Some(inside) => {
                    let (variable, behind) = inside.split_once('}')?;
                    template.variable(variable)?;
                    behind
                }
                None => {
                    let end = rest.find(['/', ':']).unwrap_or(rest.len());
                    template.segment(&rest[..end])?;
                    &rest[end..]
                }
            };
            match rest.split_at_checked(1) {
                Some(("/", more)) => rest = more,
                Some((":", verb)) if !verb.is_empty() => {
                    template.verb = verb.to_owned();
                    return Some(template);
                }
                None => return Some(template),
                _ => return None,
            }
        }
    }

    fn variable(&mut self, text: &str) -> Option<()> {
        let (field, pattern) = text.split_once('=').unwrap_or((text, "*"));
        let start = self.segments.len();
        for segment in pattern.split('/') {
            self.segment(segment)?;
        }
        let open = self.segments.last() == Some(&Segment::Rest);
        self.variables.push(Variable {
            field: field.to_owned(),
            start,
            end: (!open).then_some(self.segments.len()),
        });
        Some(())
    }

    fn segment(&mut self, text: &str) -> Option<()> {
        if text.is_empty() || self.segments.last() == Some(&Segment::Rest) {
            return None;
        }
        self.segments.push(match text {
            "*" => Segment::One,
            "**" => Segment::Rest,
            _ => Segment::Literal(text.to_owned()),
        });
        Some(())
    }

    /// Whether a path without verb follows it.
    pub fn matches(&self, path: &Path<'_>) -> bool {
        let open = self.segments.last() == Some(&Segment::Rest);
        let (given, wanted) = (path.segments.len(), self.segments.len());
        if given != wanted && !(open && given > wanted) {
            return false;
        }
        self.segments
            .iter()
            .enumerate()
            .all(|(at, segment)| match segment {
                Segment::Literal(text) => path.segment(at) == text,
                Segment::One => !path.segment(at).is_empty(),
                Segment::Rest => (at..given).all(|at| !path.segment(at).is_empty()),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn taken(template: &str, path: &str) -> Option<Vec<(String, String)>> {
        let template = Template::parse(template).unwrap();
        let mut path = Path::new(path)?;
        if !template.verb.is_empty() {
            if path.verb() != Some(&template.verb) {
                return None;
            }
            path = path.without_verb();
        }
        if !template.matches(&path) {
            return None;
        }
        let fields = template.variables.iter().map(|variable| {
            let value = path.field(&variable.segments(&path)).unwrap();
            (variable.field.clone(), value.into_owned())
        });
        Some(fields.collect())
    }

    fn pair(field: &str, value: &str) -> Option<Vec<(String, String)>> {
        Some(vec![(field.to_owned(), value.to_owned())])
    }

    #[test]
    fn fields_are_taken_from_paths() {
        let publish = "/v1/{topic=projects/*/topics/*}:publish";
        assert_eq!(
            taken(publish, "/v1/projects/p/topics/t:publish"),
            pair("topic", "projects/p/topics/t")
        );
        assert_eq!(
            taken(
                publish,
                "/v1/projects/example.com:p/topics/a%25b+%40:publish"
            ),
            pair("topic", "projects/example.com:p/topics/a%b+@")
        );
        for other in [
            "/v1/projects/p/topics/t",
            "/v1/projects/p/topics/t:pull",
            "/v1/projects/p/topics/:publish",
            "/v1/projects//topics/t:publish",
            "/v1/projects/p/topics/t/:publish",
            "/v2/projects/p/topics/t:publish",
            "/projects/p/topics/t:publish",
            "projects",
            "",
            "/",
        ] {
            assert_eq!(taken(publish, other), None, "{other}");
        }
        assert_eq!(
            taken(
                "/v1/{topic.name=projects/*/topics/*}",
                "/v1/projects/p/topics/t%2Fu%2f%C3%BC"
            ),
            pair("topic.name", "projects/p/topics/t%2Fu%2fü")
        );
        assert_eq!(
            taken("/v1/{project=projects/*}/topics", "/v1/projects/p/topics"),
            pair("project", "projects/p")
        );
        let iam = "/v1/{resource=**}:setIamPolicy";
        assert_eq!(
            taken(iam, "/v1/projects/p/topics/t:setIamPolicy"),
            pair("resource", "projects/p/topics/t")
        );
        assert_eq!(taken(iam, "/v1/x:setIamPolicy"), pair("resource", "x"));
        assert_eq!(taken(iam, "/v1/:setIamPolicy"), None);
        let both = taken("/v1/{a}/x/{b=y/*}", "/v1/1/x/y/2").unwrap();
        assert_eq!(both[0], ("a".to_owned(), "1".to_owned()));
        assert_eq!(both[1], ("b".to_owned(), "y/2".to_owned()));
    }

    #[test]
    fn templates_that_are_none() {
        for bad in [
            "",
            "v1",
            "/v1/",
            "/v1/{a",
            "/v1//x",
            "/v1/{a=**}/x",
            "/v1/x:",
            "/v1/{a}b",
        ] {
            assert_eq!(Template::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_field_that_is_no_text_is_none() {
        let path = Path::new("/v1/%ff/a%2fb%ff").unwrap();
        assert_eq!(path.field(&(1..2)), None);
        assert_eq!(path.field(&(2..3)), None);
        assert!(Path::new(&"/x".repeat(SEGMENTS_MAX)).is_some());
        assert!(Path::new(&"/x".repeat(SEGMENTS_MAX + 1)).is_none());
    }

    proptest! {
        #[test]
        fn any_path_may_be_asked_for(text in "[a-z/:%{}2fF*é]{0,30}", template in "[a-z/:{}*=]{0,20}") {
            let _ = Template::parse(&template);
            if let Some(path) = Path::new(&text) {
                let _ = path.field(&(0..path.segments.len()));
                let _ = path.verb();
                let without = path.without_verb();
                let _ = without.field(&(0..without.segments.len()));
                let template = Template::parse("/v1/{resource=**}").unwrap();
                let _ = template.matches(&without);
            }
        }

        #[test]
        fn every_name_comes_through(name in "[A-Za-z0-9_.~+%@ü-]{1,20}") {
            let encoded = percent_encoding::utf8_percent_encode(&name, percent_encoding::NON_ALPHANUMERIC);
            let path = format!("/v1/topics/{encoded}:publish");
            let got = taken("/v1/{t=topics/*}:publish", &path);
            prop_assert_eq!(got, pair("t", &format!("topics/{name}")));
        }
    }
}
