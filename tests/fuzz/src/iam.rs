//! Policies of Google Cloud's kind, and their conditions.

use lclq::fuzzing::halves;
use lclq_iam::{
    Binding, Condition, Level, Member, MemberKind, Permission, Permissions, Policy, Request,
    ResourceType, Roles, Source, decide, explain, permitted,
};
use std::time::{Duration, SystemTime};

/// When it is: 2023-11-14T22:13:20Z.
const NOW_SECONDS: u64 = 1_700_000_000;

fn decided(policy: &Policy, name: Option<&str>) {
    let member = Member {
        kind: MemberKind::User,
        id: "ann@example.com",
        groups: &["all@example.com"],
    };
    let policies = [(Source::Project, policy), (Source::Resource, policy)];
    for member in [None, Some(&member)] {
        let request = Request {
            member,
            resource_name: name,
            resource_type: name.map(|_| ResourceType::Topic),
            time: SystemTime::UNIX_EPOCH + Duration::from_secs(NOW_SECONDS),
        };
        let allowed = permitted(&policies, Permissions::ALL, &request);
        for permission in [Permission::TopicsPublish, Permission::TopicsGet] {
            let decided = decide(&policies, permission, &request);
            assert_eq!(decided, explain(&policies, permission, &request).decision);
            assert_eq!(decided.allowed, allowed.has(permission));
        }
    }
}

/// A policy in JSON, and a resource's name. What is decided is what is explained.
pub fn decision(bytes: &[u8]) {
    let (policy, name) = halves(bytes);
    let Ok(policy) = std::str::from_utf8(policy) else {
        return;
    };
    for level in [Level::Project, Level::Resource] {
        if let Ok(policy) = Policy::parse(policy, level, &Roles::new()) {
            decided(&policy, std::str::from_utf8(name).ok());
        }
    }
}

/// A condition's expression, and a resource's name.
pub fn condition(bytes: &[u8]) {
    let (expression, name) = halves(bytes);
    let Ok(expression) = std::str::from_utf8(expression) else {
        return;
    };
    let members = ["user:ann@example.com".to_owned()];
    let binding = Binding {
        role: "roles/pubsub.publisher",
        members: &members,
        condition: Some(Condition {
            expression,
            ..Condition::default()
        }),
    };
    if let Ok(policy) = Policy::new(3, &[binding], Level::Resource, &Roles::new()) {
        decided(&policy, None);
        decided(&policy, std::str::from_utf8(name).ok());
    }
}
