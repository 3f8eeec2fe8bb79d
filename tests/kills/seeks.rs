//! Two subscriptions of one topic that are sought back and forth, to times and to snapshots.

use super::belief::Belief;
use super::scene::{Died, Round, Scene, alive, number_in, rest, text_of, try_rest, until_drained};
use crate::support::{Client, Server};
use rand::Rng;
use rand::rngs::SmallRng;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

const LIVE_MAX: usize = 300;
const SNAPSHOTS_MAX: usize = 3;
/// How far back a seek goes: what a long time retains would come back at once.
const SEEK_BACK_MS_MAX: u64 = 2000;
/// A message published so near to the time sought to may be on either side of it.
const DOUBTFUL: Duration = Duration::from_millis(50);
/// The one that retains what was acknowledged, so that seeks to a time bring it back.
const RETAINING: usize = 0;
const SUBSCRIPTIONS: [&str; 2] = ["sought-retaining", "sought"];

/// A message of the topic.
struct Published {
    /// Whether it is there for sure.
    certain: bool,
    from: SystemTime,
    to: SystemTime,
}

struct Snapshot {
    name: String,
    beliefs: BTreeMap<u32, Belief>,
    /// The first message that was published after it was made.
    next: u32,
}

pub struct Seeks {
    topic: String,
    next: u32,
    published: BTreeMap<u32, Published>,
    beliefs: [BTreeMap<u32, Belief>; 2],
    held: [Vec<(u32, String)>; 2],
    snapshots: Vec<Snapshot>,
    /// Made or deleted without an answer: to be deleted.
    doubtful: Option<String>,
    next_snapshot: u32,
    acknowledged: u64,
    to_times: u64,
    to_snapshots: u64,
    brought_back: u64,
    snapshots_made: u64,
}

impl Seeks {
    pub fn new() -> Self {
        Self {
            topic: "projects/p/topics/sought".to_owned(),
            next: 0,
            published: BTreeMap::new(),
            beliefs: Default::default(),
            held: Default::default(),
            snapshots: Vec::new(),
            doubtful: None,
            next_snapshot: 0,
            acknowledged: 0,
            to_times: 0,
            to_snapshots: 0,
            brought_back: 0,
            snapshots_made: 0,
        }
    }

    fn publish(&mut self, client: &mut Client, count: u32) -> Result<(), Died> {
        let numbers = self.next..self.next + count;
        self.next += count;
        let from = SystemTime::now();
        // Until there is an answer, "to" is as late as can be.
        let to = from + Duration::from_secs(3600);
        for number in numbers.clone() {
            self.published.insert(
                number,
                Published {
                    certain: false,
                    from,
                    to,
                },
            );
            for beliefs in &mut self.beliefs {
                beliefs.insert(number, Belief::Either);
            }
        }
        let wire = |number| {
            let data = base64_simd::STANDARD.encode_to_string(text_of(number));
            json!({ "data": data })
        };
        let messages: Vec<Value> = numbers.clone().map(wire).collect();
        let path = format!("/v1/{}:publish", self.topic);
        rest(client, "POST", &path, &json!({ "messages": messages }))?;
        for number in numbers {
            let published = self.published.get_mut(&number).expect("noted before");
            (published.certain, published.to) = (true, SystemTime::now());
            for beliefs in &mut self.beliefs {
                beliefs.insert(number, Belief::Here);
            }
        }
        Ok(())
    }

