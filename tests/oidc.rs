//! Tokens of issuers elsewhere through the real binary, over REST, with an issuer that the test serves.

mod support;

use bytes::Bytes;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey;
use rsa::traits::PublicKeyParts;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use support::{Answer, Client, Launch, Server};

const PATIENCE: Duration = Duration::from_secs(20);
const TOPIC: &str = "/v1/projects/project-1/topics/events";
const AUDIENCE: &str = "https://queue.example.com";

/// How often made-up keys have an issuer asked at most.
const ASKED_FETCH_SECONDS_MIN: u64 = 10;

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap().as_secs()
}

fn base64(bytes: &[u8]) -> String {
    base64_simd::URL_SAFE_NO_PAD.encode_to_string(bytes)
}

/// A key of an issuer's.
struct Key {
    id: String,
    algorithm: Algorithm,
    private: EncodingKey,
    public: Value,
}

impl Key {
    fn elliptic(id: &str) -> Self {
        let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let der = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, der.as_ref(), &random).unwrap();
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        let (x, y) = (base64(x), base64(y));
        Self {
            id: id.to_owned(),
            algorithm: Algorithm::ES256,
            private: EncodingKey::from_ec_der(der.as_ref()),
            public: json!({"kty": "EC", "kid": id, "crv": "P-256", "x": x, "y": y}),
        }
    }

    /// By the key of a service account, as tests have no other way to make one.
    fn rsa(id: &str, account: &Value) -> Self {
        let pem = account["private_key"].as_str().unwrap();
        let key = rsa::PrivateKey::from_pkcs8_pem(pem).unwrap();
        let (n, e) = (base64(&key.n_bytes()), base64(&key.e_bytes()));
        Self {
            id: id.to_owned(),
            algorithm: Algorithm::RS256,
            private: EncodingKey::from_rsa_der(key.to_pkcs1_der().unwrap().as_bytes()),
            public: json!({"kty": "RSA", "kid": id, "use": "sig", "n": n, "e": e}),
        }
    }

    fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(self.algorithm);
        header.kid = Some(self.id.clone());
        encode(&header, claims, &self.private).unwrap()
    }
}

/// What an issuer answers, and how often it was asked.
#[derive(Default)]
struct Answers {
    /// What is other than it should be of what it tells of itself.
    configuration: Value,
    moved_to: Option<String>,
    key_set: String,
    hangs: bool,
    delay: Duration,
    asked: usize,
}

/// An issuer on this machine. It ends with the test.
struct Issuer {
    address: SocketAddr,
    tls: Option<Arc<ServerConfig>>,
    answers: Arc<Mutex<Answers>>,
}

impl Issuer {
    fn start(keys: &[&Key]) -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), None, keys)
    }

    fn start_at(address: SocketAddr, tls: Option<Arc<ServerConfig>>, keys: &[&Key]) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let issuer = Self {
            address: listener.local_addr().unwrap(),
            tls: tls.clone(),
            answers: Arc::default(),
        };
        issuer.rotate(keys);
        let (answers, url) = (issuer.answers.clone(), issuer.url());
        std::thread::spawn(move || {
            let mut kept = Vec::new();
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let (hangs, delay) = {
                    let answers = answers.lock().unwrap();
                    (answers.hangs, answers.delay)
                };
                if hangs {
                    kept.push(stream);
                    continue;
                }
                std::thread::sleep(delay);
                // Whoever asks may go away.
                let _ = match &tls {
                    None => answer(stream, &answers, &url),
                    Some(tls) => {
                        let connection = ServerConnection::new(tls.clone()).unwrap();
                        answer(StreamOwned::new(connection, stream), &answers, &url)
                    }
                };
            }
        });
        issuer
    }

    fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    fn rotate(&self, keys: &[&Key]) {
        let keys: Vec<&Value> = keys.iter().map(|key| &key.public).collect();
        self.answers.lock().unwrap().key_set = json!({"keys": keys}).to_string();
    }

    fn asked(&self) -> usize {
        self.answers.lock().unwrap().asked
    }

    fn claims(&self, change: Value) -> Value {
        let mut claims = json!({
            "iss": self.url(), "sub": "1234", "aud": AUDIENCE, "email": "ada@example.com",
            "email_verified": true, "iat": now(), "exp": now() + 600,
        });
        let all = claims.as_object_mut().unwrap();
        all.extend(change.as_object().unwrap().clone());
        claims
    }

    fn launch(&self, mode: &str) -> Launch {
        Launch::new()
            .flag("--pubsub-auth", mode)
            .flag("--oidc-issuer", self.url())
            .flag("--oidc-audience", AUDIENCE)
    }
}

