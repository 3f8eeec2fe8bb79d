//! Making, finding, describing, changing, purging and deleting queues.

use super::{Action, Members, Output, required, url_of};
use crate::sqs::attributes::{Changes, allows_redrive, check, check_throughput, redrive_of};
use crate::sqs::decode::{Int, Pairs, Text};
use crate::sqs::encode::Encoder;
use crate::sqs::error::{
    RedriveFault, SqsError, SqsResult, invalid_next_token, invalid_policy, invalid_queue_name,
    invalid_redrive, listed_names_out_of_bounds, missing_parameter, next_token_alone, no_queue,
    too_many_queues, unknown_attribute,
};
use crate::sqs::limits::{LISTED_NAMES_MAX, REAL_INTERVAL_S};
use crate::sqs::names::{is_plain_name, is_queue_name};
use crate::sqs::request::{
    CreateQueue, GetQueueAttributes, GetQueueUrl, ListDeadLetterSourceQueues, ListQueues, OnQueue,
    SetQueueAttributes,
};
use crate::sqs::server::{Scope, Sqs};
use crate::sqs::target::{Target, refused, unexpected};
use lclq_shards::QueueName;
use lclq_shards::attributes::{AttributeMap, QueueAttribute};
use lclq_shards::command::{Command, Description, QueueCommand, Refusal, Reply};
use std::collections::{BTreeMap, BTreeSet};

impl Scope<'_> {
    /// The URL of a queue, with the host that the request came to.
    pub fn queue_url(&self, name: &QueueName) -> String {
        format!(
            "{}://{}/{}/{}",
            self.scheme, self.host, name.account, name.name
        )
    }
}

struct Url(String);

impl Members for Url {
    fn write<E: Encoder>(&self, encoder: &mut E) {
        encoder.text("QueueUrl", &self.0);
    }
}

impl Sqs {
    /// What a queue is.
    pub async fn describe(&self, target: &Target) -> SqsResult<Box<Description>> {
        match self
            .ask_queue(target, QueueCommand::Describe(target.queue()))
            .await?
        {
            Reply::Described(description) => Ok(description),
            other => Err(unexpected(&other)),
        }
    }

    /// What the queue of that name is, if there is one.
    pub async fn describe_by_name(&self, name: &QueueName) -> SqsResult<Option<Box<Description>>> {
        let queue = match self.resolve(name).await {
            Ok(queue) => queue,
            Err(error) if error == no_queue() => return Ok(None),
            Err(error) => return Err(error),
        };
        let command = Command::Queue(Box::new(QueueCommand::Describe(queue)));
        match self.mesh.call(queue.shard, command).await {
            Reply::Described(description) => Ok(Some(description)),
            // Deleted in between.
            Reply::Stale(_) => Ok(None),
            Reply::Refused(refusal) => Err(refused(refusal, &name.name)),
            other => Err(unexpected(&other)),
        }
    }

    /// Checks that the dead-letter queue that changes name is there, fits, and agrees.
    async fn check_dead_letter_queue(
        &self,
        source: &QueueName,
        changes: &Changes,
    ) -> SqsResult<()> {
        let Some((redrive, text)) = redrive_of(changes) else {
            return Ok(());
        };
        let wrong = |fault| Err(invalid_redrive(text, fault));
        if redrive.target.region != source.region || redrive.target.account != source.account {
            return wrong(RedriveFault::OtherAccount);
        }
        let Some(target) = self.describe_by_name(&redrive.target).await? else {
            return wrong(RedriveFault::NoTarget);
        };
        if target.name.name.ends_with(".fifo") != source.name.ends_with(".fifo") {
            return wrong(RedriveFault::OtherType);
        }
        let allow = target.attributes.get(&QueueAttribute::RedriveAllowPolicy);
        if !allows_redrive(allow.map(String::as_str), source) {
            return wrong(RedriveFault::NotAllowed);
        }
        Ok(())
    }

