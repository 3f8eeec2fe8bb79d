//! The task of one push subscription.

use super::figures::PushFigures;
use super::hops::add_hops;
use super::{
    HttpRequest, Pace, PushMessage, PushOutcome, TokenFor, Wrapper, parse_endpoint, push_request,
};
use crate::pubsub::civil_time::CivilTime;
use crate::pubsub::core::{Pubsub, SubscriptionInfo};
use crate::pubsub::deliverers::{OrderedQueue, Place, Pulls, ShardStream, Signal};
use crate::pubsub::error::PubsubResult;
use crate::pubsub::proto::push_config;
use crate::runtime::{Sleep, sleep};
use futures_util::stream::{FuturesUnordered, StreamExt};
use http::{Method, Uri};
use lclq_shards::pubsub::command::Pulled;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

/// Messages that are leased at most.
const MESSAGES_MAX: u64 = 2000;

/// Bytes of messages that are leased at most.
const BYTES_MAX: u64 = 256 << 20;

/// Pause after the shard refused to answer, or the stream was over.
const REFUSED_PAUSE: Duration = Duration::from_millis(200);

/// Delivers until the subscription has changed or is gone.
pub(in crate::pubsub) async fn run(
    pubsub: &Rc<Pubsub>,
    name: &str,
    info: &Rc<SubscriptionInfo>,
    signal: &Signal,
) -> PubsubResult<()> {
    let stream = ShardStream::open(pubsub, name, MESSAGES_MAX, BYTES_MAX).await?;
    let mut pusher = Pusher {
        pubsub,
        target: Rc::new(Target::of(name, info, pubsub.outside.push_seen.of(name))),
        ordering: info.settings.ordering,
        stream,
        pace: Pace::default(),
        ready: VecDeque::new(),
        keys: OrderedQueue::default(),
        under_way: FuturesUnordered::new(),
    };
    let mut known = info.clone();
    loop {
        // Not one request more to where a change that was answered says that it mustn't go.
        while !pubsub.is_current(&known) {
            match pubsub.subscription(name).await {
                // Where another node has it by now, that one delivers.
                Ok(now) if now.reference == known.reference && pubsub.is_own(&now) => known = now,
                _ => return pusher.finish().await,
            }
        }
        pusher.start_what_may();
        match pusher.next(signal).await {
            Event::Pulled(Pulls::Messages(messages)) => pusher.arrived(messages),
            Event::Pulled(Pulls::Later) => sleep(REFUSED_PAUSE).await,
            Event::Pulled(Pulls::Over) => {
                sleep(REFUSED_PAUSE).await;
                return Ok(());
            }
            Event::Pulled(Pulls::Changed) | Event::Changed => return pusher.finish().await,
            Event::Ended(item, acked) => pusher.ended(item, acked),
            Event::Resumed => {}
        }
    }
}

/// Where to and how.
struct Target {
    subscription: Box<str>,
    info: Rc<SubscriptionInfo>,
    endpoint: Result<Uri, &'static str>,
    wrapper: Wrapper,
    token: Option<TokenFor>,
    timeout: Duration,
    figures: Arc<PushFigures>,
}

impl Target {
    fn of(name: &str, info: &Rc<SubscriptionInfo>, figures: Arc<PushFigures>) -> Self {
        let config = info.spec.push_config.clone().unwrap_or_default();
        let wrapper = match config.wrapper {
            Some(push_config::Wrapper::NoWrapper(no_wrapper)) => Wrapper::None {
                write_metadata: no_wrapper.write_metadata,
            },
            Some(push_config::Wrapper::PubsubWrapper(_)) | None => Wrapper::PubSub,
        };
        let token = config.authentication_method.map(|method| {
            let push_config::AuthenticationMethod::OidcToken(token) = method;
            TokenFor {
                email: token.service_account_email,
                audience: if token.audience.is_empty() {
                    config.push_endpoint.clone()
                } else {
                    token.audience
                },
            }
        });
        Self {
            subscription: name.into(),
            endpoint: parse_endpoint(&config.push_endpoint),
            wrapper,
            token,
            timeout: Duration::from_secs(info.settings.ack_deadline_s.into()),
            info: info.clone(),
            figures,
        }
    }

    fn note_internal(&self, pubsub: &Pubsub, pulled: &Pulled, why: &str) {
        let id = pubsub.message_id(pulled.shard, pulled.lease.sequence);
        let id = std::str::from_utf8(&id).unwrap_or_default();
        self.figures
            .note(PushOutcome::Internal, why, Duration::ZERO, id);
    }