fn answer(stream: impl Read + Write, answers: &Mutex<Answers>, url: &str) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    let path = head.split(' ').nth(1).unwrap_or_default();
    let mut answers = answers.lock().unwrap();
    let mut location = String::new();
    let (status, body) = match path {
        "/.well-known/openid-configuration" => {
            let mut told = json!({"issuer": url, "jwks_uri": format!("{url}/keys?v=1")});
            let changes = answers.configuration.as_object().into_iter().flatten();
            for (name, value) in changes {
                told[name] = value.clone();
            }
            (200, told.to_string())
        }
        "/keys?v=1" => match &answers.moved_to {
            Some(url) => {
                location = format!("Location: {url}\r\n");
                (302, String::new())
            }
            None => {
                answers.asked += 1;
                (200, answers.key_set.clone())
            }
        },
        _ => (404, String::new()),
    };
    drop(answers);
    let stream = reader.get_mut();
    write!(
        stream,
        "HTTP/1.1 {status} x\r\nConnection: close\r\nContent-Type: application/json\r\n\
         {location}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    stream.flush()
}

fn account(file: &Path) -> Value {
    let output = Command::new(support::binary())
        .args(["credentials", "create-service-account", "worker"])
        .args(["--project", "p", "--file"])
        .arg(file)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn asked(client: &mut Client, token: &str) -> Answer {
    let request = format!(
        "PUT {TOPIC} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Authorization: Bearer {token}\r\nContent-Length: 2\r\n\r\n{{}}"
    );
    client.write(request.as_bytes()).unwrap();
    client.receive().unwrap()
}

/// The status of a call over gRPC that lists topics.
fn asked_by_grpc(address: SocketAddr, token: &str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let (send, connection) = h2::client::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        let head = http::Request::post("http://localhost/google.pubsub.v1.Publisher/ListTopics")
            .header("te", "trailers")
            .header("content-type", "application/grpc")
            .header("authorization", format!("Bearer {token}"))
            .body(())
            .unwrap();
        let mut send = send.ready().await.unwrap();
        let (answer, mut body) = send.send_request(head, false).unwrap();
        // A frame with the request's first field.
        let frame = b"\0\0\0\0\x14\x0a\x12projects/project-1";
        body.send_data(Bytes::from_static(frame), true).unwrap();
        let (head, mut body) = answer.await.unwrap().into_parts();
        while body.data().await.is_some() {}
        // What is refused has no body, and its status in its head.
        let trailers = body.trailers().await.unwrap().unwrap_or(head.headers);
        trailers["grpc-status"].to_str().unwrap().to_owned()
    })
}

/// The first is 200, the next 409: it exists.
fn is_let_in(client: &mut Client, token: &str) -> bool {
    let answer = asked(client, token);
    match answer.status {
        200 | 409 => true,
        401 => false,
        status => panic!("{status}: {}", answer.json()),
    }
}

fn reason(answer: &Answer) -> String {
    assert_eq!(answer.status, 401);
    let error = &answer.json()["error"];
    assert_eq!(error["status"], "UNAUTHENTICATED");
    error["details"][0]["reason"].as_str().unwrap().to_owned()
}

