//! aMQTT, of PyPI.

use crate::broker::{Kind, Site};
use crate::support::process::run;
use std::process::Command;

pub(crate) static AMQTT: Kind = Kind {
    name: "aMQTT",
    from: "PyPI",
    install: &["pypi", "amqtt", "0.12.1"],
    commands,
    version: |site, _| {
        Some(run(&site.installed.join("bin/amqtt").display().to_string(), ["--version"]).trim().to_owned())
    },
    versions: &["3.1.1"],
    maximum_qos: 2,
    raises_qos: true,
    apart_for_5: false,
    login: None,
    harmless: &[],
};

fn commands(site: &Site) -> Vec<Command> {
    let (plain, tls) = (site.ports.plain, site.ports.tls);
    let config = site.write(
        "amqtt.yaml",
        format!(
            "listeners:\n  default:\n    type: tcp\n    bind: 127.0.0.1:{plain}\n  tls:\n    type: tcp\n    bind: 127.0.0.1:{tls}\n    \
             ssl: true\n    certfile: {}\n    keyfile: {}\nplugins:\n  amqtt.plugins.authentication.AnonymousAuthPlugin:\n    \
             allow_anonymous: true\n",
            site.path("server.pem"),
            site.path("server.key")
        ),
    );
    let mut command = site.command(&site.installed.join("bin/amqtt").display().to_string());
    command.args(["-c", &config]);
    vec![command]
}
