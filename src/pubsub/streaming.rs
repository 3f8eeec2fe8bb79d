//! StreamingPull: deliveries are pushed as they become available.
//!
//! The stream stands at its subscription's shard as a waiting call, which is answered the moment
//! there is something to give and room for it, and asked again at once. Nothing polls.

use super::access::{acting, waits};
use super::core::{Pubsub, SubscriptionInfo, leaf, pubsub_refused, refused, unexpected};
use super::delivery::put_properties;
use super::error::{
    PubsubResult, invalid_ack_deadline, no_first_request, not_found, only_in_first_request,
    permission_denied, region_unreachable, too_many_ack_ids, undecodable, unequal_deadlines,
    unreachable, wrong_subscription_type,
};
use super::intercepted::STREAMING_PULL;
use super::limits::{ACK_DEADLINE_S_MAX, ACK_DEADLINE_S_MIN};
use super::protobuf::{Fields, Value, packed_varints, put_bytes, put_head, text, varint_bytes};
use super::pull::check_deadline;
use super::transit::Transit;
use crate::grpc::{Code, Encoded, EncodedBuf, Replies, Requests};
use crate::interceptors::asker;
use crate::mesh::{Call, Mesh};
use crate::runtime::{sleep, spawn_local};
use bytes::{Bytes, BytesMut};
use lclq_iam::Method;
use lclq_shards::command::{Command, Refusal, Reply};
use lclq_shards::pubsub::command::{
    PubsubCommand, PubsubRefusal, Pulled, Settled, StreamLimits, StreamRef,
};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Messages of one response.
const RESPONSE_MESSAGES_MAX: u32 = 1000;
/// Bytes of messages of one response, unless a single message is longer.
const RESPONSE_BYTES_MAX: u64 = 512 << 10;
/// Ack ids, and deadlines, of one request: more than a request of the longest length has room for if
/// they are ours. What isn't must not take memory.
const REQUEST_ACK_IDS_MAX: usize = 150_000;
/// Pause before a shard that is overloaded is asked again for messages, or told again of acks.
const OVERLOADED_PAUSE: Duration = Duration::from_millis(10);
/// Times that a shard that is overloaded is told of acks before the stream ends.
const OVERLOADED_TRIES_MAX: usize = 200;
/// Pause before a shard that is overloaded is told again that a stream has ended.
const CLOSE_RETRY: Duration = Duration::from_millis(100);

/// Field numbers of `StreamingPullResponse`.
const MODIFY_CONFIRMATION: u8 = 3;
const PROPERTIES: u8 = 4;
const ACK_CONFIRMATION: u8 = 5;

/// A `StreamingPullRequest`, read where it lies.
#[derive(Default)]
struct StreamRequest<'r> {
    subscription: &'r str,
    ack_ids: Vec<&'r [u8]>,
    modify_seconds: Vec<i32>,
    modify_ack_ids: Vec<&'r [u8]>,
    ack_deadline_s: i32,
    client_id: &'r str,
    messages_max: i64,
    bytes_max: i64,
    protocol_version: i64,
}

impl<'r> StreamRequest<'r> {
    fn read(request: &'r [u8]) -> PubsubResult<Self> {
        let mut out = Self::default();
        let mut fields = Fields::of(request);
        while let Some((number, value)) = fields.next().map_err(undecodable)? {
            match (number, value) {
                (1, Value::Bytes(name)) => out.subscription = text(name).map_err(undecodable)?,
                (2, Value::Bytes(ack_id)) => out.ack_ids.push(ack_id),
                (3, Value::Varint(seconds)) => out.modify_seconds.push(seconds as i32),
                (3, Value::Bytes(packed)) => {
                    let mut all = packed_varints(packed);
                    while out.modify_seconds.len() <= REQUEST_ACK_IDS_MAX
                        && let Some(seconds) = all.next()
                    {
                        let seconds = seconds.map_err(undecodable)?;
                        out.modify_seconds.push(seconds as i32);
                    }
                }
                (4, Value::Bytes(ack_id)) => out.modify_ack_ids.push(ack_id),
                (5, Value::Varint(seconds)) => out.ack_deadline_s = seconds as i32,
                (6, Value::Bytes(id)) => out.client_id = text(id).map_err(undecodable)?,
                (7, Value::Varint(value)) => out.messages_max = value as i64,
                (8, Value::Varint(value)) => out.bytes_max = value as i64,
                (10, Value::Varint(value)) => out.protocol_version = value as i64,
                _ => {}
            }
            let ids = out.ack_ids.len() + out.modify_ack_ids.len();
            if ids.max(out.modify_seconds.len()) > REQUEST_ACK_IDS_MAX {
                return Err(too_many_ack_ids());
            }
        }
        Ok(out)
    }

