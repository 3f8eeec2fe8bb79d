//! Explanations and decisions in their whole text.

use lclq_iam::{
    Binding, Condition, Level, Member, MemberKind, Permission, Policy, Request, ResourceType,
    Roles, Source, decide, explain,
};
use std::time::{Duration, SystemTime};

fn project() -> Policy {
    Policy::parse(
        r#"{"version": 1, "etag": "BwUjMhCsNvY=", "bindings": [
            {"role": "roles/pubsub.viewer", "members": ["user:ann@example.com"]},
            {"role": "roles/editor", "members": ["user:bob@example.com", "group:a@example.com",
                "group:b@example.com", "group:c@example.com", "allAuthenticatedUsers"]}]}"#,
        Level::Project,
        &Roles::new(),
    )
    .unwrap()
}

fn resource() -> Policy {
    let ann = ["user:ann@example.com".to_owned()];
    let binding = |title, expression| Binding {
        role: "roles/pubsub.publisher",
        members: &ann,
        condition: Some(Condition {
            title,
            description: "",
            expression,
        }),
    };
    let nobody = Binding {
        role: "roles/pubsub.publisher",
        members: &[],
        condition: None,
    };
    let bindings = [
        nobody,
        binding("Before", "request.time < timestamp('1970-01-01T00:00:00Z')"),
        binding("", "resource.matchTag('1/env', 'prod')"),
    ];
    Policy::new(3, &bindings, Level::Resource, &Roles::new()).unwrap()
}

fn asked(id: Option<&str>, with: impl FnOnce(&Request<'_>)) {
    let member = id.map(|id| Member {
        kind: MemberKind::User,
        id,
        groups: &[],
    });
    with(&Request {
        member: member.as_ref(),
        resource_name: Some("projects/p/topics/orders"),
        resource_type: Some(ResourceType::Topic),
        time: SystemTime::UNIX_EPOCH + Duration::from_secs(1),
    });
}

#[test]
fn why_bindings_apply_or_do_not() {
    let (project, resource) = (project(), resource());
    let policies = [(Source::Project, &project), (Source::Resource, &resource)];
    asked(None, |request| {
        assert_eq!(
            explain(&policies, Permission::TopicsPublish, request).to_string(),
            "denied: no binding allows it\n  \
             the project's policy, binding 0 (roles/pubsub.viewer) doesn't apply: its role doesn't \
             have pubsub.topics.publish\n  \
             the project's policy, binding 1 (roles/editor) doesn't apply: its members \
             \"user:bob@example.com\", \"group:a@example.com\", \"group:b@example.com\" and 2 more \
             have no match for requests with no credentials\n  \
             the resource's policy, binding 1 (roles/pubsub.publisher under \"Before\") doesn't apply: \
             its members \"user:ann@example.com\" have no match for requests with no credentials\n  \
             the resource's policy, binding 2 (roles/pubsub.publisher under a condition) doesn't \
             apply: its members \"user:ann@example.com\" have no match for requests with no credentials"
        );
    });
    let policies = [(Source::Resource, &resource)];
    asked(Some("ann@example.com"), |request| {
        let explanation = explain(&policies, Permission::TopicsPublish, request);
        assert_eq!(
            explanation.to_string(),
            "denied: the resource's policy, binding 1 (roles/pubsub.publisher for \
             user:ann@example.com under \"Before\") would allow it, but for its condition\n  \
             the resource's policy, binding 1 (roles/pubsub.publisher for user:ann@example.com under \
             \"Before\") doesn't apply: its condition \"request.time < \
             timestamp('1970-01-01T00:00:00Z')\" is false\n  \
             the resource's policy, binding 2 (roles/pubsub.publisher for user:ann@example.com under a \
             condition) doesn't apply: its condition \"resource.matchTag('1/env', 'prod')\" can't be \
             evaluated"
        );
        let steps: Vec<_> = explanation.bindings.iter().map(|one| one.steps).collect();
        assert_eq!(steps, [3, 1]);
    });
}

#[test]
fn the_reason_in_a_line() {
    let project = project();
    let policies = [(Source::Project, &project)];
    let says = |id: &str, permission| {
        let mut text = String::new();
        asked(Some(id), |request| {
            text = decide(&policies, permission, request).to_string();
        });
        text
    };
    assert_eq!(
        says("ann@example.com", Permission::TopicsGet),
        "allowed: the project's policy, binding 0 (roles/pubsub.viewer for user:ann@example.com)"
    );
    assert_eq!(
        says("ann@example.com", Permission::TopicsPublish),
        "allowed: the project's policy, binding 1 (roles/editor for allAuthenticatedUsers)"
    );
    assert_eq!(
        says("ann@example.com", Permission::TopicsSetIamPolicy),
        "denied: no binding allows it"
    );
}
