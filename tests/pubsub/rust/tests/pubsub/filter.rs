//! Subscription filters.

use lclq_pubsub_rust::*;

/// Expects that a subscription with this filter gets exactly the messages with these texts.
async fn passes(world: &World, topic: &str, filter: &str, texts: &[&str]) {
    let subscription = world
        .subscription_with(topic, |s| s.set_filter(filter))
        .await
        .unwrap()
        .name;
    let with = |text: &str, attributes: &[(&str, &str)]| message(text).set_attributes(attributes.to_vec());
    let messages = vec![
        message("plain"),
        with("red", &[("colour", "red")]),
        with("dark red", &[("colour", "dark red")]),
        with("blue", &[("colour", "blue")]),
        with("large", &[("size", "large")]),
        with("large red", &[("colour", "red"), ("size", "large")]),
        with("quoted", &[("with space", "a \"b\"")]),
    ];
    world.publish_messages(topic, messages).await;
    let got = sorted(world.take(&subscription, texts.len()).await);
    assert_eq!(
        got,
        sorted(texts.iter().map(|text| text.to_string()).collect()),
        "{filter}"
    );
    world.is_empty(&subscription, filter).await;
}

#[tokio::test]
async fn presence_equality_and_prefix() {
    let world = World::new().await;
    let topic = world.topic().await;
    passes(&world, &topic, "attributes:size", &["large", "large red"]).await;
    passes(&world, &topic, "NOT attributes:colour", &["plain", "large", "quoted"]).await;
    passes(&world, &topic, "-attributes:colour", &["plain", "large", "quoted"]).await;
    passes(&world, &topic, r#"attributes.colour = "red""#, &["red", "large red"]).await;
    let absent_or_other = &["plain", "dark red", "blue", "large", "quoted"];
    passes(&world, &topic, r#"attributes.colour != "red""#, absent_or_other).await;
    passes(&world, &topic, r#"attributes."with space" = "a \"b\"""#, &["quoted"]).await;
    passes(&world, &topic, r#"hasPrefix(attributes.colour, "dark")"#, &["dark red"]).await;
}

#[tokio::test]
async fn combinations() {
    let world = World::new().await;
    let topic = world.topic().await;
    passes(
        &world,
        &topic,
        r#"attributes.colour = "red" AND attributes.size = "large""#,
        &["large red"],
    )
    .await;
    passes(
        &world,
        &topic,
        r#"attributes.colour = "blue" OR attributes:size"#,
        &["blue", "large", "large red"],
    )
    .await;
    passes(&world, &topic, "NOT attributes:colour AND attributes:size", &["large"]).await;
    passes(
        &world,
        &topic,
        "NOT (attributes:colour OR attributes:size)",
        &["plain", "quoted"],
    )
    .await;
}

#[tokio::test]
async fn malformed_filters_are_refused() {
    let world = World::new().await;
    let topic = world.topic().await;
    let long = format!("attributes.k = \"{}\"", "x".repeat(256));
    let wrong = [
        "attributes:a AND attributes:b OR attributes:c",
        "attributes:a and attributes:b",
        "attributes.a",
        "attributes.a = b",
        "(attributes:a",
        "hasPrefix(attributes.a)",
        "data:a",
        "\"",
        &long,
    ];
    for filter in wrong {
        invalid(world.subscription_with(&topic, |s| s.set_filter(filter)).await, "");
    }
}
