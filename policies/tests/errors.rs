//! What policies are told that are none: the whole text of each error.

use lclq_policies::{POLICY_BYTES_MAX, Policy, STATEMENTS_MAX};

fn error(policy: &str) -> String {
    match Policy::parse(policy) {
        Ok(_) => format!("taken: {policy}"),
        Err(error) => error.to_string(),
    }
}

/// A policy with one statement that has more members than its effect.
fn with(members: &str) -> String {
    error(&format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny",{members}}}]}}"#
    ))
}

/// A policy with a condition.
fn when(condition: &str) -> String {
    with(&format!(
        r#""Action":"*","Resource":"*","Condition":{condition}"#
    ))
}

fn assert_all(cases: &[(String, &str)]) {
    for (n, (says, expected)) in cases.iter().enumerate() {
        assert_eq!(says, expected, "case {n}");
    }
}

#[test]
fn of_the_policy() {
    let statement = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
    let many = [statement; STATEMENTS_MAX + 1].join(",");
    let long = " ".repeat(POLICY_BYTES_MAX + 1);
    assert_all(&[
        (
            error(&long),
            "the policy has 20481 bytes, at most 20480 are allowed",
        ),
        (
            error(""),
            "the policy is not JSON: EOF while parsing a value at line 1 column 0",
        ),
        (error("[]"), "the policy is a list, allowed is an object"),
        (error("{}"), "the policy has no Statement"),
        (
            error(r#"{"Statement":[],"Statement":[]}"#),
            "the policy is not JSON: the member \"Statement\" is there twice at line 1 column 31",
        ),
        (
            error(r#"{"Version":"2025-01-01"}"#),
            "Version is \"2025-01-01\", allowed are \"2012-10-17\" and \"2008-10-17\"",
        ),
        (
            error(r#"{"Version":1}"#),
            "Version is a number, allowed are \"2012-10-17\" and \"2008-10-17\"",
        ),
        (error(r#"{"Id":null}"#), "Id is null, allowed is a string"),
        (
            error(r#"{"statement":[]}"#),
            "statement is unknown, allowed are Version, Id and Statement",
        ),
        (
            error(r#"{"Statement":[]}"#),
            "Statement has 0 statements, allowed are 1 to 100",
        ),
        (
            error(&format!(r#"{{"Statement":[{many}]}}"#)),
            "Statement has 101 statements, allowed are 1 to 100",
        ),
        (
            error(r#"{"Statement":["x"]}"#),
            "Statement[0] is a string, allowed is an object",
        ),
    ]);
}

#[test]
fn of_a_statement() {
    let same = r#"{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"}"#;
    assert_all(&[
        (error(r#"{"Statement":{}}"#), "Statement[0] has no Effect"),
        (
            error(r#"{"Statement":{"Effect":"allow"}}"#),
            "Statement[0].Effect is \"allow\", allowed are \"Allow\" and \"Deny\"",
        ),
        (
            error(r#"{"Statement":{"Effect":["Allow"]}}"#),
            "Statement[0].Effect is a list, allowed are \"Allow\" and \"Deny\"",
        ),
        (
            with(r#""Sid":1"#),
            "Statement[0].Sid is a number, allowed is a string",
        ),
        (
            error(&format!(r#"{{"Statement":[{same},{same}]}}"#)),
            "Statement[1].Sid is that of Statement[0], too, each may be there once",
        ),
        (
            with(r#""Resource":"*""#),
            "Statement[0] has no Action or NotAction",
        ),
        (
            with(r#""Action":"*""#),
            "Statement[0] has no Resource or NotResource",
        ),
        (
            with(r#""Action":"*","NotAction":"*""#),
            "Statement[0] has both Action and NotAction, one of them is allowed",
        ),
        (
            with(r#""NotResource":"*","Resource":"*""#),
            "Statement[0] has both Resource and NotResource, one of them is allowed",
        ),
        (
            with(r#""Principal":"*","NotPrincipal":"*""#),
            "Statement[0] has both Principal and NotPrincipal, one of them is allowed",
        ),
        (
            error(
                r#"{"Statement":{"Effect":"Allow","NotPrincipal":"*","Action":"*","Resource":"*"}}"#,
            ),
            "Statement[0] has NotPrincipal, which is allowed with Effect \"Deny\" only",
        ),
        (
            with(r#""Actions":"*""#),
            "Statement[0].Actions is unknown, allowed are Sid, Effect, Principal, NotPrincipal, \
             Action, NotAction, Resource, NotResource and Condition",
        ),
    ]);
}

#[test]
fn of_actions_and_resources() {
    let long = format!(r#""Action":"sqs:{}""#, "x".repeat(125));
    let sought = format!(r#""Action":"*","Resource":"arn:*{}?*""#, "x".repeat(128));
    assert_all(&[
        (
            with(r#""Action":"SendMessage""#),
            "Statement[0].Action has \"SendMessage\", allowed are * and names with their service \
             such as sqs:SendMessage, of at most 128 characters",
        ),
        (
            with(&long),
            "Statement[0].Action has \"sqs:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\
             xxxxxxxxxxxxxxxxxxxxx\"..., allowed are * and names with their service such as \
             sqs:SendMessage, of at most 128 characters",
        ),
        (
            with(r#""NotAction":[1]"#),
            "Statement[0].NotAction has a number, only strings are allowed",
        ),
        (
            with(r#""Action":[]"#),
            "Statement[0].Action lists nothing, at least one is needed",
        ),
        (
            with(r#""Action":"*","Resource":"orders""#),
            "Statement[0].Resource has \"orders\", allowed are * and ARNs",
        ),
        (
            with(r#""Action":"*","Resource":"arn:aws:sqs:*:${aws:PrincipalAccount}:q""#),
            "Statement[0].Resource \"arn:aws:sqs:*:${aws:PrincipalAccount}:q\" has a variable before \
             the fifth colon, where none are allowed",
        ),
        (
            with(r#""Action":"*","NotResource":"arn:aws:sqs:::${aws:username""#),
            "Statement[0].NotResource \"arn:aws:sqs:::${aws:username\" has a ${ with no }",
        ),
        (
            with(&sought),
            "Statement[0].Resource \"arn:*xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\
             xxxxxxxxxxxxxxxxxx\"... has a ? between two *, where at most 128 characters and no \
             variables are allowed with it",
        ),
    ]);
}

#[test]
fn of_principals() {
    let names = "allowed are *, accounts of 12 digits, and ARNs with no wildcards of an account's \
                 root, a user, a role or a session";
    let aws = |text: &str| with(&format!(r#""Principal":{{"AWS":["{text}"]}}"#));
    for wrong in [
        "1234",
        "arn:aws:iam::111122223333:*",
        "arn:aws:iam::111122223333:group/g",
        "arn:aws:iam::111122223333:user/",
        "arn:aws:iam::111122223333:role/a/",
        "arn:aws:iam::111122223333:user/a*",
        "arn:aws:iam:eu-west-1:111122223333:root",
        "arn:aws:iam::1:root",
        "arn:aws:sts::111122223333:assumed-role/r",
        "arn:aws:sqs::111122223333:root",
        "",
    ] {
        let expected = format!("Statement[0].Principal.AWS has {wrong:?}, {names}");
        assert_eq!(aws(wrong), expected);
    }
    assert_all(&[
        (
            with(r#""Principal":"111122223333""#),
            "Statement[0].Principal is \"111122223333\", allowed are \"*\" and an object with AWS, \
             Service, Federated or CanonicalUser",
        ),
        (
            with(r#""NotPrincipal":["*"]"#),
            "Statement[0].NotPrincipal is a list, allowed are \"*\" and an object with AWS, Service, \
             Federated or CanonicalUser",
        ),
        (
            with(r#""Principal":{"aws":"*"}"#),
            "Statement[0].Principal.aws is unknown, allowed are AWS, Service, Federated and \
             CanonicalUser",
        ),
        (
            with(r#""Principal":{"AWS":111122223333}"#),
            "Statement[0].Principal.AWS has a number, only strings are allowed",
        ),
        (
            with(r#""Principal":{"Service":"*"}"#),
            "Statement[0].Principal.Service has \"*\", allowed are names of services with no \
             wildcards, such as sns.amazonaws.com",
        ),
    ]);
}

#[test]
fn of_conditions() {
    assert_all(&[
        (
            when("[]"),
            "Statement[0].Condition is a list, allowed is an object of operators",
        ),
        (
            when(r#"{"StringEquals":"x"}"#),
            "Statement[0].Condition.StringEquals is a string, allowed is an object of context keys",
        ),
        (
            when(r#"{"StringIs":{}}"#),
            "Statement[0].Condition.StringIs is unknown, allowed are StringEquals, StringNotEquals, \
             StringEqualsIgnoreCase, StringNotEqualsIgnoreCase, StringLike, StringNotLike, \
             NumericEquals, NumericNotEquals, NumericLessThan, NumericLessThanEquals, \
             NumericGreaterThan, NumericGreaterThanEquals, DateEquals, DateNotEquals, DateLessThan, \
             DateLessThanEquals, DateGreaterThan, DateGreaterThanEquals, Bool, BinaryEquals, \
             IpAddress, NotIpAddress, ArnEquals, ArnLike, ArnNotEquals, ArnNotLike, Null, all but \
             Null with IfExists behind, and ForAllValues: or ForAnyValue: before",
        ),
        (
            when(r#"{"ForEach:StringLike":{}}"#),
            "Statement[0].Condition.ForEach:StringLike has an unknown prefix, allowed are \
             ForAllValues: and ForAnyValue:",
        ),
        (
            when(r#"{"NullIfExists":{}}"#),
            "Statement[0].Condition.NullIfExists is allowed alone only, with no IfExists, \
             ForAllValues: or ForAnyValue:",
        ),
        (
            when(r#"{"StringLike":{"":"x"}}"#),
            "Statement[0].Condition.StringLike. has no name",
        ),
        (
            when(r#"{"StringLike":{"k":[["x"]]}}"#),
            "Statement[0].Condition.StringLike.k has a list, allowed are strings, numbers and \
             booleans, or a list of them",
        ),
        (
            when(r#"{"NumericEquals":{"k":"${aws:EpochTime}"}}"#),
            "Statement[0].Condition.NumericEquals.k has \"${aws:EpochTime}\", allowed are numbers",
        ),
        (
            when(r#"{"DateLessThan":{"k":"tomorrow"}}"#),
            "Statement[0].Condition.DateLessThan.k has \"tomorrow\", allowed are dates such as \
             2030-01-31T12:00:00Z and seconds since 1970",
        ),
        (
            when(r#"{"Bool":{"k":"yes"}}"#),
            "Statement[0].Condition.Bool.k has \"yes\", allowed are true and false",
        ),
        (
            when(r#"{"Null":{"k":"yes"}}"#),
            "Statement[0].Condition.Null.k has \"yes\", allowed are true and false",
        ),
        (
            when(r#"{"BinaryEquals":{"k":"?"}}"#),
            "Statement[0].Condition.BinaryEquals.k has \"?\", allowed are bytes in base64",
        ),
        (
            when(r#"{"IpAddress":{"k":"192.0.2.0/33"}}"#),
            "Statement[0].Condition.IpAddress.k has \"192.0.2.0/33\", allowed are addresses and \
             networks such as 192.0.2.0/24 and 2001:db8::/32",
        ),
        (
            when(r#"{"StringEquals":{"k":"${aws:username, none}"}}"#),
            "Statement[0].Condition.StringEquals.k \"${aws:username, none}\" has a default that isn't \
             in single quotes, as in ${key, 'text'}",
        ),
        (
            when(r#"{"StringLike":{"k":"*${aws:username}?*"}}"#),
            "Statement[0].Condition.StringLike.k \"*${aws:username}?*\" has a ? between two *, where \
             at most 128 characters and no variables are allowed with it",
        ),
    ]);
}
