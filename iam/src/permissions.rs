//! Permissions of Pub/Sub, and sets of them.

use std::fmt;

macro_rules! permissions {
    ($($permission:ident $name:literal)*) => {
        /// A permission of Pub/Sub.
        ///
        /// They are those of `roles/pubsub.admin` in
        /// <https://docs.cloud.google.com/pubsub/docs/access-control>, which has all of them.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u8)]
        pub enum Permission {
            $(#[doc = concat!("`", $name, "`")] $permission,)*
        }

        impl Permission {
            /// All of them, by their names' order.
            pub const ALL: &[Self] = &[$(Self::$permission,)*];

            /// Its name, such as `pubsub.topics.publish`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$permission => $name,)*
                }
            }

            /// The permission of a name, if it is one of Pub/Sub's.
            pub fn parse(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$permission),)*
                    _ => None,
                }
            }
        }
    };
}

permissions! {
    MessageTransformsValidate "pubsub.messageTransforms.validate"
    SchemasAttach "pubsub.schemas.attach"
    SchemasCommit "pubsub.schemas.commit"
    SchemasCreate "pubsub.schemas.create"
    SchemasDelete "pubsub.schemas.delete"
    SchemasGet "pubsub.schemas.get"
    SchemasGetIamPolicy "pubsub.schemas.getIamPolicy"
    SchemasList "pubsub.schemas.list"
    SchemasListRevisions "pubsub.schemas.listRevisions"
    SchemasRollback "pubsub.schemas.rollback"
    SchemasSetIamPolicy "pubsub.schemas.setIamPolicy"
    SchemasValidate "pubsub.schemas.validate"
    SnapshotsCreate "pubsub.snapshots.create"
    SnapshotsCreateTagBinding "pubsub.snapshots.createTagBinding"
    SnapshotsDelete "pubsub.snapshots.delete"
    SnapshotsDeleteTagBinding "pubsub.snapshots.deleteTagBinding"
    SnapshotsGet "pubsub.snapshots.get"
    SnapshotsGetIamPolicy "pubsub.snapshots.getIamPolicy"
    SnapshotsList "pubsub.snapshots.list"
    SnapshotsListEffectiveTags "pubsub.snapshots.listEffectiveTags"
    SnapshotsListTagBindings "pubsub.snapshots.listTagBindings"
    SnapshotsSeek "pubsub.snapshots.seek"
    SnapshotsSetIamPolicy "pubsub.snapshots.setIamPolicy"
    SnapshotsUpdate "pubsub.snapshots.update"
    SubscriptionsConsume "pubsub.subscriptions.consume"
    SubscriptionsCreate "pubsub.subscriptions.create"
    SubscriptionsCreateTagBinding "pubsub.subscriptions.createTagBinding"
    SubscriptionsDelete "pubsub.subscriptions.delete"
    SubscriptionsDeleteTagBinding "pubsub.subscriptions.deleteTagBinding"
    SubscriptionsGet "pubsub.subscriptions.get"
    SubscriptionsGetIamPolicy "pubsub.subscriptions.getIamPolicy"
    SubscriptionsList "pubsub.subscriptions.list"
    SubscriptionsListEffectiveTags "pubsub.subscriptions.listEffectiveTags"
    SubscriptionsListTagBindings "pubsub.subscriptions.listTagBindings"
    SubscriptionsSetIamPolicy "pubsub.subscriptions.setIamPolicy"
    SubscriptionsUpdate "pubsub.subscriptions.update"
    TopicsAttachSubscription "pubsub.topics.attachSubscription"
    TopicsCreate "pubsub.topics.create"
    TopicsCreateTagBinding "pubsub.topics.createTagBinding"
    TopicsDelete "pubsub.topics.delete"
    TopicsDeleteTagBinding "pubsub.topics.deleteTagBinding"
    TopicsDetachSubscription "pubsub.topics.detachSubscription"
    TopicsGet "pubsub.topics.get"
    TopicsGetIamPolicy "pubsub.topics.getIamPolicy"
    TopicsList "pubsub.topics.list"
    TopicsListEffectiveTags "pubsub.topics.listEffectiveTags"
    TopicsListTagBindings "pubsub.topics.listTagBindings"
    TopicsPublish "pubsub.topics.publish"
    TopicsSetIamPolicy "pubsub.topics.setIamPolicy"
    TopicsUpdate "pubsub.topics.update"
    TopicsUpdateTag "pubsub.topics.updateTag"
}

const _: () = assert!(Permission::ALL.len() <= u64::BITS as usize);

impl fmt::Display for Permission {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.name())
    }
}

/// A set of permissions.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Permissions(u64);

impl Permissions {
    /// None.
    pub const NONE: Self = Self(0);
    /// All.
    pub const ALL: Self = Self::of(Permission::ALL);

    /// Those of a list.
    pub const fn of(list: &[Permission]) -> Self {
        let (mut bits, mut n) = (0, 0);
        while n < list.len() {
            bits |= 1 << list[n] as u8;
            n += 1;
        }
        Self(bits)
    }

    /// Those of either.
    #[must_use]
    pub const fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Those that others doesn't have.
    #[must_use]
    pub const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// Those of both.
    #[must_use]
    pub const fn common(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }

    /// Whether one is among them.
    pub const fn has(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u8) != 0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// One after the other, by their names' order.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        let all = Permission::ALL.iter().copied();
        all.filter(move |permission| self.has(*permission))
    }
}

impl From<Permission> for Permissions {
    fn from(permission: Permission) -> Self {
        Self::of(&[permission])
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(all: I) -> Self {
        all.into_iter()
            .fold(Self::NONE, |set, one| set.with(one.into()))
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for permission in Permission::ALL {
            assert_eq!(Permission::parse(permission.name()), Some(*permission));
        }
        assert!(Permission::ALL.is_sorted_by_key(|permission| permission.name()));
        for name in ["", "pubsub", "pubsub.topics.Publish", "pubsub.topics.*"] {
            assert_eq!(Permission::parse(name), None, "{name}");
        }
    }

    #[test]
    fn sets() {
        let some = Permissions::of(&[Permission::TopicsGet, Permission::SchemasGet]);
        assert!(some.has(Permission::TopicsGet) && !some.has(Permission::TopicsList));
        assert_eq!(
            some.iter().collect::<Vec<_>>(),
            [Permission::SchemasGet, Permission::TopicsGet]
        );
        assert_eq!(some.iter().collect::<Permissions>(), some);
        assert_eq!(
            Permissions::ALL.without(some).common(some),
            Permissions::NONE
        );
        assert_eq!(Permissions::ALL.iter().count(), Permission::ALL.len());
    }
}
