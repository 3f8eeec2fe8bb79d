//! What each role has of Pub/Sub, against `roles.json`: the lists of the pages that `src/roles.rs`
//! names, written down by name.

use lclq_iam::{Level, Permission, Permissions, ROLE_ID_BYTES_MAX, Roles};
use std::collections::BTreeMap;

#[test]
fn roles_have_what_is_documented() {
    let documented: BTreeMap<String, Vec<String>> =
        serde_json::from_str(include_str!("roles.json")).unwrap();
    for (role, names) in documented {
        for level in [Level::Project, Level::Resource] {
            let has = Roles::new().permissions(&role, level).unwrap();
            let has: Vec<_> = has.iter().map(Permission::name).collect();
            assert_eq!(has, names, "{role}");
        }
    }
}

#[test]
fn roles_of_other_services_are_for_projects() {
    let roles = Roles::new();
    for role in ["roles/storage.admin", "roles/browser"] {
        let on_project = roles.permissions(role, Level::Project);
        assert_eq!(on_project, Some(Permissions::NONE), "{role}");
        assert_eq!(roles.permissions(role, Level::Resource), None, "{role}");
    }
    let not = [
        "",
        "roles/",
        "pubsub.publisher",
        "roles/pubsub.publisherr",
        "roles/pubsub",
        "roles/a b",
        "projects/p/roles/poster",
    ];
    for role in not {
        assert_eq!(roles.permissions(role, Level::Resource), None, "{role}");
    }
    assert_eq!(roles.permissions("roles/pubsub.x", Level::Project), None);
}

#[test]
fn what_can_be_defined() {
    let mut roles = Roles::new();
    let longest = format!("projects/p/roles/{}", "a".repeat(ROLE_ID_BYTES_MAX));
    for role in [
        "projects/p/roles/poster",
        "organizations/1/roles/a_b.c",
        "roles/storage.admin",
        &longest,
    ] {
        roles
            .define(role, &["pubsub.topics.publish", "a.b.c"])
            .unwrap();
        let has = roles.permissions(role, Level::Resource).unwrap();
        assert_eq!(has.iter().count(), 1, "{role}");
    }
    let too_long = format!("{longest}a");
    for role in [
        "",
        "poster",
        "roles/owner",
        "roles/pubsub.poster",
        "projects//roles/poster",
        "projects/p/roles/",
        "projects/p/roles/a-b",
        "folders/p/roles/a",
        "projects/p/roles/a/b",
        &too_long,
    ] {
        let error = roles.define::<&str>(role, &[]).unwrap_err().to_string();
        assert!(error.contains("is no role to define"), "{role}: {error}");
    }
    let unknown = roles.define("projects/p/roles/a", &["pubsub.topics.post"]);
    assert_eq!(
        unknown.unwrap_err().to_string(),
        "projects/p/roles/a has \"pubsub.topics.post\", a permission that isn't"
    );
}
