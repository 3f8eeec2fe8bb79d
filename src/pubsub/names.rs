//! Names of projects, topics, subscriptions, snapshots and schemas.

use super::error::{PubsubError, invalid_name};
use super::limits::{ID_CHARS_MAX, ID_CHARS_MIN, PROJECT_BYTES_MAX};

/// What a subscription's topic reads as once the topic is deleted.
pub const DELETED_TOPIC: &str = "_deleted-topic_";

const REVISION_ID_CHARS: usize = 8;

/// Kinds of resources that stand in a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Topic,
    Subscription,
    Snapshot,
    Schema,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 4] = [
        Kind::Topic,
        Kind::Subscription,
        Kind::Snapshot,
        Kind::Schema,
    ];

    /// The segment between a project and a resource's id.
    pub const fn collection(self) -> &'static str {
        match self {
            Kind::Topic => "topics",
            Kind::Subscription => "subscriptions",
            Kind::Snapshot => "snapshots",
            Kind::Schema => "schemas",
        }
    }
}

/// A valid name, such as `projects/p/topics/t`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Name<'a> {
    /// The whole of it.
    pub full: &'a str,
    /// The project's id: `p`.
    pub project: &'a str,
    /// The resource's own id: `t`.
    pub id: &'a str,
}

impl<'a> Name<'a> {
    /// The project's name: `projects/p`.
    pub fn project_name(&self) -> &'a str {
        &self.full[.."projects/".len() + self.project.len()]
    }
}

/// Reads the name of a resource of one kind.
pub fn parse(kind: Kind, full: &str) -> Result<Name<'_>, PubsubError> {
    split(full)
        .filter(|(given, name)| *given == kind && is_valid_id(name.id))
        .map(|(_, name)| name)
        .ok_or_else(|| invalid_name(full))
}

/// Reads the name of a resource of any kind.
pub fn parse_any(full: &str) -> Result<(Kind, Name<'_>), PubsubError> {
    split(full)
        .filter(|(_, name)| is_valid_id(name.id))
        .ok_or_else(|| invalid_name(full))
}

/// Reads a schema's name, with or without `@` and a revision's id.
pub fn parse_schema_revision(full: &str) -> Result<(Name<'_>, Option<&str>), PubsubError> {
    let Some((schema, revision)) = full.split_once('@') else {
        return Ok((parse(Kind::Schema, full)?, None));
    };
    let name = parse(Kind::Schema, schema).map_err(|_| invalid_name(full))?;
    if !is_revision_id(revision) {
        return Err(invalid_name(full));
    }
    Ok((name, Some(revision)))
}

/// Reads `projects/p` and returns `p`.
pub fn parse_project(full: &str) -> Result<&str, PubsubError> {
    full.strip_prefix("projects/")
        .filter(|project| is_valid_project(project))
        .ok_or_else(|| invalid_name(full))
}

/// Puts a name together. The parts are the caller's to check.
pub fn join(kind: Kind, project: &str, id: &str) -> String {
    format!("projects/{project}/{}/{id}", kind.collection())
}

/// Whether a resource may be called so.
pub fn is_valid_id(id: &str) -> bool {
    (ID_CHARS_MIN..=ID_CHARS_MAX).contains(&id.len())
        && id.as_bytes()[0].is_ascii_alphabetic()
        && id.bytes().all(is_id_byte)
        && !id
            .as_bytes()
            .get(..4)
            .is_some_and(|start| start.eq_ignore_ascii_case(b"goog"))
}

/// Whether it looks like a revision of a schema: 8 hexadecimal digits.
pub fn is_revision_id(id: &str) -> bool {
    id.len() == REVISION_ID_CHARS && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Ids that the service would refuse are used against emulators, so only what would be ambiguous
/// is refused. Projects of organisations have a colon.
fn is_valid_project(project: &str) -> bool {
    (1..=PROJECT_BYTES_MAX).contains(&project.len())
        && project.bytes().all(|byte| is_id_byte(byte) || byte == b':')
}

fn is_id_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b'+' | b'%')
}

