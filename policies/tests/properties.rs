//! The crate against the plain model, over policies and requests that are made up; and texts that are
//! no policies.

mod model;

use lclq_policies::{
    Keys, POLICY_BYTES_MAX, Policy, Principal, PrincipalKind, Request, decide, explain,
};
use model::{Asked, Who};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

const ACCOUNTS: [&str; 2] = ["111122223333", "444455556666"];
const KEYS: [&str; 3] = ["aws:PrincipalTag/t", "k:a", "K:B"];

fn who() -> impl Strategy<Value = Who> {
    let account = || select(&ACCOUNTS[..]).prop_map(str::to_owned);
    let name = || select(&["x", "y"][..]).prop_map(str::to_owned);
    prop_oneof![
        1 => Just(Who::Anonymous),
        1 => select(&["s3.amazonaws.com", "sns.amazonaws.com"][..])
            .prop_map(|name| Who::Service(name.to_owned())),
        1 => account().prop_map(Who::Root),
        4 => (account(), name()).prop_map(|(account, name)| Who::User(account, name)),
        4 => (account(), name(), name())
            .prop_map(|(account, role, session)| Who::Session(account, role, session)),
    ]
}

/// A text for keys and resources, short and of few letters, so that much of it matches.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[ab1]{1,3}",
        1 => Just(String::new()),
        1 => Just("true".to_owned()),
        2 => "[0-9]{1,2}",
        2 => "arn:a:b:[ab]?:[12]?:[ab:]{1,3}",
    ]
}

fn asked() -> impl Strategy<Value = Asked> {
    let action = select(
        &[
            "sqs:SendMessage",
            "sqs:ReceiveMessage",
            "sqs:DeleteQueue",
            "sns:Publish",
        ][..],
    );
    let keys = (select(&KEYS[..]), vec(word(), 1..3));
    let keys = vec(keys, 0..4);
    (who(), action, "[ab]{1,4}", select(&ACCOUNTS[..]), keys).prop_map(
        |(who, action, queue, account, keys)| {
            let keys = keys
                .into_iter()
                .map(|(key, values)| (key.to_lowercase(), values));
            Asked {
                who,
                action: action.to_owned(),
                resource: format!("arn:aws:sqs:r:{account}:{queue}"),
                account: account.to_owned(),
                keys: keys.collect(),
            }
        },
    )
}

fn one_or_more(of: impl Strategy<Value = Value> + Clone + 'static) -> impl Strategy<Value = Value> {
    prop_oneof![of.clone(), vec(of, 1..4).prop_map(Value::Array)]
}

fn principal() -> impl Strategy<Value = Value> {
    let aws = select(vec![
        "*",
        "111122223333",
        "arn:aws:iam::444455556666:root",
        "arn:aws:iam::111122223333:user/x",
        "arn:aws:iam::444455556666:user/y",
        "arn:aws:iam::111122223333:role/x",
        "arn:aws:iam::444455556666:role/y",
        "arn:aws:sts::111122223333:assumed-role/x/y",
        "arn:aws:sts::444455556666:assumed-role/y/x",
    ]);
    let aws = vec(aws, 0..6).prop_map(|names| json!({"AWS": names}));
    prop_oneof![
        2 => Just(json!("*")),
        6 => aws,
        1 => Just(json!({"Service": "s3.amazonaws.com"})),
        1 => Just(json!({"AWS": "111122223333", "Service": ["sns.amazonaws.com"]})),
    ]
}

/// A pattern that may have the variable in it.
fn pattern() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[ab*?]{1,5}",
        1 => "[ab]{0,2}[*]?".prop_map(|rest| format!("${{aws:PrincipalTag/t}}{rest}")),
        1 => Just("*".to_owned()),
    ]
}

