//! D-Bus values as settings.

use crate::config::schema::all;
use crate::config::{Candidate, SettingSpec, nearest, question};
use zbus::Variant;

/// The setting with this D-Bus name.
pub(super) fn known(name: &str) -> Option<&'static SettingSpec> {
    all().find(|s| s.name == name)
}

/// What to say of a name that no setting has.
pub(super) fn unknown(name: &str) -> String {
    let meant = question(&nearest(name, all().map(|s| s.name)));
    let hint = meant.map(|meant| format!(" ({meant})")).unwrap_or_default();
    format!("{name}: expected the name of a setting{hint}")
}

/// Sets a setting by its D-Bus name, or says for people what was expected.
pub(super) fn assign(candidate: &mut Candidate, name: &str, value: &Variant<'_>) -> Result<(), String> {
    let spec = known(name).ok_or_else(|| unknown(name))?;
    if candidate.set(spec, value) {
        return Ok(());
    }
    let (expected, wanted, found) = (spec.expected, spec.signature, value.value_signature());
    Err(format!("{name}: expected {expected} (D-Bus type {wanted}, found {found})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assigned(name: &str, value: Variant<'_>) -> Result<Candidate, String> {
        let mut candidate = Candidate::default();
        assign(&mut candidate, name, &value).map(|()| candidate)
    }

    #[test]
    fn settings_keep_the_types_of_their_values() {
        assert_eq!(assigned("Port", Variant::from(7u16)).expect("q").raw.port, 7);
        let pairs = vec![(-1i32, "FF".to_owned())];
        assert_eq!(assigned("FilterValues", Variant::from(pairs.clone())).expect("a(is)").raw.filter_values, pairs);
        assert_eq!(assigned("Psk", Variant::from("12")).expect("s").secrets.psk.expose(), "12");
    }

    #[test]
    fn settings_of_another_type_are_refused_with_both_types_and_no_value() {
        let refused = |name, value: Variant<'_>| assigned(name, value).expect_err("wrong type");
        assert_eq!(
            refused("Port", Variant::from("hush")),
            "Port: expected 0 (standard port) or a TCP port, 1-65535 (D-Bus type q, found s)"
        );
        assert_eq!(
            refused("Psk", Variant::from(123u32)),
            "Psk: expected 1-512 hexadecimal digits without 0x (D-Bus type s, found u)"
        );
        assert_eq!(
            refused("Prot", Variant::from(1u16)),
            "Prot: expected the name of a setting (did you mean Protocol?)"
        );
        assert_eq!(refused("port", Variant::from(1u16)), "port: expected the name of a setting (did you mean Port?)");
        assert!(refused("FallbackHosts", Variant::from(vec![1u32])).ends_with("(D-Bus type as, found au)"));
    }
}
