//! The interface `com.cassianetworks.Bypass1.Stats`: counters, rates and states, to read.

pub(super) use super::stats_view::Stats;
use super::vardict::{VarDict, adapter_report, held_report};
use crate::model::{DropReason, Failure, FilterKind, MalformedReason, RecoveryAction};
use std::collections::BTreeMap;
use std::time::UNIX_EPOCH;

/// What the service knows of itself. Counters start at 0 with the service (`StartedAt`) and only grow; `Queued` and
/// `InFlight` and `Spooled` come and go. Received + Recovered = Published + Filtered + Deduplicated + Unpublished + Dropped + Queued
/// + InFlight + Spooled.
#[zbus::interface(name = "com.cassianetworks.Bypass1.Stats")]
impl Stats {
    /// All counts of adverts and messages at one moment, so that they add up: names as of the properties,
    /// `Filtered.` with each filter, `Dropped.` and `Malformed.` with each reason.
    #[zbus(property(emits_changed_signal = "false"))]
    fn ledger(&self) -> BTreeMap<String, u64> {
        self.ledger_now().dictionary()
    }

    /// How often settings were changed since the service started.
    #[zbus(property(emits_changed_signal = "false"))]
    fn settings_revision(&self) -> u64 {
        self.config().revision
    }

    /// The `SettingsRevision` that `LinkState`, `RadioState` and `Health` are of, at least: while it is less than SettingsRevision, they
    /// may be of earlier settings.
    #[zbus(property(emits_changed_signal = "false"))]
    fn active_revision(&self) -> u64 {
        self.active_revision_now()
    }

    /// Adverts heard.
    #[zbus(property(emits_changed_signal = "false"))]
    fn received(&self) -> u64 {
        self.ledger_now().received
    }

    /// Adverts that the broker acknowledged (QoS 1 and 2) or the socket to it took (QoS 0).
    #[zbus(property(emits_changed_signal = "false"))]
    fn published(&self) -> u64 {
        self.ledger_now().published
    }

    /// Adverts that a filter left out.
    #[zbus(property(emits_changed_signal = "false"))]
    fn filtered(&self) -> u64 {
        self.ledger_now().filtered_total()
    }

