//! Policies of AWS' kind.

use lclq::fuzzing::divided;
use lclq_policies::{Keys, Policy, Principal, PrincipalKind, Request, decide, explain};

/// A policy, an action, a resource, and a key's value. What is decided is what is explained.
pub fn decision(bytes: &[u8]) {
    let mut parts = divided(bytes).map(|part| std::str::from_utf8(part).ok());
    let Some(policy) = parts
        .next()
        .flatten()
        .and_then(|text| Policy::parse(text).ok())
    else {
        return;
    };
    let mut part = |default| parts.next().flatten().unwrap_or(default);
    let action = part("sqs:SendMessage");
    let resource = part("arn:aws:sqs:us-east-1:111122223333:q");
    let value = part("10.0.0.1");
    let keys = Keys::new()
        .with("aws:SourceIp", value)
        .with("aws:CurrentTime", value)
        .with("aws:EpochTime", value)
        .with_many("aws:TagKeys", &[value, "a"]);
    let principal = Principal {
        kind: PrincipalKind::User,
        account: "111122223333",
        arn: "arn:aws:iam::111122223333:user/ann",
        user_name: Some("ann"),
    };
    for principal in [None, Some(principal)] {
        let request = Request {
            principal,
            action,
            resource,
            account: "111122223333",
            context: &keys,
        };
        for (identity, of_resource) in [(&[&policy][..], None), (&[], Some(&policy))] {
            let decided = decide(identity, of_resource, &request);
            let explained = explain(identity, of_resource, &request);
            assert_eq!(decided, explained.decision);
        }
    }
}
