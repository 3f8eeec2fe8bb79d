//! `/test/profile`: the production profile.

use super::super::Admin;
use super::super::answers::{AdminError, AdminResult};
use super::super::route::{Asked, Json, NoQuery};
use super::allowed;
use crate::profile::{Profile, ProfileSettings};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The production profile, and what it did.
#[derive(Serialize, JsonSchema)]
pub(in crate::admin) struct ProfileView {
    /// Whether it is on.
    on: bool,
    /// What it has happen.
    settings: Map<String, Value>,
    /// What happened since it was set, and how often.
    done: BTreeMap<&'static str, u64>,
}

impl ProfileView {
    fn of(profile: &Profile) -> Self {
        let shown = profile.shown();
        Self {
            on: shown.on,
            settings: json!(shown.settings)
                .as_object()
                .cloned()
                .unwrap_or_default(),
            done: shown.done,
        }
    }
}

pub(in crate::admin) async fn show(admin: Rc<Admin>, _: Asked) -> AdminResult<ProfileView> {
    allowed(&admin)?;
    Ok(ProfileView::of(&admin.controls.profile))
}

pub(in crate::admin) async fn set(
    admin: Rc<Admin>,
    asked: Asked<NoQuery, Json<ProfileSettings>>,
) -> AdminResult<ProfileView> {
    allowed(&admin)?;
    let settings = asked.body.0;
    let seed = settings.seed;
    let set = admin.controls.profile.set(settings);
    set.map_err(AdminError::bad_request)?;
    tracing::warn!(seed, "the production profile is on");
    Ok(ProfileView::of(&admin.controls.profile))
}

pub(in crate::admin) async fn end(admin: Rc<Admin>, _: Asked) -> AdminResult<ProfileView> {
    allowed(&admin)?;
    if admin.controls.profile.end() {
        tracing::warn!("the production profile is off");
    }
    Ok(ProfileView::of(&admin.controls.profile))
}
