//! The task of one Cloud Storage subscription.

use super::{Batch, ExportFormat, ExportMessage, ExportSettings, Object, TopicSchema};
use crate::mesh::wall_clock;
use crate::pubsub::conformity::{Checked, checked_against};
use crate::pubsub::core::{Pubsub, SubscriptionInfo};
use crate::pubsub::deliverers::{Outgoing, Pulls, ShardStream, Signal};
use crate::pubsub::error::{PubsubResult, no_randomness};
use crate::pubsub::limits::SCHEMA_REVISIONS_MAX;
use crate::pubsub::proto::CloudStorageConfig;
use crate::pubsub::proto::cloud_storage_config::OutputFormat;
use crate::pubsub::proto::schema::Type;
use crate::pubsub::schema::DefinitionError;
use crate::runtime::{Sleep, sleep};
use bytes::Bytes;
use lclq_shards::command::LeaseRef;
use lclq_shards::pubsub::command::Pulled;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};

/// Messages of one pull.
const PULL_MESSAGES_MAX: u32 = 1000;

/// Messages and bytes that are leased at most: those of one object and more.
const LEASED_MESSAGES_MAX: u64 = 120_000;
const LEASED_BYTES_MAX: u64 = 96 << 20;

/// Pause after the shard refused to answer, or the stream was over.
const REFUSED_PAUSE: Duration = Duration::from_millis(200);

/// Pauses between tries to store an object.
const STORE_PAUSE_MIN: Duration = Duration::from_secs(1);
const STORE_PAUSE_MAX: Duration = Duration::from_secs(60);

/// Time after which a message that can't be transformed is tried again, s.
const TRANSFORM_RETRY_S: u32 = 10;

/// Revisions of schemas that are kept ready: as many as a schema has.
const SCHEMAS_MAX: usize = SCHEMA_REVISIONS_MAX;

/// Lease of messages whose object can't be stored for the moment, s.
const STORING_LEASE_S: u32 = 600;

/// Delivers until the subscription has changed or is gone.
pub(in crate::pubsub) async fn run(
    pubsub: &Rc<Pubsub>,
    name: &str,
    info: &Rc<SubscriptionInfo>,
    signal: &Signal,
) -> PubsubResult<()> {
    let settings = settings(info.spec.cloud_storage_config.as_ref());
    let stream = ShardStream::open(pubsub, name, LEASED_MESSAGES_MAX, LEASED_BYTES_MAX).await?;
    let mut exporter = Exporter {
        pubsub,
        name,
        info,
        settings,
        stream,
        open: Vec::new(),
        schemas: Vec::new(),
    };
    loop {
        exporter.stream.pull(PULL_MESSAGES_MAX);
        let event = exporter.next(signal).await;
        match event {
            Event::Pulled(Pulls::Messages(messages)) => {
                exporter.arrived(&messages).await;
                if !exporter.store_due(signal).await? {
                    return Ok(());
                }
            }
            Event::Pulled(Pulls::Later) => sleep(REFUSED_PAUSE).await,
            Event::Pulled(Pulls::Over) => {
                sleep(REFUSED_PAUSE).await;
                return Ok(());
            }
            Event::Due => {
                if !exporter.store_due(signal).await? {
                    return Ok(());
                }
            }
            Event::Pulled(Pulls::Changed) | Event::Changed => {
                while let Some(open) = exporter.open.pop() {
                    if !exporter.store(open, signal).await? {
                        break;
                    }
                }
                return Ok(());
            }
        }
    }
}

enum Event {
    Pulled(Pulls),
    Due,
    Changed,
}

struct Exporter<'a> {
    pubsub: &'a Rc<Pubsub>,
    name: &'a str,
    info: &'a SubscriptionInfo,
    settings: ExportSettings,
    stream: ShardStream,
    /// One for each form that messages have.
    open: Vec<Open>,
    /// Revisions that messages were checked against, the latest last, and what became of them.
    schemas: Vec<(String, KnownSchema)>,
}

/// A batch and the leases of its messages.
struct Open {
    schema: Option<Rc<TopicSchema>>,
    batch: Batch,
    leases: Vec<LeaseRef>,
}

