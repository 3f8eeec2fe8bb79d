//! What a queue says of who may use it: its policy and its tags, kept with what its name stands for.

use lclq_policies::Policy;
use lclq_shards::QueueName;
use lclq_shards::attributes::QueueAttribute;
use lclq_shards::command::Description;
use std::collections::BTreeMap;

/// What decisions about a queue take.
pub(super) struct Guard {
    /// Its ARN.
    pub arn: String,
    pub policy: Stated,
    /// `aws:resourcetag/<key>` in lower case, and the tag's value.
    pub tags: BTreeMap<String, String>,
}

/// What its policy says.
pub(super) enum Stated {
    /// It has none.
    Nothing,
    Policy(Policy),
    /// Nobody can tell: it was set while nobody looked. What it wants to forbid is not known, so it
    /// forbids all but to look at it and to mend it.
    Unreadable,
}

impl Guard {
    /// Of a queue that isn't there.
    pub fn of_nothing(name: &QueueName) -> Self {
        Self {
            arn: name.arn(),
            policy: Stated::Nothing,
            tags: BTreeMap::new(),
        }
    }

    pub fn of(description: &Description) -> Self {
        let text = description.attributes.get(&QueueAttribute::Policy);
        let arn = description.name.arn();
        let policy = match text.map(|text| Policy::parse(text)) {
            None => Stated::Nothing,
            Some(Ok(policy)) => Stated::Policy(policy),
            Some(Err(error)) => {
                tracing::warn!(queue = arn, %error, "a queue's policy can't be read: it is closed");
                Stated::Unreadable
            }
        };
        let tag = |(key, value): (&_, &_)| {
            let key: &str = AsRef::<str>::as_ref(key);
            let value: &str = AsRef::<str>::as_ref(value);
            (
                format!("aws:resourcetag/{}", key.to_lowercase()),
                value.to_owned(),
            )
        };
        Self {
            arn,
            policy,
            tags: description.tags.iter().map(tag).collect(),
        }
    }

    /// Memory that it takes, about: a policy that is read takes a few times its text.
    pub fn bytes(&self) -> usize {
        const OF_A_STATEMENT: usize = 512;
        let statements = match &self.policy {
            Stated::Policy(policy) => policy.statements(),
            Stated::Nothing | Stated::Unreadable => 0,
        };
        let tags = self
            .tags
            .iter()
            .map(|(key, value)| key.len() + value.len() + 48);
        size_of::<Self>() + self.arn.len() + statements * OF_A_STATEMENT + tags.sum::<usize>()
    }
}