    /// Adverts that a filter left out, by the filter that was asked first: `rssi`, `mac`, `name`, `uuid`, `value`.
    #[zbus(property(emits_changed_signal = "false"))]
    fn filtered_by_reason(&self) -> BTreeMap<&'static str, u64> {
        let ledger = self.ledger_now();
        FilterKind::ALL.into_iter().map(|kind| (kind.as_str(), ledger.filtered(kind))).collect()
    }

    /// Adverts left out as repeats.
    #[zbus(property(emits_changed_signal = "false"))]
    fn deduplicated(&self) -> u64 {
        self.ledger_now().deduplicated
    }

    /// Adverts that were heard, or still waited, while Protocol was `none`: no losses, since nobody was to get them.
    #[zbus(property(emits_changed_signal = "false"))]
    fn unpublished(&self) -> u64 {
        self.ledger_now().unpublished
    }

    /// Entries that the table of DuplicatesMs had no room for: a repeat of theirs passed as new.
    #[zbus(property(emits_changed_signal = "false"))]
    fn duplicates_evicted(&self) -> u64 {
        self.ledger_now().duplicates_evicted
    }

    /// Adverts lost, for any reason.
    #[zbus(property(emits_changed_signal = "false"))]
    fn dropped(&self) -> u64 {
        self.ledger_now().dropped_total()
    }

    /// Adverts lost, by reason.
    #[zbus(property(emits_changed_signal = "false"))]
    fn dropped_by_reason(&self) -> BTreeMap<&'static str, u64> {
        let ledger = self.ledger_now();
        DropReason::ALL.into_iter().map(|reason| (reason.as_str(), ledger.dropped(reason))).collect()
    }

    /// Adverts of an earlier run that were taken over.
    #[zbus(property(emits_changed_signal = "false"))]
    fn recovered(&self) -> u64 {
        self.ledger_now().recovered
    }

    /// Adverts that wait.
    #[zbus(property(emits_changed_signal = "false"))]
    fn queued(&self) -> u64 {
        self.ledger_now().queued
    }

    /// Adverts handed over to the broker and not acknowledged yet.
    #[zbus(property(emits_changed_signal = "false"))]
    fn in_flight(&self) -> u64 {
        self.ledger_now().in_flight
    }

    /// Adverts that wait on the disk.
    #[zbus(property(emits_changed_signal = "false"))]
    fn spooled(&self) -> u64 {
        self.ledger_now().spooled
    }

    /// Whether messages can wait on the disk: `off`, `recovering` (what an earlier run left is being read), `ready` or
    /// `memory-only` (it failed).
    #[zbus(property)]
    fn spool_state(&self) -> &'static str {
        self.spool().state.as_str()
    }

    /// Why they cannot, for people; empty while all is well.
    #[zbus(property)]
    fn spool_detail(&self) -> String {
        self.spool().detail
    }

    /// Bytes on the disk.
    #[zbus(property(emits_changed_signal = "false"))]
    fn spool_bytes(&self) -> u64 {
        self.spool().bytes
    }

    /// How many seconds the rest of SpoolMaxBytes lasts at the rate of the last 10 seconds, at most SpoolMaxAgeSecs.
    #[zbus(property(emits_changed_signal = "false"))]
    fn spool_cover_secs(&self) -> u64 {
        self.spool_cover().as_secs()
    }

    /// Bytes written to the disk for each byte of a message; 0 before anything was.
    #[zbus(property(emits_changed_signal = "false"))]
    fn spool_write_ratio(&self) -> f64 {
        self.spool().write_ratio()
    }

    /// Segments that were found damaged. What was whole in them is used.
    #[zbus(property(emits_changed_signal = "false"))]
    fn spool_damaged(&self) -> u64 {
        self.spool().damaged
    }

    /// MQTT messages published.
    #[zbus(property(emits_changed_signal = "false"))]
    fn messages(&self) -> u64 {
        self.ledger_now().messages
    }

    /// Reports too damaged to be an advert; not part of Received.
    #[zbus(property(emits_changed_signal = "false"))]
    fn malformed(&self) -> u64 {
        self.ledger_now().malformed_total()
    }

    /// The same by reason: `cut-short`, `invalid-value`, `no-report`, `trailing-bytes`, `signal`.
    #[zbus(property(emits_changed_signal = "false"))]
    fn malformed_by_reason(&self) -> BTreeMap<&'static str, u64> {
        let ledger = self.ledger_now();
        MalformedReason::ALL.into_iter().map(|reason| (reason.as_str(), ledger.malformed(reason))).collect()
    }

    /// Packets that the kernel dropped before they were read; not part of Received.
    #[zbus(property(emits_changed_signal = "false"))]
    fn capture_lost(&self) -> u64 {
        self.ledger_now().capture_lost
    }

    /// Extended adverts of which a part is missing: the rest of a chain was not heard or came too late.
    #[zbus(property(emits_changed_signal = "false"))]
    fn truncated(&self) -> u64 {
        self.ledger_now().truncated
    }

    /// Items that were written without `timestamp` although it is asked for, since the clock was not synchronised.
    #[zbus(property(emits_changed_signal = "false"))]
    fn timestamps_withheld(&self) -> u64 {
        self.ledger_now().timestamps_withheld
    }

    /// Adverts received per second, over the last 10 seconds.
    #[zbus(property(emits_changed_signal = "false"))]
    fn receive_rate(&self) -> f64 {
        self.rates().0
    }

    /// Adverts published per second, over the last 10 seconds.
    #[zbus(property(emits_changed_signal = "false"))]
    fn publish_rate(&self) -> f64 {
        self.rates().1
    }

    /// Whether what is heard arrives: `online`, `degraded` or `offline`. Derived from what the broker acknowledged.
    #[zbus(property)]
    fn health(&self) -> &'static str {
        self.health_now().state.as_str()
    }

    /// Why it is not `online`, as a stable word; empty while it is.
    #[zbus(property)]
    fn health_reason(&self) -> String {
        self.health_now().reason
    }

    /// Since when, in milliseconds since 1970-01-01T00:00Z; 0 while the clock is not synchronised.
    #[zbus(property)]
    fn health_since(&self) -> u64 {
        let since = self.health_now().since.and_then(|since| since.duration_since(UNIX_EPOCH).ok());
        since.map_or(0, |since| since.as_millis() as u64)
    }

    /// State of the connection to the broker: `off`, `connecting`, `connected`, `idle` or `waiting`.
    #[zbus(property)]
    fn link_state(&self) -> &'static str {
        self.link().state.as_str()
    }

    /// `host:port` of the broker in use, empty while off.
    #[zbus(property)]
    fn broker(&self) -> String {
        self.link().broker
    }

    /// Why the last attempt to reach the broker failed, as a stable word; empty once a connection worked since.
    #[zbus(property)]
    fn last_error(&self) -> &'static str {
        self.link().error.map_or("", |failure| failure.code.as_str())
    }

    /// The same as a sentence for people; its text may change between versions.
    #[zbus(property)]
    fn last_error_detail(&self) -> String {
        self.link().error.map_or_else(String::new, |Failure { detail, .. }| detail)
    }

    /// Highest QoS that the broker in use supports, as far as it is known; 2 unless it is lower than ScanQos. Messages go at the
    /// lower one of both.
    #[zbus(property)]
    fn maximum_qos(&self) -> u8 {
        self.link().qos_limit.map_or(2, |(maximum, _)| maximum)
    }

    /// Why messages go at a lower QoS than ScanQos, for people; empty while they do not.
    #[zbus(property)]
    fn maximum_qos_reason(&self) -> String {
        self.link().qos_limit.map_or_else(String::new, |(_, reason)| reason)
    }

    /// Largest MQTT packet that the broker in use takes, in bytes, as far as it is known; 0 else. Larger batches are split.
    #[zbus(property)]
    fn maximum_packet_size(&self) -> u64 {
        self.link().maximum_packet_size.unwrap_or(0) as u64
    }

    /// Why the broker last refused a message, as a word of LastError; empty if it did not since the settings of the broker changed.
    /// What may pass (`quota`) is sent again.
    #[zbus(property)]
    fn last_refusal(&self) -> &'static str {
        self.link().refusal.map_or("", |refusal| refusal.failure.code.as_str())
    }

    /// The same as a sentence for people, with the reason code of MQTT 5 and what the broker says.
    #[zbus(property)]
    fn last_refusal_detail(&self) -> String {
        self.link().refusal.map_or_else(String::new, |refusal| refusal.failure.detail)
    }

    /// Connections that a broker accepted.
    #[zbus(property(emits_changed_signal = "false"))]
    fn connects(&self) -> u64 {
        self.link().connects
    }

    /// Attempts and connections that failed.
    #[zbus(property(emits_changed_signal = "false"))]
    fn failures(&self) -> u64 {
        self.link().failures
    }

    /// Times that the connection moved to one of FallbackHosts because the broker before it did not answer.
    #[zbus(property(emits_changed_signal = "false"))]
    fn failovers(&self) -> u64 {
        self.link().failovers
    }

    /// State of the radio, of several adapters the worst one's: `off`, `no-bluez`, `adapter-missing`, `adapter-off`,
    /// `passive-unsupported`, `starting`, `scanning` or `test`.
    #[zbus(property)]
    fn radio_state(&self) -> &'static str {
        self.radio().state.as_str()
    }

    /// Why the radio is in that state, for people; of several adapters it names the worst. Empty while all is well.
    #[zbus(property)]
    fn radio_detail(&self) -> String {
        self.radio().detail
    }

    /// Names of the adapters in use, such as `hci0`.
    #[zbus(property)]
    fn adapters(&self) -> Vec<String> {
        self.radio().in_use().map(|adapter| adapter.name.clone()).collect()
    }

    /// Bluetooth addresses of the adapters in use, in the order of Adapters.
    #[zbus(property)]
    fn adapter_addresses(&self) -> Vec<String> {
        self.radio().in_use().map(|adapter| adapter.address.clone()).collect()
    }

    /// Each adapter that is wanted: `Adapter` (its name, empty while it is not there), `Address`, `State` (a word of RadioState),
    /// `Detail` (why it is in that state, for people), `Capabilities` (what it and bluetoothd can do, from its first scan on) and, once
    /// it is known, `DutyCyclePercent` (for how much of the time it listens).
    #[zbus(property)]
    fn radios(&self) -> Vec<VarDict> {
        self.radio().adapters.iter().map(adapter_report).collect()
    }

    /// What was done to get the radio back, and how often: `retry`, `power-on`, `rescan`, `discovery`,
    /// `power-cycle`, `power-cycle-withheld` and, of the capture, `capture`.
    #[zbus(property(emits_changed_signal = "false"))]
    fn recoveries(&self) -> BTreeMap<&'static str, u64> {
        RecoveryAction::ALL.into_iter().map(|action| (action.as_str(), self.stats.recoveries().of(action))).collect()
    }

    /// How adverts are captured: `none`, `monitor` (byte-exact, from the kernel) or `signals` (from BlueZ's D-Bus API).
    #[zbus(property)]
    fn capture(&self) -> &'static str {
        self.radio().capture.as_str()
    }

    /// Why they are captured that way, for people.
    #[zbus(property)]
    fn capture_reason(&self) -> String {
        self.radio().capture_reason
    }

    /// Certificates of the settings: `Setting` (its name), `Subject`, `Issuer`, `NotBefore` and `NotAfter` (in milliseconds since
    /// 1970-01-01T00:00Z). Of several in CaCertificate the one that ends last.
    #[zbus(property)]
    fn certificates(&self) -> Vec<VarDict> {
        self.stats.certificates().borrow().iter().map(held_report).collect()
    }

    /// Whether settings can be saved.
    #[zbus(property)]
    fn state_writable(&self) -> bool {
        *self.stats.state_writable().borrow()
    }

    /// What settings.toml holds and this version does not take, as after a rollback: it is kept for the version that does. Names of
    /// settings, or keys that are none here.
    #[zbus(property)]
    fn ignored_settings(&self) -> Vec<String> {
        self.stats.ignored_settings().borrow().clone()
    }

    /// Whether a time server set the system clock. Until then messages carry no timestamps.
    #[zbus(property)]
    fn clock_synchronised(&self) -> bool {
        *self.stats.clock_synchronised().borrow()
    }

    /// When the service started, in milliseconds since 1970-01-01T00:00Z.
    #[zbus(property(emits_changed_signal = "const"))]
    fn started_at(&self) -> u64 {
        self.stats.started_at().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
    }

    /// Seconds since the service started.
    #[zbus(property(emits_changed_signal = "false"))]
    fn uptime_secs(&self) -> u64 {
        self.stats.uptime_secs()
    }

    /// Version of the service.
    #[zbus(property(emits_changed_signal = "const"))]
    fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    /// MAC address that stands for this router in topics and client ids: RouterAddress, or the one that was found out.
    #[zbus(property)]
    fn router(&self) -> String {
        self.config().router.unwrap_or(self.router).to_string()
    }
}
