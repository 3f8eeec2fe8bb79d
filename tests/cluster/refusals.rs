//! A store is one server's or one cluster's.

use crate::nodes::Store;
use crate::support::Launch;

fn alone(store: &Store) -> Launch {
    Launch::new().flag("--store", store.url())
}

#[test]
fn a_store_is_one_servers_or_one_clusters() {
    for store in [Store::postgres(), Store::redis()] {
        let node = store.node().start();
        let refused = alone(&store).refused();
        assert!(
            refused.stderr.contains("is in use by"),
            "{}",
            refused.stderr
        );
        node.stop();
        // Redis learns of it by a key that goes by itself.
        let server = alone(&store).start();
        let refused = store.node().refused();
        assert!(
            refused.stderr.contains("is in use by"),
            "{}",
            refused.stderr
        );
        server.stop();
    }
}

#[test]
fn what_a_cluster_does_not_do_is_said() {
    let store = "postgres://nobody@127.0.0.1:1/none";
    let refused = |launch: Launch, needle: &str| {
        let refused = launch.refused();
        assert_eq!(refused.status.code(), Some(1), "{}", refused.stderr);
        assert!(refused.stderr.contains(needle), "{}", refused.stderr);
    };
    refused(Launch::new().switch("--cluster"), "--store");
    let on = || Launch::new().switch("--cluster").flag("--store", store);
    refused(on().switch("--test-controls"), "a test's clock");
    refused(
        on().flag("--node-address", "0.0.0.0"),
        "address of this machine",
    );
}
