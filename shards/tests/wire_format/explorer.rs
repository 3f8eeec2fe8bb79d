//! What serde reads where a type is deserialised from bytes that say nothing of themselves: every field, in its
//! order, and every variant with its number.

use serde::de::value::U32Deserializer;
use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display};

/// Places within places, beyond which what may be left out is left out.
const DEPTH_MAX: usize = 48;
/// Values tried for one place, one after the other, before it counts as unreadable.
const TRIES_MAX: usize = 512;

/// Deserialises `T` again and again, until it has seen each variant of each enum, and answers with what there was:
/// a line for each place. Where a type takes only bytes of a form, one of `samples` has to have it.
pub fn describe<T: de::DeserializeOwned>(samples: &[Vec<u8>]) -> BTreeSet<String> {
    let explorer = Explorer {
        samples,
        state: RefCell::default(),
    };
    let mut failures = 0;
    loop {
        let read = T::deserialize(explorer.place("", 0));
        let mut state = explorer.state.borrow_mut();
        let run = std::mem::take(&mut state.run);
        match read {
            Ok(_) => {
                failures = 0;
                if !state.keep(run) {
                    return std::mem::take(&mut state.lines);
                }
            }
            Err(error) => {
                failures += 1;
                let leaf = run.last_leaf.unwrap_or_default();
                assert!(failures < TRIES_MAX, "{leaf}: {error}: no sample fits");
                // Read whole before it is looked into, so what is read last isn't what was wrong.
                let leaf = match leaf.starts_with("Whole.") {
                    true => "Whole.json".to_owned(),
                    false => leaf,
                };
                *state.tries.entry(leaf).or_default() += 1;
            }
        }
    }
}

struct Explorer<'a> {
    samples: &'a [Vec<u8>],
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    lines: BTreeSet<String>,
    enums: BTreeMap<String, Vec<Variant>>,
    /// Which value a place gets next.
    tries: BTreeMap<String, usize>,
    run: Run,
}

#[derive(Clone, Default)]
struct Variant {
    is_seen: bool,
    /// Enums within it.
    beneath: BTreeSet<String>,
}

/// What one deserialisation did.
#[derive(Default)]
struct Run {
    open: Vec<(String, usize)>,
    seen: Vec<(String, usize)>,
    beneath: Vec<(String, usize, String)>,
    last_leaf: Option<String>,
}

impl State {
    /// The variant to be read next of an enum.
    fn choose(&self, of: &str) -> usize {
        let variants = &self.enums[of];
        let unfinished = |name: &String| self.enums[name].iter().any(|each| !each.is_seen);
        let unseen = variants.iter().position(|each| !each.is_seen);
        let leads = || {
            variants
                .iter()
                .position(|each| each.beneath.iter().any(unfinished))
        };
        unseen.or_else(leads).unwrap_or(0)
    }

    /// Whether there was anything new.
    fn keep(&mut self, run: Run) -> bool {
        let mut is_new = false;
        for (name, index) in run.seen {
            let variant = &mut self.enums.get_mut(&name).expect("it was chosen of")[index];
            is_new |= !std::mem::replace(&mut variant.is_seen, true);
        }
        for (name, index, within) in run.beneath {
            let variant = &mut self.enums.get_mut(&name).expect("it was chosen of")[index];
            is_new |= variant.beneath.insert(within);
        }
        is_new
    }
}

impl<'a> Explorer<'a> {
    fn place(&'a self, name: impl Into<String>, depth: usize) -> Place<'a> {
        Place {
            explorer: self,
            name: name.into(),
            depth,
        }
    }

    fn line(&self, name: &str, what: impl Display) {
        let line = format!("{name}: {what}");
        self.state.borrow_mut().lines.insert(line);
    }
}

/// Where something is read.
struct Place<'a> {
    explorer: &'a Explorer<'a>,
    name: String,
    depth: usize,
}

impl<'a> Place<'a> {
    fn within(&self, name: impl Into<String>) -> Place<'a> {
        self.explorer.place(name, self.depth + 1)
    }

    fn line(&self, what: impl Display) {
        self.explorer.line(&self.name, what);
    }

    /// Which of the values for this place is its turn.
    fn turn(&self) -> usize {
        let mut state = self.explorer.state.borrow_mut();
        state.run.last_leaf = Some(self.name.clone());
        state.tries.get(&self.name).copied().unwrap_or(0)
    }

    fn fields(&self, of: &str, fields: &'static [&'static str]) -> Places<'a> {
        self.explorer
            .line(of, format_args!("{{{}}}", fields.join(", ")));
        let places = fields
            .iter()
            .map(|field| self.within(format!("{of}.{field}")));
        Places::of(places)
    }

    fn numbered(&self, of: &str, length: usize) -> Places<'a> {
        let places = (0..length).map(|index| self.within(format!("{of}.{index}")));
        Places::of(places)
    }
}