fn wait_for_log(server: &mut Server, text: &str) {
    let until = Instant::now() + PATIENCE;
    while !server.stderr().contains(text) {
        assert!(Instant::now() < until, "no {text:?}: {}", server.stderr());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn an_issuers_tokens_are_taken_and_what_only_looks_so_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let rsa = Key::rsa("rsa", &account(&directory.path().join("keys.toml")));
    let (elliptic, stranger) = (Key::elliptic("ec"), Key::elliptic("ec"));
    let issuer = Issuer::start(&[&rsa, &elliptic]);
    let server = issuer.launch("enforce").start();
    let mut client = server.pubsub_client();
    // At once: who comes before the keys waits for them.
    for key in [&elliptic, &rsa] {
        assert!(is_let_in(&mut client, &key.sign(&issuer.claims(json!({})))));
    }
    for change in [
        json!({"aud": ["x", AUDIENCE]}),
        json!({"email_verified": false}),
        json!({"exp": now() - 20}),
    ] {
        let token = rsa.sign(&issuer.claims(change.clone()));
        assert!(is_let_in(&mut client, &token), "{change}");
    }
    const UNKNOWN: &str = "ACCESS_TOKEN_TYPE_UNSUPPORTED";
    for (change, expected) in [
        (json!({"aud": "https://other.example.com"}), UNKNOWN),
        (json!({"iss": "http://127.0.0.1:1"}), UNKNOWN),
        (json!({"iss": format!("{}/", issuer.url())}), UNKNOWN),
        (json!({"sub": ""}), UNKNOWN),
        (json!({"nbf": now() + 300}), UNKNOWN),
        (json!({"exp": now() - 300}), "ACCESS_TOKEN_EXPIRED"),
    ] {
        let token = rsa.sign(&issuer.claims(change.clone()));
        assert_eq!(reason(&asked(&mut client, &token)), expected, "{change}");
    }
    let claims = issuer.claims(json!({}));
    let forged = stranger.sign(&claims);
    assert_eq!(reason(&asked(&mut client, &forged)), UNKNOWN);
    // An RSA key as a secret of HMAC's, in the forms that somebody might have it in.
    let modulus = rsa.public["n"].as_str().unwrap();
    let decoded = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(modulus).unwrap();
    for secret in [
        modulus.as_bytes(),
        &decoded,
        rsa.public.to_string().as_bytes(),
    ] {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some("rsa".to_owned());
        let token = encode(&header, &claims, &EncodingKey::from_secret(secret).unwrap()).unwrap();
        assert_eq!(reason(&asked(&mut client, &token)), UNKNOWN);
    }
    let good = rsa.sign(&claims);
    let payload = good.split('.').nth(1).unwrap();
    let header = base64(br#"{"alg":"none","kid":"rsa"}"#);
    let unsigned = format!("{header}.{payload}.");
    assert_eq!(reason(&asked(&mut client, &unsigned)), UNKNOWN);
    assert!(is_let_in(&mut client, &good));
    server.stop();
}

#[test]
fn who_comes_before_the_keys_waits_for_them() {
    let (key, stranger) = (Key::elliptic("k"), Key::elliptic("other"));
    let issuer = Issuer::start(&[&key]);
    issuer.answers.lock().unwrap().delay = Duration::from_millis(300);
    let claims = issuer.claims(json!({}));
    let server = issuer.launch("enforce").start();
    let (good, bad) = (key.sign(&claims), stranger.sign(&claims));
    let address = server.pubsub_address();
    std::thread::scope(|scope| {
        let good_by_grpc = scope.spawn(|| asked_by_grpc(address, &good));
        let bad_by_grpc = scope.spawn(|| asked_by_grpc(address, &bad));
        assert!(is_let_in(&mut server.pubsub_client(), &good));
        assert_eq!(good_by_grpc.join().unwrap(), "0");
        assert_eq!(bad_by_grpc.join().unwrap(), "16");
    });
    // All of them for one fetch.
    assert_eq!(issuer.asked(), 1);
    server.stop();
}

#[test]
fn new_keys_are_fetched_when_a_token_names_one_and_not_more_often_than_that() {
    let (old, new) = (Key::elliptic("old"), Key::elliptic("new"));
    let issuer = Issuer::start(&[&old]);
    let since = Instant::now();
    let server = issuer.launch("enforce").start();
    let mut client = server.pubsub_client();
    let [before, after] = [&old, &new].map(|key| key.sign(&issuer.claims(json!({}))));
    assert!(is_let_in(&mut client, &before));
    assert!(!is_let_in(&mut client, &after));
    issuer.rotate(&[&new]);
    let bound = Duration::from_secs(ASKED_FETCH_SECONDS_MIN) + PATIENCE;
    while !is_let_in(&mut client, &after) {
        assert!(since.elapsed() < bound);
        std::thread::sleep(Duration::from_millis(20));
    }
    // What was signed with the key that is gone is nobody's, though it was remembered.
    assert!(!is_let_in(&mut client, &before));
    let most = 1 + since.elapsed().as_secs() / ASKED_FETCH_SECONDS_MIN;
    assert!(issuer.asked() as u64 <= most, "{} > {most}", issuer.asked());
    server.stop();
}

#[test]
fn a_server_starts_without_its_issuer_and_finds_it_later() {
    let key = Key::elliptic("k");
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let absent = Issuer {
        address,
        tls: None,
        answers: Arc::default(),
    };
    let mut server = absent.launch("enforce").start();
    let mut client = server.pubsub_client();
    let token = key.sign(&absent.claims(json!({})));
    assert!(!is_let_in(&mut client, &token));
    wait_for_log(&mut server, "an issuer's keys can't be fetched");
    let issuer = Issuer::start_at(address, None, &[&key]);
    let until = Instant::now() + PATIENCE;
    while !is_let_in(&mut client, &token) {
        assert!(Instant::now() < until, "{}", server.stderr());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(issuer.asked(), 1);
    server.stop();
}

#[test]
fn a_key_set_without_bounds_is_refused() {
    let key = Key::elliptic("k");
    let issuer = Issuer::start(&[]);
    let many: Vec<&Value> = vec![&key.public; 101];
    let mut large = json!({"keys": [key.public]}).to_string();
    large.push_str(&" ".repeat(256 << 10));
    for (key_set, said) in [
        (large, "more than 262144 bytes"),
        (json!({"keys": many}).to_string(), "101 keys, more than 100"),
        ("<html>".to_owned(), "isn't a key set"),
    ] {
        issuer.answers.lock().unwrap().key_set = key_set;
        let mut server = issuer.launch("enforce").start();
        let mut client = server.pubsub_client();
        assert!(!is_let_in(
            &mut client,
            &key.sign(&issuer.claims(json!({})))
        ));
        wait_for_log(&mut server, said);
        server.stop();
    }
}

#[test]
fn keys_come_from_where_the_issuer_says_and_from_nowhere_less_safe() {
    let key = Key::elliptic("k");
    let (issuer, elsewhere) = (Issuer::start(&[&key]), Issuer::start(&[&key]));
    let keys = format!("{}/keys?v=1", elsewhere.url());
    let open = "http://keys.example.com/";
    for (configuration, moved_to, said) in [
        (json!({"issuer": elsewhere.url()}), None, "it calls itself"),
        (json!({"jwks_uri": open}), None, "for this machine alone"),
        (json!({"jwks_uri": 1}), None, "can't be fetched"),
        (json!({}), Some(keys.clone()), "status 302"),
    ] {
        let mut answers = issuer.answers.lock().unwrap();
        (answers.configuration, answers.moved_to) = (configuration, moved_to);
        drop(answers);
        let mut server = issuer.launch("enforce").start();
        let mut client = server.pubsub_client();
        assert!(!is_let_in(
            &mut client,
            &key.sign(&issuer.claims(json!({})))
        ));
        wait_for_log(&mut server, said);
        server.stop();
    }
    assert_eq!(issuer.asked() + elsewhere.asked(), 0);
    let mut answers = issuer.answers.lock().unwrap();
    (answers.configuration, answers.moved_to) = (json!({"jwks_uri": keys}), None);
    drop(answers);
    let server = issuer.launch("enforce").start();
    let token = key.sign(&issuer.claims(json!({})));
    assert!(is_let_in(&mut server.pubsub_client(), &token));
    server.stop();
}

#[test]
fn keys_over_https_come_from_those_it_trusts() {
    let directory = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let authorities = directory.path().join("authorities.pem");
    std::fs::write(&authorities, made.cert.pem()).unwrap();
    let private = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], private)
        .unwrap();
    let (key, any_port) = (Key::elliptic("k"), SocketAddr::from(([127, 0, 0, 1], 0)));
    let issuer = Issuer::start_at(any_port, Some(Arc::new(tls)), &[&key]);
    let token = key.sign(&issuer.claims(json!({})));
    let launch = issuer.launch("enforce");
    let server = launch.flag("--push-ca-file", &authorities).start();
    assert!(is_let_in(&mut server.pubsub_client(), &token));
    server.stop();
    // Push may go to anybody; who may say whose a request is stays another question.
    let launch = issuer.launch("enforce");
    let mut server = launch.switch("--push-accept-any-certificate").start();
    assert!(!is_let_in(&mut server.pubsub_client(), &token));
    wait_for_log(&mut server, "can't be fetched");
    server.stop();
    // Its keys in the open.
    let open = json!({"jwks_uri": "http://127.0.0.1:1/keys"});
    issuer.answers.lock().unwrap().configuration = open;
    let launch = issuer.launch("enforce");
    let mut server = launch.flag("--push-ca-file", &authorities).start();
    assert!(!is_let_in(&mut server.pubsub_client(), &token));
    wait_for_log(&mut server, "doesn't begin with https://");
    server.stop();
}

#[test]
fn an_issuer_that_hangs_holds_up_its_own_tokens_and_for_a_moment() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("keys.toml");
    let account = account(&file);
    let (key, known) = (Key::elliptic("k"), Key::rsa("", &account));
    let issuer = Issuer::start(&[&key]);
    issuer.answers.lock().unwrap().hangs = true;
    let launch = issuer.launch("enforce").flag("--credentials", &file);
    let server = launch.flag("--cores", "1").start();
    let mut header = Header::new(known.algorithm);
    header.kid = account["private_key_id"].as_str().map(str::to_owned);
    let email = &account["client_email"];
    let claims = json!({
        "iss": email, "sub": email, "aud": "https://pubsub.googleapis.com/",
        "iat": now(), "exp": now() + 3600,
    });
    let own = encode(&header, &claims, &known.private).unwrap();
    let token = key.sign(&issuer.claims(json!({})));
    let since = Instant::now();
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| {
            let mut client = server.pubsub_client();
            let answer = asked(&mut client, &token);
            (answer.status, since.elapsed())
        });
        let mut client = server.pubsub_client();
        let mut answered = 0;
        while !waits.is_finished() {
            assert!(is_let_in(&mut client, &own));
            answered += 1;
        }
        let (status, waited) = waits.join().unwrap();
        assert_eq!(status, 401);
        assert!(waited > Duration::from_millis(1500), "{waited:?}");
        assert!(answered > 10, "{answered}");
    });
    server.stop();
}

