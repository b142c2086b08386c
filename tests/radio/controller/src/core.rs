//! The controller without its device: commands in, events out.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use crate::Address;
use crate::advert::{AddressType, Advert};
use crate::answers::{Identity, answer};
use crate::connection;
use crate::hci::{
    self, COMMAND_DISALLOWED, Command, LE_ADVERTISING_REPORT, LE_EXTENDED_ADVERTISING_REPORT, LE_META, SUCCESS,
    command_complete, command_status,
};
use crate::scan::{Form, SET_ENABLE, SET_EXTENDED_ENABLE, Scan};

/// HCI Reset.
const RESET: u16 = 0x0C03;
/// Event parameters before the first report: subevent and number of reports.
const REPORT_HEADER: usize = 2;
/// Duplicates remembered, as in a controller: bounded.
const MAX_DUPLICATES: usize = 4096;

/// What became of reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Reports that went to the host.
    pub sent: u64,
    /// Events that carried them.
    pub events: u64,
    /// Left out by the controller's duplicate filter.
    pub duplicates: u64,
    /// Not heard: not scanning, passive, or extended on a legacy scan.
    pub unheard: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, more: Self) {
        self.sent += more.sent;
        self.events += more.events;
        self.duplicates += more.duplicates;
        self.unheard += more.unheard;
    }
}

type Heard = (Address, AddressType, u16, Vec<u8>);

/// The pure part of the controller.
#[derive(Debug)]
pub struct Core {
    identity: Identity,
    scan: Scan,
    heard: HashSet<Heard>,
    failing: BTreeMap<u16, u8>,
    /// Refuses to scan until it is reset, with this status.
    jammed: Option<u8>,
    /// Whether the device answers that the host connects to. Else the attempt ends when the host gives it up, and not before.
    answered: bool,
    connecting: bool,
    commands: BTreeMap<u16, u64>,
    unknown: Vec<u16>,
    counts: Counts,
}

impl Core {
    /// A controller after power-up.
    #[must_use]
    pub fn new(identity: Identity) -> Self {
        Self {
            identity,
            scan: Scan::default(),
            heard: HashSet::new(),
            failing: BTreeMap::new(),
            jammed: None,
            answered: false,
            connecting: false,
            commands: BTreeMap::new(),
            unknown: Vec::new(),
            counts: Counts::default(),
        }
    }

    /// Who the controller is.
    #[must_use]
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// The scanner.
    #[must_use]
    pub fn scan(&self) -> &Scan {
        &self.scan
    }

    /// Whether it tries to connect.
    #[must_use]
    pub fn is_connecting(&self) -> bool {
        self.connecting
    }

    /// Totals since the start.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// How often each opcode came.
    #[must_use]
    pub fn commands(&self) -> &BTreeMap<u16, u64> {
        &self.commands
    }

    /// Opcodes that were answered with Unknown Command.
    #[must_use]
    pub fn unknown(&self) -> &[u16] {
        &self.unknown
    }

    /// From now on answers `opcode` with `status`; success ends that.
    pub fn fail(&mut self, opcode: u16, status: u8) {
        if status == SUCCESS {
            self.failing.remove(&opcode);
        } else {
            self.failing.insert(opcode, status);
        }
    }

    /// Refuses to scan, with this status, until it is reset; success ends that.
    pub fn jam(&mut self, status: u8) {
        self.jammed = Some(status).filter(|status| *status != SUCCESS);
    }

    /// Whether the device answers that the host connects to.
    pub fn answer_connections(&mut self, answered: bool) {
        self.answered = answered;
    }

    /// Power-up: forgets what the host had set, not what tests had.
    pub fn restart(&mut self) {
        self.jammed = None;
        self.connecting = false;
        self.scan = Scan { starts: self.scan.starts, ..Scan::default() };
        self.heard.clear();
    }

    /// Follows a command and returns the event that answers it, and what comes behind it.
    pub fn command(&mut self, command: &Command) -> Vec<Vec<u8>> {
        let answer = self.answer(command);
        let enhanced = !self.identity.legacy;
        let behind = match command.opcode {
            connection::CANCEL => std::mem::take(&mut self.connecting).then(|| connection::given_up(enhanced)),
            connection::CREATE | connection::CREATE_EXTENDED if self.connecting && self.answered => {
                self.connecting = false;
                connection::complete(command, enhanced)
            }
            _ => connection::follow(command),
        };
        [Some(answer), behind].into_iter().flatten().collect()
    }