    /// The deadline that it asks for, if it does.
    fn ack_deadline(&self) -> PubsubResult<Option<u32>> {
        match self.ack_deadline_s {
            0 => Ok(None),
            seconds @ ACK_DEADLINE_S_MIN..=ACK_DEADLINE_S_MAX => Ok(Some(seconds as u32)),
            seconds => Err(invalid_ack_deadline(
                seconds,
                ACK_DEADLINE_S_MIN,
                ACK_DEADLINE_S_MAX,
            )),
        }
    }

    fn is_ping(&self) -> bool {
        self.ack_ids.is_empty() && self.modify_ack_ids.is_empty() && self.modify_seconds.is_empty()
    }
}

/// What comes next to a stream.
enum Event {
    Request(Option<Bytes>),
    Pulled(Reply),
}

impl Pubsub {
    /// Refuses a stream of a subscription that who asks may not consume.
    async fn may_consume(&self, request: &[u8]) -> PubsubResult<()> {
        match (&self.guard, acting()) {
            (None, _) => Ok(()),
            (Some(guard), Some(acting)) => {
                guard
                    .check(self, &acting, Method::StreamingPull, request)
                    .await
            }
            // Streams are clients' alone, and somebody has looked whose each is.
            (Some(_), None) => Err(permission_denied()),
        }
    }

