//! What policies are told that are none: the whole text of each error.

use lclq_iam::{
    BINDINGS_MAX, CONDITIONS_OF_SAME_MAX, EXPRESSION_BYTES_MAX, GROUPS_MAX, LOGIC_OPERATORS_MAX,
    Level, POLICY_BYTES_MAX, Policy, PolicyError, Roles,
};
use serde_json::{Value, json};

fn read(policy: &str) -> Result<Policy, PolicyError> {
    Policy::parse(policy, Level::Resource, &Roles::new())
}

fn error(policy: &str) -> String {
    match read(policy) {
        Ok(_) => format!("taken: {policy}"),
        Err(error) => error.to_string(),
    }
}

/// A policy with these bindings.
fn with(bindings: &Value) -> String {
    error(&json!({"version": 3, "bindings": bindings}).to_string())
}

/// A policy with one member.
fn member(member: &str) -> String {
    with(&json!([{"role": "roles/pubsub.viewer", "members": [member]}]))
}

/// A policy with a condition.
fn when(expression: &str) -> String {
    let said = with(&json!([{
        "role": "roles/pubsub.viewer",
        "members": ["user:ann@example.com"],
        "condition": {"expression": expression},
    }]));
    let member = "bindings[0].condition.expression ";
    said.strip_prefix(member).unwrap_or(&said).to_owned()
}

fn assert_all(cases: &[(String, &str)]) {
    for (n, (says, expected)) in cases.iter().enumerate() {
        assert_eq!(says, expected, "case {n}");
    }
}

#[test]
fn of_the_policy() {
    let long = " ".repeat(POLICY_BYTES_MAX + 1);
    let binding = json!({"role": "roles/pubsub.viewer", "members": ["user:ann@example.com"]});
    let many = vec![binding.clone(); BINDINGS_MAX + 1];
    let crowd = vec!["user:ann@example.com"; 751];
    let crowd = json!({"role": "roles/pubsub.viewer", "members": crowd});
    assert_all(&[
        (
            error(&long),
            "the policy has 524289 bytes, at most 524288 are allowed",
        ),
        (
            error(""),
            "the policy is not JSON of a policy: EOF while parsing a value at line 1 column 0",
        ),
        (
            error(r#"{"statement":[]}"#),
            "the policy is not JSON of a policy: unknown field `statement`, expected one of \
             `version`, `bindings`, `etag`, `auditConfigs` at line 1 column 12",
        ),
        (
            error(r#"{"bindings":[{"role":"roles/owner"}],"bindings":[]}"#),
            "the policy is not JSON of a policy: duplicate field `bindings` at line 1 column 47",
        ),
        (
            error(r#"{"version":2}"#),
            "version is 2, allowed are 0, 1 and 3",
        ),
        (
            with(&json!(many)),
            "bindings has 1501, at most 1500 are allowed",
        ),
        (
            with(&json!([crowd, crowd])),
            "bindings has 1502 members, at most 1500 are allowed",
        ),
        (
            error(
                r#"{"version":1,"bindings":[{"role":"roles/pubsub.viewer","members":[],
                    "condition":{"expression":"true"}}]}"#,
            ),
            "bindings[0].condition is for policies of version 3 only",
        ),
    ]);
}