fn condition() -> impl Strategy<Value = (String, Value)> {
    let texts = select(vec![
        "StringEquals",
        "StringNotEquals",
        "StringEqualsIgnoreCase",
        "StringNotEqualsIgnoreCase",
        "StringLike",
        "StringNotLike",
    ]);
    let texts = (
        texts,
        one_or_more(
            prop_oneof![pattern(), word()]
                .prop_map(Value::String)
                .boxed(),
        ),
    );
    let arns = select(vec!["ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike"]);
    let arn = prop_oneof!["arn:[a*]:[b?]:[ab*]?:[*]:[ab*?:]{1,3}", "[a*:]{1,6}"];
    let arns = (arns, one_or_more(arn.prop_map(Value::String).boxed()));
    let numbers = select(vec![
        "NumericEquals",
        "NumericNotEquals",
        "NumericLessThan",
        "NumericLessThanEquals",
        "NumericGreaterThan",
        "NumericGreaterThanEquals",
    ]);
    let numbers = (
        numbers,
        one_or_more((0..20i32).prop_map(|n| json!(n)).boxed()),
    );
    let truth = one_or_more(any::<bool>().prop_map(|value| json!(value)).boxed());
    let bools = (Just("Bool"), truth.boxed());
    let sets = prop_oneof![4 => Just(""), 2 => Just("ForAllValues:"), 2 => Just("ForAnyValue:")];
    let suffix = prop_oneof![3 => Just(""), 1 => Just("IfExists")];
    let plain = prop_oneof![
        6 => texts.prop_map(|(name, values)| (name, values)),
        2 => arns,
        2 => numbers,
        1 => bools,
    ];
    let set = (sets, plain, suffix)
        .prop_map(|(set, (name, values), suffix)| (format!("{set}{name}{suffix}"), values));
    let null = any::<bool>().prop_map(|null| ("Null".to_owned(), json!(null.to_string())));
    prop_oneof![8 => set, 1 => null]
}

fn conditions() -> impl Strategy<Value = Value> {
    let keys = (condition(), select(&KEYS[..]));
    vec(keys, 0..3).prop_map(|all| {
        let mut conditions = Map::new();
        for ((operator, values), key) in all {
            conditions.entry(operator).or_insert_with(|| json!({}))[key] = values;
        }
        Value::Object(conditions)
    })
}

fn statement(of_identity: bool) -> impl Strategy<Value = Value> {
    let action = select(vec![
        "sqs:SendMessage",
        "sqs:*",
        "*",
        "SQS:re*",
        "sqs:?e*e*",
        "sns:Publish",
    ]);
    let actions = one_or_more(action.prop_map(|text| json!(text)).boxed());
    let resource = prop_oneof![
        pattern().prop_map(|queue| json!(format!("arn:aws:sqs:*:111122223333:{queue}"))),
        "[ab*?]{1,4}".prop_map(|rest| json!(format!("arn:*:{rest}"))),
        Just(json!("*")),
    ];
    let resources = one_or_more(resource.boxed());
    let not = || prop::bool::weighted(0.2);
    (
        (prop::bool::weighted(0.3), not(), not(), not()),
        (principal(), actions, resources, conditions()),
    )
        .prop_map(move |((deny, not_who, not_action, not_resource), parts)| {
            let (principal, actions, resources, conditions) = parts;
            let mut statement = Map::new();
            statement.insert("Effect".into(), json!(if deny { "Deny" } else { "Allow" }));
            let named = |not: bool, name: &str| {
                if not {
                    format!("Not{name}")
                } else {
                    name.into()
                }
            };
            if !of_identity {
                statement.insert(named(not_who && deny, "Principal"), principal);
            }
            statement.insert(named(not_action, "Action"), actions);
            statement.insert(named(not_resource, "Resource"), resources);
            statement.insert("Condition".into(), conditions);
            Value::Object(statement)
        })
}

fn policy(of_identity: bool) -> impl Strategy<Value = Value> {
    vec(statement(of_identity), 1..4)
        .prop_map(|all| json!({"Version": "2012-10-17", "Statement": all}))
}

/// Asks the crate.
fn decided(identity: &[Value], resource: Option<&Value>, asked: &Asked) -> (String, String) {
    let parse = |policy: &Value| {
        Policy::parse(&policy.to_string()).unwrap_or_else(|error| panic!("{error}: {policy}"))
    };
    let identity: Vec<_> = identity.iter().map(parse).collect();
    let identity: Vec<_> = identity.iter().collect();
    let resource = resource.map(parse);
    let arn = asked.who.arn();
    let kind = match &asked.who {
        Who::Anonymous => None,
        Who::Service(_) => Some(PrincipalKind::Service),
        Who::Root(_) => Some(PrincipalKind::Root),
        Who::User(..) => Some(PrincipalKind::User),
        Who::Session(..) => Some(PrincipalKind::Role),
    };
    let mut keys = Keys::new();
    for (key, values) in &asked.keys {
        keys = match &**values {
            [one] => keys.with(key, one),
            many => keys.with_many(key, &many.iter().map(String::as_str).collect::<Vec<_>>()),
        };
    }
    let request = Request {
        principal: kind.map(|kind| Principal {
            kind,
            account: asked.who.account().unwrap_or(""),
            arn: &arn,
            user_name: None,
        }),
        action: &asked.action,
        resource: &asked.resource,
        account: &asked.account,
        context: &keys,
    };
    let outcome = decide(&identity, resource.as_ref(), &request).outcome;
    let explanation = explain(&identity, resource.as_ref(), &request);
    (outcome.to_string(), explanation.to_string())
}

