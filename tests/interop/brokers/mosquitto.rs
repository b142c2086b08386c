//! Eclipse Mosquitto.

use crate::broker::{Kind, Site, word_after};
use std::process::Command;

const fn kind(from: &'static str, install: &'static [&'static str]) -> Kind {
    Kind {
        name: "Mosquitto",
        from,
        install,
        commands,
        version: |_, log| word_after(log, "mosquitto version "),
        versions: &["3.1", "3.1.1", "5"],
        maximum_qos: 2,
        raises_qos: false,
        apart_for_5: false,
        login: None,
        harmless: &[],
    }
}

pub(crate) static MOSQUITTO_2_0_11: Kind = kind("Debian 12", &["debian", "bookworm", "mosquitto"]);
pub(crate) static MOSQUITTO_2_0_21: Kind = kind("Debian 13", &["debian", "trixie", "mosquitto"]);
pub(crate) static MOSQUITTO_2_1: Kind = kind("Debian 14", &["debian", "forky", "mosquitto"]);

fn commands(site: &Site) -> Vec<Command> {
    let (plain, tls) = (site.ports.plain, site.ports.tls);
    let config = site.write(
        "mosquitto.conf",
        format!(
            "user root\nallow_anonymous true\nlog_dest stderr\nlog_type all\nset_tcp_nodelay true\nlistener {plain} 127.0.0.1\n\
             listener {tls} 127.0.0.1\ncertfile {}\nkeyfile {}\n",
            site.path("server.pem"),
            site.path("server.key")
        ),
    );
    let mut command = site.command("mosquitto");
    command.args(["-c", &config]);
    vec![command]
}
