//! TLS through the real binary: certificates of its own and from files, reload, clients that have to
//! show one, ports that speak nothing else, what may be negotiated, and the command line over it.

mod support;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair,
};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, StreamOwned};
use serde_json::{Value, json};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{Launch, Server};

const PATIENCE: Duration = Duration::from_secs(20);

/// An authority, and what it has signed, in a directory of PEM files.
struct Authority {
    directory: PathBuf,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new(directory: &Path, name: &str) -> Self {
        let directory = directory.join(name);
        std::fs::create_dir(&directory).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let signed = params.self_signed(&key).unwrap();
        std::fs::write(directory.join("ca.pem"), signed.pem()).unwrap();
        let issuer = Issuer::new(params, key);
        Self { directory, issuer }
    }

    fn certificate(&self) -> PathBuf {
        self.directory.join("ca.pem")
    }

    /// The files of a certificate for a name, and of its key.
    fn sign(&self, name: &str, usage: ExtendedKeyUsagePurpose) -> (PathBuf, PathBuf) {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.extended_key_usages = vec![usage];
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let signed = params.signed_by(&key, &self.issuer).unwrap();
        let (certificate, key_file) = (
            self.directory.join(format!("{name}.pem")),
            self.directory.join(format!("{name}-key.pem")),
        );
        std::fs::write(&certificate, signed.pem()).unwrap();
        std::fs::write(&key_file, key.serialize_pem()).unwrap();
        (certificate, key_file)
    }
}

/// A client that trusts an authority and speaks for itself.
#[derive(Clone)]
struct Trusting {
    authority: PathBuf,
    shows: Option<(PathBuf, PathBuf)>,
    alpn: &'static [&'static [u8]],
    version: &'static rustls::SupportedProtocolVersion,
}

type Stream = StreamOwned<ClientConnection, TcpStream>;

impl Trusting {
    fn new(authority: impl Into<PathBuf>) -> Self {
        Self {
            authority: authority.into(),
            shows: None,
            alpn: &[],
            version: &rustls::version::TLS13,
        }
    }

    fn config(&self) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(&self.authority).unwrap() {
            roots.add(certificate.unwrap()).unwrap();
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&[self.version])
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match &self.shows {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => {
                let chain = CertificateDer::pem_file_iter(chain).unwrap();
                let chain = chain.map(Result::unwrap).collect();
                let key = PrivateKeyDer::from_pem_file(key).unwrap();
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        };
        config.alpn_protocols = self.alpn.iter().map(|name| name.to_vec()).collect();
        config
    }

    /// A connection on which the handshake is done.
    fn connect(&self, address: SocketAddr, name: &str) -> io::Result<Stream> {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let client = ClientConnection::new(Arc::new(self.config()), name).unwrap();
        let socket = TcpStream::connect(address)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let mut stream = StreamOwned::new(client, socket);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(stream)
    }
}

/// Sends an SQS request and reads its answer, whose connection goes on.
fn ask(stream: &mut (impl Read + Write), action: &str, body: &Value) -> io::Result<Value> {
    let body = body.to_string();
    let head = format!(
        "POST / HTTP/1.1\r\nHost: localhost:1234\r\nX-Amz-Target: AmazonSQS.{action}\r\n\
         Content-Type: application/x-amz-json-1.0\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    let mut answer = Vec::new();
    let (head_end, length) = loop {
        let mut part = [0; 4096];
        let read = stream.read(&mut part)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        answer.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&answer).to_lowercase();
        if let Some(end) = text.find("\r\n\r\n") {
            assert!(text.starts_with("http/1.1 200"), "{text}");
            let length = text.split("content-length: ").nth(1).expect("a length");
            let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
            break (end + 4, length);
        }
    };
    while answer.len() < head_end + length {
        let mut part = [0; 4096];
        let read = stream.read(&mut part)?;
        answer.extend_from_slice(&part[..read]);
    }
    Ok(serde_json::from_slice(&answer[head_end..]).expect("JSON"))
}

fn queue_url(stream: &mut (impl Read + Write)) -> String {
    let made = ask(stream, "CreateQueue", &json!({"QueueName": "q"})).unwrap();
    made["QueueUrl"].as_str().unwrap().to_owned()
}