    fn answer(&mut self, command: &Command) -> Vec<u8> {
        *self.commands.entry(command.opcode).or_default() += 1;
        let jammed = self.jammed.filter(|_| starts_scan(command));
        if let Some(status) = self.failing.get(&command.opcode).copied().or(jammed) {
            return command_complete(command.opcode, &[status]);
        }
        if [connection::CREATE, connection::CREATE_EXTENDED].contains(&command.opcode) {
            let busy = std::mem::replace(&mut self.connecting, true);
            return command_status(command.opcode, if busy { COMMAND_DISALLOWED } else { SUCCESS });
        }
        if command.opcode == connection::CANCEL {
            return command_complete(command.opcode, &[if self.connecting { SUCCESS } else { COMMAND_DISALLOWED }]);
        }
        let (event, known) = answer(self.identity, command);
        if !known {
            if !self.unknown.contains(&command.opcode) {
                self.unknown.push(command.opcode);
            }
            return event;
        }
        if command.opcode == RESET {
            self.restart();
        } else if self.scan.follow(command) {
            self.heard.clear();
        }
        event
    }

    /// The events for advertisements on the air at the same time: as few as they
    /// fit in. With `force` even while the host does not scan.
    pub fn report(&mut self, adverts: &[Advert], force: bool) -> (Vec<Vec<u8>>, Counts) {
        let mut counts = Counts::default();
        let mut reports = Vec::new();
        for advert in adverts {
            let form = self.reports_of(advert, force);
            match form {
                None => counts.unheard += 1,
                Some(_) if !force && self.is_duplicate(advert) => counts.duplicates += 1,
                Some(form) => {
                    counts.sent += 1;
                    reports.extend(form);
                }
            }
        }
        let subevent = match self.scan.form {
            Form::Legacy => LE_ADVERTISING_REPORT,
            Form::Extended => LE_EXTENDED_ADVERTISING_REPORT,
        };
        let events = pack(subevent, &reports);
        counts.events = events.len() as u64;
        self.counts += counts;
        (events, counts)
    }

    /// A whole event packet to be sent as it is; `None` while the host does not
    /// scan, unless forced.
    pub fn raw(&mut self, packet: &[u8], force: bool) -> (Option<Vec<u8>>, Counts) {
        let reports = match packet {
            [_, LE_META, _, LE_ADVERTISING_REPORT | LE_EXTENDED_ADVERTISING_REPORT, n, ..] => u64::from(*n),
            _ => 1,
        };
        let mut counts = Counts::default();
        let heard = force || self.scan.enabled;
        if heard {
            counts.sent = reports;
            counts.events = 1;
        } else {
            counts.unheard = reports;
        }
        self.counts += counts;
        (heard.then(|| packet.to_vec()), counts)
    }

    fn reports_of(&self, advert: &Advert, force: bool) -> Option<Vec<Vec<u8>>> {
        if !force && (!self.scan.enabled || (advert.is_scan_response() && !self.scan.active)) {
            return None;
        }
        match self.scan.form {
            Form::Legacy => advert.legacy_report().map(|report| vec![report]),
            Form::Extended => Some(advert.extended_reports()),
        }
    }

    fn is_duplicate(&mut self, advert: &Advert) -> bool {
        if !self.scan.filter_dup {
            return false;
        }
        if self.heard.len() >= MAX_DUPLICATES {
            self.heard.clear();
        }
        let key = (advert.addr, advert.addr_type, advert.extended_type(), advert.data.clone());
        !self.heard.insert(key)
    }
}

/// Whether this asks for a scan, and does not end one.
fn starts_scan(command: &Command) -> bool {
    [SET_ENABLE, SET_EXTENDED_ENABLE].contains(&command.opcode) && command.parameters.first() == Some(&1)
}

/// Packs reports into as few events as they fit in, in order.
fn pack(subevent: u8, reports: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut events = Vec::new();
    let mut parameters = Vec::new();
    for report in reports {
        if parameters.len() + report.len() > usize::from(u8::MAX) {
            events.push(hci::event(LE_META, &std::mem::take(&mut parameters)));
        }
        if parameters.is_empty() {
            parameters.extend_from_slice(&[subevent, 0]);
        }
        parameters[REPORT_HEADER - 1] += 1;
        parameters.extend_from_slice(report);
    }
    if !parameters.is_empty() {
        events.push(hci::event(LE_META, &parameters));
    }
    events
}

#[cfg(test)]
mod tests;
