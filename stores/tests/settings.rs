//! What a node finds at its start: the schema, rights, settings that lose data, and TLS.

mod contract;
mod server;

use contract::{add, append, fill, tail};
use lclq_shards::journal::Answer;
use lclq_stores::{Beat, Member, NodeError, PostgresSettings, Risk, StoreNode, Surroundings, Wish};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use server::Server;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt};
use std::sync::Arc;

#[test]
fn nodes_that_start_at_once_make_the_schema_once() {
    let server = Server::shared();
    let schema = server.schema();
    let nodes: Vec<_> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..6)
            .map(|_| scope.spawn(|| server.node(&schema, 3)))
            .collect();
        starts
            .into_iter()
            .map(|start| start.join().unwrap())
            .collect()
    });
    let feet = format!("SELECT count(*) FROM {schema}.log");
    assert_eq!(server.by_hand().number(&feet), 3);
    for node in &nodes {
        assert!(tail(&mut node.open(2, Arc::new(|| {})).unwrap()).is_none());
    }
    // A node that comes later puts no foot in again.
    let mut store = nodes[0].open(0, Arc::new(|| {})).unwrap();
    fill(&mut store, 1..=3, 1);
    contract::trim(&mut store, 3, contract::place(3, 1));
    drop(server.node(&schema, 3));
    assert_eq!(server.by_hand().number(&feet), 3);
}

#[test]
fn a_later_format_and_another_number_of_shards_are_refused() {
    let server = Server::shared();
    let schema = server.schema();
    let node = server.node(&schema, 3);
    let missing = node.open(3, Arc::new(|| {})).err();
    assert!(matches!(
        missing,
        Some(NodeError::NoSuchShard {
            shard: 3,
            shards: 3
        })
    ));
    let other = StoreNode::start(server.settings(&schema, 4), Surroundings::default()).err();
    assert!(
        matches!(other, Some(NodeError::Shards { found: 3, asked: 4 })),
        "{other:?}"
    );
    let newer = format!("UPDATE {schema}.cluster SET format = 1000");
    server.by_hand().run(&newer).unwrap();
    let later = StoreNode::start(server.settings(&schema, 3), Surroundings::default()).err();
    let found = matches!(later, Some(NodeError::FromTheFuture { found: 1000, .. }));
    assert!(found, "{later:?}");
}

/// What docs/stores.md lists.
#[test]
fn a_user_with_the_documented_rights_is_enough() {
    let server = Server::shared();
    let schema = server.schema();
    let by_hand = server.by_hand();
    let user = format!("user_of_{schema}");
    let url = server.url().replace("lclq@", &format!("{user}@"));
    let of_user = || {
        let settings = PostgresSettings::new(&url, Some(1)).unwrap();
        StoreNode::start(
            settings.in_schema(&schema).unwrap(),
            Surroundings::default(),
        )
    };
    by_hand.run(&format!("CREATE ROLE {user} LOGIN")).unwrap();
    // Nothing is there, and it may not make it.
    assert!(matches!(of_user().err(), Some(NodeError::Store(words)) if words.contains("42501")));
    drop(server.node(&schema, 1));
    by_hand
        .run(&format!(
            "GRANT USAGE ON SCHEMA {schema} TO {user}; \
             GRANT SELECT ON {schema}.cluster TO {user}; \
             GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.log TO {user}"
        ))
        .unwrap();
    let node = of_user().unwrap();
    let mut store = node.open(0, Arc::new(|| {})).unwrap();
    fill(&mut store, 1..=3, 1);
    contract::trim(&mut store, 3, contract::place(3, 1));
    assert_eq!(contract::read_all(&mut store, 100).len(), 1);
    // A node of a cluster says that it is there, too.
    let member = Member {
        node: "one".into(),
        address: "[::1]:1".into(),
        protocol: 1,
        key_hash: [].into(),
    };
    let beat = || {
        let member = Arc::new(member.clone());
        let owns = [(0, 1)].into();
        let draining = false;
        node.membership().beat(Beat {
            member,
            draining,
            owns,
        })
    };
    let refused = beat().unwrap_err().to_string();
    assert!(refused.contains("42501"), "{refused}");
    by_hand
        .run(&format!(
            "GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.nodes, {schema}.owners, {schema}.pins TO {user}"
        ))
        .unwrap();
    let seen = beat().unwrap();
    assert_eq!(seen.owners.len(), 0, "as it was before");
    let membership = node.membership();
    let shard = 0;
    let pin = |node| membership.wish(Wish::Pin { shard, node });
    pin(Some("one".into())).unwrap();
    let seen = membership.look().unwrap();
    assert_eq!(
        (seen.members.len(), seen.owners.len(), seen.pins.len()),
        (1, 1, 1)
    );
    pin(None).unwrap();
    membership.leave("one").unwrap();
    // The lock of an append is what needs UPDATE.
    by_hand
        .run(&format!("REVOKE UPDATE ON {schema}.log FROM {user}"))
        .unwrap();
    let said = add(&mut store, append(1, 4, 1));
    assert!(
        matches!(&said, Answer::Unknown(words) if words.contains("42501")),
        "{said:?}"
    );
}

