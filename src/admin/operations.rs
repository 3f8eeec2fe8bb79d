//! What was asked of the dialects: how often, with what outcome, how fast.

use super::Admin;
use super::answers::AdminResult;
use super::route::Asked;
use crate::observe::Outcome;
use lclq_shards::figures::TIME_BOUNDS_US;
use schemars::JsonSchema;
use serde::Serialize;
use std::rc::Rc;

/// An operation of a dialect, since the start.
#[derive(Serialize, JsonSchema)]
pub(super) struct OperationView {
    /// `sqs` or `pubsub`.
    api: &'static str,
    /// Its name on the wire.
    operation: &'static str,
    ok: u64,
    /// Requests that were refused for what they asked.
    client_errors: u64,
    /// Requests that could not be carried out.
    server_errors: u64,
    /// Time of all answers, us.
    sum_us: u64,
    /// Answers that took no longer than each of `bounds_us`, and all.
    buckets: Vec<u64>,
    /// Half of the answers took no longer, us; the bound of a bucket.
    p50_us: Option<u64>,
    /// 99 % of the answers took no longer, us.
    p99_us: Option<u64>,
}

/// Operations that were asked for at all.
#[derive(Serialize, JsonSchema)]
pub(super) struct OperationList {
    /// Upper bounds of the buckets, us.
    bounds_us: Vec<u64>,
    operations: Vec<OperationView>,
}

pub(super) async fn list(admin: Rc<Admin>, _: Asked) -> AdminResult<OperationList> {
    let operations = admin.observers.seen().map(|seen| {
        let of = |outcome: Outcome| {
            seen.outcomes
                .iter()
                .map(|wire| wire[outcome as usize])
                .sum()
        };
        let buckets = seen.times.cumulative();
        OperationView {
            api: seen.operation.dialect().name(),
            operation: seen.operation.name(),
            ok: of(Outcome::Done),
            client_errors: of(Outcome::Refused),
            server_errors: of(Outcome::Failed),
            sum_us: seen.times.sum,
            p50_us: quantile(&buckets, 50),
            p99_us: quantile(&buckets, 99),
            buckets,
        }
    });
    Ok(OperationList {
        operations: operations.collect(),
        bounds_us: TIME_BOUNDS_US.to_vec(),
    })
}

/// The bound that so many of a hundred are within; `None` where there are none, or they took longer
/// than any bound.
pub(super) fn quantile(cumulative: &[u64], of_hundred: u64) -> Option<u64> {
    let all = *cumulative.last()?;
    let wanted = (all * of_hundred).div_ceil(100);
    let at = cumulative.iter().position(|count| *count >= wanted)?;
    TIME_BOUNDS_US.get(at).copied().filter(|_| all > 0)
}
