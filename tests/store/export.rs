//! From a data directory into a store, and back.

use super::shared::{export, file, import};
use super::support::{Launch, Server};
use super::{Postgres, create, drain, on, receive, send, store};
use serde_json::json;

fn fill(server: &Server) {
    let mut client = server.client();
    for queue in ["a", "b", "line.fifo"] {
        create(&mut client, queue);
    }
    send(&mut client, "a", "one");
    send(&mut client, "a", "two");
    for body in ["first", "second"] {
        let request = json!({
            "QueueUrl": super::url("line.fifo"), "MessageBody": body, "MessageGroupId": "g",
            "MessageDeduplicationId": body,
        });
        client.ok("SendMessage", &request);
    }
}

#[track_caller]
fn assert_filled(server: &Server) {
    let mut client = server.client();
    assert_eq!(drain(&mut client, "a"), ["one", "two"]);
    assert!(drain(&mut client, "b").is_empty());
    let line = receive(&mut client, "line.fifo");
    let bodies: Vec<_> = line.iter().map(|message| message["Body"].clone()).collect();
    assert_eq!(bodies, ["first", "second"]);
}

#[test]
fn what_a_directory_has_goes_into_a_store_and_back() {
    let postgres = Postgres::shared();
    let (store, directory) = (store(&postgres), tempfile::tempdir().unwrap());
    let in_directory = |name: &str| Launch::new().data_dir(&directory.path().join(name));
    let (first, second) = (file(), file());
    let server = in_directory("before").flag("--shards", "2").start();
    fill(&server);
    export(&server, &first.path);
    server.stop();

    let server = on(&store).flag("--shards", "3").start();
    import(&server, &first.path, &[]);
    export(&server, &second.path);
    server.kill();
    let server = on(&store).start();
    assert_filled(&server);
    server.stop();

    let server = in_directory("after").flag("--shards", "5").start();
    import(&server, &second.path, &[]);
    assert_filled(&server);
    server.stop();
}
