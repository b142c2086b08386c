//! What the project ships beside its programs, judged by the tools of others: interface files by code generators, man pages by
//! mandoc and man, scripts by shellcheck; and what its texts say is so: links lead somewhere, commands do what they are shown to do.
//! Needs root and the packages `DOCS_PACKAGES` of tests/install.sh.
// The modules are one program.
#![allow(unreachable_pub)]

mod ansible;
mod commands;
mod compatibility;
mod interfaces;
mod links;
mod markdown;
mod pages;
mod paths;
mod schema;
mod scripts;
mod tree;

#[path = "../support/mod.rs"]
mod support;
