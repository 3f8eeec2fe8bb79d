//! The crate against the plain model, over policies and requests that are made up; and texts that are
//! no policies.

mod model;

use lclq_iam::{
    Binding, Condition, EXPRESSION_BYTES_MAX, LOGIC_OPERATORS_MAX, Level, Member, MemberKind,
    Permission, Permissions, Policy, Request, ResourceType, Roles, Source, decide, explain,
    permitted,
};
use model::{Asked, Given, Wanted};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use std::time::{Duration, Instant, SystemTime};

const POOL: &str = "//iam.googleapis.com/locations/global/workforcePools";
const TYPES: [(&str, ResourceType); 3] = [
    ("pubsub.googleapis.com/Topic", ResourceType::Topic),
    ("pubsub.googleapis.com/Schema", ResourceType::Schema),
    (
        "cloudresourcemanager.googleapis.com/Project",
        ResourceType::Project,
    ),
];

fn member() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (select(&["user", "serviceAccount"][..]), "[xy]", "[ab]\\.c")
            .prop_map(|(kind, name, domain)| format!("{kind}:{name}@{domain}")),
        1 => ("[pq]", "[xy]").prop_map(|(pool, id)| format!("principal:{POOL}/{pool}/subject/{id}")),
    ]
}

fn bound() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => member(),
        1 => member().prop_map(|member| member.replace("@a", "@A")),
        1 => Just("allUsers".to_owned()),
        1 => Just("allAuthenticatedUsers".to_owned()),
        2 => "[gh]".prop_map(|name| format!("group:{name}@a.c")),
        2 => "[ab]".prop_map(|name| format!("domain:{name}.c")),
        1 => "[pq]".prop_map(|pool| format!("principalSet:{POOL}/{pool}/*")),
        1 => member().prop_map(|member| format!("deleted:{member}?uid=1")),
    ]
}

fn asked() -> impl Strategy<Value = Asked> {
    let types = select(&TYPES[..]).prop_map(|(name, _)| name.to_owned());
    let resource = prop_oneof![9 => ("[ab/]{0,6}", types).prop_map(Some), 1 => Just(None)];
    let member = prop_oneof![9 => member().prop_map(Some), 1 => Just(None)];
    let groups = vec("[gh]@a\\.c", 0..2);
    (member, groups, resource, -1_000_000..1_000_000i64).prop_map(
        |(member, groups, resource, seconds)| Asked {
            member,
            groups,
            resource,
            seconds,
        },
    )
}

/// Seconds since 1970 with how they are written.
fn moment() -> impl Strategy<Value = (i64, String)> {
    (-1_000_000..1_000_000i64).prop_map(|seconds| {
        let text = jiff::Timestamp::from_second(seconds).unwrap().to_string();
        (seconds, text)
    })
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let word = || "[ab/]{0,3}";
    let leaf = prop_oneof![
        1 => any::<bool>().prop_map(Wanted::Bool),
        1 => Just(Wanted::Unknown),
        2 => "[ab/]{0,6}".prop_map(Wanted::Name),
        2 => word().prop_map(Wanted::NameBegins),
        2 => word().prop_map(Wanted::NameEnds),
        3 => ("[ab/]{0,2}", "[ab/]{0,2}", word())
            .prop_map(|(before, behind, is)| Wanted::Between(before, behind, is)),
        2 => vec("[ab/]{0,4}", 0..5).prop_map(Wanted::NameIn),
        2 => select(&TYPES[..]).prop_map(|(name, _)| Wanted::Type(name.to_owned())),
        2 => moment().prop_map(|(at, text)| Wanted::Before(at, text)),
        2 => (-100_000..100_000i64, moment())
            .prop_map(|(more, (at, text))| Wanted::WithMore(more, at, text)),
        2 => (0..24i64, -12..=12i64).prop_map(|(hour, zone)| Wanted::HourFrom(hour, zone)),
        2 => (0..7i64).prop_map(Wanted::Weekday),
    ];
    let tree = leaf.prop_recursive(4, 12, 2, |inner| {
        let two = (inner.clone(), inner.clone());
        prop_oneof![
            inner.prop_map(|one| Wanted::Not(Box::new(one))),
            two.clone()
                .prop_map(|(left, right)| Wanted::And(left.into(), right.into())),
            two.prop_map(|(left, right)| Wanted::Or(left.into(), right.into())),
        ]
    });
    tree.prop_filter("as many operators as are allowed", |wanted| {
        wanted.logic() <= LOGIC_OPERATORS_MAX
    })
}