/// What a client in clear text is told, to the end.
fn told_in_clear(address: SocketAddr) -> String {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
    socket.write_all(request).unwrap();
    let mut answer = String::new();
    // What it did not read of the request may reset the connection behind its answer.
    let _ = socket.read_to_string(&mut answer);
    answer
}

fn self_signed(directory: &Path) -> Server {
    Launch::new()
        .data_dir(directory)
        .flag("--tls", "self-signed")
        .flag("--tls-name", "queue.example.test")
        .flag("--allow-host", "queue.example.test")
        .start()
}

#[test]
fn its_own_authority_is_trusted_over_restarts_beside_clear_text() {
    let directory = tempfile::tempdir().unwrap();
    let server = self_signed(directory.path());
    let trusted = server.to_trust();
    assert_eq!(trusted, directory.path().join("tls/ca.pem"));
    let client = Trusting::new(&trusted);
    for name in ["localhost", "queue.example.test", "127.0.0.1"] {
        let mut stream = client.connect(server.address(), name).unwrap();
        assert_eq!(
            queue_url(&mut stream),
            "https://localhost:1234/000000000000/q"
        );
    }
    for address in [server.pubsub_address(), server.admin_address()] {
        client.connect(address, "localhost").unwrap();
    }
    assert!(client.connect(server.address(), "other.test").is_err());
    // Who doesn't ask for TLS is served as ever, and told URLs without.
    let mut clear = TcpStream::connect(server.address()).unwrap();
    assert_eq!(
        queue_url(&mut clear),
        "http://localhost:1234/000000000000/q"
    );
    server.stop();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let key = std::fs::metadata(directory.path().join("tls/ca-key.pem")).unwrap();
        assert_eq!(key.permissions().mode() & 0o777, 0o600);
    }
    let kept = std::fs::read(&trusted).unwrap();
    let again = self_signed(directory.path());
    assert_eq!(std::fs::read(again.to_trust()).unwrap(), kept);
    client.connect(again.address(), "localhost").unwrap();
    again.stop();
}

#[test]
fn half_an_authority_is_not_replaced() {
    let directory = tempfile::tempdir().unwrap();
    self_signed(directory.path()).stop();
    std::fs::remove_file(directory.path().join("tls/ca-key.pem")).unwrap();
    let refused = Launch::new()
        .data_dir(directory.path())
        .flag("--tls", "self-signed")
        .refused();
    assert!(
        refused
            .stderr
            .contains("only one of ca.pem and ca-key.pem is there"),
        "{refused:?}"
    );
}

#[test]
fn what_cannot_be_read_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let empty = directory.path().join("empty.pem");
    std::fs::write(&empty, "nothing").unwrap();
    let refused = Launch::new()
        .flag("--tls-cert", &empty)
        .flag("--tls-key", &empty)
        .refused();
    let expected = format!(
        "TLS: {}: no private key in PEM's form is in it",
        empty.display()
    );
    assert!(refused.stderr.contains(&expected), "{refused:?}");
    let refused = Launch::new().flag("--tls-cert", &empty).refused();
    assert!(
        refused.stderr.contains("--tls-key (tls.key)"),
        "{refused:?}"
    );
}

#[test]
fn certificates_from_files_are_read_again_and_open_connections_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let (old, new) = (
        Authority::new(directory.path(), "old"),
        Authority::new(directory.path(), "new"),
    );
    let (chain, key) = old.sign("localhost", ExtendedKeyUsagePurpose::ServerAuth);
    let mut server = Launch::new()
        .flag("--tls-cert", &chain)
        .flag("--tls-key", &key)
        .start();
    let (by_old, by_new) = (
        Trusting::new(old.certificate()),
        Trusting::new(new.certificate()),
    );
    let mut open = by_old.connect(server.address(), "localhost").unwrap();
    queue_url(&mut open);
    assert!(by_new.connect(server.address(), "localhost").is_err());

    // What can't be read leaves things as they were.
    std::fs::write(&chain, "nothing").unwrap();
    server.hang_up();
    let until = Instant::now() + PATIENCE;
    while !server.stderr().contains("certificates stay as they were") {
        assert!(Instant::now() < until, "{}", server.stderr());
        std::thread::sleep(Duration::from_millis(5));
    }
    by_old.connect(server.address(), "localhost").unwrap();

    let (other_chain, other_key) = new.sign("localhost", ExtendedKeyUsagePurpose::ServerAuth);
    std::fs::copy(other_chain, &chain).unwrap();
    std::fs::copy(other_key, &key).unwrap();
    server.hang_up();
    while by_new.connect(server.address(), "localhost").is_err() {
        assert!(Instant::now() < until, "{}", server.stderr());
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(by_old.connect(server.address(), "localhost").is_err());
    queue_url(&mut open);
    server.stop();
}

