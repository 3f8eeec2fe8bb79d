//! A file that is read again while the server runs, and one that is saved through it.

use crate::declared::{RESOURCES, attributes};
use crate::support::{Launch, Server};
use crate::written;
use serde_json::{Value, json};
use std::process::Command;

fn reload(server: &Server) -> (u16, Value) {
    let mut client = server.admin_client();
    let answer = client.rest("POST", "/config/reload", &json!({})).unwrap();
    (answer.status, answer.json())
}

#[test]
fn the_configuration_in_effect_is_shown_without_secrets() {
    let directory = tempfile::tempdir().unwrap();
    let file = "[[topics]]\nname = \"t\"\n\n[[subscriptions]]\nname = \"s-1\"\ntopic = \"t-1\"\n\
                push-config = { push-endpoint = \"http://u:p@127.0.0.1:1/?token=x\" }\n"
        .replace("\"t\"", "\"t-1\"");
    let path = written(directory.path(), &file);
    let server = Launch::new().flag("--config", &path).start();
    for at in ["/config", "/api/v1/config"] {
        let shown = server.admin_client().get(at).unwrap().json();
        assert_eq!(shown["file"], path.display().to_string());
        let config = &shown["config"];
        let port = json!({"value": 0, "from": "--sqs-port"});
        assert_eq!(config["sqs"]["port"], port);
        let push = &config["subscriptions"][0]["value"]["push-config"];
        assert_eq!(push["push-endpoint"], "http://***@127.0.0.1:1/?***");
    }
    let refused = server.admin_client().get("/config/reload").unwrap();
    assert_eq!(refused.status, 405);
    server.stop();
    let server = Launch::new().flag("--config", "/dev/null").start();
    let shown = server.admin_client().get("/config").unwrap().json();
    assert_eq!(shown["config"]["topics"], json!([]));
    server.stop();
}

