//! D-Bus values as settings, generated from the table.

use crate::config::schema::{for_each_secret, for_each_setting};
use crate::config::{Candidate, SECRETS, SETTINGS, Secret, Setting, nearest, question};
use zbus::{OwnedVariant, Type, Variant};

/// A value as the type of a setting, or what was expected instead, for people.
pub(super) fn typed<T>(value: &Variant<'_>, name: &str) -> Result<T, String>
where
    T: Type + for<'a> TryFrom<Variant<'a>>,
{
    let signature = value.value_signature();
    let converted =
        if signature == T::SIGNATURE { value.try_clone().ok().and_then(|v| T::try_from(v).ok()) } else { None };
    converted.ok_or_else(|| {
        let expected = known(name).map_or("", |s| s.expected);
        format!("{name}: expected {expected} (D-Bus type {}, found {signature})", T::SIGNATURE)
    })
}

/// The setting with this D-Bus name.
pub(super) fn known(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().chain(SECRETS).find(|s| s.name == name)
}

/// What to say of a name that no setting has.
pub(super) fn unknown(name: &str) -> String {
    let meant = question(&nearest(name, SETTINGS.iter().chain(SECRETS).map(|s| s.name)));
    let hint = meant.map(|meant| format!(" ({meant})")).unwrap_or_default();
    format!("{name}: expected the name of a setting{hint}")
}

macro_rules! define_assign {
    ($($(#[$doc:meta])* $key:ident $setter:ident $name:ident: $type:ty = $default:expr, $expected:literal;)*) => {
        /// Sets a setting by its D-Bus name.
        pub(super) fn assign(candidate: &mut Candidate, name: &str, value: &OwnedVariant) -> Result<(), String> {
            match name {
                $(stringify!($name) => candidate.raw.$key = typed::<$type>(value, name)?,)*
                _ => return assign_secret(candidate, name, value),
            }
            Ok(())
        }
    };
}
for_each_setting!(define_assign);

macro_rules! define_assign_secret {
    ($($(#[$doc:meta])* $key:ident $setter:ident $is_set:ident $name:ident, $expected:literal;)*) => {
        fn assign_secret(candidate: &mut Candidate, name: &str, value: &OwnedVariant) -> Result<(), String> {
            match name {
                $(stringify!($name) => candidate.secrets.$key = Secret::from(typed::<String>(value, name)?),)*
                _ => return Err(unknown(name)),
            }
            Ok(())
        }
    };
}
for_each_secret!(define_assign_secret);

#[cfg(test)]
mod tests {
    use super::*;

    fn assigned(name: &str, value: Variant<'_>) -> Result<Candidate, String> {
        let mut candidate = Candidate::default();
        assign(&mut candidate, name, &OwnedVariant::try_from(value).expect("no descriptors")).map(|()| candidate)
    }

    #[test]
    fn values_keep_their_types() {
        assert_eq!(assigned("Port", Variant::from(7u16)).expect("q").raw.port, 7);
        let pairs = vec![(-1i32, "FF".to_owned())];
        assert_eq!(assigned("FilterValues", Variant::from(pairs.clone())).expect("a(is)").raw.filter_values, pairs);
        assert_eq!(assigned("Psk", Variant::from("12")).expect("s").secrets.psk.expose(), "12");
    }

    #[test]
    fn a_refusal_tells_both_types_and_no_value() {
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