fn given() -> impl Strategy<Value = Given> {
    let roles: Vec<_> = model::roles().into_keys().collect();
    let condition = prop_oneof![1 => Just(None), 2 => wanted().prop_map(Some)];
    (select(roles), vec(bound(), 0..4), condition).prop_map(|(role, members, condition)| {
        let basic = !role.contains('.');
        let all = members.iter().any(|member| member.starts_with("all"));
        Given {
            role,
            members,
            condition: condition.filter(|_| !basic && !all),
        }
    })
}

fn read(given: &[Given]) -> Policy {
    let texts: Vec<_> = given
        .iter()
        .map(|given| given.condition.as_ref().map(Wanted::text))
        .collect();
    let bindings: Vec<_> = given
        .iter()
        .zip(&texts)
        .map(|(given, text)| Binding {
            role: &given.role,
            members: &given.members,
            condition: text.as_deref().map(condition),
        })
        .collect();
    let policy = Policy::new(3, &bindings, Level::Resource, &Roles::new());
    policy.unwrap_or_else(|error| panic!("{error}: {given:?}"))
}

fn condition(expression: &str) -> Condition<'_> {
    Condition {
        title: "",
        description: "",
        expression,
    }
}

fn ask(asked: &Asked, with: impl FnOnce(&Request<'_>)) {
    let groups: Vec<_> = asked.groups.iter().map(String::as_str).collect();
    let member = asked.member.as_deref().map(|member| {
        let (kind, id) = match member.split_once(':') {
            Some(("user", id)) => (MemberKind::User, id),
            Some(("serviceAccount", id)) => (MemberKind::ServiceAccount, id),
            _ => (MemberKind::Federated, member),
        };
        let groups = &groups;
        Member { kind, id, groups }
    });
    let resource = asked.resource.as_ref();
    let since = Duration::from_secs(asked.seconds.unsigned_abs());
    with(&Request {
        member: member.as_ref(),
        resource_name: resource.map(|(name, _)| &**name),
        resource_type: resource.map(|(_, is)| TYPES.iter().find(|(name, _)| name == is).unwrap().1),
        time: match asked.seconds {
            0.. => SystemTime::UNIX_EPOCH + since,
            _ => SystemTime::UNIX_EPOCH - since,
        },
    });
}

/// A policy with one condition.
fn under(expression: &str) -> Result<Policy, lclq_iam::PolicyError> {
    let binding = Binding {
        role: "roles/pubsub.publisher",
        members: &["user:x@a.c".to_owned()],
        condition: Some(condition(expression)),
    };
    Policy::new(3, &[binding], Level::Resource, &Roles::new())
}

/// What the condition of a policy takes.
fn steps(policy: &Policy, name: &str) -> u64 {
    let asked = Asked {
        member: Some("user:x@a.c".to_owned()),
        groups: Vec::new(),
        resource: Some((name.to_owned(), TYPES[0].0.to_owned())),
        seconds: 0,
    };
    let mut steps = 0;
    ask(&asked, |request| {
        let policies = [(Source::Resource, policy)];
        steps = explain(&policies, Permission::TopicsPublish, request).bindings[0].steps;
    });
    steps
}

/// Pieces of conditions, in no order.
fn soup() -> impl Strategy<Value = String> {
    let pieces = vec![
        "request",
        ".",
        "time",
        "resource",
        "name",
        "type",
        "startsWith",
        "extract",
        "(",
        ")",
        "[",
        "]",
        ",",
        "'a'",
        "\"{x}\"",
        "'{x}'",
        "1",
        "-",
        "+",
        "&&",
        "||",
        "!",
        "==",
        "!=",
        "<",
        ">=",
        "in",
        "true",
        "false",
        "timestamp",
        "date",
        "duration",
        "'1s'",
        "getHours",
        "matchTag",
        "request.time",
        "resource.name",
        "'1970-01-01T00:00:00Z'",
        "'1970-01-01'",
        "//",
        "\n",
        "é",
        "'é",
        "\\",
        "`",
        "{",
        "}",
        "?",
        ":",
        "has",
        "all",
        "b'a'",
        "0x1",
        "1.5",
        "\u{0}",
        "resource.",
    ];
    vec(select(pieces), 0..24).prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, ..ProptestConfig::default() })]

    #[test]
    fn decides_as_the_model(
        project in vec(given(), 0..4),
        resource in vec(given(), 0..4),
        asked in asked(),
    ) {
        let roles = model::roles();
        let policies = (read(&project), read(&resource));
        let policies = [(Source::Project, &policies.0), (Source::Resource, &policies.1)];
        let given: Vec<_> = project.iter().chain(&resource).cloned().collect();
        ask(&asked, |request| {
            let mut expected = Permissions::NONE;
            for permission in Permission::ALL {
                let decision = decide(&policies, *permission, request);
                let has = asked.has(permission.name(), &given, &roles);
                assert_eq!(decision.allowed, has, "{permission}: {decision}");
                if has {
                    expected = expected.with((*permission).into());
                }
            }
            assert_eq!(permitted(&policies, Permissions::ALL, request), expected);
            let explanation = explain(&policies, Permission::TopicsPublish, request);
            let applies = explanation.bindings.iter().any(|one| one.miss.is_none());
            assert_eq!(applies, explanation.decision.allowed);
        });
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,200}") {
        let _ = Policy::parse(&text, Level::Project, &Roles::new());
        if let Ok(policy) = under(&text) {
            steps(&policy, &text);
        }
        let member = [text.clone()];
        let binding = Binding { role: &text, members: &member, condition: None };
        let _ = Policy::new(1, &[binding], Level::Project, &Roles::new());
        let _ = Roles::new().define(&text, &[&text]);
    }

    #[test]
    fn no_soup_panics(text in soup(), name in "\\PC{0,20}") {
        if let Ok(policy) = under(&text) {
            steps(&policy, &name);
        }
    }

    #[test]
    fn no_broken_condition_panics(wanted in wanted(), at in any::<prop::sample::Index>(), with in "\\PC?") {
        let mut text: Vec<_> = wanted.text().chars().collect();
        let at = at.index(text.len());
        text.splice(at..=at, with.chars());
        let text: String = text.into_iter().collect();
        if let Ok(policy) = under(&text) {
            steps(&policy, "a/b");
        }
    }

    /// A condition twice takes twice the steps at most, and the operator's; a name twice as long twice.
    #[test]
    fn work_grows_no_faster_than_what_it_is_for(wanted in wanted(), name in "[ab/]{0,20}") {
        prop_assume!(wanted.logic() * 2 < LOGIC_OPERATORS_MAX);
        let text = wanted.text();
        let once = steps(&under(&text).unwrap(), &name);
        for operator in ["&&", "||"] {
            let twice = under(&format!("({text}) {operator} ({text})")).unwrap();
            prop_assert!(steps(&twice, &name) <= 2 * once + 1);
        }
        let longer = steps(&under(&text).unwrap(), &name.repeat(2));
        // What ends sooner for what the shorter name is may be gone through for the longer.
        let bytes = text.len() + name.len() * 2 * text.matches("extract").count();
        prop_assert!(longer as usize <= 4 * bytes, "{longer} steps for {bytes} bytes");
    }
}

