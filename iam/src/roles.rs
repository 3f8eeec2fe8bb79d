//! Roles: the permissions of Pub/Sub that they have.

use crate::error::PolicyError;
use crate::permissions::{
    Permission::{self, *},
    Permissions,
};
use crate::policy::Level;
use std::collections::BTreeMap;

/// Bytes of a custom role's id, by <https://docs.cloud.google.com/iam/quotas>.
pub const ROLE_ID_BYTES_MAX: usize = 64;

/// Of <https://docs.cloud.google.com/pubsub/docs/access-control>, as all roles of Pub/Sub here.
const VIEWER: Permissions = Permissions::of(&[
    MessageTransformsValidate,
    SchemasGet,
    SchemasList,
    SchemasListRevisions,
    SchemasValidate,
    SnapshotsGet,
    SnapshotsList,
    SnapshotsListEffectiveTags,
    SnapshotsListTagBindings,
    SubscriptionsGet,
    SubscriptionsList,
    SubscriptionsListEffectiveTags,
    SubscriptionsListTagBindings,
    TopicsGet,
    TopicsList,
    TopicsListEffectiveTags,
    TopicsListTagBindings,
]);

/// An admin's without those on policies.
const EDITOR: Permissions = Permissions::ALL.without(Permissions::of(&[
    SchemasGetIamPolicy,
    SchemasSetIamPolicy,
    SnapshotsGetIamPolicy,
    SnapshotsSetIamPolicy,
    SubscriptionsGetIamPolicy,
    SubscriptionsSetIamPolicy,
    TopicsGetIamPolicy,
    TopicsSetIamPolicy,
]));

const PUBLISHER: Permissions = Permissions::of(&[TopicsPublish]);

const SUBSCRIBER: Permissions = Permissions::of(&[
    SnapshotsSeek,
    SubscriptionsConsume,
    TopicsAttachSubscription,
]);

/// `roles/viewer`, from a copy of the role that its own API gave (`gcp/roles/viewer.json` of
/// iann0036/iam-dataset), with what came later by
/// <https://docs.cloud.google.com/iam/docs/roles-permissions/pubsub>: transforms, and tags of topics.
/// That tags of snapshots and subscriptions are listed as those of topics are wasn't read.
const BASIC_VIEWER: Permissions = VIEWER.with(Permissions::of(&[
    SchemasAttach,
    SchemasGetIamPolicy,
    SnapshotsSeek,
]));

/// `roles/editor`, from `gcp/roles/editor.json` and the page above. By the page it can't bind tags to
/// snapshots; that it can't to topics and subscriptions wasn't read.
const BASIC_EDITOR: Permissions = EDITOR
    .with(Permissions::of(&[SchemasGetIamPolicy]))
    .without(Permissions::of(&[
        SnapshotsCreateTagBinding,
        SnapshotsDeleteTagBinding,
        SubscriptionsCreateTagBinding,
        SubscriptionsDeleteTagBinding,
        TopicsCreateTagBinding,
        TopicsDeleteTagBinding,
    ]));

/// The roles that there are: those of Pub/Sub, the basic ones, and what is defined besides.
#[derive(Clone, Default, Debug)]
pub struct Roles {
    custom: BTreeMap<Box<str>, Permissions>,
}

impl Roles {
    /// Those that are there without defining them.
    pub fn new() -> Self {
        Self::default()
    }

    /// Defines a custom role, `projects/<project>/roles/<id>` or
    /// `organizations/<organization>/roles/<id>`, or says what a role of another service has of
    /// Pub/Sub. Permissions of other services may be among its permissions, and mean nothing here.
    ///
    /// # Errors
    ///
    /// It has no such name, or a permission that Pub/Sub doesn't have.
    pub fn define<P: AsRef<str>>(
        &mut self,
        role: &str,
        permissions: &[P],
    ) -> Result<(), PolicyError> {
        if !is_custom(role) && !is_of_other_service(role) {
            let fault = format!(
                "is no role to define, allowed are projects/<project>/roles/<id>, \
                 organizations/<organization>/roles/<id> with up to {ROLE_ID_BYTES_MAX} letters, \
                 digits, underscores and periods, and roles of other services"
            );
            return Err(PolicyError::member(crate::error::quoted(role), fault));
        }
        let mut set = Permissions::NONE;
        for name in permissions {
            let name = name.as_ref();
            match Permission::parse(name) {
                Some(permission) => set = set.with(permission.into()),
                None if !name.starts_with("pubsub.") => {}
                None => {
                    let fault = format!(
                        "has {}, a permission that isn't",
                        crate::error::quoted(name)
                    );
                    return Err(PolicyError::member(role, fault));
                }
            }
        }
        self.custom.insert(role.into(), set);
        Ok(())
    }

    /// What a role has of Pub/Sub; `None` where it doesn't exist, or has no place at that level.
    pub fn permissions(&self, role: &str, level: Level) -> Option<Permissions> {
        if let Some(custom) = self.custom.get(role) {
            return Some(*custom);
        }
        Some(match role {
            "roles/owner" => Permissions::ALL,
            "roles/editor" => BASIC_EDITOR,
            "roles/viewer" => BASIC_VIEWER,
            "roles/pubsub.admin" => Permissions::ALL,
            "roles/pubsub.editor" => EDITOR,
            "roles/pubsub.publisher" => PUBLISHER,
            "roles/pubsub.subscriber" => SUBSCRIBER,
            "roles/pubsub.viewer" => VIEWER,
            // All that it has is of other services.
            "roles/pubsub.serviceAgent" => Permissions::NONE,
            // A project's policy has those of all its services.
            _ if level == Level::Project && is_of_other_service(role) => Permissions::NONE,
            _ => return None,
        })
    }
}

/// Whether a role is one of those that were there before IAM.
pub(crate) fn is_basic(role: &str) -> bool {
    matches!(role, "roles/owner" | "roles/editor" | "roles/viewer")
}

fn is_custom(role: &str) -> bool {
    let mut parts = role.split('/');
    let (of, owner) = (parts.next(), parts.next().unwrap_or(""));
    let (roles, id) = (parts.next(), parts.next().unwrap_or(""));
    matches!(of, Some("projects" | "organizations"))
        && !owner.is_empty()
        && roles == Some("roles")
        && is_id(id)
        && parts.next().is_none()
}

/// `roles/<service>.<role>`, and the few with no service, such as `roles/browser`.
fn is_of_other_service(role: &str) -> bool {
    let id = role.strip_prefix("roles/");
    !is_basic(role) && id.is_some_and(|id| is_id(id) && !id.starts_with("pubsub."))
}

fn is_id(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    !id.is_empty() && id.len() <= ROLE_ID_BYTES_MAX && id.bytes().all(plain)
}
