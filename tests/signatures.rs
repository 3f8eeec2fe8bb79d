//! Signed SQS requests through the real binary, by curl's own signer: who is let in, who isn't, in which
//! words, and how keys come and go. The SDKs' signers are in tests/sdk.

mod support;

use serde_json::json;
use std::time::{Duration, Instant};
use support::Launch;
use support::signing::{Key, create, credentials, curl, in_json, in_query, served};

const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn a_key_that_was_made_signs_for_its_account_and_its_secret_is_kept_nowhere() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("keys.toml");
    let key = create(&file, &["--account", "111122223333", "--user", "ci"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(
            std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    assert!(
        !std::fs::read_to_string(&file)
            .unwrap()
            .contains(&key.secret)
    );
    let server = served(&file, "enforce");
    let made = in_json(&server, &key, "CreateQueue", &json!({"QueueName": "q"}));
    assert_eq!(made.status, 200, "{}", made.body);
    let url = made.json()["QueueUrl"].as_str().unwrap().to_owned();
    assert!(url.ends_with("/111122223333/q"), "{url}");
    let listed = in_query(&server, &key, "Action=ListQueues&Version=2012-11-05");
    assert_eq!(listed.status, 200, "{}", listed.body);
    assert!(
        listed.body.contains("/111122223333/q</QueueUrl>"),
        "{}",
        listed.body
    );
    server.stop();
}

#[test]
fn who_is_not_known_is_told_why_in_both_protocols() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("keys.toml");
    let known = create(&file, &[]);
    let server = served(&file, "enforce");
    let wrong = Key {
        secret: "wrong".to_owned(),
        id: known.id.clone(),
        token: None,
    };
    let nobody = Key {
        id: "AKIANOBODY".to_owned(),
        secret: "x".to_owned(),
        token: None,
    };
    let with_token = Key {
        id: known.id.clone(),
        secret: known.secret.clone(),
        token: Some("someone's".to_owned()),
    };
    let cases = [
        (&wrong, "InvalidSignatureException", "SignatureDoesNotMatch"),
        (
            &nobody,
            "UnrecognizedClientException",
            "InvalidClientTokenId",
        ),
        (
            &with_token,
            "UnrecognizedClientException",
            "InvalidClientTokenId",
        ),
    ];
    for (key, json_code, query_code) in cases {
        let told = in_json(&server, key, "ListQueues", &json!({}));
        assert_eq!(told.status, 403, "{}", told.body);
        let expected = format!("com.amazon.coral.service#{json_code}");
        assert_eq!(told.json()["__type"], expected.as_str());
        assert_eq!(told.query_error, format!("{query_code};Sender"));
        if key.token.is_none() {
            let told = in_query(&server, key, "Action=ListQueues&Version=2012-11-05");
            assert_eq!(told.status, 403, "{}", told.body);
            assert!(
                told.body.contains(&format!("<Code>{query_code}</Code>")),
                "{}",
                told.body
            );
        }
    }
    let unsigned = curl(&server, &["--data-binary", "Action=ListQueues"]);
    assert_eq!(unsigned.status, 403);
    assert!(
        unsigned
            .body
            .contains("<Code>MissingAuthenticationToken</Code>"),
        "{}",
        unsigned.body
    );
    assert!(
        unsigned
            .body
            .contains("Request is missing Authentication Token")
    );
    // What developers look into is not open beside it, health is.
    let mut client = server.client();
    for path in [
        "/_aws/sqs/messages?QueueUrl=http://localhost/000000000000/q",
        "/_lclq/sqs/messages?QueueUrl=q",
    ] {
        let answer = client.get(path).unwrap();
        assert_eq!(answer.status, 403, "{path}");
    }
    assert_eq!(client.get("/health").unwrap().status, 200);
    server.stop();
}

#[test]
fn the_queues_of_another_account_are_closed() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("keys.toml");
    let owner = create(&file, &["--account", "111122223333"]);
    let other = create(&file, &["--account", "444455556666"]);
    let server = served(&file, "enforce");
    let made = in_json(&server, &owner, "CreateQueue", &json!({"QueueName": "q"}));
    let url = made.json()["QueueUrl"].clone();
    let arn = "arn:aws:sqs:us-east-1:111122223333:q";
    for (action, body) in [
        ("SendMessage", json!({"QueueUrl": url, "MessageBody": "x"})),
        ("ReceiveMessage", json!({"QueueUrl": url})),
        ("DeleteQueue", json!({"QueueUrl": url})),
        (
            "GetQueueUrl",
            json!({"QueueName": "q", "QueueOwnerAWSAccountId": "111122223333"}),
        ),
        ("StartMessageMoveTask", json!({"SourceArn": arn})),
        ("ListMessageMoveTasks", json!({"SourceArn": arn})),
    ] {
        // Whether or not there is such a queue, and whether or not it was looked for before.
        for _ in 0..2 {
            let told = in_json(&server, &other, action, &body);
            assert_eq!(
                (told.status, told.query_error.as_str()),
                (403, "AccessDenied;Sender"),
                "{action}"
            );
        }
        if !action.ends_with("Tasks") && !action.ends_with("Task") && action != "DeleteQueue" {
            let answer = in_json(&server, &owner, action, &body);
            assert_eq!(answer.status, 200, "{action}: {}", answer.body);
        }
    }
    assert_eq!(
        in_json(&server, &other, "ListQueues", &json!({})).json(),
        json!({})
    );
    server.stop();
}

