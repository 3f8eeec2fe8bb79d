//! `/test/regions`: regions that Pub/Sub plays, and what lies between them.

use super::super::Admin;
use super::super::answers::{AdminError, AdminResult};
use super::super::route::{Asked, Json, NoQuery};
use super::allowed;
use crate::regions::{Map, MapError, Regions};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::rc::Rc;

/// Regions, and what lies between them.
#[derive(Serialize, JsonSchema)]
pub(in crate::admin) struct RegionsView {
    /// Whether there are any.
    on: bool,
    /// Whether they are as the server was started with.
    as_started: bool,
    /// The region by which requests come in that name none; absent where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<String>,
    /// Their names.
    regions: Vec<String>,
    /// Each two that something lies between.
    links: Vec<LinkView>,
}

/// What lies between two regions.
#[derive(Serialize, JsonSchema)]
struct LinkView {
    /// The two.
    between: [String; 2],
    /// How long anything takes from one to the other, and as long back, ms.
    latency_ms: u64,
    /// Whether nothing gets through.
    cut: bool,
}

/// Regions that are to be, in place of all that there are.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct RegionsGiven {
    /// Their names, 1 to 64; requests that name none come in by the first.
    regions: Vec<String>,
    /// What lies between them; nothing between two that aren't here.
    #[serde(default)]
    links: Vec<LinkGiven>,
}

/// What is to lie between two regions.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LinkGiven {
    /// The two.
    between: Vec<String>,
    /// How long anything takes from one to the other, and as long back, ms, up to 60000.
    #[serde(default)]
    latency_ms: u64,
    /// Whether nothing gets through.
    #[serde(default)]
    cut: bool,
}

/// How far two regions are from each other.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct LatencyGiven {
    /// The two.
    between: Vec<String>,
    /// How long anything takes from one to the other, and as long back, ms, up to 60000.
    latency_ms: u64,
}

/// Which regions are to be cut off or brought together.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct Between {
    /// Two regions from each other, or one from all others.
    between: Vec<String>,
}

/// Which regions are to be brought together.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct BetweenSome {
    /// Two regions, or one and all others; all where it isn't given.
    #[serde(default)]
    between: Vec<String>,
}

impl RegionsView {
    fn of(regions: &Regions) -> Self {
        let map = regions.map();
        let map = map.as_deref();
        let links = map.into_iter().flat_map(Map::links);
        Self {
            on: map.is_some(),
            as_started: regions.are_as_started(),
            default: map.map(|map| map.default_region().to_owned()),
            regions: map
                .into_iter()
                .flat_map(Map::names)
                .map(str::to_owned)
                .collect(),
            links: links
                .map(|(between, link)| LinkView {
                    between: between.map(str::to_owned),
                    latency_ms: link.latency_ms,
                    cut: link.is_cut,
                })
                .collect(),
        }
    }
}

impl RegionsGiven {
    fn map(&self) -> Result<Map, MapError> {
        let mut map = Map::new(&self.regions)?;
        for link in &self.links {
            map.set_latency(&link.between, link.latency_ms)?;
            if link.cut {
                map.cut(&link.between)?;
            }
        }
        Ok(map)
    }
}

fn refused(error: MapError) -> AdminError {
    AdminError::bad_request(error.to_string())
}

pub(in crate::admin) async fn show(admin: Rc<Admin>, _: Asked) -> AdminResult<RegionsView> {
    allowed(&admin)?;
    Ok(RegionsView::of(&admin.controls.regions))
}

pub(in crate::admin) async fn set(
    admin: Rc<Admin>,
    asked: Asked<NoQuery, Json<RegionsGiven>>,
) -> AdminResult<RegionsView> {
    allowed(&admin)?;
    let map = asked.body.0.map().map_err(refused)?;
    admin.controls.regions.set(Some(map));
    told(&admin, "regions are set")
}

pub(in crate::admin) async fn reset(admin: Rc<Admin>, _: Asked) -> AdminResult<RegionsView> {
    allowed(&admin)?;
    admin.controls.regions.begin_anew();
    told(&admin, "regions are as the server was started with")
}

pub(in crate::admin) async fn set_latency(
    admin: Rc<Admin>,
    asked: Asked<NoQuery, Json<LatencyGiven>>,
) -> AdminResult<RegionsView> {
    allowed(&admin)?;
    let given = asked.body.0;
    let set = |map: &mut Map| map.set_latency(&given.between, given.latency_ms);
    admin.controls.regions.change(set).map_err(refused)?;
    told(&admin, "regions are as far from each other as a test says")
}

pub(in crate::admin) async fn cut(
    admin: Rc<Admin>,
    asked: Asked<NoQuery, Json<Between>>,
) -> AdminResult<RegionsView> {
    allowed(&admin)?;
    let cut = |map: &mut Map| map.cut(&asked.body.0.between);
    admin.controls.regions.change(cut).map_err(refused)?;
    told(&admin, "regions are cut off from each other")
}

pub(in crate::admin) async fn heal(
    admin: Rc<Admin>,
    asked: Asked<NoQuery, Json<BetweenSome>>,
) -> AdminResult<RegionsView> {
    allowed(&admin)?;
    let heal = |map: &mut Map| map.heal(&asked.body.0.between);
    admin.controls.regions.change(heal).map_err(refused)?;
    told(&admin, "regions are together again")
}

/// What there is now, which the log has, too.
fn told(admin: &Admin, what: &str) -> AdminResult<RegionsView> {
    let view = RegionsView::of(&admin.controls.regions);
    let regions = serde_json::to_string(&view).unwrap_or_default();
    tracing::warn!(regions, "{what}");
    Ok(view)
}