macro_rules! plain {
    ($($method:ident $visit:ident $type:ty),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.line(stringify!($type));
            visitor.$visit(<$type>::default())
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Place<'_> {
    type Error = Error;

    plain!(
        deserialize_bool visit_bool bool, deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32, deserialize_i64 visit_i64 i64, deserialize_i128 visit_i128 i128,
        deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16, deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64, deserialize_u128 visit_u128 u128, deserialize_f32 visit_f32 f32,
        deserialize_f64 visit_f64 f64, deserialize_char visit_char char
    );

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        panic!("{}: what is to come isn't known", self.name)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        panic!("{}: nothing can be left out", self.name)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        panic!("{}: names aren't sent", self.name)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.line("text");
        self.turn();
        visitor.visit_str("")
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.line("bytes");
        let samples = self.explorer.samples;
        visitor.visit_bytes(&samples[self.turn() % samples.len()])
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.line("may be left out");
        if self.depth > DEPTH_MAX {
            return visitor.visit_none();
        }
        visitor.visit_some(self.within(format!("{}?", self.name)))
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.line("nothing");
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.line(name);
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.line(name);
        visitor.visit_newtype_struct(self.within(name))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.line("list");
        // Some have a fixed length and don't say it before.
        let length = match self.depth > DEPTH_MAX {
            true => 0,
            false => 1 + self.turn(),
        };
        let places = (0..length).map(|_| self.within(format!("{}[]", self.name)));
        visitor.visit_seq(Places::of(places))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.line(format_args!("{length} together"));
        visitor.visit_seq(self.numbered(&self.name, length))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.line(name);
        visitor.visit_seq(self.numbered(name, length))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.line("map");
        let places = ["key", "value"].map(|part| self.within(format!("{}.{part}", self.name)));
        visitor.visit_map(Places::of(places))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.line(name);
        visitor.visit_seq(self.fields(name, fields))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.line(name);
        // One name for many types.
        let name = match name {
            "Result" => format!("{} Result", self.name),
            _ => name.to_owned(),
        };
        self.explorer.line(&name, variants.join(" | "));
        let index = {
            let state = &mut *self.explorer.state.borrow_mut();
            let known = state.enums.entry(name.clone());
            known.or_insert_with(|| vec![Variant::default(); variants.len()]);
            let index = state.choose(&name);
            let around = state.run.open.iter().cloned();
            let within = around.map(|(outer, outer_index)| (outer, outer_index, name.clone()));
            state.run.beneath.extend(within.collect::<Vec<_>>());
            state.run.open.push((name.clone(), index));
            state.run.seen.push((name.clone(), index));
            index
        };
        let variant = self.within(format!("{name}::{}", variants[index]));
        let read = visitor.visit_enum(Chosen { index, variant });
        self.explorer.state.borrow_mut().run.open.pop();
        read
    }
}

/// Places one after the other.
struct Places<'a>(std::vec::IntoIter<Place<'a>>);

impl<'a> Places<'a> {
    fn of(places: impl IntoIterator<Item = Place<'a>>) -> Self {
        Self(places.into_iter().collect::<Vec<_>>().into_iter())
    }
}

impl<'de> de::SeqAccess<'de> for Places<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        self.0
            .next()
            .map(|place| seed.deserialize(place))
            .transpose()
    }
}

impl<'de> de::MapAccess<'de> for Places<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        self.0
            .next()
            .map(|place| seed.deserialize(place))
            .transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(self.0.next().expect("a value follows its key"))
    }
}

/// A variant, which was chosen.
struct Chosen<'a> {
    index: usize,
    variant: Place<'a>,
}

impl<'de, 'a> de::EnumAccess<'de> for Chosen<'a> {
    type Error = Error;
    type Variant = Place<'a>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Place<'a>), Error> {
        let number: U32Deserializer<Error> = (self.index as u32).into_deserializer();
        Ok((seed.deserialize(number)?, self.variant))
    }
}

impl<'de> de::VariantAccess<'de> for Place<'_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Error> {
        self.line(format_args!("{length} together"));
        visitor.visit_seq(self.numbered(&self.name, length))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_seq(self.fields(&self.name, fields))
    }
}

#[derive(Debug)]
pub struct Error(String);

impl Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: Display>(what: T) -> Self {
        Self(what.to_string())
    }
}
