//! rumqttd, a crate.

use crate::broker::{Kind, Site};
use crate::support::process::run;
use std::fmt::Write;
use std::process::Command;

pub(crate) static RUMQTTD: Kind = Kind {
    name: "rumqttd",
    from: "crates.io",
    install: &["crate", "rumqttd", "0.20.0"],
    commands,
    version: |site, _| {
        let said = run(&site.installed.join("bin/rumqttd").display().to_string(), ["--version"]);
        said.split_whitespace().last().map(str::to_owned)
    },
    versions: &["3.1.1", "5"],
    maximum_qos: 2,
    raises_qos: true,
    apart_for_5: true,
    login: None,
    harmless: &[],
};

fn commands(site: &Site) -> Vec<Command> {
    let ports = site.ports;
    let mut config = "id = 0\n[router]\nid = 0\nmax_connections = 100\nmax_outgoing_packet_count = 200\n\
                      max_segment_size = 1048576\nmax_segment_count = 10\n"
        .to_owned();
    for (table, port, tls) in [
        ("v4.1", ports.plain, false),
        ("v4.2", ports.tls, true),
        ("v5.1", ports.plain_5, false),
        ("v5.2", ports.tls_5, true),
    ] {
        writeln!(config, "[{table}]\nname = \"{table}\"\nlisten = \"127.0.0.1:{port}\"\nnext_connection_delay_ms = 1")
            .expect("text");
        if tls {
            let (certificate, key) = (site.path("server.pem"), site.path("server.key"));
            writeln!(config, "[{table}.tls]\ncertpath = \"{certificate}\"\nkeypath = \"{key}\"").expect("text");
        }
        writeln!(
            config,
            "[{table}.connections]\nconnection_timeout_ms = 5000\nmax_payload_size = 20480\nmax_inflight_count = 100\n\
             dynamic_filters = true"
        )
        .expect("text");
    }
    let config = site.write("rumqttd.toml", config);
    let mut command = site.command(&site.installed.join("bin/rumqttd").display().to_string());
    command.args(["-c", &config]);
    vec![command]
}
