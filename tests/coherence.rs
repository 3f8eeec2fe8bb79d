//! What was answered holds for the next request, on every core: each thing that can change is
//! changed on one connection and looked at on many others at once.

#![cfg(unix)]

mod support;

use base64_simd::STANDARD;
use serde_json::{Value, json};
use std::time::Duration;
use support::{Answer, Client, Launch, Server};

/// Connections to each endpoint per core. They are dealt out to the least loaded core.
const CONNECTIONS_PER_CORE: usize = 3;

const TOPIC: &str = "projects/p/topics/topic";
const OTHER_TOPIC: &str = "projects/p/topics/other";
const SUBSCRIPTION: &str = "projects/p/subscriptions/subscription";
const SCHEMA: &str = "projects/p/schemas/schema";

/// One client with a connection to either endpoint.
struct Peer {
    sqs: Client,
    pubsub: Client,
}

impl Peer {
    #[track_caller]
    fn rest(&mut self, method: &str, path: &str, body: Value) -> Answer {
        let answer = self.pubsub.rest(method, &format!("/v1/{path}"), &body);
        answer.expect("an answer")
    }

    #[track_caller]
    fn done(&mut self, method: &str, path: &str, body: Value) -> Value {
        self.rest(method, path, body).ok()
    }

    fn publish(&mut self, data: &str) -> u16 {
        let messages = json!([{"data": STANDARD.encode_to_string(data)}]);
        let path = format!("{TOPIC}:publish");
        self.rest("POST", &path, json!({ "messages": messages }))
            .status
    }

    fn pull(&mut self) -> Answer {
        let request = json!({"maxMessages": 100, "returnImmediately": true});
        self.rest("POST", &format!("{SUBSCRIPTION}:pull"), request)
    }

    /// Pulls and acknowledges what there is.
    fn take(&mut self) -> Vec<Value> {
        let answer = self.pull().ok();
        let received = answer["receivedMessages"].as_array();
        let received = received.cloned().unwrap_or_default();
        if !received.is_empty() {
            let ids: Vec<&Value> = received.iter().map(|message| &message["ackId"]).collect();
            let path = format!("{SUBSCRIPTION}:acknowledge");
            self.done("POST", &path, json!({ "ackIds": ids }));
        }
        received
    }

    fn update(&mut self, name: &str, resource: &str, mask: &str, mut fields: Value) {
        fields["name"] = json!(name);
        let mut body = json!({"updateMask": mask});
        body[resource] = fields;
        self.done("PATCH", name, body);
    }

    fn update_topic(&mut self, mask: &str, fields: Value) {
        self.update(TOPIC, "topic", mask, fields);
    }

    fn update_subscription(&mut self, mask: &str, fields: Value) {
        self.update(SUBSCRIPTION, "subscription", mask, fields);
    }

    fn field(&mut self, name: &str, field: &str) -> Value {
        self.done("GET", name, json!({}))[field].clone()
    }

    /// The code of an SQS error, or `ok`.
    fn code(&mut self, action: &str, body: &Value) -> String {
        let answer = self.sqs.call(action, body).expect("an answer");
        if answer.status == 200 {
            return "ok".into();
        }
        let code = answer.json()["__type"].as_str().unwrap_or("").to_owned();
        let code = code.rsplit('#').next().unwrap_or("");
        code.trim_end_matches("Exception").to_owned()
    }
}

/// A server and its clients.
struct World {
    _server: Server,
    _directory: tempfile::TempDir,
    peers: Vec<Peer>,
    next: usize,
}

