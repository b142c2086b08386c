//! What the host asked of the scanner, by legacy or extended commands.

use serde::Serialize;

use crate::hci::Command;

/// LE Set Scan Parameters.
pub const SET_PARAMETERS: u16 = 0x200B;
/// LE Set Scan Enable.
pub const SET_ENABLE: u16 = 0x200C;
/// LE Set Extended Scan Parameters.
pub const SET_EXTENDED_PARAMETERS: u16 = 0x2041;
/// LE Set Extended Scan Enable.
pub const SET_EXTENDED_ENABLE: u16 = 0x2042;

/// Which report the host expects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// LE Advertising Report; extended advertisements are not heard.
    #[default]
    Legacy,
    /// LE Extended Advertising Report for everything.
    Extended,
}

/// The scanner's state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Scan {
    /// Scanning is on.
    pub enabled: bool,
    /// Scan requests are sent, so scan responses are heard.
    pub active: bool,
    /// The host asked for duplicates to be left out.
    pub filter_dup: bool,
    /// Which commands the host used.
    pub form: Form,
    /// Interval of the first PHY, in 0.625 ms.
    pub interval: u16,
    /// Window of the first PHY, in 0.625 ms.
    pub window: u16,
    /// Bit 0: 1M, bit 2: coded.
    pub phys: u8,
    /// Filter policy; 1 and 3 report only the accept list.
    pub policy: u8,
    /// How often scanning was switched on.
    pub starts: u64,
}

impl Scan {
    /// Follows a scan command; false when it is none or is too short.
    pub fn follow(&mut self, command: &Command) -> bool {
        match (command.opcode, command.parameters.as_slice()) {
            (SET_PARAMETERS, &[kind, i0, i1, w0, w1, _own, policy, ..]) => {
                self.form = Form::Legacy;
                self.phys = 1;
                self.policy = policy;
                self.set_timing(kind, [i0, i1], [w0, w1]);
            }
            (SET_EXTENDED_PARAMETERS, &[_own, policy, phys, kind, i0, i1, w0, w1, ..]) => {
                self.form = Form::Extended;
                self.phys = phys;
                self.policy = policy;
                self.set_timing(kind, [i0, i1], [w0, w1]);
            }
            (SET_ENABLE | SET_EXTENDED_ENABLE, &[enable, filter_dup, ..]) => {
                self.starts += u64::from(enable != 0 && !self.enabled);
                self.enabled = enable != 0;
                self.filter_dup = filter_dup != 0;
            }
            _ => return false,
        }
        true
    }

    fn set_timing(&mut self, kind: u8, interval: [u8; 2], window: [u8; 2]) {
        self.active = kind == 1;
        self.interval = u16::from_le_bytes(interval);
        self.window = u16::from_le_bytes(window);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex;

    fn follow(scan: &mut Scan, opcode: u16, parameters: &str) -> bool {
        scan.follow(&Command { opcode, parameters: hex::decode(parameters).expect("hex") })
    }

    #[test]
    fn extended_commands_as_bluez_sends_them() {
        let mut scan = Scan::default();
        assert!(follow(&mut scan, SET_EXTENDED_PARAMETERS, "0100010112001200"));
        assert!(follow(&mut scan, SET_EXTENDED_ENABLE, "010100000000"));
        assert_eq!(
            scan,
            Scan {
                enabled: true,
                active: true,
                filter_dup: true,
                form: Form::Extended,
                interval: 0x12,
                window: 0x12,
                phys: 1,
                policy: 0,
                starts: 1,
            }
        );
        assert!(follow(&mut scan, SET_EXTENDED_ENABLE, "000000000000"));
        assert!(!scan.enabled);
    }

    #[test]
    fn legacy_commands() {
        let mut scan = Scan::default();
        assert!(follow(&mut scan, SET_PARAMETERS, "00600030000000"));
        assert!(follow(&mut scan, SET_ENABLE, "0100"));
        assert!(scan.enabled && !scan.active && !scan.filter_dup);
        assert_eq!((scan.form, scan.interval, scan.window), (Form::Legacy, 0x60, 0x30));
        assert!(!follow(&mut scan, SET_ENABLE, "01"));
    }
}