    fn pull(&mut self, client: &mut Client, at: usize) -> Result<Vec<(u32, String)>, Died> {
        let request = json!({ "maxMessages": 20, "returnImmediately": true });
        let answer = rest(client, "POST", &path(at, ":pull"), &request)?;
        let received = answer["receivedMessages"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let mut got = Vec::with_capacity(received.len());
        for one in received {
            let data = one["message"]["data"].as_str().expect("data");
            let data = base64_simd::STANDARD.decode_to_vec(data).expect("base64");
            let number = number_in(std::str::from_utf8(&data).expect("text"));
            let belief = self.beliefs[at].get_mut(&number);
            let belief = belief.unwrap_or_else(|| panic!("{number} came back in {at}"));
            assert_ne!(*belief, Belief::Gone, "{number} came back in {at}");
            *belief = Belief::Here;
            self.published.get_mut(&number).expect("published").certain = true;
            got.push((number, one["ackId"].as_str().expect("an ack id").to_owned()));
        }
        Ok(got)
    }

    fn acknowledge(
        &mut self,
        client: &mut Client,
        at: usize,
        held: &[(u32, String)],
    ) -> Result<(), Died> {
        for (number, _) in held {
            let belief = self.beliefs[at].get_mut(number).expect("pulled before");
            *belief = belief.or(Belief::Gone);
        }
        let ids: Vec<&String> = held.iter().map(|(_, id)| id).collect();
        rest(
            client,
            "POST",
            &path(at, ":acknowledge"),
            &json!({ "ackIds": ids }),
        )?;
        for (number, _) in held {
            self.beliefs[at].insert(*number, Belief::Gone);
        }
        self.acknowledged += held.len() as u64;
        Ok(())
    }

    /// Seeks, after which messages are as `after` says; without an answer, either that or as before.
    fn seek(
        &mut self,
        client: &mut Client,
        at: usize,
        to: &Value,
        mut after: BTreeMap<u32, Belief>,
    ) -> Result<(), Died> {
        // Ack ids from before the seek say nothing about what it brings back.
        self.held[at].clear();
        for (number, belief) in &mut after {
            if !self.published[number].certain {
                *belief = belief.or(Belief::Gone);
            }
        }
        let before = &self.beliefs[at];
        let doubt = after
            .iter()
            .map(|(number, belief)| (*number, belief.or(before[number])));
        self.beliefs[at] = doubt.collect();
        let back = |(number, belief): &(&u32, &Belief)| {
            **belief == Belief::Here && self.beliefs[at][number] != Belief::Here
        };
        let back = after.iter().filter(back).count() as u64;
        rest(client, "POST", &path(at, ":seek"), to)?;
        self.beliefs[at] = after;
        self.brought_back += back;
        Ok(())
    }

    fn seek_to_time(&mut self, client: &mut Client, rng: &mut SmallRng) -> Result<(), Died> {
        let back = Duration::from_millis(rng.random_range(0..SEEK_BACK_MS_MAX));
        let time = SystemTime::now() - back;
        let since = time
            .duration_since(SystemTime::UNIX_EPOCH)
            .expect("after 1970");
        let after = self.published.iter().map(|(number, published)| {
            let belief = if published.to + DOUBTFUL < time {
                Belief::Gone
            } else if published.from > time + DOUBTFUL {
                Belief::Here
            } else {
                Belief::Either
            };
            (*number, belief)
        });
        let after = after.collect();
        let to = json!({ "time": rfc3339(since) });
        self.seek(client, RETAINING, &to, after)?;
        self.to_times += 1;
        Ok(())
    }

    fn seek_to_snapshot(&mut self, client: &mut Client, rng: &mut SmallRng) -> Result<(), Died> {
        if self.snapshots.is_empty() {
            return Ok(());
        }
        let snapshot = &self.snapshots[rng.random_range(0..self.snapshots.len())];
        let of = |number: &u32| {
            let later = (*number >= snapshot.next).then_some(Belief::Here);
            let belief = later.or_else(|| snapshot.beliefs.get(number).copied());
            (*number, belief.unwrap_or(Belief::Gone))
        };
        let after = self.published.keys().map(of).collect();
        let to = json!({ "snapshot": format!("projects/p/snapshots/{}", snapshot.name) });
        self.seek(client, rng.random_range(0..2), &to, after)?;
        self.to_snapshots += 1;
        Ok(())
    }

    fn make_snapshot(&mut self, client: &mut Client, at: usize) -> Result<(), Died> {
        let name = format!("snapshot-{}", self.next_snapshot);
        self.next_snapshot += 1;
        self.doubtful = Some(name.clone());
        let body =
            json!({ "subscription": format!("projects/p/subscriptions/{}", SUBSCRIPTIONS[at]) });
        rest(
            client,
            "PUT",
            &format!("/v1/projects/p/snapshots/{name}"),
            &body,
        )?;
        self.doubtful = None;
        self.snapshots_made += 1;
        let beliefs = self.beliefs[at].clone();
        self.snapshots.push(Snapshot {
            name,
            beliefs,
            next: self.next,
        });
        Ok(())
    }

    fn delete_snapshot(&mut self, client: &mut Client, at: usize) -> Result<(), Died> {
        let name = self.snapshots.swap_remove(at).name;
        self.doubtful = Some(name.clone());
        rest(
            client,
            "DELETE",
            &format!("/v1/projects/p/snapshots/{name}"),
            &json!({}),
        )?;
        self.doubtful = None;
        Ok(())
    }
}

fn path(at: usize, method: &str) -> String {
    format!("/v1/projects/p/subscriptions/{}{method}", SUBSCRIPTIONS[at])
}

/// A time of this century, to the microsecond, as JSON has it.
pub fn rfc3339(since_1970: Duration) -> String {
    let seconds = since_1970.as_secs();
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    // Days since 1 March 0000, so that a leap day is the last of its year.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = (
        era * 400 + year_of_era + u64::from(month >= 10),
        (month + 2) % 12 + 1,
    );
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:06}Z",
        of_day / 3600,
        of_day / 60 % 60,
        of_day % 60,
        since_1970.subsec_micros()
    )
}

