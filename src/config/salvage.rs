//! What can be read of a damaged `settings.toml`: its statements, each by itself.

use super::layer::SECRETS_TABLE;
use super::setting;
use toml::Table;

/// The statements that are whole, as one table.
pub(super) fn salvage(bytes: &[u8]) -> Table {
    let text = String::from_utf8_lossy(bytes);
    let (mut table, mut secrets) = (Table::new(), Table::new());
    for statement in statements(&text) {
        // What stands in place of damaged bytes is no value that anybody set.
        let whole = |text: &str| {
            let whole = !text.contains(char::REPLACEMENT_CHARACTER);
            whole.then(|| text.parse::<Table>().ok()).flatten()
        };
        // The lines after the first may be the remains of the next statement.
        if let Some(found) = whole(&statement).or_else(|| whole(statement.lines().next()?)) {
            // Their table's header may be what is damaged.
            for (key, value) in found {
                match setting(&key) {
                    Some(s) if s.is_secret() => drop(secrets.insert(key, value)),
                    Some(_) => drop(table.insert(key, value)),
                    None => {}
                }
            }
        }
    }
    if !secrets.is_empty() {
        table.insert(SECRETS_TABLE.to_owned(), toml::Value::Table(secrets));
    }
    table
}

/// A statement begins with a table's header or a known key; lines in between belong to a value of several lines.
fn statements(text: &str) -> Vec<String> {
    let mut statements: Vec<String> = vec![String::new()];
    for line in text.lines() {
        let key = line.split_once('=').map(|(key, _)| key.trim());
        if line.starts_with('[') || key.is_some_and(|key| setting(key).is_some_and(|s| s.key == key)) {
            statements.push(String::new());
        }
        if let Some(last) = statements.last_mut() {
            last.push_str(line);
            last.push('\n');
        }
    }
    statements
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "host = \"broker\"\nport = 1884\nca_certificate = \"\"\"\n-----BEGIN CERTIFICATE-----\nhost=\n\
                         AAAA\n-----END CERTIFICATE-----\n\"\"\"\nscan_qos = 1\n\n[secrets]\npassword = 3\npsk = 1\n";

    #[test]
    fn salvage_takes_every_statement_but_the_damaged_one() {
        let whole: Table = WHOLE.parse().expect("it is right");
        assert_eq!(salvage(WHOLE.as_bytes()).len(), whole.len() - 1, "its certificate has a line like a statement");
        for (damage, lost) in [
            (WHOLE.replacen("port = 1884", "port = 18\u{1}84", 1).into_bytes(), "port"),
            (WHOLE.replacen("\"broker\"", "\"broker", 1).into_bytes(), "host"),
            ([&b"host = \"bro\xff\"\n"[..], &WHOLE.as_bytes()[16..]].concat(), "host"),
            (WHOLE.replacen("scan_qos = 1", "scan_qo\u{2}s = 1", 1).into_bytes(), "scan_qos"),
        ] {
            let found = salvage(&damage);
            for key in ["host", "port", "scan_qos"] {
                assert_eq!(found.get(key), whole.get(key).filter(|_| key != lost), "{lost} damaged: {key}");
            }
            assert_eq!(found[SECRETS_TABLE], whole[SECRETS_TABLE], "{lost}");
        }
        let cut = &WHOLE.as_bytes()[..WHOLE.len() - 5];
        assert_eq!(salvage(cut)[SECRETS_TABLE].as_table().expect("a table").keys().collect::<Vec<_>>(), ["password"]);
        assert!(salvage(b"\0\0\0\0").is_empty() && salvage(b"").is_empty());
    }

    proptest::proptest! {
        #[test]
        fn salvage_never_gives_a_value_that_nobody_set(at in 0..WHOLE.len(), bit in 0..8) {
            let mut bytes = WHOLE.as_bytes().to_vec();
            bytes[at] ^= 1u8 << bit;
            // One bit costs one statement; a value that is still of its form cannot be told from a right one without a checksum.
            let (found, whole) = (salvage(&bytes), salvage(WHOLE.as_bytes()));
            let kept = whole.iter().filter(|(key, value)| found.get(*key) == Some(value)).count();
            proptest::prop_assert!(kept + 2 >= whole.len(), "{found:?}");
        }
    }
}
