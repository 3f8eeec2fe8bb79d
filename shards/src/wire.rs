//! Commands and replies as bytes, for servers of one version that ask each other: how serde is to go about what
//! it would copy byte by byte, take from a peer's length, or leave out. What is stored has formats of its own
//! ([`crate::journal`]).

use crate::Payload;
use serde::de::{DeserializeOwned, Error as _, SeqAccess, Visitor};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;

/// Bytes that are taken in one piece, out of what was received.
struct Piece<T>(fn(&[u8]) -> Option<T>);

impl<T> Visitor<'_> for Piece<T> {
    type Value = T;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("bytes of a known form")
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<T, E> {
        (self.0)(bytes).ok_or_else(|| E::custom("bytes of another form"))
    }
}

impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(self.stored())
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_bytes(Piece(Payload::from_stored))
    }
}

/// Shared bytes.
pub(crate) mod bytes {
    use super::*;
    use crate::payload::SharedBytes;

    pub fn serialize<S: Serializer>(bytes: &SharedBytes, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(bytes)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SharedBytes, D::Error> {
        from.deserialize_bytes(Piece(|bytes| Some(bytes.into())))
    }
}

/// A list of shared bytes.
pub(crate) mod all_bytes {
    use super::*;
    use crate::payload::SharedBytes;

    #[derive(Serialize, Deserialize)]
    struct Each(#[serde(with = "super::bytes")] SharedBytes);

    pub fn serialize<S: Serializer>(all: &[SharedBytes], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(all.iter().map(|each| Each(each.clone())))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<SharedBytes>, D::Error> {
        let all = Vec::<Each>::deserialize(from)?;
        Ok(all.into_iter().map(|each| each.0).collect())
    }
}

/// Shared text.
pub(crate) mod text {
    use super::*;
    use std::sync::Arc;

    pub fn serialize<S: Serializer>(text: &Arc<str>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(text)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<str>, D::Error> {
        Ok(Box::<str>::deserialize(from)?.into())
    }
}

/// A list that mostly is short. Room is taken as elements come, whatever length was announced.
pub(crate) mod few {
    use super::*;
    use smallvec::{Array, SmallVec};

    pub fn serialize<S, A>(few: &SmallVec<A>, to: S) -> Result<S::Ok, S::Error>
    where
        S: Serializer,
        A: Array<Item: Serialize>,
    {
        few.as_slice().serialize(to)
    }

    pub fn deserialize<'de, D, A>(from: D) -> Result<SmallVec<A>, D::Error>
    where
        D: Deserializer<'de>,
        A: Array<Item: Deserialize<'de>>,
    {
        from.deserialize_seq(Few(PhantomData))
    }

    struct Few<A>(PhantomData<A>);

    impl<'de, A: Array<Item: Deserialize<'de>>> Visitor<'de> for Few<A> {
        type Value = SmallVec<A>;

        fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            out.write_str("a list")
        }

        fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<SmallVec<A>, S::Error> {
            let mut few = SmallVec::new();
            while let Some(element) = seq.next_element()? {
                few.push(element);
            }
            Ok(few)
        }
    }
}

/// So many numbers as a type says.
pub(crate) mod counts {
    use super::*;

    pub fn serialize<S: Serializer, const N: usize>(
        counts: &[u64; N],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        counts.as_slice().serialize(to)
    }

    pub fn deserialize<'de, D, const N: usize>(from: D) -> Result<[u64; N], D::Error>
    where
        D: Deserializer<'de>,
    {
        let counts = Vec::deserialize(from)?;
        counts
            .try_into()
            .map_err(|_| D::Error::custom("another number of counts"))
    }
}

/// What has a form in JSON, which journals keep, and which says itself what it has.
pub(crate) mod json {
    use super::*;

    pub fn serialize<S: Serializer, T: Serialize>(of: &T, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(&serde_json::to_vec(of).map_err(S::Error::custom)?)
    }

    pub fn deserialize<'de, D, T>(from: D) -> Result<T, D::Error>
    where
        D: Deserializer<'de>,
        T: DeserializeOwned,
    {
        from.deserialize_bytes(Piece(|bytes| serde_json::from_slice(bytes).ok()))
    }
}

/// Records beside which journals keep what the dialect has of them.
pub(crate) mod record {
    use super::*;
    use crate::payload::SharedBytes;
    use crate::records::{SchemaRecord, SubscriptionRecord, TopicRecord};

    /// What JSON leaves out.
    pub trait Beside: Serialize + DeserializeOwned {
        fn beside(&mut self) -> (&mut SharedBytes, &mut SharedBytes);
        fn parts(&self) -> (&SharedBytes, &SharedBytes);
    }

    macro_rules! beside {
        ($($of:ty),*) => {$(
            impl Beside for $of {
                fn beside(&mut self) -> (&mut SharedBytes, &mut SharedBytes) {
                    (&mut self.spec, &mut self.policy)
                }

                fn parts(&self) -> (&SharedBytes, &SharedBytes) {
                    (&self.spec, &self.policy)
                }
            }
        )*};
    }

    beside!(TopicRecord, SubscriptionRecord, SchemaRecord);

    #[derive(Serialize, Deserialize)]
    struct Whole {
        #[serde(with = "super::bytes")]
        json: SharedBytes,
        #[serde(with = "super::bytes")]
        spec: SharedBytes,
        #[serde(with = "super::bytes")]
        policy: SharedBytes,
    }

    #[allow(clippy::borrowed_box, reason = "it is what serde gives")]
    pub fn serialize<S: Serializer, T: Beside>(of: &Box<T>, to: S) -> Result<S::Ok, S::Error> {
        let (spec, policy) = of.parts();
        let whole = Whole {
            json: serde_json::to_vec(&**of).map_err(S::Error::custom)?.into(),
            spec: spec.clone(),
            policy: policy.clone(),
        };
        whole.serialize(to)
    }

    pub fn deserialize<'de, D, T>(from: D) -> Result<Box<T>, D::Error>
    where
        D: Deserializer<'de>,
        T: Beside,
    {
        let whole = Whole::deserialize(from)?;
        let mut of: T = serde_json::from_slice(&whole.json).map_err(D::Error::custom)?;
        let (spec, policy) = of.beside();
        (*spec, *policy) = (whole.spec, whole.policy);
        Ok(Box::new(of))
    }
}