fn split(full: &str) -> Option<(Kind, Name<'_>)> {
    let rest = full.strip_prefix("projects/")?;
    let (project, rest) = rest.split_once('/')?;
    let (collection, id) = rest.split_once('/')?;
    let kind = Kind::ALL
        .into_iter()
        .find(|kind| kind.collection() == collection)?;
    is_valid_project(project).then_some((kind, Name { full, project, id }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::Code;
    use proptest::prelude::*;

    #[test]
    fn a_name_falls_into_its_parts() {
        let name = parse(Kind::Topic, "projects/my-project/topics/t-1.~+%_").unwrap();
        assert_eq!((name.project, name.id), ("my-project", "t-1.~+%_"));
        assert_eq!(name.project_name(), "projects/my-project");
        assert_eq!(
            parse_any("projects/p/snapshots/abc").unwrap().0,
            Kind::Snapshot
        );
        assert_eq!(
            parse_project("projects/example.com:p").unwrap(),
            "example.com:p"
        );
        assert_eq!(join(Kind::Schema, "p", "abc"), "projects/p/schemas/abc");
    }

    #[test]
    fn what_the_service_refuses_is_refused() {
        let long = format!("projects/p/topics/{}", "a".repeat(256));
        for bad in [
            "",
            "t",
            "projects/p",
            "projects/p/topics",
            "projects/p/topics/",
            "projects/p/topics/ab",
            "projects/p/topics/1abc",
            "projects/p/topics/-abc",
            "projects/p/topics/goog-abc",
            "projects/p/topics/Google",
            "projects/p/topics/abc/def",
            "projects/p/topics/a bc",
            "projects/p/topics/a/c",
            "projects/p/topics/äbc",
            "projects//topics/abc",
            "projects/p/q/topics/abc",
            "projects/p/subscriptions/abc",
            "/projects/p/topics/abc",
            DELETED_TOPIC,
            &long,
        ] {
            let error = parse(Kind::Topic, bad).unwrap_err();
            assert_eq!(error.code, Code::InvalidArgument);
            assert_eq!(
                error.message,
                format!(
                    "Invalid resource name given (name={bad}). Refer to https://cloud.google.com/\
                     pubsub/docs/pubsub-basics#resource_names for more information."
                )
            );
        }
        assert!(parse(Kind::Topic, &long[..long.len() - 1]).is_ok());
        assert!(parse(Kind::Topic, "projects/p/topics/goo").is_ok());
    }

    #[test]
    fn a_schema_may_name_a_revision() {
        let (name, revision) = parse_schema_revision("projects/p/schemas/abc@0123abcd").unwrap();
        assert_eq!((name.id, revision), ("abc", Some("0123abcd")));
        assert_eq!(name.full, "projects/p/schemas/abc");
        let (_, revision) = parse_schema_revision("projects/p/schemas/abc").unwrap();
        assert_eq!(revision, None);
        for bad in [
            "abc@",
            "abc@0123",
            "abc@0123abcg",
            "@0123abcd",
            "abc@01@3abcd",
        ] {
            let full = format!("projects/p/schemas/{bad}");
            assert!(parse_schema_revision(&full).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn anything_may_be_asked_for(text in "\\PC{0,40}", kind in 0..4usize) {
            let kind = Kind::ALL[kind];
            for full in [text.clone(), join(kind, "p", &text), join(kind, &text, "abc")] {
                if let Ok(name) = parse(kind, &full) {
                    prop_assert_eq!(join(kind, name.project, name.id), full.clone());
                    prop_assert_eq!(parse_any(&full).unwrap(), (kind, name));
                }
                let _ = parse_schema_revision(&full);
                let _ = parse_project(&full);
            }
        }

        #[test]
        fn every_good_id_is_taken(id in "[A-Fa-f][A-Za-z0-9_.~+%-]{2,254}", kind in 0..4usize) {
            let kind = Kind::ALL[kind];
            let full = join(kind, "p", &id);
            prop_assert_eq!(parse(kind, &full).unwrap().id, &id);
        }
    }
}
