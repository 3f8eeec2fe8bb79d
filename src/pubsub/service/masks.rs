//! Update masks: which fields of a resource a request changes.

use prost_types::FieldMask;

use crate::pubsub::error::{PubsubResult, empty_update_mask, immutable_field, unknown_field};

/// What a mask can name of one kind of resource.
pub(super) struct Fields {
    /// The request's type, for messages.
    pub(super) request: &'static str,
    /// The resource's type, for messages.
    pub(super) resource: &'static str,
    /// Fields that never change.
    pub(super) immutable: &'static [&'static str],
}

impl Fields {
    /// Calls `take` with each path. It answers false for one that it doesn't know.
    pub(super) fn apply(
        &self,
        mask: Option<&FieldMask>,
        mut take: impl FnMut(&str) -> bool,
    ) -> PubsubResult<()> {
        let paths = match mask {
            Some(mask) if !mask.paths.is_empty() => &mask.paths,
            _ => return Err(empty_update_mask(self.request)),
        };
        // A part may be megabytes, and is taken over once however often a mask names it. Of those
        // that there are, there are few.
        let mut taken: Vec<&str> = Vec::new();
        for path in paths {
            if taken.contains(&path.as_str()) {
                continue;
            }
            let head = path.split('.').next().unwrap_or_default();
            if self.immutable.contains(&head) {
                return Err(immutable_field(self.request, self.resource, head));
            }
            if !take(path) {
                return Err(unknown_field(self.request, self.resource, path));
            }
            taken.push(path);
        }
        Ok(())
    }
}

/// Takes over one field of an optional part, which is made if need be.
macro_rules! take_part {
    ($from:ident, $to:ident, $part:ident . $field:ident) => {{
        let field = $from
            .$part
            .as_ref()
            .map(|part| part.$field.clone())
            .unwrap_or_default();
        $to.$part.get_or_insert_default().$field = field;
        true
    }};
}

/// Takes over a whole field.
macro_rules! take_field {
    ($from:ident, $to:ident, $field:ident) => {{
        $to.$field = $from.$field.clone();
        true
    }};
}

pub(super) use {take_field, take_part};

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: Fields = Fields {
        request: "UpdateThingRequest",
        resource: "Thing",
        immutable: &["name"],
    };

    fn apply(paths: &[&str]) -> Result<Vec<String>, String> {
        let mask = FieldMask {
            paths: paths.iter().map(|path| (*path).into()).collect(),
        };
        let mut taken = Vec::new();
        FIELDS
            .apply(Some(&mask), |path| {
                taken.push(path.to_owned());
                path.starts_with("known")
            })
            .map_err(|error| error.message.into_owned())?;
        Ok(taken)
    }

    #[test]
    fn paths_are_taken_in_order() {
        assert_eq!(
            apply(&["known", "known.part"]).unwrap(),
            ["known", "known.part"]
        );
        assert_eq!(apply(&["known"; 1000]).unwrap(), ["known"]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let needed = "The update_mask in the UpdateThingRequest must be set, and must contain a \
                      non-empty paths list.";
        assert_eq!(apply(&[]).unwrap_err(), needed);
        let error = FIELDS.apply(None, |_| true).unwrap_err();
        assert_eq!(error.message, needed);
        for path in ["name", "name.part"] {
            assert!(
                apply(&["known", path])
                    .unwrap_err()
                    .ends_with("the 'name' field in the Thing is not mutable.")
            );
        }
        assert!(
            apply(&["known", "other"])
                .unwrap_err()
                .contains("'other' is not a known Thing field")
        );
    }
}
