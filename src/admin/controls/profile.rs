//! `/test/profile`: the production profile.

use super::super::Admin;
use super::super::answers::{AdminError, AdminResult};
use super::super::route::{Asked, Json, NoQuery};
use super::allowed;
use crate::profile::{ProfileSettings, ProfileView};
use std::rc::Rc;

pub(in crate::admin) async fn show(admin: Rc<Admin>, _: Asked) -> AdminResult<ProfileView> {
    allowed(&admin)?;
    Ok(admin.controls.profile.shown())
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
    Ok(admin.controls.profile.shown())
}

pub(in crate::admin) async fn end(admin: Rc<Admin>, _: Asked) -> AdminResult<ProfileView> {
    allowed(&admin)?;
    if admin.controls.profile.end() {
        tracing::warn!("the production profile is off");
    }
    Ok(admin.controls.profile.shown())
}