/// The largest of what is taken, in each shape: read without running out of stack, and asked in steps
/// that its length bounds.
#[test]
fn the_largest_conditions() {
    const NAMES: usize = 150;
    let list = |n: usize| {
        format!(
            "resource.name in [{}]",
            vec!["'a-longer-name'"; n].join(",")
        )
    };
    let sum = |n: usize| {
        format!(
            "request.time{} > request.time",
            " + duration('1s')".repeat(n)
        )
    };
    let brackets = |n: usize| format!("{}true{}", "(".repeat(n), ")".repeat(n));
    let nots = format!("{}true", "!".repeat(12));
    let extracts = |n: usize| format!("resource.name{} == 'a'", ".extract('{x}')".repeat(n));
    let ands = |n: usize| vec!["request.time.getHours() > 1"; n].join(" || ");
    for text in [
        list(NAMES),
        list(NAMES * 3 / 2),
        sum(40),
        sum(60),
        brackets(5),
        brackets(10),
        nots,
        extracts(2),
        extracts(5),
        ands(6),
        ands(13),
        format!(
            "resource.name == '{}'",
            "a".repeat(EXPRESSION_BYTES_MAX - 20)
        ),
        format!("true//{}", "a".repeat(EXPRESSION_BYTES_MAX - 10)),
    ] {
        let before = Instant::now();
        let policy = under(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let took = before.elapsed();
        let name = "a".repeat(300);
        let bytes = text.len() + name.len() * text.matches("extract").count();
        let steps = steps(&policy, &name);
        assert!(
            steps as usize <= 4 * bytes,
            "{steps} steps for {bytes} bytes"
        );
        assert!(took < Duration::from_secs(5), "{took:?}: {text}");
    }
}
