//! ejabberd with its MQTT module.

use crate::broker::{Kind, Site, word_after};
use std::process::Command;

pub(crate) static EJABBERD: Kind = Kind {
    name: "ejabberd",
    from: "Debian 12",
    install: &["debian", "bookworm", "ejabberd"],
    commands,
    version: |_, log| word_after(log, "ejabberd ").filter(|word| word.starts_with(|c: char| c.is_ascii_digit())),
    versions: &["3.1.1", "5"],
    maximum_qos: 2,
    raises_qos: false,
    apart_for_5: false,
    login: Some(("router@localhost", "password")),
    harmless: &[],
};

fn commands(site: &Site) -> Vec<Command> {
    let pair = format!(
        "{}{}",
        std::fs::read_to_string(site.host_path("server.key")).expect("a key"),
        std::fs::read_to_string(site.host_path("server.pem")).expect("a certificate")
    );
    let pair = site.write("pair.pem", pair);
    let mut config = format!(
        "hosts: [localhost]\nloglevel: info\ncertfiles: [{pair}]\nauth_method: [anonymous]\nanonymous_protocol: both\n\
         allow_multiple_connections: true\nmodules:\n  mod_mqtt: {{}}\nlisten:\n"
    );
    for (port, tls) in [(site.ports.plain, false), (site.ports.tls, true)] {
        config += &format!("  - port: {port}\n    ip: 127.0.0.1\n    module: mod_mqtt\n    tls: {tls}\n");
    }
    let config = site.write("ejabberd.yml", config);
    // A node without a name: no other may reach it.
    let mut command = site.command("erl");
    command.env("ERL_LIBS", "/usr/lib/x86_64-linux-gnu").env("EJABBERD_CONFIG_PATH", &config);
    command.env("EJABBERD_LOG_PATH", site.path("ejabberd.log"));
    command.args(["-noinput", "+S", "1:1", "-mnesia", "dir", &format!("{:?}", site.path("data")), "-s", "ejabberd"]);
    vec![command]
}
