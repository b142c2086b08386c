//! `./check` and `./demo` on machines that are not like this one: another processor, a host that does not boot the radio bench,
//! a step that fails. And what they leave behind. Needs root.

mod boot;
mod check;
mod checkout;
mod demo;
mod hardened;
mod kernel;
mod licences;
mod packages;

#[path = "../support/mod.rs"]
mod support;