impl Scene for Seeks {
    fn set_up(&mut self, server: &Server) {
        let mut client = self.client(server);
        let topic = format!("/v1/{}", self.topic);
        alive(rest(&mut client, "PUT", &topic, &json!({})));
        for at in 0..SUBSCRIPTIONS.len() {
            let body = json!({
                "topic": self.topic,
                "ackDeadlineSeconds": 600,
                "retainAckedMessages": at == RETAINING,
            });
            alive(rest(&mut client, "PUT", &path(at, ""), &body));
        }
    }

    fn client(&self, server: &Server) -> Client {
        server.pubsub_client()
    }

    fn restarted(&mut self, server: &Server) {
        self.held = Default::default();
        if let Some(name) = self.doubtful.take() {
            let path = format!("/v1/projects/p/snapshots/{name}");
            let answer = alive(try_rest(
                &mut self.client(server),
                "DELETE",
                &path,
                &json!({}),
            ));
            assert!(matches!(answer.status, 200 | 404), "{answer:?}");
        }
    }

    fn step(&mut self, client: &mut Client, rng: &mut SmallRng) -> Result<(), Died> {
        let at = rng.random_range(0..SUBSCRIPTIONS.len());
        let live = self.beliefs.iter().flat_map(BTreeMap::values);
        let live = live.filter(|belief| **belief != Belief::Gone).count();
        match rng.random_range(0..30) {
            0 => self.seek_to_time(client, rng),
            1 => self.seek_to_snapshot(client, rng),
            2 if self.snapshots.len() < SNAPSHOTS_MAX => self.make_snapshot(client, at),
            2 => self.delete_snapshot(client, rng.random_range(0..self.snapshots.len())),
            3..12 if live < LIVE_MAX => self.publish(client, rng.random_range(1..=5)),
            12..20 if !self.held[at].is_empty() => {
                let held = std::mem::take(&mut self.held[at]);
                self.acknowledge(client, at, &held)
            }
            20..22 if !self.held[at].is_empty() => {
                let held = std::mem::take(&mut self.held[at]);
                let ids: Vec<&String> = held.iter().map(|(_, id)| id).collect();
                let request = json!({ "ackIds": ids, "ackDeadlineSeconds": 0 });
                rest(client, "POST", &path(at, ":modifyAckDeadline"), &request).map(drop)
            }
            _ => {
                let got = self.pull(client, at)?;
                self.held[at].extend(got);
                Ok(())
            }
        }
    }

    fn drain(&mut self, server: &Server) {
        let mut client = self.client(server);
        until_drained(|| {
            let mut any = false;
            for at in 0..SUBSCRIPTIONS.len() {
                let got = alive(self.pull(&mut client, at));
                if !got.is_empty() {
                    any = true;
                    alive(self.acknowledge(&mut client, at, &got));
                }
            }
            let mut beliefs = self.beliefs.iter().flat_map(BTreeMap::values);
            if any {
                Round::Some
            } else if beliefs.any(|belief| *belief == Belief::Here) {
                Round::Due
            } else {
                Round::Done
            }
        });
        for (at, beliefs) in self.beliefs.iter_mut().enumerate() {
            for (number, belief) in beliefs {
                assert_ne!(*belief, Belief::Here, "{number} is lost in {at}");
                *belief = Belief::Gone;
            }
        }
    }

    fn summary(&self) -> (String, bool) {
        let Self {
            acknowledged,
            to_times,
            to_snapshots,
            brought_back,
            snapshots_made,
            ..
        } = self;
        let text = format!(
            "seeks: {} published, {acknowledged} acknowledged, {to_times} to a time, {to_snapshots} \
             to one of {snapshots_made} snapshots, {brought_back} messages brought back for sure",
            self.next
        );
        (
            text,
            *to_times > 0 && *to_snapshots > 0 && *brought_back > 0,
        )
    }
}
