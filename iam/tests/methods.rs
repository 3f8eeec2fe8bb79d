//! The methods: each of the API's once, and by its name.

use lclq_iam::{Method, Permission, ResourceType, When};

/// Methods of each service in its definition, which is kept apart from here.
const METHODS: [(&str, usize); 4] = [
    ("google.pubsub.v1.Publisher", 9),
    ("google.pubsub.v1.Subscriber", 16),
    ("google.pubsub.v1.SchemaService", 10),
    ("google.iam.v1.IAMPolicy", 3),
];

#[test]
fn each_method_has_its_name() {
    for (service, count) in METHODS {
        let of_service = Method::ALL.iter().filter(|method| {
            let (of, _) = method.name().rsplit_once('.').unwrap();
            of == service
        });
        assert_eq!(of_service.count(), count, "{service}");
    }
    for method in Method::ALL {
        let (service, name) = method.name().rsplit_once('.').unwrap();
        assert_eq!(Method::of(service, name), Some(*method));
    }
    for (service, name) in [
        ("google.pubsub.v1.Publisher", ""),
        ("google.pubsub.v1.Publisher", "Pull"),
        ("", "Publish"),
        ("google.pubsub.v1", "Publisher.Publishh"),
    ] {
        assert_eq!(Method::of(service, name), None, "{service} {name}");
    }
}

/// Permissions stand by their resources, but for those that <https://docs.cloud.google.com/pubsub/docs/access-control>
/// has on the project: what makes or lists something, and validates it.
#[test]
fn permissions_are_on_their_resources() {
    for method in Method::ALL {
        for need in method.needs() {
            let mut parts = need.permission.name().split('.').skip(1);
            let (of, verb) = (parts.next().unwrap(), parts.next().unwrap());
            let on = match (of, verb) {
                (_, "create" | "list" | "validate") => ResourceType::Project,
                ("topics", _) => ResourceType::Topic,
                ("subscriptions", _) => ResourceType::Subscription,
                ("snapshots", _) => ResourceType::Snapshot,
                _ => ResourceType::Schema,
            };
            assert_eq!(need.on, on, "{}", method.name());
        }
    }
}

#[test]
fn what_some_methods_need() {
    let needs = |method: Method| -> Vec<_> {
        let needs = method.needs().iter();
        needs
            .map(|need| (need.permission, need.on, need.when))
            .collect()
    };
    assert_eq!(
        needs(Method::CreateSubscription),
        [
            (
                Permission::SubscriptionsCreate,
                ResourceType::Project,
                When::Always
            ),
            (
                Permission::TopicsAttachSubscription,
                ResourceType::Topic,
                When::Always
            ),
        ]
    );
    assert_eq!(
        needs(Method::Seek),
        [
            (
                Permission::SubscriptionsConsume,
                ResourceType::Subscription,
                When::Always
            ),
            (
                Permission::SnapshotsSeek,
                ResourceType::Snapshot,
                When::Named
            ),
        ]
    );
    assert_eq!(
        needs(Method::CreateSnapshot),
        [
            (
                Permission::SnapshotsCreate,
                ResourceType::Project,
                When::Always
            ),
            (
                Permission::SubscriptionsConsume,
                ResourceType::Subscription,
                When::Always
            ),
        ]
    );
    assert_eq!(needs(Method::StreamingPull), needs(Method::Pull));
    assert_eq!(needs(Method::TestIamPermissions), []);
}
