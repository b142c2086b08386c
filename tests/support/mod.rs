//! What tests of the running service share.
// Each test program uses a part of it.
#![allow(dead_code, unreachable_pub)]

pub mod bus;
pub mod busctl;
pub mod identities;
pub mod process;
pub mod service;