#[test]
fn a_reload_takes_what_it_can_and_names_the_rest() {
    let directory = tempfile::tempdir().unwrap();
    let path = written(directory.path(), "[sqs]\nregion = \"us-east-1\"\n");
    let server = Launch::new().flag("--config", &path).start();
    let nothing = json!({"created": [], "changed": [], "differing": []});
    let expected = json!({
        "file": path.display().to_string(), "applied": [], "restart": [], "resources": nothing,
    });
    assert_eq!(reload(&server), (200, expected));
    let url = "/000000000000/orders";
    written(
        directory.path(),
        "[sqs]\nregion = \"eu-west-1\"\nport = 1\n[server]\nallow-host = [\"queues.test\"]\n\
         [log]\nfilter = \"debug\"\n[[queues]]\nname = \"orders\"\n",
    );
    let host_is_let_in = |host: &str| {
        let request = json!({"QueueUrl": url, "AttributeNames": ["All"]});
        let body = request.to_string();
        let request = format!(
            "POST / HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/x-amz-json-1.0\r\n\
             x-amz-target: AmazonSQS.GetQueueAttributes\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut client = server.client();
        client.write(request.as_bytes()).unwrap();
        // A queue that isn't there is none of the door's business.
        client.receive().unwrap().status != 403
    };
    assert!(!host_is_let_in("queues.test"));
    let (status, reloaded) = reload(&server);
    assert_eq!(status, 200);
    // The port is a flag's, so the file's doesn't count.
    assert_eq!(reloaded["restart"], json!(["sqs.region"]));
    let applied = json!(["server.allow-host", "log.filter"]);
    assert_eq!(sorted(&reloaded["applied"]), sorted(&applied));
    assert_eq!(reloaded["resources"]["created"], json!(["queue orders"]));
    assert!(host_is_let_in("queues.test"));
    assert!(!host_is_let_in("other.test"));
    let shown = server.admin_client().get("/config").unwrap().json();
    let sqs = &shown["config"]["sqs"];
    assert_eq!(sqs["region"]["value"], "us-east-1");
    assert_eq!(shown["config"]["log"]["filter"]["value"], "debug");
    let arn = attributes(&server, "orders")["QueueArn"].clone();
    assert_eq!(arn, "arn:aws:sqs:us-east-1:000000000000:orders");
    server.stop();
}

fn sorted(list: &Value) -> Vec<String> {
    let mut all: Vec<String> = list
        .as_array()
        .unwrap()
        .iter()
        .map(Value::to_string)
        .collect();
    all.sort();
    all
}

#[test]
fn a_reload_changes_declared_resources_only_if_asked() {
    let directory = tempfile::tempdir().unwrap();
    let path = written(directory.path(), RESOURCES);
    let server = Launch::new().flag("--config", &path).start();
    let changed = RESOURCES.replace("= 60", "= 61");
    written(directory.path(), &changed);
    let differing = json!({"created": [], "changed": [], "differing": ["queue orders"]});
    assert_eq!(reload(&server).1["resources"], differing);
    assert_eq!(attributes(&server, "orders")["VisibilityTimeout"], "60");
    let asked = format!("server.apply-changes = true\n{changed}");
    written(directory.path(), &asked);
    let (_, reloaded) = reload(&server);
    assert_eq!(reloaded["applied"], json!(["server.apply-changes"]));
    assert_eq!(reloaded["resources"]["changed"], json!(["queue orders"]));
    assert_eq!(attributes(&server, "orders")["VisibilityTimeout"], "61");
    server.stop();
}

#[test]
fn a_bad_file_is_refused_at_a_reload_and_nothing_changes() {
    let directory = tempfile::tempdir().unwrap();
    let path = written(directory.path(), "");
    let mut server = Launch::new().flag("--config", &path).start();
    written(directory.path(), "[log]\nfilter = \"debug\"\nfromat = 1\n");
    let (status, refused) = reload(&server);
    assert_eq!(status, 422);
    let message = format!(
        "{}:3: log.fromat: no such key; `format` is a near one",
        path.display()
    );
    let expected = json!({"error": {"code": "BadConfiguration", "message": message}});
    assert_eq!(refused, expected);
    let shown = server.admin_client().get("/config").unwrap().json();
    assert_eq!(shown["config"]["log"]["filter"]["value"], "info");
    written(directory.path(), "[[queues]]\nname = \"a/b\"\n");
    let (status, refused) = reload(&server);
    assert_eq!(
        (status, &refused["error"]["code"]),
        (422, &json!("Refused"))
    );
    server.terminate();
    server.wait();
    let log = server.stderr();
    assert!(
        log.contains("not reloaded") && log.contains(&message),
        "{log}"
    );
    let server = Launch::new().start();
    assert_eq!(reload(&server).0, 409);
    server.stop();
}

#[test]
fn of_saves_at_once_one_is_made_and_the_others_are_told() {
    const ROUNDS: usize = 20;
    const SAVERS: usize = 4;
    let directory = tempfile::tempdir().unwrap();
    let path = written(directory.path(), "");
    let server = Launch::new().flag("--config", &path).start();
    let mut was = String::new();
    for round in 0..ROUNDS {
        let together = std::sync::Barrier::new(SAVERS);
        let save = &|saver: usize| {
            let text = format!("# {round}, {saver}\n");
            let body = json!({"text": text, "was": was});
            let mut client = server.admin_client();
            together.wait();
            let answer = client.rest("PUT", "/config/file", &body).unwrap();
            (answer.status, answer.json(), text)
        };
        let answers: Vec<_> = std::thread::scope(|scope| {
            let savers: Vec<_> = (0..SAVERS)
                .map(|at| scope.spawn(move || save(at)))
                .collect();
            savers.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let (made, told): (Vec<_>, Vec<_>) = answers.iter().partition(|one| one.0 == 200);
        assert_eq!(made.len(), 1, "{answers:?}");
        for (status, error, _) in told {
            let code = &error["error"]["code"];
            assert!(
                *status == 409 && (code == "Changed" || code == "Busy"),
                "{error}"
            );
        }
        was = std::fs::read_to_string(&path).unwrap();
        assert_eq!(was, made[0].2, "{answers:?}");
    }
    server.stop();
}

#[test]
fn a_hangup_reloads_where_there_is_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = written(directory.path(), "");
    let mut server = Launch::new().flag("--config", &path).start();
    written(
        directory.path(),
        "[[queues]]\nname = \"orders\"\n[sqs]\nregion = \"x\"\n",
    );
    hang_up(&server);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !server
        .stderr()
        .contains("from the next start on: sqs.region")
    {
        assert!(std::time::Instant::now() < until, "{}", server.stderr());
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert_eq!(attributes(&server, "orders")["VisibilityTimeout"], "30");
    server.stop();
    // Without a file it is what it always was: the end.
    let mut launch = Launch::new();
    heed_hangups(&mut launch.command);
    let mut server = launch.start();
    hang_up(&server);
    assert!(!server.wait().success());
}

/// Undoes what `nohup` does, under which these tests may run.
fn heed_hangups(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    // SAFETY: `signal` may be called between fork and exec, and the default action has no conditions.
    unsafe {
        command.pre_exec(|| {
            libc::signal(libc::SIGHUP, libc::SIG_DFL);
            Ok(())
        });
    }
}

fn hang_up(server: &Server) {
    assert!(server.signal("-HUP"));
}
