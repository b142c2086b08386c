//! The settings as the service describes them: there is no second table.

use crate::bus::Values;
use crate::failure::{Failure, Result};
use crate::value::{from_text, member, to_json, to_variant};
use cassia_bypass::config::{nearest, question};
use serde_json::{Value as Json, json};
use zbus::OwnedVariant;

/// One setting. See `Describe` in the manual of the interface.
pub(crate) struct Setting {
    pub(crate) name: String,
    pub(crate) key: String,
    pub(crate) signature: String,
    pub(crate) help: String,
    pub(crate) expected: String,
    pub(crate) secret: bool,
    /// What Reset goes back to; not of a secret.
    pub(crate) default: Option<Json>,
}

impl Setting {
    fn new(described: &Values) -> Self {
        let json = |name: &str| described.get(name).map(|value| to_json(value));
        let text = |name: &str| json(name).and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
        Self {
            name: text("Name"),
            key: text("Key"),
            signature: text("Type"),
            help: text("Help"),
            expected: text("Expected"),
            secret: json("Secret") == Some(Json::Bool(true)),
            default: json("Default"),
        }
    }

    /// A value that someone typed, as D-Bus wants it.
    pub(crate) fn typed(&self, text: &str) -> Result<OwnedVariant> {
        from_text(&self.signature, text).map_or_else(|| Err(self.wrong()), |value| self.of_json(&value))
    }

    pub(crate) fn of_json(&self, value: &Json) -> Result<OwnedVariant> {
        let variant = to_variant(&self.signature, value).and_then(|variant| OwnedVariant::try_from(variant).ok());
        variant.ok_or_else(|| self.wrong())
    }

    fn wrong(&self) -> Failure {
        let form = match &*self.signature {
            "as" => ", written a,b,c or as JSON",
            "a(is)" => ", written OFFSET:HEX,... or as JSON",
            _ => "",
        };
        Failure::usage(format!("{}: expected {}{form}", self.name, self.expected))
    }

    /// The value in force, or whether the secret is stored.
    pub(crate) fn now(&self, values: &Values) -> Json {
        let name = if self.secret { format!("{}Set", self.name) } else { self.name.clone() };
        member(values, &name)
    }

    /// Whether it differs from its default. No secret has one.
    pub(crate) fn differs(&self, values: &Values) -> bool {
        let now = self.now(values);
        self.default.as_ref().map_or(now == Json::Bool(true), |default| *default != now)
    }

    /// For `--json`.
    pub(crate) fn report(&self, values: &Values) -> Json {
        let now = self.now(values);
        match &self.default {
            Some(default) => json!({"value": now, "default": default, "differs": *default != now}),
            None => json!({"set": now}),
        }
    }

    /// For `--json`, after a call that was to change it. Of a secret it is known only whether there is one.
    pub(crate) fn report_change(&self, before: &Values, after: &Values) -> Json {
        let (before, now) = (self.now(before), self.now(after));
        let changed = before != now;
        match &self.default {
            Some(_) => json!({"before": before, "value": now, "changed": changed}),
            None => json!({"before": before, "set": now}),
        }
    }
}

/// All of them, in the order of the manual.
pub(crate) struct Settings {
    /// As the service said it.
    pub(crate) described: Vec<Values>,
    list: Vec<Setting>,
}

impl Settings {
    pub(crate) fn new(described: Vec<Values>) -> Self {
        let list = described.iter().map(Setting::new).collect();
        Self { described, list }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Setting> {
        self.list.iter()
    }

    /// The one with this name or key.
    pub(crate) fn find(&self, word: &str) -> Result<&Setting> {
        let wanted = folded(word);
        self.all().find(|setting| folded(&setting.name) == wanted).ok_or_else(|| {
            let near = question(&nearest(&wanted, self.all().map(|setting| &*setting.name)));
            let hint = near.map(|near| format!(" ({near})")).unwrap_or_default();
            Failure::usage(format!("{word}: expected the name of a setting{hint}"))
        })
    }

    /// Those with these names, all of them if there are none.
    pub(crate) fn selected(&self, words: &[&String]) -> Result<Vec<&Setting>> {
        if words.is_empty() {
            return Ok(self.all().collect());
        }
        let (found, wrong): (Vec<_>, Vec<_>) = words.iter().map(|word| self.find(word)).partition(Result::is_ok);
        let wrong: Vec<Failure> = wrong.into_iter().filter_map(Result::err).collect();
        if wrong.is_empty() { Ok(found.into_iter().flatten().collect()) } else { Err(Failure::all(&wrong)) }
    }
}

/// `ScanQos`, `scan_qos` and `scan-qos` are the same.
fn folded(word: &str) -> String {
    word.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use zbus::Variant;

    /// Some settings of each kind.
    pub(crate) fn some() -> Settings {
        let row = |name: &str, key: &str, signature: &str, default: Option<Variant<'static>>| {
            let mut row = Values::new();
            let mut put = |name: &str, value: Variant<'static>| {
                row.insert(name.to_owned(), OwnedVariant::try_from(value).expect("no descriptors"));
            };
            put("Name", name.to_owned().into());
            put("Key", key.to_owned().into());
            put("Type", signature.to_owned().into());
            put("Expected", "something else".into());
            put("Secret", default.is_none().into());
            if let Some(default) = default {
                put("Default", default);
            }
            row
        };
        Settings::new(vec![
            row("Host", "host", "s", Some("".into())),
            row("ScanQos", "scan_qos", "y", Some(0u8.into())),
            row("FilterNames", "filter_names", "as", Some(Vec::<String>::new().into())),
            row("Psk", "psk", "s", None),
        ])
    }

    #[test]
    fn setting_names_have_several_spellings_and_a_slip_gets_a_hint() {
        let settings = some();
        for word in ["ScanQos", "scan_qos", "scanqos", "scan-qos", "SCAN_QOS"] {
            assert_eq!(settings.find(word).expect("found").name, "ScanQos");
        }
        let refused = |word: &str| settings.find(word).map(|s| s.name.clone()).expect_err("unknown").text;
        assert_eq!(refused("Hots"), "Hots: expected the name of a setting (did you mean Host?)");
        assert_eq!(refused("scan_qso"), "scan_qso: expected the name of a setting (did you mean ScanQos?)");
        assert_eq!(refused("bogus"), "bogus: expected the name of a setting");
        let (a, b) = ("Hots".to_owned(), "pks".to_owned());
        assert_eq!(settings.selected(&[&a, &b]).err().expect("both are wrong").text.lines().count(), 2);
    }

    #[test]
    fn setting_value_of_another_form_names_the_setting() {
        let settings = some();
        let refused = |name: &str, text: &str| settings.find(name).expect("known").typed(text).expect_err("wrong").text;
        assert_eq!(refused("ScanQos", "x"), "ScanQos: expected something else");
        assert_eq!(refused("FilterNames", "[1]"), "FilterNames: expected something else, written a,b,c or as JSON");
        assert_eq!(refused("Psk", "hush\0"), "Psk: expected something else");
    }
}
