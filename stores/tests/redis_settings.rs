//! What a node finds in Redis at its start: what was made before, rights, settings that lose data, TLS,
//! and a cluster.

mod contract;
mod redis_server;

use contract::{add, append, fill, read_all, tail};
use lclq_shards::journal::Answer;
use lclq_stores::{NodeError, RedisSettings, Risk, StoreJournals, StoreNode, Surroundings};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use redis_server::{Kind, Server};
use std::sync::Arc;

fn start(url: &str, shards: u16) -> Result<StoreNode, NodeError> {
    StoreNode::start(
        RedisSettings::new(url, Some(shards))?,
        Surroundings::default(),
    )
}

#[test]
fn nodes_that_start_at_once_make_the_logs_once() {
    let server = Server::shared(Kind::Redis);
    let prefix = server.prefix();
    let nodes: Vec<_> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..6)
            .map(|_| scope.spawn(|| server.node(&prefix, 3)))
            .collect();
        starts
            .into_iter()
            .map(|start| start.join().unwrap())
            .collect()
    });
    for node in &nodes {
        assert!(tail(&mut node.open(2, Arc::new(|| {})).unwrap()).is_none());
    }
    let mut store = nodes[0].open(0, Arc::new(|| {})).unwrap();
    fill(&mut store, 1..=3, 1);
    // A node that comes later begins no log again.
    let later = server.node(&prefix, 3);
    let mut store = later.open(0, Arc::new(|| {})).unwrap();
    assert_eq!(add(&mut store, append(1, 4, 1)), Answer::Appended);
}

#[test]
fn a_later_format_and_another_number_of_shards_are_refused() {
    let server = Server::shared(Kind::Redis);
    let prefix = server.prefix();
    let url = format!("{}?prefix={prefix}", server.url());
    let missing = StoreNode::start(
        server.settings(&prefix, 3).as_it_is(),
        Surroundings::default(),
    );
    assert!(matches!(missing.err(), Some(NodeError::NotMade(_))));
    let node = start(&url, 3).unwrap();
    let no_such = node.open(3, Arc::new(|| {})).err();
    assert!(matches!(
        no_such,
        Some(NodeError::NoSuchShard {
            shard: 3,
            shards: 3
        })
    ));
    let other = start(&url, 4).err();
    assert!(matches!(
        other,
        Some(NodeError::Shards { found: 3, asked: 4 })
    ));
    let key = format!("{{{prefix}}}:cluster");
    server.by_hand(&["HSET", &key, "format", "1000"]);
    let later = start(&url, 3).err();
    assert!(matches!(
        later,
        Some(NodeError::FromTheFuture { found: 1000, .. })
    ));
}

/// What docs/stores.md says that a user needs.
const RIGHTS: &str = "~{lclq* -@all +client|setname +client|id +client|list \
                      +exists +eval +evalsha +script|load +hget +hset +hsetnx +hmget +xadd \
                      +xrange +xtrim +get +set +wait +config|get +info";

#[test]
fn a_user_with_few_rights_suffices() {
    let server = Server::start(Kind::Redis, &[&format!("user few on >hush {RIGHTS}")]);
    let url = format!("redis://few:hush@127.0.0.1:{}", server.port());
    let node = start(&url, 2).unwrap();
    assert_eq!(node.risks(), []);
    let mut store = node.open(1, Arc::new(|| {})).unwrap();
    fill(&mut store, 1..=5, 1);
    contract::trim(&mut store, 3, contract::place(5, 1));
    assert_eq!(read_all(&mut store, 1 << 20).len(), 3);
    let settings = RedisSettings::new(&url, None).unwrap();
    StoreJournals::start(settings.into(), Surroundings::default()).unwrap();
    // Elsewhere it may do nothing, and a wrong password is refused.
    let elsewhere = format!("{url}?prefix=other");
    let error = start(&elsewhere, 2).err().unwrap().to_string();
    assert!(error.contains("no permissions"), "{error}");
    let wrong = format!("redis://few:wrong@127.0.0.1:{}", server.port());
    let error = start(&wrong, 2).err().unwrap();
    assert!(matches!(error, NodeError::Unreachable { .. }), "{error:?}");
    let error = error.to_string();
    assert!(
        !error.contains("wrong") && !error.contains("hush"),
        "{error}"
    );
}

#[test]
fn what_cannot_be_seen_is_a_risk() {
    for hidden in [&["+config|get"][..], &["+info"], &["+config|get", "+info"]] {
        let few = hidden
            .iter()
            .fold(RIGHTS.to_owned(), |few, of| few.replace(of, ""));
        let server = Server::start(Kind::Redis, &[&format!("user few on >hush {few}")]);
        let url = format!("redis://few:hush@127.0.0.1:{}", server.port());
        let node = start(&url, 1).unwrap();
        assert_eq!(node.risks(), [Risk::SettingsAreHidden], "{hidden:?}");
    }
}

