//! The stable words of D-Bus, journal and status message, each kind from one list: the enum, its word, and all of them.

/// Makes an enum whose variants have words.
macro_rules! codes {
    ($($(#[$attribute:meta])* $name:ident { $($(#[$detail:meta])* $variant:ident = $word:literal,)+ })+) => { $(
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$detail])* $variant,)+ }

        impl $name {
            /// All of them, in the order of their discriminants.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$variant),+];

            /// The stable word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )+ };
}

codes! {
    /// State of the connection to the broker.
    #[derive(Default)]
    LinkState {
        /// `Protocol` is `none`.
        #[default]
        Off = "off",
        /// A connection is being made.
        Connecting = "connecting",
        /// The broker accepted us.
        Connected = "connected",
        /// With short connections: the last batch was delivered, the next one is awaited.
        Idle = "idle",
        /// The last attempt failed; the next one follows after a delay.
        Waiting = "waiting",
    }

    /// State of the radio.
    #[derive(Default)]
    RadioState {
        /// `ScanMode` is `off`.
        #[default]
        Off = "off",
        /// bluetoothd is not on the bus.
        NoBluez = "no-bluez",
        /// There is no such adapter.
        AdapterMissing = "adapter-missing",
        /// The adapter cannot be powered.
        AdapterOff = "adapter-off",
        /// The scan is being set up, or is tried again.
        Starting = "starting",
        /// Passive scanning needs AdvertisementMonitor1, which this bluetoothd does not offer (start it with `-E`).
        PassiveUnsupported = "passive-unsupported",
        /// The controller scans as asked.
        Scanning = "scanning",
        /// Adverts come from a test's descriptor, not from a radio.
        Test = "test",
        /// With every adapter wanted: it was unplugged, and did not come back.
        Gone = "gone",
    }

    /// How adverts are captured.
    #[derive(Default)]
    CaptureKind {
        /// They are not.
        #[default]
        None = "none",
        /// The kernel's HCI monitor channel: byte-exact.
        Monitor = "monitor",
        /// BlueZ's D-Bus signals: re-synthesised.
        Signals = "signals",
    }

    /// An action to get the radio back.
    RecoveryAction {
        /// A capture that failed was opened again.
        Capture = "capture",
        /// The scan of a failed adapter was retried.
        Retry = "retry",
        /// An adapter that was off was powered on.
        PowerOn = "power-on",
        /// The scan of an adapter that heard nothing was restarted.
        Rescan = "rescan",
        /// An adapter was powered off and on.
        PowerCycle = "power-cycle",
        /// That was due, but devices are connected to it, or are being connected.
        PowerCycleWithheld = "power-cycle-withheld",
        /// A discovery of two seconds was to bring a passive scan back.
        Discovery = "discovery",
    }

    /// Why an advert was dropped.
    DropReason {
        /// The queue was full: it was the oldest.
        QueueFull = "queue-full",
        /// The broker said that it will never take this message.
        Refused = "refused",
        /// The service stopped before the broker took it.
        Shutdown = "shutdown",
        /// The spool was full: it was in the oldest part.
        SpoolFull = "spool-full",
        /// It waited in the spool for longer than `SpoolMaxAgeSecs`.
        SpoolAge = "spool-age",
        /// The disk lost it.
        SpoolDamaged = "spool-damaged",
    }

    /// Why a report is no advert.
    MalformedReason {
        /// The event or the report ends before what it announces.
        CutShort = "cut-short",
        /// A field has a value that does not exist.
        InvalidValue = "invalid-value",
        /// The event has no report.
        NoReport = "no-report",
        /// Bytes follow the last report. What was before them is used.
        TrailingBytes = "trailing-bytes",
        /// A signal of bluetoothd cannot be read, or its device has no kind of address.
        Signal = "signal",
    }

    /// The filters, in the order in which they are asked; the first that refuses is the one that is counted.
    FilterKind {
        /// `FilterRssi`.
        Rssi = "rssi",
        /// `FilterMacs`.
        Mac = "mac",
        /// `FilterNames`.
        Name = "name",
        /// `FilterUuids`.
        Uuid = "uuid",
        /// `FilterValues`.
        Value = "value",
    }

    /// Whether messages can wait on the disk.
    #[derive(Default)]
    SpoolState {
        /// `SpoolMaxBytes` is 0, or there is no state directory.
        #[default]
        Off = "off",
        /// They can, and what an earlier run left is being read.
        Recovering = "recovering",
        /// They can.
        Ready = "ready",
        /// The disk failed: they wait in memory.
        MemoryOnly = "memory-only",
    }

    /// Whether what is heard arrives.
    HealthState {
        /// Adverts reach the broker, or there are none and both ends are known to work.
        Online = "online",
        /// There is a broker, but not everything arrives that should.
        Degraded = "degraded",
        /// No broker takes anything.
        Offline = "offline",
    }

    /// Why there is no connection, or a message was refused: `LastError`, `LastRefusal`. `dbus/README.md` says what to do.
    LastError {
        /// The broker refuses the login.
        Auth = "auth",
        /// The broker refuses the ClientId.
        ClientId = "client-id",
        /// The broker does not speak MqttVersion.
        MqttVersion = "mqtt-version",
        /// The broker accepts no clients at the moment.
        ServerUnavailable = "server-unavailable",
        /// The broker has another key for PskIdentity.
        TlsPsk = "tls-psk",
        /// The broker does not know PskIdentity.
        TlsPskIdentity = "tls-psk-identity",
        /// The broker's certificate is not trusted.
        TlsCertificate = "tls-certificate",
        /// A certificate of the broker's chain is not valid now.
        TlsCertificateExpired = "tls-certificate-expired",
        /// A certificate of the broker's chain is revoked.
        TlsCertificateRevoked = "tls-certificate-revoked",
        /// A CRL is missing or out of date.
        TlsCrl = "tls-crl",
        /// The broker's certificate is for other names.
        TlsHostname = "tls-hostname",
        /// The broker does not accept the client certificate.
        TlsClientCertificate = "tls-client-certificate",
        /// Any other failure of TLS.
        Tls = "tls",
        /// The broker's name cannot be resolved.
        Dns = "dns",
        /// Nothing listens on the port.
        Refused = "refused",
        /// There is no route to the broker.
        Unreachable = "unreachable",
        /// The broker does not answer.
        Timeout = "timeout",
        /// The connection was closed without a reason.
        Closed = "closed",
        /// The broker breaks the rules of MQTT.
        Protocol = "protocol",
        /// The broker does not allow the topic.
        NotAuthorised = "not-authorised",
        /// Another client has the same ClientId.
        SessionTakenOver = "session-taken-over",
        /// The broker names another one.
        ServerMoved = "server-moved",
        /// An operator of the broker ended the connection.
        Administrative = "administrative",
        /// The broker takes no more for the moment.
        Quota = "quota",
        /// A message is larger than the broker takes.
        TooLarge = "too-large",
        /// The broker does not support ScanQos.
        Qos = "qos",
        /// The broker does not take the status message.
        StatusTopic = "status-topic",
        /// The broker refuses a message.
        MessageRefused = "message-refused",
    }

    /// What a controller and bluetoothd may be able to do.
    Capability {
        /// Extended advertising (Core 5.4, Vol 6, Part B, 4.6.12).
        ExtendedAdvertising = "extended-advertising",
        /// The LE 2M PHY.
        Le2mPhy = "le-2m-phy",
        /// The LE Coded PHY.
        LeCodedPhy = "le-coded-phy",
        /// bluetoothd offers AdvertisementMonitor1.
        AdvertisementMonitor = "advertisement-monitor",
        /// The controller filters by itself for advertisement monitors.
        MonitorOffload = "monitor-offload",
    }
}

impl LastError {
    /// Whether it lasts until somebody changes a setting, of this service or of the broker.
    pub fn needs_operator(self) -> bool {
        self.is_tls() || matches!(self, Self::Auth | Self::ClientId | Self::MqttVersion | Self::Protocol)
    }

    /// Whether it is a failure of TLS.
    pub fn is_tls(self) -> bool {
        matches!(
            self,
            Self::TlsPsk
                | Self::TlsPskIdentity
                | Self::TlsCertificate
                | Self::TlsCertificateExpired
                | Self::TlsCertificateRevoked
                | Self::TlsCrl
                | Self::TlsHostname
                | Self::TlsClientCertificate
                | Self::Tls
        )
    }
}