#[test]
fn who_shows_no_certificate_of_the_right_authority_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (authority, stranger) = (
        Authority::new(directory.path(), "authority"),
        Authority::new(directory.path(), "stranger"),
    );
    let (chain, key) = authority.sign("localhost", ExtendedKeyUsagePurpose::ServerAuth);
    let server = Launch::new()
        .flag("--tls-cert", &chain)
        .flag("--tls-key", &key)
        .flag("--tls-client-ca", authority.certificate())
        .start();
    let mut client = Trusting::new(authority.certificate());
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let by = |authority: Option<&Authority>| Trusting {
            version,
            shows: authority.map(|one| one.sign("me", ExtendedKeyUsagePurpose::ClientAuth)),
            ..client.clone()
        };
        // TLS 1.3's client is done before it is judged: the first answer tells.
        let served = |client: &Trusting| {
            let mut stream = client.connect(server.address(), "localhost")?;
            ask(&mut stream, "ListQueues", &json!({}))
        };
        assert!(served(&by(None)).is_err());
        assert!(served(&by(Some(&stranger))).is_err());
        served(&by(Some(&authority))).unwrap();
    }
    assert!(told_in_clear(server.address()).starts_with("HTTP/1.1 400"));

    client.shows = Some(authority.sign("cli", ExtendedKeyUsagePurpose::ClientAuth));
    let (shown, shown_key) = client.shows.clone().unwrap();
    let url = format!("https://localhost:{}", server.admin_address().port());
    let health = |shown: Option<(&Path, &Path)>| {
        let mut command = Command::new(support::binary());
        command.args(["health", "--url", &url, "--ca-file"]);
        command.arg(authority.certificate());
        if let Some((certificate, key)) = shown {
            command.arg("--client-cert").arg(certificate);
            command.arg("--client-key").arg(key);
        }
        command.output().unwrap()
    };
    let healthy = health(Some((&shown, &shown_key)));
    assert!(healthy.status.success(), "{healthy:?}");
    assert_eq!(health(None).status.code(), Some(3));
    server.stop();
}

