use super::*;
use crate::pubsub::limits::DATA_BYTES_MAX;
use crate::pubsub::testing::on_each_driver;
use std::sync::Arc;
use std::time::Duration;

fn script(function_name: &str, code: &str) -> Transform {
    Transform::JavaScript {
        function_name: function_name.to_owned(),
        code: code.to_owned(),
    }
}

fn message(data: impl Into<Bytes>, attributes: &[(&str, &str)]) -> TransformMessage {
    TransformMessage {
        data: data.into(),
        attributes: attributes
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        metadata: TransformMetadata {
            message_id: "17".to_owned(),
            publish_time: "2024-01-02T03:04:05Z".to_owned(),
            ordering_key: String::new(),
        },
    }
}

async fn run_one(transforms: Vec<Transform>, message: TransformMessage) -> Transformed {
    let outcomes = Transformer::new(1)
        .run(&transforms.into(), vec![message])
        .await;
    assert_eq!(outcomes.len(), 1);
    outcomes.into_iter().next().expect("one outcome")
}

async fn error_of(code: &str) -> String {
    let outcome = run_one(vec![script("f", code)], message("x", &[])).await;
    outcome.expect_err("must fail").0
}

#[test]
fn a_function_changes_data_and_attributes() {
    on_each_driver(|| async {
        let code = "
            function redact(message, metadata) {
                const data = JSON.parse(message.data);
                delete data.ssn;
                message.data = JSON.stringify(data);
                message.attributes.id = metadata.message_id;
                message.attributes.at = metadata.publish_time;
                message.attributes.key = String(metadata.ordering_key);
                return message;
            }";
        let given = message(r#"{"name":"Zoë","ssn":1}"#, &[("a", "b")]);
        let changed = run_one(vec![script("redact", code)], given).await;
        let changed = changed.expect("no error").expect("not filtered");
        assert_eq!(changed.data, r#"{"name":"Zoë"}"#);
        let mut attributes = changed.attributes;
        attributes.sort();
        let attributes: Vec<(&str, &str)> = attributes
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            attributes,
            [
                ("a", "b"),
                ("at", "2024-01-02T03:04:05Z"),
                ("id", "17"),
                ("key", "undefined")
            ]
        );
    });
}

#[test]
fn null_filters_and_the_rest_is_in_order() {
    on_each_driver(|| async {
        let steps: Arc<[Transform]> = vec![
            script("odd", "const odd = (m) => Number(m.data) % 2 ? m : null;"),
            script(
                "double",
                "function double(m) { return {data: m.data + m.data}; }",
            ),
        ]
        .into();
        let messages = (0..5).map(|n| message(n.to_string(), &[("a", "b")]));
        let outcomes = Transformer::new(1).run(&steps, messages.collect()).await;
        let data: Vec<Option<Bytes>> = outcomes
            .into_iter()
            .map(|outcome| outcome.expect("no error"))
            .map(|message| {
                message.map(|message| {
                    assert_eq!(message.attributes, [], "no attributes means none");
                    message.data
                })
            })
            .collect();
        assert_eq!(
            data,
            [None, Some("11".into()), None, Some("33".into()), None]
        );
    });
}

#[test]
fn bad_answers_and_exceptions_are_errors() {
    on_each_driver(|| async {
        for (code, part) in [
            (
                "function f(m) { throw new Error('no such thing'); }",
                "no such thing",
            ),
            ("function f(m) { throw 'text'; }", "text"),
            (
                "function f(m) { throw {toString() { while (true) {} }}; }",
                "thrown value",
            ),
            ("function f(m) { m.x.y; }", "undefined"),
            ("function f(m) { }", "must be returned"),
            ("function f(m) { return 'text'; }", "must be returned"),
            ("function f(m) { return {}; }", "string data"),
            ("function f(m) { return {data: 1}; }", "string data"),
            ("async function f(m) { return m; }", "string data"),
            (
                "function f(m) { return {data: '', attributes: {a: 1}}; }",
                "attribute a",
            ),
            (
                "function f(m) { return {data: '', attributes: [1]}; }",
                "must be an object",
            ),
            (
                "function f(m) { const attributes = {}; for (let i = 0; i < 101; i++) \
                 attributes[i] = ''; return {data: '', attributes}; }",
                "more than 100",
            ),
            (
                "function f(m) { return {data: 'x'.repeat(10000001)}; }",
                "10000001 bytes",
            ),
        ] {
            let error = error_of(code).await;
            assert!(error.contains(part), "{code}: {error}");
        }
        let binary = message(&b"\xff"[..], &[]);
        let error = run_one(vec![script("f", "function f(m) { return m; }")], binary).await;
        assert!(error.expect_err("must fail").0.contains("UTF-8"));
    });
}

#[test]
fn time_and_memory_are_limited() {
    on_each_driver(|| async {
        assert!(
            error_of("function f() { while (true) {} }")
                .await
                .contains("500 ms")
        );
        assert!(
            error_of("while (true) {}; function f() {}")
                .await
                .contains("500 ms")
        );
        let regex = "function f() { return /^(a+)+$/.test('a'.repeat(60) + 'b') }";
        error_of(regex).await;
        error_of(
            "function f() { const all = []; while (true) all.push(new Array(10000).fill(1)); }",
        )
        .await;
        error_of("function f() { return f(); }").await;
        error_of("function f() { let s = 'x'; while (true) s += s; }").await;
    });
}

#[test]
fn a_function_works_again_after_it_failed() {
    on_each_driver(|| async {
        let code = "let calls = 0;
            function f(m) { calls++; if (m.data === 'bad') throw new Error('bad');
                if (m.data === 'slow') while (true) {} return {data: String(calls)}; }";
        let steps: Arc<[Transform]> = vec![script("f", code)].into();
        let data = ["a", "b", "bad", "c", "slow", "d"];
        let messages = data.map(|data| message(data, &[])).to_vec();
        let transformer = Transformer::new(1);
        let outcomes = transformer.run(&steps, messages).await;
        let calls = |outcome: &Transformed| match outcome {
            Ok(Some(message)) => String::from_utf8_lossy(&message.data).into_owned(),
            _ => "-".to_owned(),
        };
        let calls: Vec<String> = outcomes.iter().map(calls).collect();
        assert_eq!(calls, ["1", "2", "-", "1", "-", "1"]);
    });
}

#[test]
fn nothing_of_the_outside_is_there() {
    on_each_driver(|| async {
        let code = "function f() { return {data: [typeof require, typeof process, typeof fetch,
            typeof setTimeout, typeof std, typeof os, typeof print].join()}; }";
        let outcome = run_one(vec![script("f", code)], message("x", &[])).await;
        let data = outcome.expect("no error").expect("not filtered").data;
        assert_eq!(data, ["undefined"; 7].join(","));
    });
}

