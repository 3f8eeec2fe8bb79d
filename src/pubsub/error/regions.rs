//! What goes wrong between regions.

use super::super::core::leaf;
use super::{PubsubError, failed, invalid, server::storage_unavailable};
use crate::regions::{Cut, Map, NoSuchRegion};

/// A request that doesn't get to the region of what it is about.
pub fn region_unreachable(cut: &Cut) -> PubsubError {
    storage_unavailable(cut)
}

/// An endpoint whose region isn't there.
pub fn no_such_region(NoSuchRegion(region): &NoSuchRegion, map: &Map) -> PubsubError {
    let there: Vec<&str> = map.names().collect();
    let there = there.join(", ");
    invalid(format!(
        "There is no endpoint of the region {region}; there are regions {there}."
    ))
}

/// A request that came in by a region in which the topic's messages mustn't be, not even on their way.
pub fn not_in_transit(topic: &str, region: &str) -> PubsubError {
    let topic = leaf(topic);
    failed(format!(
        "The request was received in the region {region}, which isn't allowed by the message storage \
         policy of topic {topic}, and the policy is enforced in transit. Please either change the \
         topic's message storage policy or use the appropriate regional Cloud Pub/Sub endpoint."
    ))
}

/// Messages with ordering keys that would have to be passed on to another region.
pub fn ordered_elsewhere(topic: &str) -> PubsubError {
    failed(format!(
        "Cannot publish messages that contain ordering keys to topic {topic} due a message storage \
         policy on the topic that would require the messages to be forwarded to another region. Please \
         either change the topic's message storage policy or publish to an allowed region using the \
         appropriate regional Cloud Pub/Sub endpoint."
    ))
}
