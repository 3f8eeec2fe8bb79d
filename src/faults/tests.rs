use super::*;
use serde_json::{Value, json};

fn set(faults: &Faults, rule: Value) -> Result<String, String> {
    let rule = serde_json::from_value(rule).map_err(|error| error.to_string())?;
    faults.set(rule).map_err(|error| error.to_string())
}

fn then(faults: &Faults, action: &str, resource: &str) -> Then {
    faults.suffered(Dialect::Sqs, action, resource).then
}

#[test]
fn rules_are_for_what_they_name() {
    let faults = Faults::default();
    assert!(!faults.are_set());
    let rule =
        json!({"dialect": "sqs", "action": "Send*", "resource": "a-*", "effect": "throttle"});
    assert_eq!(set(&faults, rule).unwrap(), "fault-1");
    assert!(faults.are_set());
    assert_eq!(then(&faults, "SendMessage", "a-1"), Then::Throttled);
    assert_eq!(then(&faults, "ReceiveMessage", "a-1"), Then::Answered);
    assert_eq!(then(&faults, "SendMessage", "b-1"), Then::Answered);
    let other = faults.suffered(Dialect::Pubsub, "SendMessage", "a-1");
    assert_eq!(other, Suffered::default());
    let shown = &faults.shown()[0];
    assert_eq!((shown.matched, shown.fired), (1, 1));
    assert!(faults.remove("fault-1") && !faults.remove("fault-1"));
    assert!(!faults.are_set());
}

#[test]
fn some_of_them_and_not_for_ever() {
    let faults = Faults::default();
    set(
        &faults,
        json!({"name": "n", "every": 3, "times": 2, "effect": "throttle"}),
    )
    .unwrap();
    let hits: Vec<bool> = (0..12)
        .map(|_| then(&faults, "SendMessage", "q") == Then::Throttled)
        .collect();
    let at: Vec<usize> = (0..12).filter(|at| hits[*at]).collect();
    assert_eq!(at, [2, 5]);
}

#[test]
fn chance_repeats_and_is_fair() {
    let draw = |seed: u64| -> Vec<bool> {
        let faults = Faults::default();
        set(
            &faults,
            json!({"share": 0.25, "seed": seed, "effect": "throttle"}),
        )
        .unwrap();
        (0..4000)
            .map(|_| then(&faults, "SendMessage", "q") == Then::Throttled)
            .collect()
    };
    assert_eq!(draw(7), draw(7));
    assert_ne!(draw(7), draw(8));
    let hits = draw(7).into_iter().filter(|hit| *hit).count();
    assert!((880..1120).contains(&hits), "{hits} of 4000");
}

#[test]
fn delays_add_up_and_the_first_end_counts() {
    let faults = Faults::default();
    for rule in [
        json!({"effect": {"latency": {"ms": 100}}}),
        json!({"name": "e", "dialect": "sqs", "effect": {"error": {"code": "InternalFailure"}}}),
        json!({"name": "late", "effect": {"drop": "after"}}),
        json!({"effect": {"latency": {"ms": 10, "ms_max": 20}}}),
    ] {
        set(&faults, rule).unwrap();
    }
    let suffered = faults.suffered(Dialect::Sqs, "SendMessage", "q");
    let ms = suffered.delay.as_millis();
    assert!((110..=120).contains(&ms), "{ms}");
    let Then::Refused { code, message } = suffered.then else {
        panic!("{suffered:?}");
    };
    assert_eq!(code, "InternalFailure");
    assert_eq!(message, "Refused by the fault rule e.");
    // What came too late wasn't counted.
    assert_eq!(faults.shown()[2].matched, 0);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let faults = Faults::default();
    for (rule, said) in [
        (json!({}), "effect"),
        (json!({"effect": "explode"}), "explode"),
        (json!({"effect": "throttle", "shar": 0.5}), "shar"),
        (
            json!({"effect": "throttle", "share": 1.5}),
            "between 0 and 1",
        ),
        (json!({"effect": "throttle", "every": 0}), "1 or more"),
        (
            json!({"effect": "throttle", "every": 2, "share": 0.5}),
            "one of them",
        ),
        (json!({"effect": "throttle", "dialect": "amqp"}), "amqp"),
        (
            json!({"effect": "throttle", "action": "SendMesage"}),
            "SendMesage",
        ),
        (json!({"effect": {"latency": {"ms": 600_001}}}), "600000"),
        (
            json!({"effect": {"latency": {"ms": 5, "ms_max": 4}}}),
            "up to ms_max",
        ),
        (
            json!({"effect": {"error": {"code": "UNAVAILABLE"}}}),
            "say which",
        ),
        (
            json!({"dialect": "sqs", "effect": {"error": {"code": "UNAVAILABLE"}}}),
            "UNAVAILABLE",
        ),
        (
            json!({"dialect": "pubsub", "effect": {"entries": {"share": 0.5}}}),
            "batches",
        ),
    ] {
        let refused = set(&faults, rule.clone()).unwrap_err();
        assert!(refused.contains(said), "{rule}: {refused}");
    }
    for number in 0..RULES_MAX {
        set(
            &faults,
            json!({"name": number.to_string(), "effect": "throttle"}),
        )
        .unwrap();
    }
    assert!(set(&faults, json!({"effect": "throttle"})).is_err());
    set(&faults, json!({"name": "5", "effect": {"drop": "before"}})).unwrap();
    assert_eq!(faults.clear(), RULES_MAX);
}