    /// Checks that an account may have one more queue, unless it has this one.
    async fn check_room_for(&self, name: &QueueName) -> SqsResult<()> {
        let Some(queues_max) = self.config.queues_per_account_max else {
            return Ok(());
        };
        match self.resolve(name).await {
            Ok(_) => return Ok(()),
            Err(error) if error == no_queue() => {}
            Err(error) => return Err(error),
        }
        let list = |_| {
            Command::Queue(Box::new(QueueCommand::List {
                region: (*name.region).into(),
                account: (*name.account).into(),
                prefix: "".into(),
                after: None,
                names_max: queues_max,
            }))
        };
        let page = Page {
            names_max: usize::MAX,
            after: None,
            paged: false,
        };
        let (names, _) = page.merge(self.mesh.call_all(list).await)?;
        if names.len() < queues_max {
            return Ok(());
        }
        Err(too_many_queues(queues_max))
    }

    /// Checks that a policy can be read, where it is going to decide about anybody.
    fn check_policy(&self, changes: &Changes) -> SqsResult<()> {
        let is_policy =
            |change: &&(QueueAttribute, Option<String>)| change.0 == QueueAttribute::Policy;
        if self.has_gate()
            && let Some((_, Some(text))) = changes.iter().find(is_policy)
            && let Err(error) = lclq_policies::Policy::parse(text)
        {
            return Err(invalid_policy(&error));
        }
        Ok(())
    }

    /// Sets attributes that have been checked.
    pub async fn change_attributes(&self, target: &Target, changes: Changes) -> SqsResult<()> {
        let command = QueueCommand::SetAttributes(target.queue(), changes);
        match self.ask_queue(target, command).await? {
            Reply::Done => Ok(()),
            other => Err(unexpected(&other)),
        }
    }
}

pub async fn create(
    sqs: &Sqs,
    scope: &Scope<'_>,
    input: CreateQueue<'_>,
    out: &mut Output,
) -> SqsResult<()> {
    let name = required(&input.queue_name, "QueueName")?;
    let given = input.attributes.unwrap_or_default();
    let wants_fifo = given.0.iter().any(|(attribute, value)| {
        &**attribute == "FifoQueue" && value.eq_ignore_ascii_case("true")
    });
    if !is_queue_name(name, wants_fifo) {
        return Err(invalid_queue_name(wants_fifo));
    }
    let changes = check(&given, wants_fifo)?;
    let name = QueueName::new(scope.region, scope.account, name);
    scope.may_use(&name, None)?;
    if input.tags.as_ref().is_some_and(|tags| !tags.0.is_empty()) {
        scope.may_also(Action::TagQueue, &name, None)?;
    }
    let tags = super::tags::check(input.tags.unwrap_or_default(), 0)?;
    let value = |wanted: QueueAttribute| {
        let found = changes.iter().find(|(attribute, _)| *attribute == wanted);
        found.and_then(|(_, value)| value.as_deref())
    };
    check_throughput(
        value(QueueAttribute::FifoThroughputLimit),
        value(QueueAttribute::DeduplicationScope),
    )?;
    sqs.check_policy(&changes)?;
    sqs.check_dead_letter_queue(&name, &changes).await?;
    sqs.may_be_made(scope, &name)?;
    sqs.check_room_for(&name).await?;
    // Taken off means empty: a queue that has one is another.
    let attributes: AttributeMap = changes
        .into_iter()
        .map(|(attribute, value)| (attribute, value.unwrap_or_default()))
        .collect();
    let command = QueueCommand::Create {
        name: name.clone(),
        attributes,
        tags,
        recreate_after_ms: if sqs.config.enforce_recreate_interval {
            REAL_INTERVAL_S * 1000
        } else {
            0
        },
    };
    let shard = name.shard(sqs.mesh.shards());
    match sqs
        .mesh
        .call(shard, Command::Queue(Box::new(command)))
        .await
    {
        Reply::Queue(_) => {
            out.write(Url(scope.queue_url(&name)));
            Ok(())
        }
        Reply::Refused(refusal) => Err(refused(refusal, &name.name)),
        other => Err(unexpected(&other)),
    }
}

pub async fn delete(sqs: &Sqs, scope: &Scope<'_>, input: OnQueue<'_>) -> SqsResult<()> {
    let target = sqs.target(scope, url_of(&input.queue_url)).await?;
    if sqs.deletes_later(scope, &target) {
        return Ok(());
    }
    sqs.ask_queue(&target, QueueCommand::Delete(target.queue()))
        .await?;
    Ok(())
}