#[test]
fn transforms_are_checked() {
    on_each_driver(|| async {
        let transformer = Transformer::new(1);
        let check = async |transforms: Vec<Transform>| {
            let checked = transformer.check(&transforms.into()).await;
            checked.map_err(|error| error.0)
        };
        let good = "function f(m) { return m; }";
        assert_eq!(check(vec![]).await, Ok(()));
        assert_eq!(check(vec![script("f", good)]).await, Ok(()));
        assert_eq!(
            check(vec![Transform::Compress(Algorithm::Zlib)]).await,
            Ok(())
        );
        for (transforms, part) in [
            (vec![script("g", good)], "no function g"),
            (vec![script("", good)], "isn't the name"),
            (vec![script("f; g", good)], "isn't the name"),
            (vec![script("f", "function f(m) {")], "f:"),
            (vec![script("f", "const f = 1;")], "no function f"),
            (
                vec![script("f", &" ".repeat(CODE_BYTES_MAX + 1))],
                "20481 bytes",
            ),
            (vec![script("f", good), script("f", good)], "two transforms"),
            (
                vec![Transform::Compress(Algorithm::Zlib); 6],
                "6 transforms",
            ),
        ] {
            let error = check(transforms).await.expect_err("must be refused");
            assert!(error.contains(part), "{error}");
        }
    });
}

#[test]
fn compression_there_and_back() {
    on_each_driver(|| async {
        for algorithm in [Algorithm::Zlib, Algorithm::Zstd] {
            let plain = message("x".repeat(100_000), &[("a", "b")]);
            let packed = run_one(vec![Transform::Compress(algorithm)], plain.clone()).await;
            let packed = packed.expect("no error").expect("not filtered");
            assert!(packed.data.len() < 1000);
            let back = run_one(vec![Transform::Decompress(algorithm)], packed).await;
            assert_eq!(back, Ok(Some(plain)));
            let broken = run_one(vec![Transform::Decompress(algorithm)], message("x", &[])).await;
            assert!(broken.is_err());
            let empty = run_one(
                vec![
                    Transform::Compress(algorithm),
                    Transform::Decompress(algorithm),
                ],
                message("", &[]),
            )
            .await;
            assert_eq!(empty, Ok(Some(message("", &[]))));
            let bomb = vec![0_u8; DATA_BYTES_MAX + 1];
            let bomb = compression::compress(algorithm, &bomb).expect("small");
            let bomb = run_one(vec![Transform::Decompress(algorithm)], message(bomb, &[])).await;
            assert!(bomb.expect_err("must fail").0.contains("more than"));
        }
    });
}