#[test]
fn a_certificate_stands_for_whom_the_file_says() {
    let directory = tempfile::tempdir().unwrap();
    let authority = Authority::new(directory.path(), "authority");
    let (chain, key) = authority.sign("localhost", ExtendedKeyUsagePurpose::ServerAuth);
    let keys = directory.path().join("keys.toml");
    let policy =
        json!({"Statement": {"Effect": "Allow", "Action": "sqs:ListQueues", "Resource": "*"}});
    std::fs::write(
        &keys,
        format!(
            "[[policies]]\nname = \"look\"\ndocument = '''{policy}'''\n\
             [[client-certificates]]\nsubject = \"CN=ci\"\naccount = \"111122223333\"\nuser = \"ci\"\n\
             policies = [\"look\"]\nemail = \"ci@p.iam.gserviceaccount.com\"\nscope = \"read\"\n"
        ),
    )
    .unwrap();
    let server = Launch::new()
        .flag("--tls-cert", &chain)
        .flag("--tls-key", &key)
        .flag("--tls-client-ca", authority.certificate())
        .flag("--credentials", &keys)
        .flag("--sqs-auth", "enforce")
        .flag("--pubsub-auth", "enforce")
        .flag("--admin-auth", "enforce")
        .start();
    let status = |name: &str, address: SocketAddr, words: &[&str], path: &str| {
        let (shown, shown_key) = authority.sign(name, ExtendedKeyUsagePurpose::ClientAuth);
        let mut command = Command::new("curl");
        command.args([
            "--silent",
            "--output",
            "/dev/null",
            "--write-out",
            "%{http_code}",
        ]);
        command.arg("--cacert").arg(authority.certificate());
        command.arg("--cert").arg(shown).arg("--key").arg(shown_key);
        command
            .args(words)
            .arg(format!("https://localhost:{}{path}", address.port()));
        let output = command.output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let topics = "/v1/projects/project/topics";
    for (name, statuses) in [
        ("ci", ["200", "403", "200", "200", "403"]),
        ("other", ["403", "403", "401", "401", "401"]),
    ] {
        let seen = [
            status(
                name,
                server.address(),
                &["--data", "Action=ListQueues"],
                "/",
            ),
            status(
                name,
                server.address(),
                &["--data", "Action=CreateQueue&QueueName=q"],
                "/",
            ),
            status(name, server.pubsub_address(), &[], topics),
            status(name, server.admin_address(), &[], "/api/v1/queues"),
            status(
                name,
                server.admin_address(),
                &["--data", "{}"],
                "/api/v1/queues",
            ),
        ];
        assert_eq!(seen, statuses, "{name}");
    }
    server.stop();
}

#[test]
fn ports_that_speak_tls_only_say_so_and_have_no_old_versions() {
    let directory = tempfile::tempdir().unwrap();
    let server = Launch::new()
        .flag("--tls-dir", directory.path())
        .flag("--tls", "self-signed")
        .switch("--tls-only")
        .start();
    for address in [
        server.address(),
        server.pubsub_address(),
        server.admin_address(),
    ] {
        let told = told_in_clear(address);
        assert!(told.starts_with("HTTP/1.1 400 Bad Request"), "{told}");
        assert!(
            told.ends_with("speaks TLS only: https:// instead of it\n"),
            "{told}"
        );
    }
    let mut client = Trusting::new(server.to_trust());
    let negotiated = |client: &Trusting| {
        let stream = client.connect(server.address(), "localhost").unwrap();
        let alpn = stream.conn.alpn_protocol().map(<[u8]>::to_vec);
        (stream.conn.protocol_version().unwrap(), alpn)
    };
    assert_eq!(negotiated(&client), (ProtocolVersion::TLSv1_3, None));
    client.version = &rustls::version::TLS12;
    client.alpn = &[b"http/1.1", b"h2"];
    let chosen = negotiated(&client);
    assert_eq!(chosen, (ProtocolVersion::TLSv1_2, Some(b"h2".to_vec())));
    client.alpn = &[b"http/1.1"];
    assert_eq!(negotiated(&client).1, Some(b"http/1.1".to_vec()));
    client.alpn = &[b"spdy/3"];
    assert!(client.connect(server.address(), "localhost").is_err());

    // TLS 1.1 with a cipher of its time: a fatal alert (RFC 5246 7.2).
    let mut hello = vec![0x03, 0x02];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0xc0, 0x13, 1, 0]);
    let mut record = vec![
        0x16,
        0x03,
        0x01,
        0,
        hello.len() as u8 + 4,
        1,
        0,
        0,
        hello.len() as u8,
    ];
    record.extend(hello);
    let mut socket = TcpStream::connect(server.address()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.write_all(&record).unwrap();
    let mut alert = Vec::new();
    socket.read_to_end(&mut alert).unwrap();
    assert_eq!((alert[0], alert[5]), (0x15, 2), "{alert:?}");
    server.stop();
}

#[test]
fn a_handshake_that_never_ends_holds_nobody_up() {
    let directory = tempfile::tempdir().unwrap();
    let server = Launch::new()
        .flag("--cores", "1")
        .flag("--tls-dir", directory.path())
        .flag("--tls", "self-signed")
        .start();
    let mut silent = Vec::new();
    for _ in 0..50 {
        let mut socket = TcpStream::connect(server.address()).unwrap();
        socket
            .write_all(&[0x16, 0x03, 0x01, 0x02, 0x00, 1])
            .unwrap();
        silent.push(socket);
    }
    let client = Trusting::new(server.to_trust());
    let began = Instant::now();
    let mut stream = client.connect(server.address(), "localhost").unwrap();
    queue_url(&mut stream);
    assert!(began.elapsed() < Duration::from_secs(2));
    server.stop();
}
