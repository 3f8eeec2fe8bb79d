//! Explanations, by their whole text.

use lclq_policies::{Keys, Policy, Principal, PrincipalKind, Request, explain};

const QUEUE: &str = "arn:aws:sqs:eu-west-1:111122223333:orders";

fn identity() -> Policy {
    Policy::parse(
        r#"{"Version": "2012-10-17", "Statement": [
            {"Sid": "Others", "Effect": "Allow", "Action": "sqs:SendMessage",
             "Resource": ["arn:aws:sqs:*:*:a", "arn:aws:sqs:*:*:b", "arn:aws:sqs:*:*:c",
                          "arn:aws:sqs:*:*:d", "arn:aws:sqs:*:*:e"]},
            {"Effect": "Allow", "NotAction": ["sqs:Send*"], "Resource": "*"}]}"#,
    )
    .unwrap()
}

fn resource() -> Policy {
    Policy::parse(
        r#"{"Version": "2012-10-17", "Statement": [
            {"Sid": "Account", "Effect": "Allow", "Principal": {"AWS": "444455556666"},
             "Action": "sqs:SendMessage", "Resource": "*"},
            {"Sid": "Bob", "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*",
             "Principal": {"AWS": "arn:aws:iam::444455556666:user/bob"}},
            {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*",
             "Condition": {"StringEquals": {"aws:SourceVpc": ["vpc-1"]}}},
            {"Effect": "Deny", "Action": "*", "Resource": "*",
             "NotPrincipal": {"AWS": ["444455556666", "arn:aws:iam::444455556666:user/ann"]}},
            {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*",
             "Condition": {"Bool": {"aws:SecureTransport": false},
                           "IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}}]}"#,
    )
    .unwrap()
}

fn ann() -> Principal<'static> {
    Principal {
        kind: PrincipalKind::User,
        account: "444455556666",
        arn: "arn:aws:iam::444455556666:user/ann",
        user_name: Some("ann"),
    }
}

fn explained(principal: Option<Principal<'_>>, action: &str, account: &str, keys: &Keys) -> String {
    let (identity, resource) = (identity(), resource());
    let request = Request {
        principal,
        action,
        resource: QUEUE,
        account,
        context: keys,
    };
    explain(&[&identity], Some(&resource), &request).to_string()
}

#[test]
fn the_first_element_that_does_not_match() {
    let keys = Keys::new()
        .with("aws:SecureTransport", "false")
        .with_many("aws:SourceIp", &["198.51.100.1"]);
    assert_eq!(
        explained(Some(ann()), "sqs:SendMessage", "111122223333", &keys),
        "denied implicitly: the resource's policy, statement 0 (Account) allows it, but the \
         identity is of another account, and no policy of its own does\n  \
         identity policy 0, statement 0 (Others): Allow doesn't apply: Resource \
         \"arn:aws:sqs:*:*:a\", \"arn:aws:sqs:*:*:b\", \"arn:aws:sqs:*:*:c\" and 2 more has no \
         match for \"arn:aws:sqs:eu-west-1:111122223333:orders\"\n  \
         identity policy 0, statement 1: Allow doesn't apply: NotAction \"sqs:Send*\" leaves out \
         \"sqs:SendMessage\"\n  \
         the resource's policy, statement 0 (Account): Allow applies\n  \
         the resource's policy, statement 1 (Bob): Allow doesn't apply: Principal \
         \"arn:aws:iam::444455556666:user/bob\" has no match for \
         \"arn:aws:iam::444455556666:user/ann\"\n  \
         the resource's policy, statement 2: Deny doesn't apply: Condition StringEquals \
         aws:SourceVpc lists \"vpc-1\", the request doesn't have it\n  \
         the resource's policy, statement 3: Deny doesn't apply: NotPrincipal \"444455556666\", \
         \"arn:aws:iam::444455556666:user/ann\" leaves out \"arn:aws:iam::444455556666:user/ann\"\n  \
         the resource's policy, statement 4: Deny doesn't apply: Condition IpAddress aws:SourceIp \
         lists \"192.0.2.0/24\", the request has \"198.51.100.1\""
    );
}

#[test]
fn the_reason_in_a_line() {
    let first = |principal, action, account| {
        let text = explained(principal, action, account, &Keys::new());
        text.lines().next().unwrap().to_owned()
    };
    let (own, other) = ("444455556666", "111122223333");
    let mut root = ann();
    root.kind = PrincipalKind::Root;
    root.arn = "arn:aws:iam::444455556666:root";
    for (says, expected) in [
        (
            first(Some(ann()), "sqs:SendMessage", own),
            "denied implicitly: the resource's policy, statement 0 (Account) names the account only, \
             and no identity policy allows it",
        ),
        (
            first(Some(ann()), "sqs:ReceiveMessage", own),
            "allowed: identity policy 0, statement 1",
        ),
        (
            first(Some(ann()), "sqs:ReceiveMessage", other),
            "denied implicitly: identity policy 0, statement 1 allows it, but the resource is \
             another account's, whose policy doesn't",
        ),
        (
            first(Some(ann()), "sqs:DeleteQueue", other),
            "denied implicitly: the action is for the resource's own account only",
        ),
        (
            first(None, "sqs:SendMessage", other),
            "denied explicitly: the resource's policy, statement 3",
        ),
        (
            first(Some(root), "sqs:SendMessage", own),
            "allowed: the root user of the resource's account",
        ),
        (
            first(Some(root), "sqs:SendMessage", other),
            "allowed: the resource's policy, statement 0 (Account)",
        ),
    ] {
        assert_eq!(says, expected);
    }
}