/// How messages of a revision are written: under it, or, if it is none in Avro or gone, as any; or
/// not at all, and why.
type KnownSchema = Result<Option<Rc<TopicSchema>>, DefinitionError>;

impl Exporter<'_> {
    async fn next(&mut self, signal: &Signal) -> Event {
        let now = Instant::now();
        let due = self.open.iter().map(|open| now + open.batch.due_in(now));
        let due = due.min();
        let mut due = pin!(due.map(Sleep::until));
        poll_fn(|cx| {
            if signal.poll(cx).is_ready() {
                return Poll::Ready(Event::Changed);
            }
            if let Poll::Ready(pulls) = self.stream.poll_pull(cx) {
                return Poll::Ready(Event::Pulled(pulls));
            }
            match due.as_mut().as_pin_mut() {
                Some(due) => due.poll(cx).map(|()| Event::Due),
                None => Poll::Pending,
            }
        })
        .await
    }

    /// Stores what is due. Answers whether to go on.
    async fn store_due(&mut self, signal: &Signal) -> PubsubResult<bool> {
        let now = Instant::now();
        while let Some(at) = {
            let mut all = self.open.iter();
            all.position(|open| open.batch.is_due(&self.settings, now))
        } {
            let open = self.open.swap_remove(at);
            if !self.store(open, signal).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The schema that a message is written under, and its data in that.
    async fn in_topic_schema(
        &mut self,
        message: &Outgoing,
    ) -> PubsubResult<Result<Option<(Rc<TopicSchema>, Vec<u8>)>, String>> {
        let ExportFormat::Avro {
            use_topic_schema: true,
            write_metadata,
        } = self.settings.format
        else {
            return Ok(Ok(None));
        };
        let Some(checked) = checked_against(&message.attributes) else {
            return Ok(Ok(None));
        };
        let revision = format!("{}@{}", checked.schema, checked.revision);
        let known = self.schemas.iter().find(|(known, _)| *known == revision);
        let schema = match known {
            Some((_, schema)) => schema.clone(),
            None => {
                let made = self.topic_schema(&checked, write_metadata).await?;
                if self.schemas.len() >= SCHEMAS_MAX {
                    drop(self.schemas.remove(0));
                }
                self.schemas.push((revision, made.clone()));
                made
            }
        };
        Ok(match schema {
            Ok(None) => Ok(None),
            Ok(Some(schema)) => match schema.datum(checked.encoding, &message.data) {
                Ok(datum) => Ok(Some((schema, datum))),
                Err(error) => Err(error.to_string()),
            },
            Err(error) => Err(error.to_string()),
        })
    }

    async fn topic_schema(
        &self,
        checked: &Checked<'_>,
        write_metadata: bool,
    ) -> PubsubResult<KnownSchema> {
        let Ok((_, revisions)) = self.pubsub.schema_revisions(checked.schema).await else {
            return Ok(Ok(None));
        };
        let Ok(revision) = revisions.find(checked.revision) else {
            return Ok(Ok(None));
        };
        if revision.r#type() != Type::Avro {
            return Ok(Ok(None));
        }
        let schema = TopicSchema::new(&revision.definition, write_metadata);
        Ok(schema.map(|schema| Some(Rc::new(schema))))
    }

    /// The open batch of a form.
    fn batch_of(&mut self, schema: Option<Rc<TopicSchema>>) -> &mut Open {
        let same = |open: &Open| match (&open.schema, &schema) {
            (Some(open), Some(schema)) => Rc::ptr_eq(open, schema),
            (open, schema) => open.is_none() && schema.is_none(),
        };
        let at = self.open.iter().position(same).unwrap_or_else(|| {
            self.open.push(Open {
                batch: Batch::new(&self.settings, schema.clone(), Instant::now()),
                schema,
                leases: Vec::new(),
            });
            self.open.len() - 1
        });
        &mut self.open[at]
    }

    async fn arrived(&mut self, messages: &[Pulled]) {
        let outcomes = self.pubsub.outgoing(self.info, messages).await;
        let (mut filtered, mut failed) = (Vec::new(), Vec::new());
        for (outcome, pulled) in outcomes.into_iter().zip(messages) {
            let message = match outcome {
                Ok(Some(message)) => message,
                Ok(None) => {
                    filtered.push(pulled.lease);
                    continue;
                }
                Err(error) => {
                    tracing::debug!(subscription = self.name, %error, "not transformed");
                    failed.push((pulled.lease, TRANSFORM_RETRY_S));
                    continue;
                }
            };
            let written = match self.in_topic_schema(&message).await {
                Ok(Ok(written)) => written,
                Ok(Err(error)) => {
                    tracing::debug!(subscription = self.name, error, "not of the topic's schema");
                    failed.push((pulled.lease, TRANSFORM_RETRY_S));
                    continue;
                }
                Err(error) => {
                    tracing::debug!(subscription = self.name, %error, "its schema wasn't found");
                    failed.push((pulled.lease, TRANSFORM_RETRY_S));
                    continue;
                }
            };
            let (schema, data) = match written {
                Some((schema, datum)) => (Some(schema), Bytes::from(datum)),
                None => (None, message.data),
            };
            let attributes: Vec<(&str, &str)> = message
                .attributes
                .iter()
                .map(|(key, value)| (key.as_str(), value.as_str()))
                .collect();
            let name = self.name;
            let open = self.batch_of(schema);
            open.batch.push(
                name,
                &ExportMessage {
                    data: &data,
                    attributes: &attributes,
                    message_id: &message.message_id,
                    publish_time_millis: pulled.published_at,
                    ordering_key: &message.ordering_key,
                },
            );
            open.leases.push(pulled.lease);
        }
        if !filtered.is_empty() {
            self.stream.acknowledge(self.pubsub, self.name, filtered);
        }
        if !failed.is_empty() {
            self.stream.modify(self.pubsub, self.name, failed);
        }
    }

    /// Writes a batch, however often it takes, and acknowledges its messages. Answers
    /// whether to go on: not if the subscription has changed while the object couldn't be stored.
    async fn store(&mut self, open: Open, signal: &Signal) -> PubsubResult<bool> {
        let Open { batch, leases, .. } = open;
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(no_randomness)?;
        let object: Object = batch.finish(&self.settings, wall_clock(), id);
        let Some(store) = &self.pubsub.outside.store else {
            return Ok(false);
        };
        let mut pause = STORE_PAUSE_MIN;
        while let Err(error) = store.store(&object).await {
            tracing::warn!(subscription = self.name, object = object.name, %error, "not stored");
            let longer = leases.iter().map(|lease| (*lease, STORING_LEASE_S));
            self.stream.modify(self.pubsub, self.name, longer.collect());
            let mut rest = pin!(sleep(pause));
            let changed = poll_fn(|cx| {
                if signal.poll(cx).is_ready() {
                    return Poll::Ready(true);
                }
                rest.as_mut().poll(cx).map(|()| false)
            });
            if changed.await {
                // The stream's end gives the messages back.
                return Ok(false);
            }
            pause = (pause * 2).min(STORE_PAUSE_MAX);
        }
        self.stream.acknowledge(self.pubsub, self.name, leases);
        Ok(true)
    }
}

fn settings(config: Option<&CloudStorageConfig>) -> ExportSettings {
    let Some(config) = config else {
        return ExportSettings::default();
    };
    let max_duration = config.max_duration.as_ref().and_then(|duration| {
        let seconds = u64::try_from(duration.seconds).ok()?;
        let nanos = u32::try_from(duration.nanos).ok()?;
        Some(Duration::new(seconds, nanos))
    });
    ExportSettings {
        bucket: config.bucket.clone(),
        filename_prefix: config.filename_prefix.clone(),
        filename_suffix: config.filename_suffix.clone(),
        filename_datetime_format: config.filename_datetime_format.clone(),
        format: match &config.output_format {
            Some(OutputFormat::AvroConfig(avro)) => ExportFormat::Avro {
                write_metadata: avro.write_metadata,
                use_topic_schema: avro.use_topic_schema,
            },
            Some(OutputFormat::TextConfig(_)) | None => ExportFormat::Text,
        },
        max_duration,
        max_bytes: u64::try_from(config.max_bytes).unwrap_or(0),
        max_messages: u64::try_from(config.max_messages).unwrap_or(0),
    }
}