#[test]
fn a_session_needs_its_token_and_ends() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("keys.toml");
    let session = create(&file, &["--session-seconds", "3"]);
    assert!(session.token.is_some() && session.id.starts_with("ASIA"));
    let server = served(&file, "enforce");
    let asked = in_json(&server, &session, "ListQueues", &json!({}));
    assert_eq!(asked.status, 200, "{}", asked.body);
    let without = Key {
        id: session.id.clone(),
        secret: session.secret.clone(),
        token: None,
    };
    let told = in_json(&server, &without, "ListQueues", &json!({}));
    assert_eq!(told.query_error, "InvalidClientTokenId;Sender");
    let until = Instant::now() + PATIENCE;
    loop {
        let told = in_json(&server, &session, "ListQueues", &json!({}));
        if told.status == 403 {
            assert_eq!(told.query_error, "ExpiredToken;Sender");
            break;
        }
        assert!(Instant::now() < until, "the session does not end");
        std::thread::sleep(Duration::from_millis(100));
    }
    server.stop();
}

#[test]
fn keys_come_and_go_while_the_server_runs() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("keys.toml");
    let first = create(&file, &[]);
    let mut server = served(&file, "enforce");
    let works = |key: &Key| in_json(&server, key, "ListQueues", &json!({})).status == 200;
    assert!(works(&first));
    let second = create(&file, &["--user", "other"]);
    assert!(!works(&second));
    let listed = String::from_utf8(credentials(&["list"], &file).stdout).unwrap();
    assert!(
        listed.contains(&first.id) && listed.contains("other"),
        "{listed}"
    );
    assert!(!listed.contains(&second.secret));
    let deleted = credentials(&["delete", &first.id], &file);
    assert!(deleted.status.success(), "{deleted:?}");
    server.hang_up();
    let until = Instant::now() + PATIENCE;
    while !works(&second) {
        assert!(Instant::now() < until);
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(!works(&first));
    // What can't be read takes nobody's key away.
    std::fs::write(&file, "access-keys = 3").unwrap();
    server.hang_up();
    while !server.stderr().contains("access keys stay as they were") {
        assert!(Instant::now() < until, "{}", server.stderr());
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(
        in_json(&server, &second, "ListQueues", &json!({})).status,
        200
    );
    server.stop();
}

#[test]
fn what_would_be_refused_can_be_told_first() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("keys.toml");
    create(&file, &[]);
    let mut server = served(&file, "report");
    let nobody = Key {
        id: "AKIANOBODY".to_owned(),
        secret: "x".to_owned(),
        token: None,
    };
    assert_eq!(
        in_json(&server, &nobody, "ListQueues", &json!({})).status,
        200
    );
    let until = Instant::now() + PATIENCE;
    while !server.stderr().contains("would be refused") {
        assert!(Instant::now() < until, "{}", server.stderr());
        std::thread::sleep(Duration::from_millis(5));
    }
    server.stop();
}

#[test]
fn a_file_that_is_no_use_is_refused_without_telling_secrets() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("keys.toml");
    let refused = Launch::new().flag("--sqs-auth", "enforce").refused();
    assert!(
        refused
            .stderr
            .contains("--credentials (server.credentials)"),
        "{refused:?}"
    );
    let key = "[[access-keys]]\nid = \"A\"\naccount = \"1\"\nuser = \"u\"\nsecret = \"hush\"\n";
    for (text, told) in [
        (key.to_owned(), "account has 12 digits"),
        (key.replace("secret", "secrets"), "line 5: unknown field"),
        (
            format!("{key}secret-hash = \"00\"\n").replace('1', "000000000000"),
            "either secret or secret-hash",
        ),
    ] {
        std::fs::write(&file, text).unwrap();
        let refused = Launch::new()
            .flag("--sqs-auth", "enforce")
            .flag("--credentials", &file)
            .refused();
        assert!(refused.stderr.contains(told), "{told}: {refused:?}");
        assert!(!refused.stderr.contains("hush"), "{refused:?}");
    }
    let refused = credentials(&["delete", "AKIANOBODY"], &file);
    assert!(!refused.status.success());
}