#[test]
fn a_log_whose_rows_were_deleted_is_not_taken_for_a_new_one() {
    let server = Server::shared();
    let schema = server.schema();
    let node = server.node(&schema, 1);
    let mut store = node.open(0, Arc::new(|| {})).unwrap();
    fill(&mut store, 1..=2, 1);
    server
        .by_hand()
        .run(&format!("DELETE FROM {schema}.log"))
        .unwrap();
    use lclq_shards::journal::LogStore as _;
    let ticket = store.tail();
    assert!(matches!(
        contract::answer(&mut store, ticket),
        Answer::Unknown(_)
    ));
    assert!(matches!(
        add(&mut store, append(0, 1, 2)),
        Answer::Unknown(_)
    ));
}

#[test]
fn settings_that_lose_data_are_found() {
    let sound = Server::shared();
    assert_eq!(sound.node(&sound.schema(), 1).risks(), []);
    let risky = Server::start(&[
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
    ]);
    let found = risky.node(&risky.schema(), 1).risks();
    let all = [
        Risk::FsyncIsOff,
        Risk::SynchronousCommitIsOff,
        Risk::FullPageWritesIsOff,
    ];
    assert_eq!(found, all);
    assert!(found[0].to_string().contains("fsync"));
}

#[test]
fn nobody_answers_at_a_port_that_nobody_listens_at() {
    let settings =
        PostgresSettings::new("postgres://me:hush@127.0.0.1:1/x?sslmode=disable", Some(1));
    let error = StoreNode::start(settings.unwrap(), Surroundings::default())
        .err()
        .unwrap();
    assert!(matches!(error, NodeError::Unreachable { .. }), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("hush"));
}

/// Of several hosts, the one that can be written to is used.
#[test]
fn the_next_host_is_asked_where_one_is_down() {
    let server = Server::shared();
    let hosts = format!("127.0.0.1:1,127.0.0.1:{}", server.port());
    let url = format!("postgres://lclq@{hosts}/postgres?sslmode=disable");
    let settings = PostgresSettings::new(&url, Some(1)).unwrap();
    let node = StoreNode::start(
        settings.in_schema(&server.schema()).unwrap(),
        Surroundings::default(),
    )
    .unwrap();
    fill(&mut node.open(0, Arc::new(|| {})).unwrap(), 1..=2, 1);
}

#[test]
fn tls_trusts_the_named_root_and_no_other() {
    let server = Server::start(&[]);
    let root_key = KeyPair::generate().unwrap();
    let mut root = CertificateParams::new(Vec::new()).unwrap();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root_file = root.self_signed(&root_key).unwrap().pem();
    let issuer = Issuer::new(root, root_key);
    let key = KeyPair::generate().unwrap();
    let names = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = names.signed_by(&key, &issuer).unwrap();
    server.stop(server::Stop::InOrder);
    let data = server.data();
    let owner = data.metadata().unwrap();
    for (name, text) in [
        ("server.crt", certificate.pem()),
        ("server.key", key.serialize_pem()),
    ] {
        let file = data.join(name);
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
        std::os::unix::fs::chown(&file, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
    server.go_on(&["ssl=on"]);
    let roots = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(roots.path(), root_file).unwrap();
    let named = format!("sslmode=verify-full&sslrootcert={}", roots.path().display());
    let start = |host: &str, parameters: &str| {
        let url = format!(
            "postgres://lclq@{host}:{}/postgres?{parameters}",
            server.port()
        );
        StoreNode::start(
            PostgresSettings::new(&url, Some(1))?,
            Surroundings::default(),
        )
    };
    let node = start("localhost", &named).unwrap();
    let mut store = node.open(0, Arc::new(|| {})).unwrap();
    fill(&mut store, 1..=3, 1);
    let secret = "SELECT count(*) FROM pg_stat_ssl AS s JOIN pg_stat_activity AS a USING (pid) \
                  WHERE s.ssl AND a.application_name = 'lclq'";
    assert!(server.by_hand().number(secret) > 0);
    // The system's roots don't have it, and the certificate has no such name.
    assert!(start("localhost", "sslmode=require").is_err());
    assert!(start("127.0.0.1", &named).is_err());
    assert!(start("localhost", "sslmode=require&sslrootcert=/nowhere").is_err());
}

#[test]
fn behind_a_pooler_transactions_are_as_isolated_as_the_database_has_them() {
    let server = Server::start(&["default_transaction_isolation=serializable"]);
    let pooler = server::pooler::Pooler::before(&server);
    let settings = PostgresSettings::new(&pooler.store("lclq"), Some(1)).unwrap();
    let error = StoreNode::start(settings, Surroundings::default())
        .err()
        .expect("appends would rely on another isolation");
    let said = error.to_string();
    assert!(
        said.contains("'read committed'") && said.contains("serializable"),
        "{said}"
    );
    // Sessions of one's own set theirs.
    server.node("lclq", 1);
}