/// Whether a text matches a pattern, by a condition.
fn like(pattern: &str, text: &str) -> bool {
    let policy = json!({"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*",
        "Resource": "*", "Condition": {"StringLike": {"k": pattern}}}});
    let policy = Policy::parse(&policy.to_string()).unwrap();
    let request = Request {
        principal: None,
        action: "sqs:SendMessage",
        resource: "arn:aws:sqs:r:111122223333:q",
        account: "111122223333",
        context: &Keys::new().with("k", text),
    };
    decide(&[], Some(&policy), &request).outcome == lclq_policies::Outcome::Allowed
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2048, ..ProptestConfig::default() })]

    #[test]
    fn decisions_are_those_of_the_model(
        identity in vec(policy(true), 0..3),
        resource in proptest::option::of(policy(false)),
        asked in asked(),
    ) {
        let expected = model::decide(&identity, resource.as_ref(), &asked);
        let (outcome, explanation) = decided(&identity, resource.as_ref(), &asked);
        prop_assert_eq!(outcome, expected, "{}", explanation);
    }

    #[test]
    fn wildcards_match_as_the_model_says(pattern in "[abä*?]{0,8}", text in "[abä]{0,8}") {
        prop_assert_eq!(like(&pattern, &text), model::wild(&pattern, &text));
    }

    #[test]
    fn no_text_panics(text in ".{0,200}") {
        let _ = Policy::parse(&text);
    }

    #[test]
    fn no_text_made_of_pieces_panics(pieces in vec(select(vec![
        "{", "}", "[", "]", ":", ",", "\"", "\"Statement\"", "\"Effect\"", "\"Allow\"", "\"Action\"",
        "\"*\"", "\"Resource\"", "\"Condition\"", "\"Principal\"", "\"AWS\"", "${", "null", "1e999",
        "\"StringLike\"", "\"sqs:*\"", "true", "-1", "\\u0000", "\"arn:aws:sqs:r:1:${a, 'b'}\"",
    ]), 0..40)) {
        let _ = Policy::parse(&pieces.concat());
    }

    #[test]
    fn no_value_panics(value in ".{0,40}", element in 0..9usize, keys in btree_map("[a-c]", ".{0,9}", 0..3)) {
        let operator = ["StringLike", "ArnLike", "NumericEquals", "DateEquals", "Bool", "BinaryEquals",
            "IpAddress", "Null", "StringEquals"][element];
        for policy in [
            json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": value},
                "Action": "*", "Resource": "*"}}),
            json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*",
                "Action": value, "Resource": format!("arn:aws:sqs:r:1:{value}")}}),
            json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*",
                "Action": "*", "Resource": "*", "Condition": {operator: {"a": value}}}}),
            json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*",
                "Action": "*", "Resource": "*", "Condition": {value.as_str(): {value.as_str(): "x"}}}}),
        ] {
            let Ok(policy) = Policy::parse(&policy.to_string()) else {
                continue;
            };
            let mut context = Keys::new().with("k", &value);
            for (key, text) in &keys {
                context = context.with(key, text);
            }
            let request = Request {
                principal: Some(Principal {
                    kind: PrincipalKind::Role,
                    account: &value,
                    arn: &value,
                    user_name: Some(&value),
                }),
                action: &value,
                resource: &value,
                account: &value,
                context: &context,
            };
            let _ = explain(&[&policy], Some(&policy), &request).to_string();
        }
    }
}

#[test]
fn deep_json_is_refused() {
    let deep = "[".repeat(POLICY_BYTES_MAX / 2);
    assert!(Policy::parse(&deep).is_err());
    let deep = format!(r#"{{"Statement":{}"#, r#"{"a":"#.repeat(3000));
    assert!(Policy::parse(&deep).is_err());
}

#[test]
fn stars_in_plenty_end_soon() {
    let began = Instant::now();
    for unit in ["*a", "*a?", "?*"] {
        let pattern = format!("{}b", unit.repeat(6000));
        assert!(!like(&pattern, &"a".repeat(100_000)));
    }
    assert!(began.elapsed() < Duration::from_secs(20));
}