pub async fn purge(sqs: &Sqs, scope: &Scope<'_>, input: OnQueue<'_>) -> SqsResult<()> {
    let target = sqs.target(scope, url_of(&input.queue_url)).await?;
    if sqs.purges_later(scope, &target)? {
        return Ok(());
    }
    let interval_ms = if sqs.config.enforce_purge_interval {
        REAL_INTERVAL_S * 1000
    } else {
        0
    };
    let command = QueueCommand::Purge {
        queue: target.queue(),
        interval_ms,
    };
    sqs.ask_queue(&target, command).await?;
    Ok(())
}

pub async fn get_url(
    sqs: &Sqs,
    scope: &Scope<'_>,
    input: GetQueueUrl<'_>,
    out: &mut Output,
) -> SqsResult<()> {
    let name = required(&input.queue_name, "QueueName")?;
    if !is_queue_name(name, name.ends_with(".fifo")) {
        return Err(no_queue());
    }
    let owner = input.queue_owner_aws_account_id.as_deref();
    let account = owner
        .filter(|owner| is_plain_name(owner))
        .unwrap_or(scope.account);
    let name = QueueName::new(scope.region, account, name);
    sqs.resolve_for(scope, &name).await?;
    out.write(Url(scope.queue_url(&name)));
    Ok(())
}

struct Urls {
    name: &'static str,
    /// An empty list is there too, not absent.
    always: bool,
    urls: Vec<String>,
    next_token: Option<String>,
}

impl Members for Urls {
    fn write<E: Encoder>(&self, encoder: &mut E) {
        if !self.urls.is_empty() || self.always {
            encoder.texts(self.name, "QueueUrl", self.urls.iter().map(String::as_str));
        } else {
            encoder.absent(self.name);
        }
        match &self.next_token {
            Some(token) => encoder.text("NextToken", token),
            None => encoder.absent("NextToken"),
        }
    }
}

/// Pages of a listing: how many names, and after which.
struct Page {
    names_max: usize,
    after: Option<Box<str>>,
    /// Without MaxResults there is no next page.
    paged: bool,
}

fn page(max_results: Option<Int>, next_token: Option<&str>) -> SqsResult<Page> {
    let names_max = match max_results {
        None => LISTED_NAMES_MAX,
        Some(Int(number)) if (1..=LISTED_NAMES_MAX as i64).contains(&number) => number as usize,
        Some(Int(number)) => {
            return Err(listed_names_out_of_bounds(number));
        }
    };
    let after = match next_token.filter(|token| !token.is_empty()) {
        None => None,
        Some(_) if max_results.is_none() => {
            return Err(next_token_alone());
        }
        Some(token) => {
            let bytes = base64_simd::URL_SAFE_NO_PAD
                .decode_to_vec(token)
                .map_err(|_| invalid_next_token())?;
            let name = String::from_utf8(bytes).map_err(|_| invalid_next_token())?;
            let sound = is_queue_name(&name, name.ends_with(".fifo"));
            Some(
                sound
                    .then(|| name.into_boxed_str())
                    .ok_or_else(invalid_next_token)?,
            )
        }
    };
    Ok(Page {
        names_max,
        after,
        paged: max_results.is_some(),
    })
}

impl Page {
    /// Merges what the shards listed, and answers the page with the token of the next.
    fn merge(&self, replies: Vec<Reply>) -> SqsResult<(Vec<Box<str>>, Option<String>)> {
        let mut names: BTreeSet<Box<str>> = BTreeSet::new();
        for reply in replies {
            match reply {
                Reply::Names(listed) => names.extend(listed),
                Reply::Refused(refusal) => return Err(refused(refusal, "")),
                other => return Err(unexpected(&other)),
            }
        }
        let more = self.paged && names.len() > self.names_max;
        let names: Vec<Box<str>> = names.into_iter().take(self.names_max).collect();
        let token = names
            .last()
            .filter(|_| more)
            .map(|last| base64_simd::URL_SAFE_NO_PAD.encode_to_string(last.as_bytes()));
        Ok((names, token))
    }
}