#[test]
fn what_would_be_refused_of_an_issuers_can_be_told_first() {
    let (key, stranger) = (Key::elliptic("k"), Key::elliptic("k"));
    let issuer = Issuer::start(&[&key]);
    let mut server = issuer.launch("report").start();
    let mut client = server.pubsub_client();
    let claims = issuer.claims(json!({}));
    assert!(is_let_in(&mut client, &key.sign(&claims)));
    assert!(!server.stderr().contains("would be refused"));
    assert!(is_let_in(&mut client, &stranger.sign(&claims)));
    wait_for_log(&mut server, "would be refused");
    server.stop();
}

#[test]
fn an_issuer_has_to_be_safe_to_ask_and_its_tokens_meant_for_somebody() {
    let start = |flags: &[(&str, &str)]| {
        let launch = Launch::new().flag("--pubsub-auth", "enforce");
        let launch = flags
            .iter()
            .fold(launch, |launch, (name, value)| launch.flag(name, value));
        launch.refused().stderr
    };
    let told = start(&[("--oidc-issuer", "https://accounts.example.com")]);
    assert!(told.contains("--oidc-audience (oidc.audience)"), "{told}");
    let told = start(&[("--oidc-audience", AUDIENCE)]);
    assert!(told.contains("--oidc-issuer (oidc.issuer)"), "{told}");
    let open = [
        ("--oidc-issuer", "http://accounts.example.com"),
        ("--oidc-audience", AUDIENCE),
    ];
    let told = start(&open);
    assert!(told.contains("http:// is for this machine alone"), "{told}");
}