impl World {
    fn new(cores: usize, durable: bool) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let mut launch = Launch::new().flag("--cores", cores.to_string());
        if durable {
            launch = launch.data_dir(directory.path());
        }
        let server = launch.start();
        let peers = (0..cores * CONNECTIONS_PER_CORE).map(|_| {
            let mut peer = Peer {
                sqs: server.client(),
                pubsub: server.pubsub_client(),
            };
            // Connected, so that each has its core.
            peer.sqs.ok("ListQueues", &json!({}));
            peer.done("GET", "projects/p/topics", json!({}));
            peer
        });
        Self {
            peers: peers.collect(),
            _server: server,
            _directory: directory,
            next: 0,
        }
    }

    /// Does something on one connection, another one each time.
    fn by_one<T>(&mut self, act: impl FnOnce(&mut Peer) -> T) -> T {
        self.next = (self.next + 1) % self.peers.len();
        act(&mut self.peers[self.next])
    }

    /// What every connection sees must be the same, twice over: the second look finds what the first
    /// has made its core remember.
    #[track_caller]
    fn all_see<T: PartialEq + std::fmt::Debug>(
        &mut self,
        what: &str,
        look: impl Fn(&mut Peer) -> T,
        expected: T,
    ) {
        for _ in 0..2 {
            let seen: Vec<T> = self.peers.iter_mut().map(&look).collect();
            assert!(
                seen.iter().all(|seen| *seen == expected),
                "{what}: {expected:?} expected, {seen:?} seen"
            );
        }
    }

    fn create(&mut self, topic: Value, subscription: Value) {
        self.by_one(|peer| peer.done("PUT", TOPIC, topic));
        self.create_subscription(TOPIC, subscription);
    }

    fn create_subscription(&mut self, topic: &str, mut subscription: Value) {
        subscription["topic"] = json!(topic);
        self.by_one(|peer| peer.done("PUT", SUBSCRIPTION, subscription));
    }
}

/// Two cores in memory, four with files.
fn in_worlds(test: impl Fn(World)) {
    test(World::new(2, false));
    test(World::new(4, true));
}

fn function(code: &str) -> Value {
    json!([{"javascriptUdf": {"functionName": "f", "code": code}}])
}

fn throwing() -> Value {
    function("function f(message, metadata) { throw new Error('as told'); }")
}

fn dropping() -> Value {
    function("function f(message, metadata) { return null; }")
}

fn shouting() -> Value {
    function("function f(message, metadata) { return {data: message.data.toUpperCase()}; }")
}

#[test]
fn where_a_subscription_delivers_to() {
    in_worlds(|mut world| {
        let push = json!({"pushEndpoint": "http://127.0.0.1:9/"});
        world.create(json!({}), json!({"pushConfig": push}));
        let pulls = |peer: &mut Peer| peer.pull().status;
        for _ in 0..3 {
            world.all_see("pushed", pulls, 400);
            let path = format!("{SUBSCRIPTION}:modifyPushConfig");
            world.by_one(|peer| peer.done("POST", &path, json!({"pushConfig": {}})));
            world.all_see("pulled", pulls, 200);
            world.by_one(|peer| peer.done("POST", &path, json!({"pushConfig": push})));
        }
        world.all_see("pushed", pulls, 400);
        world.by_one(|peer| {
            peer.update_subscription("pushConfig", json!({"pushConfig": {}}));
        });
        world.all_see("pulled by update", pulls, 200);
        let bigquery = json!({"bigqueryConfig": {"table": "p.d.t"}});
        world.by_one(|peer| peer.update_subscription("bigqueryConfig", bigquery));
        world.all_see("exported", pulls, 400);
    });
}

