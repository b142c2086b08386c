//! Aedes, of npm.

use crate::broker::{Kind, Site, word_after};
use crate::support::ROOT;
use std::process::Command;

pub(crate) static AEDES: Kind = Kind {
    name: "aedes",
    from: "npm",
    install: &["npm", "aedes", "1.2.0"],
    commands,
    version: |_, log| word_after(log, "aedes version "),
    versions: &["3.1", "3.1.1"],
    maximum_qos: 2,
    raises_qos: false,
    apart_for_5: false,
    login: None,
    // A service that was killed.
    harmless: &["econnreset"],
};

fn commands(site: &Site) -> Vec<Command> {
    let mut command = site.command("node");
    command.arg(format!("{ROOT}/tests/interop/brokers/aedes.mjs")).arg(site.installed.join("node_modules"));
    command.args([site.ports.plain, site.ports.tls].map(|port| port.to_string()));
    command.args([site.path("server.pem"), site.path("server.key")]);
    vec![command]
}
