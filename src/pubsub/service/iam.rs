//! Access policies: kept and shown. What they decide stands in [`crate::pubsub::access`].

use lclq_shards::pubsub::command::{AdminCommand, PubsubRefusal, Resource};
use prost::Message;
use std::collections::BTreeSet;

use super::resources::{CHANGED_MAX, random_u64, shard_kind, spec};
use crate::pubsub::access::acting;
use crate::pubsub::core::{Pubsub, pubsub_refused};
use crate::pubsub::error::{
    PubsubResult, broken_policy, changed_too_often, invalid_argument, stale_etag, too_large,
    wrong_policy,
};
use crate::pubsub::limits::{BINDINGS_MAX, MEMBERS_MAX, PERMISSIONS_MAX};
use crate::pubsub::names;
use crate::pubsub::proto::FieldMask;
use crate::pubsub::proto::iam::{
    GetIamPolicyRequest, Policy, SetIamPolicyRequest, TestIamPermissionsRequest,
    TestIamPermissionsResponse,
};

/// The etag of a resource that never had a policy.
const ETAG_FIRST: &[u8] = &[0x00, 0x20, 0x01];

impl Pubsub {
    pub(super) async fn set_iam_policy(
        &self,
        request: SetIamPolicyRequest,
    ) -> PubsubResult<Policy> {
        let Some(given) = &request.policy else {
            // What doesn't exist is the first thing to be told.
            self.iam_resource(&request.resource).await?;
            return Err(invalid_argument("policy"));
        };
        for _ in 0..CHANGED_MAX {
            let resource = self.iam_resource(&request.resource).await?;
            check_policy(given)?;
            if let Some(guard) = &self.guard {
                guard
                    .check_policy(given)
                    .map_err(|error| wrong_policy(&error))?;
            }
            let mut policy = changed(policy_of(&resource)?, given, request.update_mask.as_ref())?;
            policy.etag = random_u64()?.to_be_bytes().to_vec().into();
            let command = AdminCommand::SetPolicy {
                kind: resource.kind,
                name: resource.name.clone(),
                replaces: resource.policy.clone(),
                policy: spec(&policy),
            };
            match self.done(resource.shard, command).await? {
                Ok(()) => return Ok(policy),
                // Read again: if an etag was given, it is stale now.
                Err(PubsubRefusal::Changed) => {}
                Err(refusal) => return Err(pubsub_refused(refusal, &request.resource)),
            }
        }
        Err(changed_too_often())
    }

    pub(super) async fn get_iam_policy(
        &self,
        request: GetIamPolicyRequest,
    ) -> PubsubResult<Policy> {
        let version = request
            .options
            .map_or(0, |options| options.requested_policy_version);
        let resource = self.iam_resource(&request.resource).await?;
        if !is_version(version) {
            return Err(invalid_argument("options.requested_policy_version"));
        }
        policy_of(&resource)
    }

    pub(super) async fn test_iam_permissions(
        &self,
        request: TestIamPermissionsRequest,
    ) -> PubsubResult<TestIamPermissionsResponse> {
        let (kind, name) = names::parse_any(&request.resource)?;
        let mut permissions = request.permissions;
        if permissions.len() > PERMISSIONS_MAX {
            return Err(too_large(
                "permissions_count",
                permissions.len(),
                PERMISSIONS_MAX,
            ));
        }
        if permissions
            .iter()
            .any(|permission| permission.is_empty() || permission.contains('*'))
        {
            return Err(invalid_argument("permissions"));
        }
        // Nobody has any on what doesn't exist; that isn't an error.
        if self.find(shard_kind(kind), name.full).await?.is_none() {
            permissions.clear();
        }
        if let (Some(guard), Some(acting)) = (&self.guard, acting()) {
            permissions = guard
                .permitted(self, &acting, name.full, permissions)
                .await?;
        }
        Ok(TestIamPermissionsResponse { permissions })
    }

    async fn iam_resource(&self, name: &str) -> PubsubResult<Resource> {
        let (kind, name) = names::parse_any(name)?;
        self.existing(shard_kind(kind), name.full).await
    }
}

/// The policy that takes the place of `old`: what is given, or the parts of it that the mask names.
fn changed(old: Policy, given: &Policy, mask: Option<&FieldMask>) -> PubsubResult<Policy> {
    if !given.etag.is_empty() && given.etag != old.etag {
        return Err(stale_etag());
    }
    let Some(mask) = mask.filter(|mask| !mask.paths.is_empty()) else {
        return Ok(given.clone());
    };
    let mut policy = old;
    // Each once: bindings may be megabytes.
    let paths: BTreeSet<&str> = mask.paths.iter().map(String::as_str).collect();
    for path in paths {
        match path {
            "bindings" => policy.bindings.clone_from(&given.bindings),
            "audit_configs" => policy.audit_configs.clone_from(&given.audit_configs),
            "version" => policy.version = given.version,
            "etag" => {}
            _ => return Err(invalid_argument("update_mask")),
        }
    }
    Ok(policy)
}

fn policy_of(resource: &Resource) -> PubsubResult<Policy> {
    let mut policy = Policy::decode(&*resource.policy).map_err(|_| broken_policy())?;
    if policy.etag.is_empty() {
        policy.etag = ETAG_FIRST.into();
    }
    Ok(policy)
}

fn is_version(version: i32) -> bool {
    matches!(version, 0 | 1 | 3)
}

fn check_policy(policy: &Policy) -> PubsubResult<()> {
    if !is_version(policy.version) {
        return Err(invalid_argument("policy.version"));
    }
    if policy.bindings.len() > BINDINGS_MAX {
        return Err(too_large(
            "policy.bindings_count",
            policy.bindings.len(),
            BINDINGS_MAX,
        ));
    }
    let members = policy.bindings.iter().map(|binding| binding.members.len());
    let members: usize = members.sum();
    if members > MEMBERS_MAX {
        return Err(too_large(
            "policy.bindings.members_count",
            members,
            MEMBERS_MAX,
        ));
    }
    for binding in &policy.bindings {
        if binding.role.is_empty() {
            return Err(invalid_argument("policy.bindings.role"));
        }
        if binding.members.iter().any(String::is_empty) {
            return Err(invalid_argument("policy.bindings.members"));
        }
        if binding.condition.is_some() && policy.version != 3 {
            return Err(invalid_argument("policy.version"));
        }
    }
    Ok(())
}