#[test]
fn what_a_topic_does_to_messages() {
    in_worlds(|mut world| {
        world.create(json!({"messageTransforms": throwing()}), json!({}));
        let publish = |peer: &mut Peer| peer.publish("a");
        world.all_see("failing", publish, 400);
        let mask = "messageTransforms";
        world.by_one(|peer| peer.update_topic(mask, json!({"messageTransforms": []})));
        world.all_see("plain", publish, 200);
        world.by_one(Peer::take);
        for _ in 0..2 {
            world.by_one(|peer| {
                peer.update_topic(mask, json!({"messageTransforms": dropping()}));
            });
            world.all_see("filtering", publish, 200);
            assert_eq!(world.by_one(Peer::take), [Value::Null; 0]);
            world.by_one(|peer| peer.update_topic(mask, json!({"messageTransforms": []})));
            world.all_see("plain again", publish, 200);
            let count = 2 * world.peers.len();
            assert_eq!(world.by_one(Peer::take).len(), count, "dropped");
        }
        let disabled = json!([{
            "disabled": true,
            "javascriptUdf": throwing()[0]["javascriptUdf"],
        }]);
        world.by_one(|peer| peer.update_topic(mask, json!({"messageTransforms": throwing()})));
        world.all_see("failing again", publish, 400);
        world.by_one(|peer| peer.update_topic(mask, json!({"messageTransforms": disabled})));
        world.all_see("disabled", publish, 200);
    });
}

#[test]
fn what_a_subscription_does_to_messages() {
    in_worlds(|mut world| {
        world.create(json!({}), json!({}));
        let round = |peer: &mut Peer| {
            assert_eq!(peer.publish("a"), 200);
            let taken = peer.take();
            let data = |message: &Value| {
                let data = message["message"]["data"].as_str().unwrap_or("");
                String::from_utf8(STANDARD.decode_to_vec(data).expect("base64")).expect("text")
            };
            taken.iter().map(data).collect::<Vec<_>>()
        };
        for _ in 0..2 {
            world.all_see("plain", round, vec!["a".to_owned()]);
            let shouting = json!({"messageTransforms": shouting()});
            world.by_one(|peer| peer.update_subscription("messageTransforms", shouting));
            world.all_see("shouting", round, vec!["A".to_owned()]);
            let dropping = json!({"messageTransforms": dropping()});
            world.by_one(|peer| peer.update_subscription("messageTransforms", dropping));
            world.all_see("filtering", round, vec![]);
            let none = json!({"messageTransforms": []});
            world.by_one(|peer| peer.update_subscription("messageTransforms", none));
        }
    });
}

#[test]
fn what_a_pull_gets_that_waits_meanwhile() {
    in_worlds(|mut world| {
        world.create(json!({}), json!({}));
        for transforms in [shouting(), json!([])] {
            let body = json!({"maxMessages": 1}).to_string();
            let request = format!(
                "POST /v1/{SUBSCRIPTION}:pull HTTP/1.1\r\nHost: localhost\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            for waiting in 0..world.peers.len() {
                let pubsub = &mut world.peers[waiting].pubsub;
                pubsub.write(request.as_bytes()).expect("sent");
                // Most likely it waits then; if it comes later, it is all the easier.
                std::thread::sleep(Duration::from_millis(20));
                world.next = waiting;
                let set = json!({"messageTransforms": transforms});
                world.by_one(|peer| {
                    peer.update_subscription("messageTransforms", set);
                    assert_eq!(peer.publish("a"), 200);
                });
                let answer = world.peers[waiting].pubsub.receive().expect("an answer");
                let received = answer.ok()["receivedMessages"][0].clone();
                let expected = if transforms[0].is_null() { "a" } else { "A" };
                let expected = STANDARD.encode_to_string(expected);
                assert_eq!(received["message"]["data"], json!(expected));
                let path = format!("{SUBSCRIPTION}:acknowledge");
                let ids = json!({"ackIds": [received["ackId"]]});
                world.by_one(|peer| peer.done("POST", &path, ids));
                let other = if transforms[0].is_null() {
                    shouting()
                } else {
                    json!([])
                };
                let set = json!({"messageTransforms": other});
                world.by_one(|peer| peer.update_subscription("messageTransforms", set));
            }
        }
    });
}

fn avro(of: &str) -> Value {
    json!({"type": "AVRO", "definition": json!({
        "type": "record", "name": "R", "fields": [{"name": "n", "type": of}]
    }).to_string()})
}

