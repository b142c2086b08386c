//! The appliance: a router's image in QEMU, from its first boot to a loss of power, with a broker outside. See README.md.
//! `tests/appliance/run` makes what this needs and runs it; `cargo test` alone does not.

mod image;
mod life;
mod machine;
mod recipe;
#[path = "../support/mod.rs"]
mod support;
