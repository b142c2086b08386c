//! The scan parameters that the kernel sets: how much of the time a controller listens. Pure: parameters of a command in.

/// LE Set Scan Parameters (Core 5.4, Vol 4, Part E, 7.8.10).
pub(super) const PARAMETERS: u16 = 0x200B;
/// LE Set Extended Scan Parameters (7.8.64).
pub(super) const EXTENDED_PARAMETERS: u16 = 0x2041;

/// Percent of the time for which the controller listens with these parameters, on the first PHY that they name: LE 1M, if it is
/// among them. The kernel has the same share on LE Coded, and what a controller makes of windows that overlap is its own
/// matter. `None` if the command is another, cut short, or asks for what does not exist.
pub(super) fn duty_cycle(opcode: u16, parameters: &[u8]) -> Option<u8> {
    // Before interval and window: the type of the scan, and before that own address type, filter policy and PHYs.
    let bytes = match opcode {
        PARAMETERS => parameters.get(1..)?,
        EXTENDED_PARAMETERS => parameters.get(4..)?,
        _ => return None,
    };
    let &[i0, i1, w0, w1, ..] = bytes else { return None };
    let (interval, window) = (u16::from_le_bytes([i0, i1]), u16::from_le_bytes([w0, w1]));
    // Any window is more than nothing.
    (1..=interval).contains(&window).then(|| (f64::from(window) / f64::from(interval) * 100.0).round().max(1.0) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duty_cycle_is_the_window_of_the_interval() {
        let legacy = |interval: u16, window: u16| {
            let ([i0, i1], [w0, w1]) = (interval.to_le_bytes(), window.to_le_bytes());
            duty_cycle(PARAMETERS, &[0, i0, i1, w0, w1, 0, 0])
        };
        assert_eq!(legacy(0x60, 0x30), Some(50), "BlueZ's own for monitors");
        assert_eq!([legacy(0x12, 0x12), legacy(0x60, 0x60)], [Some(100); 2]);
        assert_eq!(legacy(0x280, 0x12), Some(3), "the kernel's own for a suspended host");
        assert_eq!(legacy(0x4000, 4), Some(1));
        assert_eq!([legacy(0, 0), legacy(0x30, 0x60), legacy(0x30, 0)], [None; 3]);
    }

    #[test]
    fn duty_cycle_is_that_of_the_first_phy() {
        // As Linux 6.12 sets it for LE 1M and LE Coded, and for each alone.
        let both = [0, 0, 5, 0, 0x60, 0, 0x30, 0, 0, 0x20, 1, 0x90, 0];
        assert_eq!(duty_cycle(EXTENDED_PARAMETERS, &both), Some(50));
        assert_eq!(duty_cycle(EXTENDED_PARAMETERS, &[0, 0, 1, 0, 0x60, 0, 0x60, 0]), Some(100));
        assert_eq!(duty_cycle(EXTENDED_PARAMETERS, &[0, 0, 4, 1, 0x20, 1, 0x90, 0]), Some(50));
    }

    #[test]
    fn duty_cycle_of_anything_else_is_not_known() {
        assert!((0..8).all(|cut| duty_cycle(EXTENDED_PARAMETERS, &[0, 0, 1, 0, 0x60, 0, 0x30, 0][..cut]).is_none()));
        assert!((0..5).all(|cut| duty_cycle(PARAMETERS, &[0, 0x60, 0, 0x30, 0][..cut]).is_none()));
        assert_eq!(duty_cycle(0x2042, &[0, 0, 1, 0, 0x60, 0, 0x30, 0]), None);
    }
}