#[test]
fn what_a_topic_demands_of_messages() {
    in_worlds(|mut world| {
        let path = "projects/p/schemas?schemaId=schema";
        let first = world.by_one(|peer| peer.done("POST", path, avro("int")));
        let settings = |fields: Value| {
            let mut settings = json!({"schema": SCHEMA, "encoding": "JSON"});
            for (key, value) in fields.as_object().into_iter().flatten() {
                settings[key] = value.clone();
            }
            json!({"schemaSettings": settings})
        };
        world.create(settings(json!({})), json!({}));
        let number = |peer: &mut Peer| peer.publish(r#"{"n": 1}"#);
        let text = |peer: &mut Peer| peer.publish(r#"{"n": "a"}"#);
        world.all_see("a number", number, 200);
        world.all_see("no text", text, 400);

        // Settings of the topic.
        let mask = "schemaSettings";
        world.by_one(|peer| peer.update_topic(mask, json!({})));
        world.all_see("anything", text, 200);
        world.by_one(|peer| peer.update_topic(mask, settings(json!({}))));
        world.all_see("no text again", text, 400);

        // Revisions of the schema.
        let commit = format!("{SCHEMA}:commit");
        let mut second = avro("string");
        second["name"] = json!(SCHEMA);
        let second = json!({"schema": second});
        let second = world.by_one(|peer| peer.done("POST", &commit, second));
        world.all_see("text by a new revision", text, 200);
        world.all_see("numbers by the old one", number, 200);
        let first_id = first["revisionId"].as_str().expect("an id");
        let second_id = second["revisionId"].as_str().expect("an id");
        let until_first = settings(json!({"lastRevisionId": first_id}));
        world.by_one(|peer| peer.update_topic(mask, until_first));
        world.all_see("no text by range", text, 400);
        let from_second = settings(json!({"firstRevisionId": second_id}));
        world.by_one(|peer| peer.update_topic(mask, from_second));
        world.all_see("text by range", text, 200);
        world.all_see("no number by range", number, 400);
        world.by_one(|peer| peer.update_topic(mask, settings(json!({}))));
        let delete = format!("{SCHEMA}@{first_id}:deleteRevision");
        world.by_one(|peer| peer.rest("DELETE", &delete, json!({})).ok());
        world.all_see("no number without its revision", number, 400);
        let rollback = format!("{SCHEMA}:rollback");
        let to_second = json!({"revisionId": second_id});
        world.by_one(|peer| peer.done("POST", &rollback, to_second));
        world.all_see("still no number", number, 400);
        world.all_see("still text", text, 200);

        // The schema itself.
        world.by_one(|peer| peer.done("DELETE", SCHEMA, json!({})));
        world.all_see("nothing without the schema", text, 404);
        world.by_one(|peer| peer.done("POST", path, avro("string")));
        let refused = |peer: &mut Peer| text(peer) != 200;
        world.all_see("another schema of the name", refused, true);
        world.by_one(|peer| peer.update_topic(mask, settings(json!({}))));
        world.all_see("named anew", text, 200);

        // The topic itself.
        world.all_see("no number at last", number, 400);
        world.by_one(|peer| peer.done("DELETE", TOPIC, json!({})));
        world.all_see("no topic", number, 404);
        world.by_one(|peer| peer.done("PUT", TOPIC, json!({})));
        world.all_see("a topic without a schema", number, 200);
    });
}

#[test]
fn which_topics_and_subscriptions_there_are() {
    in_worlds(|mut world| {
        let publish = |peer: &mut Peer| peer.publish("a");
        let pull = |peer: &mut Peer| peer.pull().status;
        world.all_see("no topic", publish, 404);
        world.all_see("no subscription", pull, 404);
        world.create(json!({}), json!({}));
        world.all_see("a topic", publish, 200);
        world.all_see("a subscription", pull, 200);
        world.by_one(|peer| peer.done("DELETE", SUBSCRIPTION, json!({})));
        world.all_see("subscription deleted", pull, 404);
        // Its topic, and with it the shard that it is on, may be another.
        world.by_one(|peer| peer.done("PUT", OTHER_TOPIC, json!({})));
        for topic in [OTHER_TOPIC, TOPIC, OTHER_TOPIC] {
            let push = json!({"pushEndpoint": "http://127.0.0.1:9/"});
            world.create_subscription(topic, json!({"pushConfig": push}));
            world.all_see("a push subscription", pull, 400);
            world.by_one(|peer| peer.done("DELETE", SUBSCRIPTION, json!({})));
            world.create_subscription(topic, json!({}));
            world.all_see("subscription made again", pull, 200);
            world.by_one(|peer| peer.done("DELETE", SUBSCRIPTION, json!({})));
        }
        world.create_subscription(TOPIC, json!({}));
        let topic = |peer: &mut Peer| peer.field(SUBSCRIPTION, "topic");
        world.all_see("its topic", topic, json!(TOPIC));
        world.by_one(|peer| peer.done("POST", &format!("{SUBSCRIPTION}:detach"), json!({})));
        world.all_see("detached", pull, 400);
        world.by_one(|peer| peer.done("DELETE", TOPIC, json!({})));
        world.all_see("topic deleted", publish, 404);
        world.all_see("no topic", topic, json!("_deleted-topic_"));
        world.by_one(|peer| peer.done("PUT", TOPIC, json!({"messageTransforms": throwing()})));
        world.all_see("topic made again", publish, 400);
        world.by_one(|peer| peer.done("DELETE", TOPIC, json!({})));
        world.by_one(|peer| peer.done("PUT", TOPIC, json!({})));
        world.all_see("topic made once more", publish, 200);
    });
}

#[test]
fn how_acknowledging_counts() {
    in_worlds(|mut world| {
        world.create(json!({}), json!({}));
        assert_eq!(world.by_one(|peer| peer.publish("a")), 200);
        let taken = world.by_one(Peer::take);
        let again = json!({"ackIds": [taken[0]["ackId"]]});
        let path = format!("{SUBSCRIPTION}:acknowledge");
        let acknowledge = |peer: &mut Peer| peer.rest("POST", &path, again.clone()).status;
        let field = "enableExactlyOnceDelivery";
        for _ in 0..2 {
            world.all_see("at least once", acknowledge, 200);
            world.by_one(|peer| peer.update_subscription(field, json!({field: true})));
            world.all_see("exactly once", acknowledge, 400);
            world.by_one(|peer| peer.update_subscription(field, json!({field: false})));
        }
    });
}

#[test]
fn settings_of_topics_and_subscriptions() {
    in_worlds(|mut world| {
        world.create(json!({}), json!({}));
        world.by_one(|peer| peer.done("PUT", OTHER_TOPIC, json!({})));
        for (field, values) in [
            ("labels", [json!({"a": "1"}), json!({"b": "2"})]),
            ("messageRetentionDuration", [json!("700s"), json!("800s")]),
            (
                "messageStoragePolicy",
                [
                    json!({"allowedPersistenceRegions": ["europe-west1"]}),
                    json!({"allowedPersistenceRegions": ["us-east1"]}),
                ],
            ),
        ] {
            for value in values {
                world.by_one(|peer| peer.update_topic(field, json!({field: value})));
                world.all_see(field, |peer| peer.field(TOPIC, field), value);
            }
        }
        let dead_letters = |attempts: u32| json!({"deadLetterTopic": OTHER_TOPIC, "maxDeliveryAttempts": attempts});
        let retries = |seconds: u32| json!({"minimumBackoff": format!("{seconds}s"), "maximumBackoff": "600s"});
        for (field, values) in [
            ("ackDeadlineSeconds", [json!(20), json!(30)]),
            ("labels", [json!({"a": "1"}), json!({"b": "2"})]),
            ("messageRetentionDuration", [json!("1200s"), json!("1800s")]),
            ("deadLetterPolicy", [dead_letters(5), dead_letters(6)]),
            ("retryPolicy", [retries(1), retries(2)]),
            ("retainAckedMessages", [json!(true), json!(true)]),
            (
                "expirationPolicy",
                [json!({"ttl": "172800s"}), json!({"ttl": "86400s"})],
            ),
        ] {
            for value in values {
                world.by_one(|peer| peer.update_subscription(field, json!({field: value})));
                world.all_see(field, |peer| peer.field(SUBSCRIPTION, field), value);
            }
        }
        // What the policy does: attempts are told, or not.
        assert_eq!(world.by_one(|peer| peer.publish("a")), 200);
        let attempts = |peer: &mut Peer| {
            let received = peer.pull().ok()["receivedMessages"][0].clone();
            let path = format!("{SUBSCRIPTION}:modifyAckDeadline");
            let back = json!({"ackIds": [received["ackId"]], "ackDeadlineSeconds": 0});
            peer.done("POST", &path, back);
            received["deliveryAttempt"].is_number()
        };
        world.by_one(|peer| peer.update_subscription("retryPolicy,deadLetterPolicy", json!({})));
        world.all_see("no attempts", attempts, false);
        let policy = json!({"deadLetterPolicy": dead_letters(100)});
        world.by_one(|peer| peer.update_subscription("deadLetterPolicy", policy));
        world.all_see("attempts", attempts, true);
    });
}

#[test]
fn which_queues_there_are() {
    in_worlds(|mut world| {
        let url = "http://localhost/000000000000/queue";
        let on = json!({"QueueUrl": url});
        let named = json!({"QueueName": "queue"});
        let send = json!({"QueueUrl": url, "MessageBody": "a"});
        // Refused for what it says, if there is a queue to say it of.
        let bad = json!({"QueueUrl": url, "MaxNumberOfMessages": 11});
        let look = |peer: &mut Peer| {
            [
                peer.code("SendMessage", &send),
                peer.code("ReceiveMessage", &bad),
                peer.code("GetQueueUrl", &named),
                peer.code("GetQueueAttributes", &on),
            ]
        };
        let missing = || ["QueueDoesNotExist"; 4].map(str::to_owned);
        let there = || ["ok", "InvalidParameterValue", "ok", "ok"].map(str::to_owned);
        for _ in 0..3 {
            world.all_see("no queue", look, missing());
            world.by_one(|peer| peer.sqs.ok("CreateQueue", &named));
            world.all_see("a queue", look, there());
            world.by_one(|peer| peer.sqs.ok("PurgeQueue", &on));
            let counted =
                json!({"QueueUrl": url, "AttributeNames": ["ApproximateNumberOfMessages"]});
            let count = |peer: &mut Peer| {
                let answer = peer.sqs.ok("GetQueueAttributes", &counted);
                answer["Attributes"]["ApproximateNumberOfMessages"].clone()
            };
            world.all_see("purged", count, json!("0"));
            world.all_see("a purged queue", look, there());
            world.by_one(|peer| peer.sqs.ok("DeleteQueue", &on));
        }
        world.all_see("no queue at last", look, missing());
    });
}

#[test]
fn settings_of_queues() {
    in_worlds(|mut world| {
        let url = "http://localhost/000000000000/queue";
        let arn = |name: &str| format!("arn:aws:sqs:us-east-1:000000000000:{name}");
        for name in ["queue", "dead"] {
            world.by_one(|peer| peer.sqs.ok("CreateQueue", &json!({"QueueName": name})));
        }
        let policy = |sid: &str| {
            let statement = json!({
                "Sid": sid, "Effect": "Allow", "Principal": {"AWS": "111122223333"},
                "Action": "SQS:SendMessage", "Resource": arn("queue"),
            });
            json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
        };
        let redrive = |count: u32| {
            json!({"deadLetterTargetArn": arn("dead"), "maxReceiveCount": count}).to_string()
        };
        let allow =
            |names: &[&str]| json!({"redrivePermission": "byQueue", "sourceQueueArns": names});
        let rows: Vec<(&str, [String; 2])> = vec![
            ("VisibilityTimeout", ["10".into(), "20".into()]),
            ("MessageRetentionPeriod", ["600".into(), "700".into()]),
            ("DelaySeconds", ["1".into(), "0".into()]),
            ("ReceiveMessageWaitTimeSeconds", ["1".into(), "0".into()]),
            ("MaximumMessageSize", ["1024".into(), "2048".into()]),
            ("Policy", [policy("one"), policy("two")]),
            ("RedrivePolicy", [redrive(3), redrive(4)]),
            (
                "RedriveAllowPolicy",
                [
                    allow(&[&arn("a")]).to_string(),
                    allow(&[&arn("b")]).to_string(),
                ],
            ),
            ("KmsMasterKeyId", ["alias/one".into(), "alias/two".into()]),
        ];
        for (attribute, values) in rows {
            for value in values {
                let set = json!({"QueueUrl": url, "Attributes": {attribute: value}});
                world.by_one(|peer| peer.sqs.ok("SetQueueAttributes", &set));
                let get = json!({"QueueUrl": url, "AttributeNames": [attribute]});
                let shown = |peer: &mut Peer| {
                    let answer = peer.sqs.ok("GetQueueAttributes", &get);
                    let shown = answer["Attributes"][attribute].as_str().unwrap_or("");
                    // JSON may be laid out anew.
                    serde_json::from_str::<Value>(shown).unwrap_or(json!(shown))
                };
                let wanted = serde_json::from_str::<Value>(&value).unwrap_or(json!(value));
                world.all_see(attribute, shown, wanted);
            }
        }
        let long = json!({"QueueUrl": url, "MessageBody": "a".repeat(3000)});
        let send = |peer: &mut Peer| peer.code("SendMessage", &long);
        let bytes =
            |bytes: &str| json!({"QueueUrl": url, "Attributes": {"MaximumMessageSize": bytes}});
        world.all_see("too long", send, "InvalidParameterValue".to_owned());
        world.by_one(|peer| peer.sqs.ok("SetQueueAttributes", &bytes("4096")));
        world.all_see("not too long", send, "ok".to_owned());
        world.by_one(|peer| peer.sqs.ok("SetQueueAttributes", &bytes("1024")));
        world.all_see("too long again", send, "InvalidParameterValue".to_owned());

        let tags = |peer: &mut Peer| peer.sqs.ok("ListQueueTags", &json!({"QueueUrl": url}));
        let tag = json!({"QueueUrl": url, "Tags": {"a": "1"}});
        world.by_one(|peer| peer.sqs.ok("TagQueue", &tag));
        world.all_see("tagged", tags, json!({"Tags": {"a": "1"}}));
        let untag = json!({"QueueUrl": url, "TagKeys": ["a"]});
        world.by_one(|peer| peer.sqs.ok("UntagQueue", &untag));
        let none = |peer: &mut Peer| {
            tags(peer)["Tags"]
                .as_object()
                .is_none_or(serde_json::Map::is_empty)
        };
        world.all_see("untagged", none, true);

        let sources = |peer: &mut Peer| {
            let on = json!({"QueueUrl": "http://localhost/000000000000/dead"});
            let answer = peer.sqs.ok("ListDeadLetterSourceQueues", &on);
            answer["queueUrls"].as_array().map(Vec::len)
        };
        world.all_see("one source", sources, Some(1));
        let no_redrive = json!({"QueueUrl": url, "Attributes": {"RedrivePolicy": ""}});
        world.by_one(|peer| peer.sqs.ok("SetQueueAttributes", &no_redrive));
        world.all_see("no source", sources, Some(0));
    });
}
