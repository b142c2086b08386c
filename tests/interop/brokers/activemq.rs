//! ActiveMQ with its MQTT transport.

use crate::broker::{Kind, Site, word_after};
use openssl::pkcs12::Pkcs12;
use openssl::pkey::PKey;
use openssl::x509::X509;
use std::fs;
use std::process::Command;

pub(crate) static ACTIVEMQ: Kind = Kind {
    name: "ActiveMQ",
    from: "Debian 12",
    // Its package does not ask for what its MQTT transport needs.
    install: &["debian", "bookworm", "activemq", "libmqtt-client-java"],
    commands,
    version: |_, log| word_after(log, "Apache ActiveMQ "),
    versions: &["3.1", "3.1.1"],
    maximum_qos: 2,
    raises_qos: false,
    apart_for_5: false,
    login: None,
    harmless: &[],
};

/// Java takes no store without one.
const PASSWORD: &str = "password";

fn commands(site: &Site) -> Vec<Command> {
    let read = |name: &str| fs::read(site.host_path(name)).expect("a file");
    let certificate = X509::from_pem(&read("server.pem")).expect("a certificate");
    let key = PKey::private_key_from_pem(&read("server.key")).expect("a key");
    let store = Pkcs12::builder().name("broker").pkey(&key).cert(&certificate).build2(PASSWORD).expect("a store");
    let store = site.write("server.p12", store.to_der().expect("DER"));
    let config = site.write(
        "activemq.xml",
        format!(
            r#"<beans xmlns="http://www.springframework.org/schema/beans" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 xsi:schemaLocation="http://www.springframework.org/schema/beans http://www.springframework.org/schema/beans/spring-beans.xsd
 http://activemq.apache.org/schema/core http://activemq.apache.org/schema/core/activemq-core.xsd">
<broker xmlns="http://activemq.apache.org/schema/core" brokerName="interop" persistent="false" useJmx="false" dataDirectory="{}">
<sslContext><sslContext keyStore="file:{store}" keyStorePassword="{PASSWORD}" keyStoreType="PKCS12"/></sslContext>
<transportConnectors>
<transportConnector name="mqtt" uri="mqtt://127.0.0.1:{}"/>
<transportConnector name="mqtts" uri="mqtt+ssl://127.0.0.1:{}"/>
</transportConnectors>
</broker></beans>
"#,
            site.path("data"),
            site.ports.plain,
            site.ports.tls
        ),
    );
    let log = site.write(
        "log4j.properties",
        "log4j.rootLogger=INFO, console\nlog4j.appender.console=org.apache.log4j.ConsoleAppender\n\
         log4j.appender.console.layout=org.apache.log4j.PatternLayout\nlog4j.appender.console.layout.ConversionPattern=%d %p %c %m%n\n",
    );
    let mut command = site.command("/usr/lib/jvm/java-17-openjdk-amd64/bin/java");
    command.arg("-XX:TieredStopAtLevel=1").arg(format!("-Dlog4j.configuration=file:{log}"));
    command
        .args(["-cp", "/usr/share/activemq/lib/*:/usr/share/activemq/lib/optional/*:/usr/share/java/mqtt-client.jar"]);
    command.args(["org.apache.activemq.console.Main", "start", &format!("xbean:file:{config}")]);
    vec![command]
}
