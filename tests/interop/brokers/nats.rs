//! NATS. A server has one listener for MQTT, so there are two servers.

use crate::broker::{Kind, Site, word_after};
use crate::support::free_port;
use std::process::Command;

const fn kind(from: &'static str, install: &'static [&'static str], maximum_qos: u8) -> Kind {
    Kind {
        name: "NATS",
        from,
        install,
        commands,
        version: |_, log| word_after(log, "Version:"),
        versions: &["3.1.1"],
        maximum_qos,
        raises_qos: false,
        apart_for_5: false,
        login: None,
        harmless: &[],
    }
}

pub(crate) static NATS_2_9: Kind = kind("Debian 12", &["debian", "bookworm", "nats-server"], 1);
pub(crate) static NATS_2_10: Kind = kind("Debian 13", &["debian", "trixie", "nats-server"], 2);

fn commands(site: &Site) -> Vec<Command> {
    let tls = format!("tls {{ cert_file: {:?}, key_file: {:?} }}", site.path("server.pem"), site.path("server.key"));
    let listeners = [("plain", site.ports.plain, String::new()), ("tls", site.ports.tls, tls)];
    let server = |(name, port, tls): &(&str, u16, String)| {
        let config = site.write(
            &format!("{name}.conf"),
            format!(
                "server_name: {name}\nlisten: \"127.0.0.1:{}\"\njetstream {{ store_dir: {:?}, max_mem: 64M, max_file: 256M }}\n\
                 mqtt {{ listen: \"127.0.0.1:{port}\"\n{tls} }}\n",
                free_port(),
                site.path(&format!("{name}-data"))
            ),
        );
        let mut command = site.command("nats-server");
        command.args(["-c", &config]);
        command
    };
    listeners.iter().map(server).collect()
}