    /// Serves one stream of `StreamingPullRequest`s and `StreamingPullResponse`s.
    pub(super) async fn streaming_pull_encoded(
        self: Rc<Self>,
        mut requests: Requests<Bytes>,
        replies: Replies<Encoded>,
        region: Option<Rc<str>>,
    ) -> PubsubResult<()> {
        let _waits = waits(STREAMING_PULL)?;
        let Some(first) = requests.next().await? else {
            return Err(no_first_request());
        };
        self.may_consume(&first).await?;
        let way = match region {
            Some(region) => Box::pin(self.way(&region, Method::StreamingPull, &first)).await?,
            None => None,
        };
        if let Some(way) = &way {
            let crossed = Box::pin(way.cross()).await;
            crossed.map_err(|cut| region_unreachable(&cut))?;
        }
        let mut transit = Transit::new(way, requests, replies);
        let first_request = StreamRequest::read(&first)?;
        let name = first_request.subscription;
        let mut info = self.subscription(name).await?;
        let limits = StreamLimits {
            messages_max: first_request.messages_max.max(0) as u64,
            bytes_max: first_request.bytes_max.max(0) as u64,
            ack_deadline_s: first_request.ack_deadline()?.unwrap_or(0),
        };
        let answers_pings = first_request.protocol_version >= 1;
        let opened = self
            .on_subscription(name, info.clone(), |now| {
                if !now.is_pull() {
                    return Err(wrong_subscription_type());
                }
                info = now.clone();
                Ok(PubsubCommand::OpenStream {
                    subscription: info.reference,
                    limits,
                    client: asker(),
                })
            })
            .await?;
        let Reply::Stream(stream) = opened else {
            return Err(unexpected(&opened));
        };
        // From here on the stream is closed however this function ends.
        let open = OpenStream {
            mesh: self.mesh.clone(),
            stream,
        };
        self.settle_stream(&info, name, &first_request, &mut transit)
            .await?;
        let mut pull = open.pull();
        loop {
            let event = next_event(&mut transit, &mut pull).await?;
            if !self.is_current(&info) && !matches!(event, Event::Request(None)) {
                self.may_consume(&first).await?;
                info = self.renewed(name, &info).await?;
            }
            match event {
                Event::Request(None) => return Ok(()),
                Event::Request(Some(request)) => {
                    let request = StreamRequest::read(&request)?;
                    if request.messages_max != 0
                        || request.bytes_max != 0
                        || request.protocol_version != 0
                        || !request.subscription.is_empty() && request.subscription != name
                    {
                        return Err(only_in_first_request());
                    }
                    if let Some(ack_deadline_s) = request.ack_deadline()? {
                        let command = PubsubCommand::SetStreamDeadline {
                            stream,
                            ack_deadline_s,
                        };
                        let _ = self.ask(stream.shard, command).await?;
                    }
                    if request.is_ping() {
                        if answers_pings {
                            let mut out = EncodedBuf::with_capacity(8);
                            put_own_properties(&mut out, &info);
                            transit.send(out.finish()).await?;
                        }
                    } else {
                        self.settle_stream(&info, name, &request, &mut transit)
                            .await?;
                    }
                }
                Event::Pulled(reply) => {
                    match reply {
                        Reply::Pulled(pulled) => {
                            let pulled = self.transformed(&info, pulled).await;
                            self.deliver(&info, &pulled, &mut transit).await?;
                        }
                        Reply::Refused(Refusal::Pubsub(PubsubRefusal::Changed)) => {
                            info = self.renewed(name, &info).await?;
                            if !info.is_pull() {
                                return Err(wrong_subscription_type());
                            }
                        }
                        // Another node runs the shard, which knows nothing of the stream.
                        Reply::Refused(Refusal::Pubsub(PubsubRefusal::NotFound))
                            if self.mesh.is_clustered() =>
                        {
                            self.renewed(name, &info).await?;
                            return Err(unreachable());
                        }
                        Reply::Refused(Refusal::Pubsub(refusal)) => {
                            return Err(pubsub_refused(refusal, leaf(name)));
                        }
                        // So many streams ask at once that the way to the shard is full. The stream
                        // asks again: ending it would only make its client open another.
                        Reply::Refused(Refusal::Overloaded) => sleep(OVERLOADED_PAUSE).await,
                        Reply::Refused(refusal) => return Err(refused(refusal)),
                        reply => return Err(unexpected(&reply)),
                    }
                    pull = open.pull();
                }
            }
        }
    }

    /// A stream's subscription as it is now.
    async fn renewed(
        &self,
        name: &str,
        info: &SubscriptionInfo,
    ) -> PubsubResult<Rc<SubscriptionInfo>> {
        let now = patiently(|| self.subscription(name)).await?;
        if now.is_same(info.reference) {
            return Ok(now);
        }
        Err(not_found(leaf(name)))
    }

    async fn deliver(
        &self,
        info: &SubscriptionInfo,
        pulled: &[Pulled],
        transit: &mut Transit,
    ) -> PubsubResult<()> {
        if pulled.is_empty() {
            return Ok(());
        }
        let mut out = EncodedBuf::with_capacity(Self::deliveries_bytes(pulled) + 8);
        self.put_deliveries(&mut out, info.reference, pulled);
        self.deliver_again(info, pulled);
        put_own_properties(&mut out, info);
        transit.send(out.finish()).await
    }

    /// Does what a stream's request says about messages, and confirms it under exactly-once
    /// delivery.
    async fn settle_stream(
        &self,
        info: &SubscriptionInfo,
        name: &str,
        request: &StreamRequest<'_>,
        transit: &mut Transit,
    ) -> PubsubResult<()> {
        if request.modify_seconds.len() != request.modify_ack_ids.len() {
            return Err(unequal_deadlines());
        }
        let confirms = info.settings.exactly_once;
        if !request.ack_ids.is_empty() {
            let results = patiently(|| self.acknowledge_ids(name, &request.ack_ids)).await?;
            if confirms {
                let out = confirmation(ACK_CONFIRMATION, &request.ack_ids, &results, info);
                transit.send(out.finish()).await?;
            }
        }
        if !request.modify_ack_ids.is_empty() {
            let mut ids = Vec::with_capacity(request.modify_ack_ids.len());
            for (ack_id, seconds) in request.modify_ack_ids.iter().zip(&request.modify_seconds) {
                ids.push((*ack_id, check_deadline(*seconds)?));
            }
            let results = patiently(|| self.modify_ids(name, &ids)).await?;
            if confirms {
                let ack_ids = &request.modify_ack_ids;
                let out = confirmation(MODIFY_CONFIRMATION, ack_ids, &results, info);
                transit.send(out.finish()).await?;
            }
        }
        Ok(())
    }
}

