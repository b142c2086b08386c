//! RabbitMQ with its MQTT plugin.

use crate::broker::{Kind, Site, word_after};
use crate::support::free_port;
use std::process::Command;

const fn kind(from: &'static str, install: &'static [&'static str], versions: &'static [&'static str]) -> Kind {
    Kind {
        name: "RabbitMQ",
        from,
        install,
        commands,
        version: |_, log| word_after(log, "Starting RabbitMQ "),
        versions,
        maximum_qos: 1,
        raises_qos: false,
        apart_for_5: false,
        login: None,
        // A service that was killed.
        harmless: &["a socket write failed"],
    }
}

pub(crate) static RABBITMQ_3: Kind = kind("Debian 12", &["debian", "bookworm", "rabbitmq-server"], &["3.1", "3.1.1"]);
pub(crate) static RABBITMQ_4: Kind =
    kind("Debian 13", &["debian", "trixie", "rabbitmq-server"], &["3.1", "3.1.1", "5"]);

fn commands(site: &Site) -> Vec<Command> {
    let config = format!(
        "listeners.tcp.default = 127.0.0.1:{}\nmqtt.listeners.tcp.default = 127.0.0.1:{}\nmqtt.listeners.ssl.default = 127.0.0.1:{}\n\
         ssl_options.certfile = {}\nssl_options.keyfile = {}\nssl_options.verify = verify_none\nmqtt.allow_anonymous = true\n\
         log.console = true\nlog.file = false\n",
        free_port(),
        site.ports.plain,
        site.ports.tls,
        site.path("server.pem"),
        site.path("server.key")
    );
    site.write("rabbitmq.conf", config);
    site.write("plugins", "[rabbitmq_mqtt].");
    let mut command = site.command("/usr/lib/rabbitmq/bin/rabbitmq-server");
    command.envs([
        ("RABBITMQ_NODENAME", format!("interop{}@localhost", site.ports.plain)),
        ("RABBITMQ_DIST_PORT", free_port().to_string()),
        ("ERL_EPMD_PORT", free_port().to_string()),
        ("ERL_EPMD_ADDRESS", "127.0.0.1".into()),
        ("RABBITMQ_CONFIG_FILE", site.path("rabbitmq.conf")),
        ("RABBITMQ_ENABLED_PLUGINS_FILE", site.path("plugins")),
        ("RABBITMQ_MNESIA_BASE", site.path("mnesia")),
        ("RABBITMQ_LOG_BASE", site.path("log")),
        ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "+S 1:1".into()),
        // The start script then becomes the node.
        ("RUNNING_UNDER_SYSTEMD", "true".into()),
    ]);
    command.arg("-noinput");
    vec![command]
}
