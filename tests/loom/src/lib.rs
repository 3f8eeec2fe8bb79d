//! The bell and the lane as they are in lclq, with loom's atomics, and models of what cores do with
//! them. loom runs each model in every order that its bounds allow, and fails where a read might miss
//! a write that it needs, or where all threads wait for ever.

#![cfg(loom)]
// What the models don't use is lclq's.
#![allow(dead_code)]

// The lane names what it carries by its crate, which is too large for loom.
extern crate self as lclq_shards;

pub mod command {
    //! Stands for `lclq_shards::command`.
    pub struct Command;
    pub struct Reply;
    #[derive(Clone, Copy)]
    pub struct Token;
}

pub mod runtime {
    #[path = "../../../../src/runtime/bell.rs"]
    mod bell;
    #[cfg(test)]
    pub mod core;
    #[cfg(test)]
    mod doorbells;

    pub use bell::Doorbell;
}

pub mod mesh {
    #[path = "../../../../src/mesh/lane.rs"]
    mod lane;
    #[cfg(test)]
    mod lanes;
}