    /// Delivers one message; answers whether it is done with.
    async fn deliver(&self, pubsub: &Pubsub, pulled: &Pulled) -> bool {
        let mut outcome = pubsub
            .outgoing(&self.info, std::slice::from_ref(pulled))
            .await;
        let message = match outcome.pop() {
            Some(Ok(Some(message))) => message,
            Some(Ok(None)) => return true,
            Some(Err(error)) => {
                let why = format!("not transformed: {error}");
                self.note_internal(pubsub, pulled, &why);
                tracing::debug!(subscription = &*self.subscription, %error, "not transformed");
                return false;
            }
            None => return false,
        };
        let uri = match &self.endpoint {
            Ok(uri) => uri.clone(),
            Err(problem) => {
                self.note_internal(pubsub, pulled, problem);
                tracing::warn!(
                    subscription = &*self.subscription,
                    problem,
                    "a bad endpoint"
                );
                return false;
            }
        };
        let attributes: Vec<(&str, &str)> = message
            .attributes
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        let (mut headers, body) = push_request(
            self.wrapper,
            &self.subscription,
            &PushMessage {
                data: &message.data,
                attributes: &attributes,
                message_id: &message.message_id,
                publish_time: &CivilTime::from_millis(pulled.published_at).rfc3339_millis(),
                ordering_key: &message.ordering_key,
                delivery_attempt: (pulled.attempt > 0).then_some(pulled.attempt),
            },
        );
        add_hops(&mut headers, pubsub.outside.hops.hops(&message.message_id));
        let request = HttpRequest {
            method: Method::POST,
            uri,
            headers,
            body,
            timeout: self.timeout,
            token: self.token.clone(),
        };
        let began = Instant::now();
        let outcome = pubsub.outside.push.send(request).await;
        let ended = PushOutcome::from(&outcome);
        let id = &message.message_id;
        self.figures
            .note(ended, &outcome.told(), began.elapsed(), id);
        let acked = ended == PushOutcome::Ack;
        if !acked {
            tracing::debug!(
                subscription = &*self.subscription,
                ?outcome,
                "not delivered"
            );
        }
        acked
    }
}

/// A message here, with its ordering key if that counts.
struct Item {
    pulled: Pulled,
    key: Box<[u8]>,
}

enum Event {
    Pulled(Pulls),
    Changed,
    Ended(Item, bool),
    Resumed,
}

type UnderWay = FuturesUnordered<Pin<Box<dyn Future<Output = (Item, bool)>>>>;

struct Pusher<'a> {
    pubsub: &'a Rc<Pubsub>,
    target: Rc<Target>,
    ordering: bool,
    stream: ShardStream,
    pace: Pace,
    /// Their turn has come but for the pace.
    ready: VecDeque<Item>,
    keys: OrderedQueue<Item>,
    under_way: UnderWay,
}

impl Pusher<'_> {
    /// Starts requests and asks for messages, as far as the pace allows.
    fn start_what_may(&mut self) {
        let now = Instant::now();
        while self.pace.room(now) > 0
            && let Some(item) = self.ready.pop_front()
        {
            self.pace.started();
            let (pubsub, target) = (self.pubsub.clone(), self.target.clone());
            self.under_way.push(Box::pin(async move {
                let acked = target.deliver(&pubsub, &item.pulled).await;
                (item, acked)
            }));
        }
        let room = self.pace.room(now).saturating_sub(self.keys.waiting());
        if room > 0 && self.ready.is_empty() {
            self.stream.pull(room as u32);
        }
    }

    /// What the endpoint has already been sent is still acknowledged.
    async fn finish(mut self) -> PubsubResult<()> {
        while let Some((item, acked)) = self.under_way.next().await {
            self.ended(item, acked);
        }
        Ok(())
    }

    async fn next(&mut self, signal: &Signal) -> Event {
        let resume_at = self.pace.resume_at(Instant::now());
        let mut resume = pin!(resume_at.map(Sleep::until));
        poll_fn(|cx| {
            if signal.poll(cx).is_ready() {
                return Poll::Ready(Event::Changed);
            }
            if let Poll::Ready(Some((item, acked))) = self.under_way.poll_next_unpin(cx) {
                return Poll::Ready(Event::Ended(item, acked));
            }
            if let Poll::Ready(pulls) = self.stream.poll_pull(cx) {
                return Poll::Ready(Event::Pulled(pulls));
            }
            match resume.as_mut().as_pin_mut() {
                Some(resume) => resume.poll(cx).map(|()| Event::Resumed),
                None => Poll::Pending,
            }
        })
        .await
    }

    fn arrived(&mut self, messages: Vec<Pulled>) {
        let mut stale = Vec::new();
        for pulled in messages {
            let key: Box<[u8]> = if self.ordering {
                lclq_shards::pubsub::ordering_key(&pulled.bytes).into()
            } else {
                Box::default()
            };
            let (sequence, item) = (pulled.lease.sequence, Item { pulled, key });
            if item.key.is_empty() {
                self.ready.push_back(item);
                continue;
            }
            let key = item.key.clone();
            match self.keys.arrive(&key, sequence, item) {
                Place::Deliver(item) => self.ready.push_back(item),
                Place::Wait => {}
                // Does nothing if the shard knows better already.
                Place::Discard(item) => stale.push((item.pulled.lease, 0)),
            }
        }
        self.keys.pull_ended();
        if !stale.is_empty() {
            self.stream
                .modify(self.pubsub, &self.target.subscription, stale);
        }
    }

    fn ended(&mut self, item: Item, acked: bool) {
        let name = &self.target.subscription;
        let lease = item.pulled.lease;
        if acked {
            self.pace.succeeded();
            self.stream.acknowledge(self.pubsub, name, vec![lease]);
            if !item.key.is_empty()
                && let Some(next) = self.keys.succeeded(&item.key)
            {
                self.ready.push_front(next);
            }
            return;
        }
        self.pace.failed(Instant::now());
        if !item.key.is_empty() {
            let pulling = self.stream.is_pulling();
            self.keys.failed(&item.key, lease.sequence, pulling);
        }
        self.stream.modify(self.pubsub, name, vec![(lease, 0)]);
    }
}
