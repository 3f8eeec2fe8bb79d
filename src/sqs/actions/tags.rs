//! Tags of queues.

use super::{Members, Output, url_of};
use crate::sqs::decode::{Pairs, Text};
use crate::sqs::encode::Encoder;
use crate::sqs::error::{
    SqsResult, missing_parameter, reserved_tag_key, tag_key_length, tag_value_length, too_many_tags,
};
use crate::sqs::limits::{TAG_KEY_CHARS_MAX, TAG_VALUE_CHARS_MAX, TAGS_MAX};
use crate::sqs::request::{OnQueue, TagQueue, UntagQueue};
use crate::sqs::server::{Scope, Sqs};
use lclq_shards::command::QueueCommand;
use std::collections::BTreeMap;

fn check_key_length(key: &str) -> SqsResult<()> {
    if (1..=TAG_KEY_CHARS_MAX).contains(&key.chars().count()) {
        return Ok(());
    }
    Err(tag_key_length())
}

/// Checks tags that are to be added to a queue that has `present` others.
pub fn check(tags: Pairs<'_, Text<'_>>, present: usize) -> SqsResult<BTreeMap<String, String>> {
    let mut checked = BTreeMap::new();
    for (key, value) in tags.0 {
        check_key_length(&key)?;
        if value.chars().count() > TAG_VALUE_CHARS_MAX {
            return Err(tag_value_length());
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(reserved_tag_key());
        }
        checked.insert(key.0.into_owned(), value.0.into_owned());
    }
    if checked.len() + present > TAGS_MAX {
        return Err(too_many_tags());
    }
    Ok(checked)
}

pub async fn tag(sqs: &Sqs, scope: &Scope<'_>, input: TagQueue<'_>) -> SqsResult<()> {
    let target = sqs.target(scope, url_of(&input.queue_url)).await?;
    let given = input.tags.ok_or_else(|| missing_parameter("Tags"))?;
    if given.0.is_empty() {
        return Err(missing_parameter("Tags"));
    }
    let present = sqs.describe(&target).await?.tags;
    let others = present
        .keys()
        .filter(|key| !given.0.iter().any(|(new, _)| &**new == *key));
    let tags = check(given.clone(), others.count())?;
    sqs.ask_queue(&target, QueueCommand::Tag(target.queue(), tags))
        .await?;
    Ok(())
}

pub async fn untag(sqs: &Sqs, scope: &Scope<'_>, input: UntagQueue<'_>) -> SqsResult<()> {
    let target = sqs.target(scope, url_of(&input.queue_url)).await?;
    let given = input.tag_keys.unwrap_or_default().0;
    if given.is_empty() {
        return Err(missing_parameter("TagKeys"));
    }
    let mut keys = Vec::with_capacity(given.len());
    for key in given {
        check_key_length(&key)?;
        keys.push(key.0.into_owned());
    }
    sqs.ask_queue(&target, QueueCommand::Untag(target.queue(), keys))
        .await?;
    Ok(())
}

struct Tags(BTreeMap<String, String>);

impl Members for Tags {
    fn write<E: Encoder>(&self, encoder: &mut E) {
        if self.0.is_empty() {
            encoder.absent("Tags");
        } else {
            encoder.map(
                "Tags",
                "Tag",
                ("Key", "Value"),
                self.0
                    .iter()
                    .map(|(key, value)| (key.as_str(), value.as_str())),
            );
        }
    }
}

pub async fn list(
    sqs: &Sqs,
    scope: &Scope<'_>,
    input: OnQueue<'_>,
    out: &mut Output,
) -> SqsResult<()> {
    let target = sqs.target(scope, url_of(&input.queue_url)).await?;
    out.write(Tags(sqs.describe(&target).await?.tags));
    Ok(())
}
