//! MESSAGE_IDs, for `journalctl MESSAGE_ID=...`; `docs/journal.md` lists them.

/// The service has started.
pub const STARTED: &str = "f1027be41e953b09a2be214401c280c1";
/// The service stops.
pub const STOPPING: &str = "edcbdf10f7229398b87a440bd397e10f";
/// The service cannot go on, or cannot start.
pub const FAILED: &str = "a009d3ef74d44e2a8f737f6d62a01a97";
/// systemd gets no sign of life.
pub const NOTIFY: &str = "68fbdc146ac04031bd98961193deac50";
/// Core dumps cannot be switched off.
pub const CORE_DUMPS: &str = "960583da44da4440b6b08439aa7bebc1";
/// Settings were changed over D-Bus.
pub const SETTINGS_CHANGED: &str = "0a64fd21c0cad5f74e772a85a4a4d255";
/// A broker is tried.
pub const TRIAL: &str = "c2f71e1fffff4aca89df29d7f10e6dab";
/// A stored secret was kept from going elsewhere.
pub const SECRET_WITHHELD: &str = "c4f7a2485eb74abd8d23ac6180c7240c";
/// Settings in force protect little.
pub const WEAK_PROTECTION: &str = "870e5e07f0114d6fa4c9cc1a6380dd76";
/// A damaged settings file was put aside.
pub const SETTINGS_ASIDE: &str = "461f93f7c1240752697a2685a3b08eb9";
/// The last good generation of the settings, or of a secret, took over.
pub const SETTINGS_RESTORED: &str = "30e9327ea3de4179b0941fa988935506";
/// Settings of another version are kept and ignored.
pub const SETTINGS_IGNORED: &str = "ebd920e479494ca69f3e5a517caf4a29";
/// Settings cannot be saved (or can be again).
pub const STATE_DIRECTORY: &str = "519b8700cc1ec5a6cacc69b4f8c23ee1";
/// The radio is in another state.
pub const RADIO: &str = "c2f4ba27da8d04f5c773340798cb3893";
/// An adapter is no longer waited for.
pub const ADAPTER_GONE: &str = "15df57840a0e4d2a9e3763a140cfadc0";
/// Something was done to get the radio back.
pub const RECOVERY: &str = "af8d30a71f9443d1982958f6e1e4149e";
/// How a power cycle ended.
pub const POWER_CYCLED: &str = "669ab7eb9bc1a0f21ff5c55583e45e61";
/// Adverts are captured in another way.
pub const CAPTURE: &str = "fd4113bd558e404a86c7adbaf7a1a8a3";
/// Many reports of an adapter arrive damaged (or no more).
pub const REPORTS_DAMAGED: &str = "4148c9a52e0e03bb49d087455adf2840";
/// The broker accepted us.
pub const LINK_UP: &str = "e6e11e9fbd00e3f0df2a250f89524b62";
/// The broker cannot be reached, refused us, or went away.
pub const LINK_DOWN: &str = "bbac03d33a5cbed743cb3f92e22c81dd";
/// The connection moved to a fallback.
pub const FAILOVER: &str = "699f968e98484242add796edd6afbac6";
/// The connection is back at the first broker.
pub const HOME: &str = "6e2ff001598b4664a1a2e5cb17ffde03";
/// Messages go at a lower QoS than ScanQos.
pub const QOS_LOWERED: &str = "df143e8931538c6ec23be4b12c53d98d";
/// The broker takes packets of limited size.
pub const SIZE_LIMITED: &str = "63ce08a67a08d202b2bbcaf53e981ef6";
/// The broker refuses messages.
pub const MESSAGE_REFUSED: &str = "3d3a01b16f32b707129b8cb48e9f466d";
/// The broker does not want the status message.
pub const STATUS_REFUSED: &str = "ca279d85794c4c96889ff77e0c6ee214";
/// Messages cannot wait on the disk (or can again).
pub const SPOOL: &str = "fb695eb995bc4918ae4c247eca6e7421";
/// Messages of an earlier run were found on the disk.
pub const SPOOL_FOUND: &str = "602176f074ab47f684075fbe2967f0cf";
/// What was in flight at QoS 2 cannot be kept, or taken over.
pub const SESSION: &str = "5845e04f306d41beb587c40db3de3da3";
/// A segment of the spool cannot be read.
pub const SPOOL_UNREADABLE: &str = "374129fa73c4490290e9afc12c229b8b";
/// Segments of the spool are another version's.
pub const SPOOL_FOREIGN: &str = "f5cbff5665524eb1897f105b1c36b754";
/// A part of the spool is damaged.
pub const SPOOL_DAMAGED: &str = "09c84ab0a5914a7bae99aebfdde75192";
/// The system clock was set.
pub const CLOCK_STEPPED: &str = "3af3e221777f047c6c3dcb0bd0ec79dd";
/// A note of the spool cannot be used.
pub const SPOOL_NOTE: &str = "f0a4c6ad61ea4be3a7bb73cf2dbc32b5";
/// A certificate ends soon, or ended.
pub const CERTIFICATE: &str = "d5f00331123b43898ae4497f79ddf32b";
/// Adverts were lost.
pub const LOSS: &str = "a6dec4b8d846666d465c3eda5aee39e0";
