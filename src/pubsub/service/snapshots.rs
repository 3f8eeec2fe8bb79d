//! Snapshots, and seeking to them or to a time.

use lclq_shards::pubsub::command::{AdminCommand, Kind, PubsubRefusal, Resource, SeekTo};
use std::rc::Rc;

use super::masks::{Fields, take_field};
use super::resources::{random_u64, spec};
use super::rules::{check_labels, timestamp, timestamp_millis};
use crate::mesh::wall_clock;
use crate::pubsub::core::{Pubsub, decode_spec, leaf, pubsub_refused};
use crate::pubsub::error::{PubsubResult, invalid_argument, not_found};
use crate::pubsub::limits::{SNAPSHOT_LIFETIME_MS_MAX, SNAPSHOT_LIFETIME_MS_MIN};
use crate::pubsub::names;
use crate::pubsub::proto::{
    CreateSnapshotRequest, DeleteSnapshotRequest, GetSnapshotRequest, ListSnapshotsRequest,
    ListSnapshotsResponse, SeekRequest, SeekResponse, Snapshot, UpdateSnapshotRequest,
    seek_request::Target,
};

const FIELDS: Fields = Fields {
    request: "UpdateSnapshotRequest",
    resource: "Snapshot",
    immutable: &["name", "topic"],
};

fn apply(path: &str, from: &Snapshot, to: &mut Snapshot) -> bool {
    match path {
        "labels" => take_field!(from, to, labels),
        "expire_time" => take_field!(from, to, expire_time),
        _ => false,
    }
}

impl Pubsub {
    pub(super) async fn create_snapshot(
        self: Rc<Self>,
        request: CreateSnapshotRequest,
    ) -> PubsubResult<Snapshot> {
        let subscription = names::parse(names::Kind::Subscription, &request.subscription)?;
        let name = if request.name.is_empty() {
            let id = format!("snapshot-{:016x}", random_u64()?);
            names::join(names::Kind::Snapshot, subscription.project, &id)
        } else {
            names::parse(names::Kind::Snapshot, &request.name)?;
            request.name
        };
        let shard = self
            .existing(Kind::Subscription, subscription.full)
            .await?
            .shard;
        check_labels(&request.labels)?;
        let snapshot = Snapshot {
            name: name.clone(),
            labels: request.labels,
            ..Default::default()
        };
        let command = AdminCommand::CreateSnapshot {
            name: (*name).into(),
            subscription: subscription.full.into(),
            spec: spec(&snapshot),
            lifetime_ms_max: SNAPSHOT_LIFETIME_MS_MAX,
            lifetime_ms_min: SNAPSHOT_LIFETIME_MS_MIN,
        };
        let resource = self
            .clone()
            .create_under_name(Kind::Snapshot, shard, name.clone(), command)
            .await?
            .map_err(|refusal| match refusal {
                PubsubRefusal::NotFound | PubsubRefusal::Detached => {
                    pubsub_refused(refusal, subscription.full)
                }
                refusal => pubsub_refused(refusal, &name),
            })?;
        show(&resource)
    }

    pub(super) async fn get_snapshot(&self, request: GetSnapshotRequest) -> PubsubResult<Snapshot> {
        names::parse(names::Kind::Snapshot, &request.snapshot)?;
        show(&self.existing(Kind::Snapshot, &request.snapshot).await?)
    }

