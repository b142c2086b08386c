SUMMARY = "Bluetooth router that publishes advertisements over MQTT"
DESCRIPTION = "The service, its command line, BlueZ set up for it, and what they need of a system."
HOMEPAGE = "https://cassia-bypass.example/"

# The kernel has these as modules on some machines
PACKAGE_ARCH = "${MACHINE_ARCH}"

inherit features_check packagegroup

REQUIRED_DISTRO_FEATURES = "bluetooth systemd"

RDEPENDS:${PN} = " \
    bluez5 \
    ca-certificates \
    cassia-bypass \
    cassia-bypass-ctl \
    cassia-router-conf \
    dbus \
    systemd \
    tzdata-core \
"
RRECOMMENDS:${PN} = " \
    kernel-module-bluetooth \
    kernel-module-btusb \
    kernel-module-hci-uart \
    kernel-module-overlay \
"
