//! One server after the other.

use super::facts::Facts;
use super::limits::SUCCESSION_WAIT;
use super::node::Notice;
use crate::NodeError;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Between two looks at whether the one before is gone.
const LOOK_PAUSE: Duration = Duration::from_millis(100);
/// The one before is told of once it is there for so long: a restart doesn't take it.
const TELL_AFTER: Duration = Duration::from_millis(1_000);

/// Waits until nobody else has the store, for some seconds. `look` takes it, or says who has it.
pub(crate) async fn succeed(
    place: String,
    facts: &Facts,
    mut look: impl AsyncFnMut() -> Result<Option<String>, NodeError>,
) -> Result<(), NodeError> {
    let since = Instant::now();
    let mut is_told = false;
    while let Some(holder) = look().await? {
        let waited = since.elapsed();
        if waited >= SUCCESSION_WAIT {
            return Err(NodeError::InUse { place, holder });
        }
        if waited >= TELL_AFTER && !is_told {
            is_told = true;
            facts.tell(Notice::Waits(format!(
                "{place} is in use by {holder}; waiting"
            )));
        }
        sleep(LOOK_PAUSE).await;
    }
    Ok(())
}