pub async fn list(
    sqs: &Sqs,
    scope: &Scope<'_>,
    input: ListQueues<'_>,
    out: &mut Output,
) -> SqsResult<()> {
    // It is about no queue, so policies mean it by the resource `*`.
    scope.may_use(&QueueName::new(scope.region, scope.account, "*"), None)?;
    let page = page(input.max_results, input.next_token.as_deref())?;
    let prefix: Box<str> = input.queue_name_prefix.as_deref().unwrap_or("").into();
    let replies = sqs
        .mesh
        .call_all(|_| {
            Command::Queue(Box::new(QueueCommand::List {
                region: scope.region.into(),
                account: scope.account.into(),
                prefix: prefix.clone(),
                after: page.after.clone(),
                names_max: page.names_max + 1,
            }))
        })
        .await;
    let (names, next_token) = page.merge(replies)?;
    let urls = names
        .iter()
        .map(|name| scope.queue_url(&QueueName::new(scope.region, scope.account, name)))
        .collect();
    out.write(Urls {
        name: "QueueUrls",
        always: false,
        urls,
        next_token,
    });
    Ok(())
}

pub async fn list_sources(
    sqs: &Sqs,
    scope: &Scope<'_>,
    input: ListDeadLetterSourceQueues<'_>,
    out: &mut Output,
) -> SqsResult<()> {
    let target = sqs.target(scope, url_of(&input.queue_url)).await?;
    sqs.resolve(&target.name).await?;
    let page = page(input.max_results, input.next_token.as_deref())?;
    let replies = sqs
        .mesh
        .call_all(|_| {
            Command::Queue(Box::new(QueueCommand::ListSources {
                target: target.name.clone(),
                after: page.after.clone(),
                names_max: page.names_max + 1,
            }))
        })
        .await;
    let (names, next_token) = page.merge(replies)?;
    let name = &target.name;
    let urls = names
        .iter()
        .map(|source| scope.queue_url(&QueueName::new(&name.region, &name.account, source)))
        .collect();
    // In lower case, unlike everywhere else.
    out.write(Urls {
        name: "queueUrls",
        always: true,
        urls,
        next_token,
    });
    Ok(())
}

struct AttributeValues(BTreeMap<&'static str, String>);

impl Members for AttributeValues {
    fn write<E: Encoder>(&self, encoder: &mut E) {
        if self.0.is_empty() {
            encoder.absent("Attributes");
        } else {
            encoder.map(
                "Attributes",
                "Attribute",
                ("Name", "Value"),
                self.0.iter().map(|(name, value)| (*name, value.as_str())),
            );
        }
    }
}

/// KmsDataKeyReusePeriodSeconds of a queue that has a key and was given no period.
const KMS_PERIOD_DEFAULT_S: &str = "300";

/// All attributes of a queue as they are shown.
fn shown_attributes(description: &Description) -> BTreeMap<&'static str, String> {
    use QueueAttribute::*;
    let set = &description.attributes;
    let mut shown = BTreeMap::new();
    for attribute in QueueAttribute::ALL {
        let value = set
            .get(attribute)
            .map(String::as_str)
            .or(attribute.default_value());
        // Without a key the default period is as good as not set.
        let idle = *attribute == KmsDataKeyReusePeriodSeconds
            && value == Some(KMS_PERIOD_DEFAULT_S)
            && !set.contains_key(&KmsMasterKeyId);
        if let Some(value) = value.filter(|_| !idle) {
            shown.insert(attribute.name(), value.to_owned());
        }
    }
    let mut otherwise = |attribute: QueueAttribute, value: &str| {
        shown
            .entry(attribute.name())
            .or_insert_with(|| value.to_owned());
    };
    if set.contains_key(&KmsMasterKeyId) {
        otherwise(KmsDataKeyReusePeriodSeconds, KMS_PERIOD_DEFAULT_S);
    }
    if set.contains_key(&FifoQueue) {
        otherwise(ContentBasedDeduplication, "false");
        otherwise(DeduplicationScope, "queue");
        otherwise(FifoThroughputLimit, "perQueue");
    }
    let counts = description.counts;
    for (name, value) in [
        ("QueueArn", description.name.arn()),
        (
            "CreatedTimestamp",
            (description.created_at / 1000).to_string(),
        ),
        (
            "LastModifiedTimestamp",
            (description.modified_at / 1000).to_string(),
        ),
        ("ApproximateNumberOfMessages", counts.visible.to_string()),
        (
            "ApproximateNumberOfMessagesNotVisible",
            counts.in_flight.to_string(),
        ),
        (
            "ApproximateNumberOfMessagesDelayed",
            counts.delayed.to_string(),
        ),
    ] {
        shown.insert(name, value);
    }
    shown
}

const READ_ONLY: [&str; 6] = [
    "QueueArn",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
];