    pub(super) async fn update_snapshot(
        &self,
        request: UpdateSnapshotRequest,
    ) -> PubsubResult<Snapshot> {
        let update = &request.snapshot.unwrap_or_default();
        names::parse(names::Kind::Snapshot, &update.name)?;
        let mask = request.update_mask.as_ref();
        let derive = async |resource: Resource| {
            let mut snapshot = show(&resource)?;
            let expire_time = snapshot.expire_time;
            FIELDS.apply(mask, |path| apply(path, update, &mut snapshot))?;
            check_labels(&snapshot.labels)?;
            let expires_at = if snapshot.expire_time == expire_time {
                resource.expires_at.unwrap_or_default()
            } else {
                check_expire_time(&snapshot)?
            };
            let kept = Snapshot {
                name: snapshot.name,
                labels: snapshot.labels,
                // As it was given: shards count milliseconds.
                expire_time: snapshot.expire_time,
                ..Default::default()
            };
            Ok(AdminCommand::UpdateSnapshot {
                name: resource.name,
                version: resource.version,
                spec: spec(&kept),
                expires_at,
            })
        };
        show(&self.change(Kind::Snapshot, &update.name, derive).await?)
    }

    pub(super) async fn list_snapshots(
        &self,
        request: ListSnapshotsRequest,
    ) -> PubsubResult<ListSnapshotsResponse> {
        let (found, next_page_token) = self
            .list(
                Kind::Snapshot,
                &request.project,
                request.page_size,
                &request.page_token,
            )
            .await?;
        Ok(ListSnapshotsResponse {
            snapshots: found.iter().map(show).collect::<PubsubResult<_>>()?,
            next_page_token,
        })
    }

    pub(super) async fn delete_snapshot(&self, request: DeleteSnapshotRequest) -> PubsubResult<()> {
        names::parse(names::Kind::Snapshot, &request.snapshot)?;
        self.delete(Kind::Snapshot, &request.snapshot).await
    }

    pub(super) async fn seek(&self, request: SeekRequest) -> PubsubResult<SeekResponse> {
        let name = &request.subscription;
        names::parse(names::Kind::Subscription, name)?;
        if let Some(Target::Snapshot(snapshot)) = &request.target {
            names::parse(names::Kind::Snapshot, snapshot)?;
        }
        let shard = self.existing(Kind::Subscription, name).await?.shard;
        let (to, snapshot) = match &request.target {
            None => return Err(invalid_argument("target")),
            Some(Target::Time(time)) => (SeekTo::Time(timestamp_millis("time", time)?), None),
            Some(Target::Snapshot(snapshot)) => {
                (SeekTo::Snapshot((**snapshot).into()), Some(&**snapshot))
            }
        };
        let command = AdminCommand::Seek {
            name: (**name).into(),
            to,
        };
        match (self.done(shard, command).await?, snapshot) {
            (Ok(()), _) => Ok(SeekResponse {}),
            (Err(PubsubRefusal::SnapshotNotFound), Some(snapshot)) => {
                // The subscription's shard hasn't got it, but another may.
                let refusal = match self.find(Kind::Snapshot, snapshot).await? {
                    Some(_) => PubsubRefusal::OtherTopic,
                    None => return Err(not_found(leaf(snapshot))),
                };
                Err(pubsub_refused(refusal, name))
            }
            (Err(refusal), _) => Err(pubsub_refused(refusal, name)),
        }
    }
}

/// When a snapshot is to expire: within the longest time that one may live.
fn check_expire_time(snapshot: &Snapshot) -> PubsubResult<u64> {
    const EXPIRE_TIME: &str = "snapshot.expire_time";
    let Some(time) = &snapshot.expire_time else {
        return Err(invalid_argument(EXPIRE_TIME));
    };
    let now = wall_clock();
    let expires_at = timestamp_millis(EXPIRE_TIME, time)?;
    if expires_at <= now || expires_at - now > SNAPSHOT_LIFETIME_MS_MAX {
        return Err(invalid_argument(EXPIRE_TIME));
    }
    Ok(expires_at)
}

/// A snapshot as it is answered.
fn show(resource: &Resource) -> PubsubResult<Snapshot> {
    let mut snapshot: Snapshot = decode_spec(resource)?;
    snapshot.topic = match &resource.topic {
        Some(topic) => topic.to_string(),
        None => names::DELETED_TOPIC.into(),
    };
    if snapshot.expire_time.is_none() {
        snapshot.expire_time = resource.expires_at.map(timestamp);
    }
    Ok(snapshot)
}