#[test]
fn of_roles_and_members() {
    let role = |role: &str| with(&json!([{"role": role, "members": ["allUsers"]}]));
    let groups: Vec<_> = (0..=GROUPS_MAX)
        .map(|n| format!("group:{n}@example.com"))
        .collect();
    let forms = "allowed are allUsers, allAuthenticatedUsers, user:, serviceAccount: and group: with \
                 an address, domain: with a domain, principal:// and principalSet:// with an identity, \
                 and deleted: before one of them";
    assert_all(&[
        (
            role("roles/storage.admin"),
            "Role roles/storage.admin is not supported for this resource.",
        ),
        (role(""), "Role  is not supported for this resource."),
        (
            role("projects/p/roles/x"),
            "Role projects/p/roles/x is not supported for this resource.",
        ),
        (
            member("ann@example.com"),
            &format!("bindings[0].members[0] is \"ann@example.com\", {forms}"),
        ),
        (
            member(&"a".repeat(1025)),
            "bindings[0].members[0] has 1025 bytes, at most 1024 are allowed",
        ),
        (
            with(&json!([{"role": "roles/pubsub.viewer", "members": groups}])),
            "bindings has 251 groups and domains, at most 250 are allowed",
        ),
    ]);
    let unknown = read(r#"{"bindings":[{"role":"x","members":["allUsers"]}]}"#);
    assert!(
        matches!(unknown, Err(PolicyError::UnknownRole { member, .. }) if member == "bindings[0].role")
    );
}

#[test]
fn of_conditions() {
    let bound = |role: &str, member: &str| {
        with(&json!([{"role": role, "members": [member], "condition": {"expression": "true"}}]))
    };
    let primitive = "LintValidationUnits/BindingRoleAllowConditionCheck Error: Conditions can't be set \
                     on primitive roles";
    let ways: Vec<_> = (0..=CONDITIONS_OF_SAME_MAX)
        .map(|n| {
            json!({
                "role": "roles/pubsub.viewer",
                "members": ["user:ann@example.com"],
                "condition": {"expression": format!("request.time.getDate() == {n}")},
            })
        })
        .collect();
    assert_all(&[
        (bound("roles/owner", "user:ann@example.com"), primitive),
        (bound("roles/viewer", "user:ann@example.com"), primitive),
        (
            bound("roles/pubsub.viewer", "allUsers"),
            "bindings[0].members[0] is \"allUsers\", allowed with no condition only",
        ),
        (
            bound("roles/pubsub.viewer", "allAuthenticatedUsers"),
            "bindings[0].members[0] is \"allAuthenticatedUsers\", allowed with no condition only",
        ),
        (
            with(&json!(ways)),
            "bindings[20] gives \"roles/pubsub.viewer\" to \"user:ann@example.com\" under more than 20 \
             conditions",
        ),
        (
            with(
                &json!([{"role": "roles/pubsub.viewer", "members": [], "condition": {"title": "t"}}]),
            ),
            "the policy is not JSON of a policy: missing field `expression` at line 1 column 39",
        ),
    ]);
}

#[test]
fn of_expressions() {
    let ands = vec!["true"; LOGIC_OPERATORS_MAX + 2].join(" && ");
    assert_all(&[
        (
            when(&" ".repeat(EXPRESSION_BYTES_MAX + 1)),
            "has 4097 bytes, at most 4096 are allowed",
        ),
        (when(" \n"), "is empty"),
        (when(&ands), "has more than 12 logical operators"),
        (when(&"!".repeat(13)), "has more than 12 logical operators"),
        (
            when(&"(".repeat(11)),
            "has more than 10 brackets in each other",
        ),
        (
            when(&"1-".repeat(201)),
            "has more than 200 dots, brackets and operators",
        ),
        (
            when(&format!(
                "resource.name{} == 'a'",
                ".extract('{x}')".repeat(6)
            )),
            "has more than 4 calls in a row",
        ),
        (
            when(&format!(
                "resource.name{} == 'a'",
                ".extract('{x}') //\n ".repeat(6)
            )),
            "has more than 4 calls in a row",
        ),
        (
            when("resource.name.matches('a')"),
            "has \"matches\", which conditions don't offer",
        ),
        (
            when("[1].all(x, true)"),
            "has \"all\", which conditions don't offer",
        ),
        (when("{}"), "has \"{\", which conditions don't offer"),
        (
            when("true ? true : false"),
            "has \"?\", which conditions don't offer",
        ),
        (
            when("resource.name == r'a'"),
            "has \"r\", which conditions don't offer",
        ),
        (
            when("request.time.getHours() < 1.5"),
            "has a number that isn't of 1 to 18 decimal digits",
        ),
        (when("'a"), "has a string with no end on its line"),
        (when("'''a'''"), "has a string right behind another"),
        (
            when(r"'\u0061' == 'a'"),
            "has a string with an escape that conditions don't offer",
        ),
        (when("'a'"), "has a string, where a bool is wanted"),
        (
            when("request.time"),
            "has a timestamp, where a bool is wanted",
        ),
        (when("resource.name < 'a'"), "has a string < a string"),
        (when("resource.name == 1"), "has a string == an int"),
        (
            when("request.time != duration('1s')"),
            "has a timestamp != a duration",
        ),
        (when("resource.name in 'a'"), "has a string in a string"),
        (when("1 in ['a']"), "has an int in a list"),
        (when("'a' in ['a', 1]"), "has strings and ints in one list"),
        (when("true in [true]"), "has a bool in a list"),
        (
            when("!resource.name"),
            "has a string, where a bool is wanted",
        ),
        (
            when("request.time + request.time < request.time"),
            "has a timestamp + a timestamp",
        ),
        (
            when("resource == 'a'"),
            "has resource, which is no attribute",
        ),
        (
            when("resource.time == 'a'"),
            "has resource.time, which is no attribute",
        ),
        (when("name == 'a'"), "has name, which is no attribute"),
        (
            when("request.auth == 'a'"),
            "has request.auth, which is no attribute",
        ),
        (
            when("date() < request.time"),
            "has date(), which conditions don't offer so",
        ),
        (
            when("getHours(request.time) == 1"),
            "has getHours(), which conditions don't offer so",
        ),
        (
            when("resource.name.getHours() == 1"),
            "has getHours() of a string, which conditions don't offer so",
        ),
        (
            when("request.time.getHours('Nowhere') == 1"),
            "has getHours() with a time zone that isn't",
        ),
        (
            when("request.time.startsWith('a')"),
            "has startsWith(), which conditions don't offer so",
        ),
        (
            when("resource.name.extract('a') == ''"),
            "has extract() with no template of an identifier in braces, and with text before and \
             behind it at most",
        ),
        (
            when("resource.matchTag('a')"),
            "has matchTag(), which conditions don't offer so",
        ),
    ]);
    for unreadable in [
        "true &&",
        "(true",
        "true true",
        ".",
        "resource.",
        "1 ==",
        "a.b(",
        "true)",
    ] {
        let said = when(unreadable);
        assert!(
            said.starts_with("can't be read: ") || said.contains("which conditions don't offer"),
            "{unreadable}: {said}"
        );
    }
}