#[test]
fn settings_that_lose_records_are_found() {
    let kinds = [Kind::Redis, Kind::Valkey];
    for (options, risks) in [
        (&["appendonly no"][..], &[Risk::AppendOnlyIsOff][..]),
        (&["appendfsync everysec"], &[Risk::FsyncEverySecond]),
        (&["appendfsync no"], &[Risk::FsyncIsTheSystems]),
        (
            &["no-appendfsync-on-rewrite yes"],
            &[Risk::NoFsyncOnRewrite],
        ),
        (
            &["maxmemory 100mb", "maxmemory-policy allkeys-lru"],
            &[Risk::KeysAreEvicted],
        ),
        (&["maxmemory 100mb", "maxmemory-policy volatile-lru"], &[]),
        (&["maxmemory-policy allkeys-lru"], &[]),
    ] {
        for kind in kinds {
            let server = Server::start(kind, options);
            let node = server.node("lclq", 1);
            assert_eq!(node.risks(), risks, "{kind:?} {options:?}");
        }
    }
}

#[test]
fn the_server_is_asked_again_when_it_comes_back_with_other_settings() {
    let mut server = Server::start(Kind::Redis, &[]);
    let node = server.node("lclq", 1);
    let mut store = node.open(0, Arc::new(|| {})).unwrap();
    fill(&mut store, 1..=1, 1);
    assert_eq!(node.risks(), []);
    server.set(&["appendfsync everysec"]);
    server.kill();
    server.go_on();
    tail(&mut store);
    assert_eq!(node.risks(), [Risk::FsyncEverySecond]);
}

#[test]
fn connections_are_secret() {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let root = authority.self_signed(&authority_key).unwrap();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = certificate.signed_by(&key, &issuer).unwrap();
    let directory = tempfile::TempDir::new().unwrap();
    let file = |name: &str, content: String| {
        let path = directory.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let roots = file("roots.pem", root.pem());
    let certificate = file("certificate.pem", certificate.pem());
    let key = file("key.pem", key.serialize_pem());
    let port = redis_server::free_port();
    let server = Server::start(
        Kind::Redis,
        &[
            &format!("tls-port {port}"),
            &format!("tls-cert-file {certificate}"),
            &format!("tls-key-file {key}"),
            "tls-auth-clients no",
        ],
    );
    let start_at = |host: &str, more: &str| start(&format!("rediss://{host}:{port}{more}"), 1);
    let named = format!("?sslrootcert={roots}");
    let node = start_at("localhost", &named).unwrap();
    let mut store = node.open(0, Arc::new(|| {})).unwrap();
    fill(&mut store, 1..=3, 1);
    // The system's roots don't have it, and the certificate has no such name.
    assert!(start_at("localhost", "").is_err());
    assert!(start_at("127.0.0.1", &named).is_err());
    // Clear text to a port that wants a handshake, and the other way round.
    assert!(start(&format!("redis://127.0.0.1:{port}"), 1).is_err());
    let clear = format!("rediss://localhost:{}{named}", server.port());
    assert!(start(&clear, 1).is_err());
}

#[test]
fn logs_are_found_on_the_servers_of_a_cluster() {
    let servers = [(); 2].map(|()| Server::start(Kind::Redis, &["cluster-enabled yes"]));
    servers[0].by_hand(&["CLUSTER", "ADDSLOTSRANGE", "0", "8191"]);
    servers[1].by_hand(&["CLUSTER", "ADDSLOTSRANGE", "8192", "16383"]);
    let port = servers[1].port().to_string();
    servers[0].by_hand(&["CLUSTER", "MEET", "127.0.0.1", &port]);
    for server in &servers {
        server.wait_for(&["CLUSTER", "INFO"], "cluster_state:ok");
    }
    let shards = 8;
    for (round, server) in servers.iter().enumerate() {
        let node = start(&server.url(), shards).unwrap();
        for shard in 0..shards {
            let mut store = node.open(shard, Arc::new(|| {})).unwrap();
            let last = tail(&mut store).map_or(0, |last| last.place.position);
            assert_eq!(last, 3 * round as u64, "{shard}");
            fill(&mut store, last + 1..=last + 3, 1);
        }
    }
    // Each has some of the keys.
    for server in &servers {
        let keys = server.by_hand(&["DBSIZE"]);
        assert_ne!(keys, redis::Value::Int(0));
    }
}
