//! Names of queues and the shard that each name belongs to.

use serde::{Deserialize, Serialize};

/// A queue's full name. Queues of different regions or accounts don't see each other.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct QueueName {
    /// Region, such as `us-east-1`.
    pub region: Box<str>,
    /// Account, such as `000000000000`.
    pub account: Box<str>,
    /// Name within region and account, `.fifo` included.
    pub name: Box<str>,
}

impl QueueName {
    /// Puts a name together.
    pub fn new(region: &str, account: &str, name: &str) -> Self {
        Self {
            region: region.into(),
            account: account.into(),
            name: name.into(),
        }
    }

    /// The queue's ARN.
    pub fn arn(&self) -> String {
        let partition = partition_of(&self.region);
        let (region, account, name) = (&self.region, &self.account, &self.name);
        format!("arn:{partition}:sqs:{region}:{account}:{name}")
    }

    /// Reads an ARN of the form `arn:<partition>:sqs:<region>:<account>:<name>`. The partition says
    /// nothing that the region doesn't.
    pub fn from_arn(arn: &str) -> Option<Self> {
        let mut parts = arn.split(':');
        let (scheme, _partition, service) = (parts.next()?, parts.next()?, parts.next()?);
        let (region, account, name) = (parts.next()?, parts.next()?, parts.next()?);
        (scheme == "arn" && service == "sqs" && !name.is_empty() && parts.next().is_none())
            .then(|| Self::new(region, account, name))
    }

    /// The key under which a shard sorts its queues: by region and account, then by name.
    pub fn key(&self) -> String {
        format!("{}/{}/{}", self.region, self.account, self.name)
    }

    /// The shard that owns the name. The function is part of the data directory's format: shards
    /// are fixed when a directory is made, and names must map to the same one ever after.
    pub fn shard(&self, shards: u16) -> u16 {
        shard_of(self.key().as_bytes(), shards)
    }
}

/// The partition that ARNs of a region name. Source: the regions of AWS's partitions.
pub fn partition_of(region: &str) -> &'static str {
    const BY_PREFIX: [(&str, &str); 7] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("eu-isoe-", "aws-iso-e"),
        ("us-isof-", "aws-iso-f"),
        ("eusc-", "aws-eusc"),
    ];
    BY_PREFIX
        .iter()
        .find(|(prefix, _)| region.starts_with(prefix))
        .map_or("aws", |(_, partition)| partition)
}

/// A key's shard, of `0..shards`.
pub fn shard_of(key: &[u8], shards: u16) -> u16 {
    ((u128::from(hash_of(key)) * u128::from(shards)) >> 64) as u16
}

/// FNV-1a with a final mix.
pub(crate) fn hash_of(key: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for byte in key {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn arn_and_back() {
        let name = QueueName::new("us-east-1", "000000000000", "orders.fifo");
        assert_eq!(QueueName::from_arn(&name.arn()), Some(name));
        assert_eq!(QueueName::from_arn("arn:aws:sns:us-east-1:1:x"), None);
        assert_eq!(QueueName::from_arn("arn:aws:sqs:us-east-1:1:"), None);
        assert_eq!(QueueName::from_arn("arn:aws:sqs:us-east-1:1:x:y"), None);
    }

    #[test]
    fn the_region_decides_the_partition() {
        for (region, partition) in [
            ("eu-west-1", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
            ("us-isob-east-1", "aws-iso-b"),
            ("nowhere", "aws"),
        ] {
            let name = QueueName::new(region, "000000000000", "q");
            assert_eq!(
                name.arn(),
                format!("arn:{partition}:sqs:{region}:000000000000:q")
            );
            assert_eq!(QueueName::from_arn(&name.arn()), Some(name));
        }
    }

    #[test]
    fn names_spread_and_stay() {
        let mut counts = [0u32; 4];
        for n in 0..4000 {
            counts[usize::from(QueueName::new("r", "a", &format!("queue-{n}")).shard(4))] += 1;
        }
        assert!(
            counts.iter().all(|count| (800..1200).contains(count)),
            "{counts:?}"
        );
        // Fixed for ever: a change here would lose track of queues in existing directories.
        assert_eq!(
            QueueName::new("us-east-1", "000000000000", "orders").shard(8),
            4
        );
        assert_eq!(shard_of(b"", 7), shard_of(b"", 7));
    }

    proptest! {
        #[test]
        fn no_arn_panics(text in ".{0,60}", region in "[^:]{0,12}", name in "[^:]{1,90}") {
            let _ = QueueName::from_arn(&text);
            let made = QueueName::new(&region, "000000000000", &name);
            prop_assert_eq!(QueueName::from_arn(&made.arn()), Some(made));
        }
    }
}