pub async fn get_attributes(
    sqs: &Sqs,
    scope: &Scope<'_>,
    input: GetQueueAttributes<'_>,
    out: &mut Output,
) -> SqsResult<()> {
    let target = sqs.target(scope, url_of(&input.queue_url)).await?;
    let wanted = input.attribute_names.unwrap_or_default().0;
    for name in &wanted {
        let known = &**name == "All"
            || READ_ONLY.contains(&&**name)
            || QueueAttribute::from_name(name).is_some();
        if !known {
            return Err(unknown_attribute(name));
        }
    }
    let mut description = sqs.describe(&target).await?;
    description.counts = sqs.told(scope, &target, description.counts);
    let mut shown = shown_attributes(&description);
    if !wanted.iter().any(|name| &**name == "All") {
        shown.retain(|name, _| wanted.iter().any(|wanted| &**wanted == *name));
    }
    out.write(AttributeValues(shown));
    Ok(())
}

pub async fn set_attributes(
    sqs: &Sqs,
    scope: &Scope<'_>,
    input: SetQueueAttributes<'_>,
) -> SqsResult<()> {
    let target = sqs.target(scope, url_of(&input.queue_url)).await?;
    let given: Pairs<'_, Text<'_>> = input
        .attributes
        .ok_or_else(|| missing_parameter("Attributes"))?;
    let changes = check(&given, target.is_fifo())?;
    let touches =
        |wanted: QueueAttribute| changes.iter().find(|(attribute, _)| *attribute == wanted);
    let limit = touches(QueueAttribute::FifoThroughputLimit);
    let scope_change = touches(QueueAttribute::DeduplicationScope);
    if limit.is_some() || scope_change.is_some() {
        let description = sqs.describe(&target).await?;
        let current = |attribute| description.attributes.get(&attribute).map(String::as_str);
        let after = |change: Option<&(QueueAttribute, Option<String>)>, attribute| match change {
            Some((_, value)) => value.clone(),
            None => current(attribute).map(str::to_owned),
        };
        check_throughput(
            after(limit, QueueAttribute::FifoThroughputLimit).as_deref(),
            after(scope_change, QueueAttribute::DeduplicationScope).as_deref(),
        )?;
    }
    sqs.check_policy(&changes)?;
    sqs.check_dead_letter_queue(&target.name, &changes).await?;
    sqs.change_attributes(&target, changes).await
}

/// Whether a queue is the dead-letter queue of any other.
pub async fn has_sources(sqs: &Sqs, target: &QueueName) -> SqsResult<bool> {
    let replies = sqs
        .mesh
        .call_all(|_| {
            Command::Queue(Box::new(QueueCommand::ListSources {
                target: target.clone(),
                after: None,
                names_max: 1,
            }))
        })
        .await;
    let mut any = false;
    for reply in replies {
        match reply {
            Reply::Names(names) => any |= !names.is_empty(),
            Reply::Refused(refusal) => return Err(refused(refusal, &target.name)),
            other => return Err::<bool, SqsError>(unexpected(&other)),
        }
    }
    Ok(any)
}

/// A queue that isn't there, in the words of another error.
pub fn is_missing(error: &SqsError) -> bool {
    *error == refused(Refusal::NoQueue, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_page_panics(max_results: Option<i64>, token in prop::option::of(".{0,60}")) {
            if let Ok(page) = page(max_results.map(Int), token.as_deref()) {
                prop_assert!((1..=LISTED_NAMES_MAX).contains(&page.names_max));
            }
        }

        #[test]
        fn a_page_says_where_the_next_begins(
            names in prop::collection::btree_set("[a-z]{1,8}", 1..20),
            names_max in 1..20usize,
        ) {
            let mut seen: Vec<Box<str>> = Vec::new();
            let mut token: Option<String> = None;
            loop {
                let page = page(Some(Int(names_max as i64)), token.as_deref()).unwrap();
                let after = page.after.clone();
                let left = names.iter().filter(|name| after.as_deref().is_none_or(|at| ***name > *at));
                let left = left.take(names_max + 1).map(|name| name.as_str().into()).collect();
                let (listed, next) = page.merge(vec![Reply::Names(left)]).unwrap();
                seen.extend(listed);
                token = next;
                if token.is_none() {
                    break;
                }
            }
            prop_assert!(seen.iter().map(|name| &**name).eq(names.iter().map(String::as_str)));
        }
    }
}
