//! IAM policies of topics, subscriptions, snapshots and schemas.

use google_cloud_iam_v1::model::{Binding, Policy};
use google_cloud_pubsub::model::schema::Type;
use lclq_pubsub_rust::*;

use crate::schemas::{AVRO, create};

const PERMISSIONS: [&str; 2] = ["pubsub.topics.get", "pubsub.topics.publish"];

fn viewers() -> Binding {
    Binding::new()
        .set_role("roles/pubsub.viewer")
        .set_members(["user:somebody@example.com"])
}

#[tokio::test]
async fn policies_are_kept() {
    let world = World::new().await;
    let policies = world.policies().await;
    let topic = world.topic().await;
    let subscription = world.subscription(&topic).await;
    let snapshot = world.snapshot_name("snap");
    let made = world
        .subscriptions
        .create_snapshot()
        .set_name(&snapshot)
        .set_subscription(&subscription);
    made.send().await.unwrap();
    for resource in [&topic, &subscription, &snapshot] {
        let get = || policies.get_iam_policy().set_resource(resource).send();
        assert_eq!(get().await.unwrap().bindings, Vec::<Binding>::new());
        let policy = Policy::new().set_bindings([viewers()]);
        let set = policies
            .set_iam_policy()
            .set_resource(resource)
            .set_policy(policy)
            .send()
            .await
            .unwrap();
        assert_eq!(set.bindings, [viewers()]);
        assert!(!set.etag.is_empty());
        assert_eq!(get().await.unwrap(), set);
        let test = policies
            .test_iam_permissions()
            .set_resource(resource)
            .set_permissions(PERMISSIONS);
        assert_eq!(test.send().await.unwrap().permissions, PERMISSIONS);
    }
    let missing = world.topic_name("missing");
    not_found(policies.get_iam_policy().set_resource(&missing).send().await, "missing");
}

#[tokio::test]
async fn policy_of_a_schema() {
    let world = World::new().await;
    let schemas = world.schemas().await;
    let name = create(&world, &schemas, Type::Avro, AVRO).await.unwrap().name;
    let policy = Policy::new().set_bindings([viewers()]);
    let set = schemas
        .set_iam_policy()
        .set_resource(&name)
        .set_policy(policy)
        .send()
        .await
        .unwrap();
    assert_eq!(set, schemas.get_iam_policy().set_resource(&name).send().await.unwrap());
    let test = schemas
        .test_iam_permissions()
        .set_resource(&name)
        .set_permissions(PERMISSIONS);
    assert_eq!(test.send().await.unwrap().permissions, PERMISSIONS);
}
