//! What is wrong with a file is told, all of it, with its lines.

use crate::checked;

#[track_caller]
fn assert_wrong(file: &str, lines: &[&str]) {
    let (said, code) = checked(file);
    let lines: Vec<String> = lines
        .iter()
        .map(|line| format!("lclq: F:{line}\n"))
        .collect();
    assert_eq!(said, lines.concat());
    assert_eq!(code, Some(2));
}

#[test]
fn all_errors_of_a_file_are_told_at_once() {
    let file = "[sqs]\nprot = 1\nport = \"x\"\n\n[storage]\ndurability = \"some\"\n\n[[queues]]\nfifo = true\n";
    assert_wrong(
        file,
        &[
            "2: sqs.prot: no such key; `port` is a near one",
            "3: sqs.port: expected a whole number from 0 to 65535, not `\"x\"`",
            "6: storage.durability: expected one of full, normal, not `some`",
            "8: queues[0]: name is missing",
            "9: queues[0].fifo: no such key; there are attributes, dead-letter, name, policy, tags",
        ],
    );
}

#[test]
fn each_kind_of_wrong_value_is_told_with_what_is_allowed() {
    assert_wrong(
        "[server]\ncores = 0\nconnections-max = -1\nservices = [\"sqs\", \"kafka\"]\nbind = \"localhost\"\nallow-host = \"lclq\"\n",
        &[
            "2: server.cores: expected a whole number from 1 to 256, not `0`",
            "3: server.connections-max: expected a whole number of at least 0, not `-1`",
            "4: server.services[1]: expected one of sqs, pubsub, admin, not `kafka`",
            "5: server.bind: expected an IP address, not `localhost`",
            "6: server.allow-host: expected a list, each a host's name without scheme and port, \
             *.name for all below one, or *, not `\"lclq\"`",
        ],
    );
    assert_wrong(
        "[log]\nfilter = \"a=b=c\"\n[cloud-storage]\nendpoint = \"ftp://x\"\n[sqs]\nregion = \"a b\"\nenforce-purge-interval = 1\n",
        &[
            "2: log.filter: expected error, warn, info, debug, trace, or per module \
             (lclq::sqs=debug,info), not `a=b=c`",
            "4: cloud-storage.endpoint: expected a URL that begins with http:// or https:// and has \
             a host, not `ftp://x`",
            "6: sqs.region: expected 1 to 80 letters, digits, hyphens and underscores, not `a b`",
            "7: sqs.enforce-purge-interval: expected true or false, not `1`",
        ],
    );
}

#[test]
fn tables_that_are_none_and_keys_that_stand_elsewhere() {
    assert_wrong(
        "sqs = 1\n[queues]\nname = \"q\"\n",
        &[
            "1: sqs: expected a table, not `1`",
            "2: queues: expected a list, each a table, not `[queues]`",
        ],
    );
    assert_wrong(
        "[server]\nsqs-port = 1\ndata_dir = \"d\"\n\n[storge]\n",
        &[
            "2: server.sqs-port: no such key; `sqs.port` is what --sqs-port says",
            "3: server.data_dir: no such key; `storage.data-dir` is what --data-dir says",
            "5: storge: no such key; `storage` is a near one",
        ],
    );
}

#[test]
fn toml_that_is_none_is_told_with_its_line() {
    let (said, code) = checked("[sqs]\nport = \n");
    assert!(said.starts_with("lclq: F:2: "), "{said}");
    assert_eq!(code, Some(2));
    let (said, _) = checked("[sqs]\nport = 1\nport = 2\n");
    assert!(said.starts_with("lclq: F:3: duplicate key"), "{said}");
}

#[test]
fn what_is_wrong_with_declared_resources_is_told() {
    assert_wrong(
        "[[queues]]\nname = \"q\"\nattributes = { VisibilityTimout = 1, DelaySeconds = 901 }\n\
         [[queues]]\nname = \"r\"\ndead-letter = { queue = \"q\" }\npolicy = \"[]\"\n\
         [[subscriptions]]\nname = \"s\"\nack-deadline-seconds = 5\n\
         message-retention-duration = \"1d\"\npush-config = { endpoint = \"http://x\" }\n\
         [[schemas]]\nname = \"x\"\ntype = \"avro\"\ndefinition = \"\"\n",
        &[
            "3: queues[0].attributes.VisibilityTimout: no such key; `VisibilityTimeout` is a near one",
            "3: queues[0].attributes.DelaySeconds: expected a whole number from 0 to 900, not `901`",
            "6: queues[1].dead-letter: max-receive-count is missing",
            "7: queues[1].policy: expected a JSON object as a text, not `[]`",
            "8: subscriptions[0]: topic is missing",
            "10: subscriptions[0].ack-deadline-seconds: expected a whole number from 10 to 600, not `5`",
            "11: subscriptions[0].message-retention-duration: expected a time in seconds such as \
             \"600s\" or \"1.5s\", not `1d`",
            "12: subscriptions[0].push-config.endpoint: no such key; `push-endpoint` is a near one",
            "15: schemas[0].type: expected one of AVRO, PROTOCOL_BUFFER, not `avro`",
        ],
    );
    assert_wrong(
        "[[topics]]\nname = \"t\"\n\n[[topics]]\nname = \"t\"\n",
        &["4: topics: t is declared at F:1, too"],
    );
}

#[test]
fn keys_that_exclude_each_other() {
    assert_wrong(
        "[cloud-storage]\ndir = \"d\"\nendpoint = \"http://h\"\n",
        &["3: cloud-storage.endpoint and cloud-storage.dir (F:2) exclude each other"],
    );
}
