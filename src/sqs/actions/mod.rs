//! The 23 actions.

mod leases;
mod moves;
mod permissions;
mod queues;
mod receive;
mod send;
mod tags;

pub use receive::Looked;
pub use send::shown_sequence;

use super::decode::{Form, Text, from_json};
use super::encode::{Encoder, JsonEncoder, QueryJsonEncoder, XmlEncoder};
use super::error::{SqsResult, missing_parameter};
use super::intercepted::Watch;
use super::request::Input;
use super::server::{Scope, Sqs};
use super::wire::Protocol;

macro_rules! actions {
    ($($name:ident)*) => {
        /// An action of the service.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Action { $($name,)* }

        impl Action {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Looks a name up.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $(stringify!($name) => Some(Self::$name),)* _ => None }
            }

            /// Its name on the wire.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// What a policy calls it.
            pub fn permission_name(self) -> &'static str {
                match self { $(Self::$name => concat!("sqs:", stringify!($name)),)* }
            }
        }
    };
}

actions! {
    AddPermission CancelMessageMoveTask ChangeMessageVisibility ChangeMessageVisibilityBatch
    CreateQueue DeleteMessage DeleteMessageBatch DeleteQueue GetQueueAttributes GetQueueUrl
    ListDeadLetterSourceQueues ListMessageMoveTasks ListQueues ListQueueTags PurgeQueue
    ReceiveMessage RemovePermission SendMessage SendMessageBatch SetQueueAttributes
    StartMessageMoveTask TagQueue UntagQueue
}

impl Action {
    /// Whether it is about one queue, so that a queue URL's path can serve it.
    pub fn is_on_a_queue(self) -> bool {
        !matches!(self, Action::CreateQueue | Action::ListQueues)
    }
}

/// Where an action's input is.
pub enum Source<'a> {
    Json(&'a [u8]),
    Form(&'a Form<'a>),
}

impl<'a> Source<'a> {
    fn read<T: Input<'a>>(&self) -> SqsResult<T> {
        match self {
            Source::Json(body) => from_json(body),
            Source::Form(form) => T::from_form(form),
        }
    }
}

/// Where an action's result goes. It is opened only when there is something to write, since an
/// action without a result has no body in JSON.
pub struct Output {
    protocol: Protocol,
    action: Action,
    out: Vec<u8>,
    has_result: bool,
}

/// Room that an answer is given at first, bytes: enough for one without messages.
const ANSWER_BYTES: usize = 256;

impl Output {
    fn new(protocol: Protocol, action: Action) -> Self {
        Self {
            protocol,
            action,
            out: Vec::new(),
            has_result: false,
        }
    }

    /// Closes the answer.
    fn finish(self, request_id: [u8; 16]) -> Vec<u8> {
        let Output {
            protocol,
            action,
            mut out,
            has_result,
        } = self;
        if !has_result {
            protocol.begin(action.name(), false, &mut out);
        }
        protocol.end(action.name(), has_result, request_id, &mut out);
        out
    }

    /// Writes the result's members.
    fn write(&mut self, members: impl Members) {
        self.has_result = true;
        self.out.reserve(ANSWER_BYTES + members.bytes_more());
        self.protocol.begin(self.action.name(), true, &mut self.out);
        match self.protocol {
            Protocol::Query => {
                let start = self.out.len();
                members.write(&mut XmlEncoder::new(&mut self.out));
                self.protocol
                    .end_result(self.action.name(), start, &mut self.out);
            }
            Protocol::Json => {
                let mut encoder = JsonEncoder::new(&mut self.out);
                members.write(&mut encoder);
                encoder.finish();
            }
            Protocol::QueryJson => {
                let mut encoder = QueryJsonEncoder::new(&mut self.out);
                members.write(&mut encoder);
                encoder.finish();
            }
        }
    }
}

/// Something that can be written in either form.
trait Members {
    fn write<E: Encoder>(&self, encoder: &mut E);

    /// How much longer than a short answer this is likely to be, bytes: so that the answer is
    /// written into one allocation.
    fn bytes_more(&self) -> usize {
        0
    }
}

/// What an action comes to.
pub enum Outcome {
    /// The body of its answer.
    Body(Vec<u8>),
    /// A receive, still to be carried out by [`receive`].
    Receive(receive::Plan),
}

