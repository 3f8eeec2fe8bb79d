//! `POST /queues/{queue}/policy/test`: what a queue's policy, or one that isn't saved yet, says to a request.

use super::Admin;
use super::answers::{AdminError, AdminResult};
use super::queues::{Place, described};
use super::route::{Asked, Json, Route, Scope};
use crate::policies::{keys, principal};
use http::Method;
use lclq_policies::{Policy, Request, explain};
use lclq_shards::attributes::QueueAttribute;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::rc::Rc;

/// A request that nobody makes, to see what would be decided.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TestPolicy {
    /// A policy as JSON; the queue's own where absent.
    policy: Option<String>,
    /// Who asks: an ARN such as arn:aws:iam::111122223333:user/name, or a service such as
    /// sns.amazonaws.com; anonymous where absent.
    principal: Option<String>,
    /// Such as sqs:SendMessage.
    action: String,
    /// Keys of conditions, such as aws:SourceIp.
    #[serde(default)]
    context: BTreeMap<String, String>,
}

/// What a policy says.
#[derive(Serialize, JsonSchema)]
struct Verdict {
    /// Whether the request would be carried out, as far as this policy is concerned.
    allowed: bool,
    /// The decision and its reason in a line.
    decision: String,
    /// What became of each statement.
    statements: Vec<StatementVerdict>,
}

/// What became of a statement.
#[derive(Serialize, JsonSchema)]
struct StatementVerdict {
    /// Which one.
    statement: String,
    /// `Allow` or `Deny`.
    effect: String,
    /// What keeps it from applying; null where it applies.
    miss: Option<String>,
}

async fn test(admin: Rc<Admin>, asked: Asked<Place, Json<TestPolicy>>) -> AdminResult<Verdict> {
    let name = asked.query.queue(&admin, asked.part(0));
    let queue = described(&admin, &name).await?;
    let Json(wanted) = asked.body;
    let own = queue.attributes.get(&QueueAttribute::Policy);
    let text = wanted.policy.as_ref().or(own);
    let policy = text
        .filter(|text| !text.trim().is_empty())
        .map(|text| Policy::parse(text))
        .transpose()
        .map_err(AdminError::bad_request)?;
    let who = wanted.principal.as_deref().filter(|who| !who.is_empty());
    let who = who.map(principal).transpose();
    let pairs: Vec<(String, String)> = wanted.context.into_iter().collect();
    let request = Request {
        principal: who.map_err(AdminError::bad_request)?,
        action: &wanted.action,
        resource: &name.arn(),
        account: &name.account,
        context: &keys(&pairs),
    };
    let explanation = explain(&[], policy.as_ref(), &request);
    let decision = &explanation.decision;
    Ok(Verdict {
        allowed: decision.outcome == lclq_policies::Outcome::Allowed,
        decision: format!("{}: {}", decision.outcome, decision.because),
        statements: explanation
            .statements
            .iter()
            .map(|one| StatementVerdict {
                statement: one.cause.to_string(),
                effect: one.effect.to_string(),
                miss: one.miss.clone(),
            })
            .collect(),
    })
}

pub(super) fn routes() -> Vec<Route> {
    vec![Route::new(
        Method::POST,
        "/queues/{queue}/policy/test",
        Scope::Read,
        (
            "testQueuePolicy",
            "What a queue's policy, or another one, would say to a request, statement by statement",
        ),
        test,
    )]
}