/// Asks again while the shard is overloaded: what a stream's client has acknowledged must not be lost
/// to a rush of others.
async fn patiently<T, F>(mut ask: impl FnMut() -> F) -> PubsubResult<T>
where
    F: Future<Output = PubsubResult<T>>,
{
    for _ in 1..OVERLOADED_TRIES_MAX {
        match ask().await {
            Err(error) if error.code == Code::ResourceExhausted => sleep(OVERLOADED_PAUSE).await,
            outcome => return outcome,
        }
    }
    ask().await
}

/// Waits for the client's next request or the next messages. Messages are taken only as the client
/// takes what it was sent before.
async fn next_event(transit: &mut Transit, pull: &mut Call) -> PubsubResult<Event> {
    poll_fn(|cx| {
        if let Poll::Ready(request) = transit.poll_request(cx) {
            return Poll::Ready(request.map(Event::Request));
        }
        match transit.poll_room(cx) {
            Poll::Ready(Ok(())) => Pin::new(&mut *pull).poll(cx).map(|r| Ok(Event::Pulled(r))),
            Poll::Ready(Err(_)) => Poll::Ready(Ok(Event::Request(None))),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

fn put_own_properties(out: &mut BytesMut, info: &SubscriptionInfo) {
    let settings = &info.settings;
    put_properties(out, PROPERTIES, settings.exactly_once, settings.ordering);
}

/// `AcknowledgeConfirmation` or `ModifyAckDeadlineConfirmation`: ids that counted (1), that didn't
/// (2), and, of acknowledgements alone, that came out of order (3).
fn confirmation(
    number: u8,
    ack_ids: &[&[u8]],
    results: &[Settled],
    info: &SubscriptionInfo,
) -> EncodedBuf {
    let bytes: usize = ack_ids
        .iter()
        .map(|ack_id| 1 + varint_bytes(ack_id.len() as u64) + ack_id.len())
        .sum();
    let mut out = EncodedBuf::with_capacity(bytes + 16);
    put_head(&mut out, number, bytes);
    for (ack_id, result) in ack_ids.iter().zip(results) {
        let number = match result {
            Settled::Counted => 1,
            Settled::Invalid => 2,
            Settled::Unordered => 3,
        };
        put_bytes(&mut out, number, ack_id);
    }
    put_own_properties(&mut out, info);
    out
}

/// A stream that is open at its shard until this is dropped.
struct OpenStream {
    mesh: Mesh,
    stream: StreamRef,
}

impl OpenStream {
    fn pull(&self) -> Call {
        let command = PubsubCommand::StreamPull {
            stream: self.stream,
            messages_max: RESPONSE_MESSAGES_MAX,
            bytes_max: RESPONSE_BYTES_MAX,
        };
        let command = Command::Pubsub(Box::new(command));
        self.mesh.call(self.stream.shard, command)
    }
}

fn close(mesh: &Mesh, stream: StreamRef) -> Call {
    let command = PubsubCommand::CloseStream { stream };
    mesh.call(stream.shard, Command::Pubsub(Box::new(command)))
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let (mesh, stream) = (self.mesh.clone(), self.stream);
        let mut call = close(&mesh, stream);
        let mut cx = Context::from_waker(Waker::noop());
        // Sent is enough; only what could not be sent has to be tried again.
        if let Poll::Ready(Reply::Refused(Refusal::Overloaded)) = Pin::new(&mut call).poll(&mut cx)
        {
            spawn_local(async move {
                while let Reply::Refused(Refusal::Overloaded) = close(&mesh, stream).await {
                    sleep(CLOSE_RETRY).await;
                }
            });
        }
    }
}