/// Runs an action, all but the wait of a receive.
pub async fn run(
    sqs: &Sqs,
    scope: &Scope<'_>,
    action: Action,
    source: Source<'_>,
    protocol: Protocol,
    request_id: [u8; 16],
) -> SqsResult<Outcome> {
    let mut output = Output::new(protocol, action);
    let out = &mut output;
    match action {
        Action::SendMessage => send::one(sqs, scope, source.read()?, out).await?,
        Action::SendMessageBatch => send::batch(sqs, scope, source.read()?, out).await?,
        Action::ReceiveMessage => {
            return receive::plan(sqs, scope, source.read()?)
                .await
                .map(Outcome::Receive);
        }
        Action::DeleteMessage => leases::delete(sqs, scope, source.read()?).await?,
        Action::DeleteMessageBatch => leases::delete_batch(sqs, scope, source.read()?, out).await?,
        Action::ChangeMessageVisibility => leases::change(sqs, scope, source.read()?).await?,
        Action::ChangeMessageVisibilityBatch => {
            leases::change_batch(sqs, scope, source.read()?, out).await?;
        }
        // Boxed, so that the frequent actions' futures don't carry the room of the others: they are
        // moved before they run.
        other => Box::pin(run_rare(sqs, scope, other, source, out)).await?,
    }
    Ok(Outcome::Body(output.finish(request_id)))
}

/// Runs an action on queues rather than messages.
async fn run_rare(
    sqs: &Sqs,
    scope: &Scope<'_>,
    action: Action,
    source: Source<'_>,
    out: &mut Output,
) -> SqsResult<()> {
    match action {
        Action::SendMessage
        | Action::SendMessageBatch
        | Action::ReceiveMessage
        | Action::DeleteMessage
        | Action::DeleteMessageBatch
        | Action::ChangeMessageVisibility
        | Action::ChangeMessageVisibilityBatch => unreachable!("run by `run`"),
        Action::CreateQueue => queues::create(sqs, scope, source.read()?, out).await?,
        Action::DeleteQueue => queues::delete(sqs, scope, source.read()?).await?,
        Action::ListQueues => queues::list(sqs, scope, source.read()?, out).await?,
        Action::GetQueueUrl => queues::get_url(sqs, scope, source.read()?, out).await?,
        Action::GetQueueAttributes => {
            queues::get_attributes(sqs, scope, source.read()?, out).await?;
        }
        Action::SetQueueAttributes => queues::set_attributes(sqs, scope, source.read()?).await?,
        Action::PurgeQueue => queues::purge(sqs, scope, source.read()?).await?,
        Action::ListDeadLetterSourceQueues => {
            queues::list_sources(sqs, scope, source.read()?, out).await?;
        }
        Action::TagQueue => tags::tag(sqs, scope, source.read()?).await?,
        Action::UntagQueue => tags::untag(sqs, scope, source.read()?).await?,
        Action::ListQueueTags => tags::list(sqs, scope, source.read()?, out).await?,
        Action::AddPermission => permissions::add(sqs, scope, source.read()?).await?,
        Action::RemovePermission => permissions::remove(sqs, scope, source.read()?).await?,
        Action::StartMessageMoveTask => moves::start(sqs, scope, source.read()?, out).await?,
        Action::CancelMessageMoveTask => moves::cancel(sqs, scope, source.read()?, out).await?,
        Action::ListMessageMoveTasks => moves::list(sqs, scope, source.read()?, out).await?,
    }
    Ok(())
}

/// Carries a receive out and answers the body of its answer.
pub async fn receive(
    sqs: &Sqs,
    plan: receive::Plan,
    watch: Option<&Watch>,
    protocol: Protocol,
    request_id: [u8; 16],
) -> SqsResult<Vec<u8>> {
    let mut output = Output::new(protocol, Action::ReceiveMessage);
    receive::receive(sqs, plan, watch, &mut output).await?;
    Ok(output.finish(request_id))
}

/// Messages that were looked at, as a receive would answer them.
pub fn looked_at(looked: &Looked<'_>, protocol: Protocol, request_id: [u8; 16]) -> Vec<u8> {
    let mut output = Output::new(protocol, Action::ReceiveMessage);
    looked.write(&mut output);
    output.finish(request_id)
}

/// The same, message by message, as the JSON protocol has them.
pub fn shown(looked: &Looked<'_>) -> Vec<serde_json::Value> {
    let json = looked_at(looked, Protocol::Json, [0; 16]);
    let answer = serde_json::from_slice::<serde_json::Value>(&json);
    match answer.map(|mut answer| answer["Messages"].take()) {
        Ok(serde_json::Value::Array(messages)) => messages,
        _ => Vec::new(),
    }
}

/// A parameter that must be there, and not empty.
fn required<'i>(value: &'i Option<Text<'_>>, name: &str) -> SqsResult<&'i str> {
    match value.as_deref() {
        Some(text) if !text.is_empty() => Ok(text),
        _ => Err(missing_parameter(name)),
    }
}

fn url_of<'i>(value: &'i Option<Text<'_>>) -> Option<&'i str> {
    value.as_deref()
}