/// Not a test of its own: it is what the other tests have as the process for transforms.
#[test]
fn process() {
    if std::env::var("LCLQ_TEST_PROCESS").as_deref() == Ok(child::ARGUMENT) {
        let ended = child::run();
        std::process::exit(i32::from(ended != std::process::ExitCode::SUCCESS));
    }
}

#[test]
fn what_cannot_be_interrupted_is_killed_and_the_next_message_works() {
    on_each_driver(|| async {
        let code = "function f(m) {
            if (m.data === 'array') new Array(4294967295).join('x');
            if (m.data === 'holes') new Array(2147483647).indexOf(1);
            return m; }";
        let steps: Arc<[Transform]> = vec![script("f", code)].into();
        let transformer = Transformer::new(1);
        let started = std::time::Instant::now();
        // More often than any number of threads could be left behind.
        for _ in 0..3 {
            let messages = ["a", "array", "b", "holes", "c"].map(|data| message(data, &[]));
            let outcomes = transformer.run(&steps, messages.to_vec()).await;
            let worked: Vec<bool> = outcomes.iter().map(Result::is_ok).collect();
            assert_eq!(worked, [true, false, true, false, true], "{outcomes:?}");
        }
        let time = started.elapsed();
        assert!(time < Duration::from_secs(40), "{time:?}");
    });
}

#[test]
fn waiting_is_not_being_stuck() {
    on_each_driver(|| async {
        // Each takes a good part of the time that one job may take.
        let slow: Arc<[Transform]> = vec![script(
            "f",
            "function f(m) { const end = Date.now() + 250; while (Date.now() < end); return m; }",
        )]
        .into();
        let transformer = Transformer::new(1);
        let jobs = (0..6).map(|_| {
            let messages = (0..10).map(|n| message(n.to_string(), &[])).collect();
            transformer.run(&slow, messages)
        });
        for outcomes in futures_util::future::join_all(jobs).await {
            assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
        }
    });
}

#[test]
fn work_that_nobody_waits_for_is_not_done() {
    on_each_driver(|| async {
        let slow: Arc<[Transform]> = vec![script(
            "f",
            "function f(m) { const end = Date.now() + 400; while (Date.now() < end); return m; }",
        )]
        .into();
        let fine: Arc<[Transform]> = vec![script("g", "function g(m) { return m; }")].into();
        let transformer = Transformer::new(1);
        for _ in 0..100 {
            let one = transformer.run(&slow, vec![message("x", &[]); 20]);
            let _ = crate::runtime::timeout(Duration::from_millis(10), one).await;
        }
        let started = std::time::Instant::now();
        assert!(transformer.run(&fine, vec![message("x", &[])]).await[0].is_ok());
        // The first was under way.
        let time = started.elapsed();
        assert!(
            time < Duration::from_millis(2 * worker::JOB_MS_MAX),
            "{time:?}"
        );
    });
}

#[test]
fn functions_share_a_bound_of_memory() {
    let mut scripts = scripts::Scripts::new(watchdog::Watchdog::none());
    const MIB: usize = 1 << 20;
    scripts.begin(64 * MIB);
    let until = std::time::Instant::now() + Duration::from_secs(600);
    let keeps = |number: usize, mib: usize| {
        let code = format!(
            "const kept{number} = [];
             function f(m) {{ for (let i = kept{number}.length; i < {mib}; i++)
                kept{number}.push(new Uint8Array(1 << 20)); return m; }}"
        );
        vec![script("f", &code)]
    };
    for number in 0..10 {
        let outcome = scripts.apply(&keeps(number, 20), message("x", &[]), until);
        assert!(outcome.is_ok(), "{outcome:?}");
        assert!(scripts.memory_bytes() <= 64 * MIB);
    }
    assert!(scripts.memory_bytes() > 40 * MIB, "some are kept");
    // One alone must not have more either.
    let outcome = scripts.apply(&keeps(10, 80), message("x", &[]), until);
    assert!(outcome.is_err());
    drop(scripts);
}
