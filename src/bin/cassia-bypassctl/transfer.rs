//! `export` and `import`: settings files, without secrets.

use crate::assign::Assignments;
use crate::bus::Service;
use crate::change::change;
use crate::failure::{Failure, Result};
use crate::page::{print, print_json};
use crate::setting::{Setting, Settings};
use crate::value::to_toml;
use clap::ArgMatches;
use serde_json::Value as Json;
use std::io::{Read, stdin};

pub(crate) async fn export(service: &Service, matches: &ArgMatches, json: bool) -> Result<()> {
    let (settings, values) = (service.settings().await?, service.values().await?);
    let changed = matches.get_flag("changed");
    let wanted = |setting: &&Setting| !setting.secret && (!changed || setting.differs(&values));
    let list: Vec<&Setting> = settings.all().filter(wanted).collect();
    if json {
        return print_json(&Json::Object(list.iter().map(|s| (s.key.clone(), s.now(&values))).collect()));
    }
    let secrets: Vec<&str> = settings.all().filter(|s| s.secret && s.differs(&values)).map(|s| &*s.name).collect();
    let mut text =
        "# Settings of cassia-bypassd, for cassia-bypassctl import or /etc/cassia-bypass/config.toml.\n".to_owned();
    if !secrets.is_empty() {
        text += &format!("# Secrets are not in it. Set are: {}.\n", secrets.join(", "));
    }
    for setting in list {
        let value = to_toml(&setting.now(&values)).unwrap_or_default();
        text += &format!("{} = {value}\n", setting.key);
    }
    print(&text)
}

pub(crate) async fn import(service: &Service, matches: &ArgMatches, json: bool) -> Result<()> {
    let settings = service.settings().await?;
    let file = matches.get_one::<String>("file").map_or("-", String::as_str);
    let mut all = Assignments::default();
    if file == "-" {
        all = all.without_stdin();
    }
    let table = parse(file, &read(file)?)?;
    for (key, value) in &table {
        all.put(entry(&settings, key, value));
    }
    all.take_secrets(matches, &settings);
    change(service, &settings, &all.finish()?, matches.get_flag("dry-run"), json).await
}

fn read(file: &str) -> Result<String> {
    let text = match file {
        "-" => {
            let mut text = String::new();
            stdin().read_to_string(&mut text).map(|_| text)
        }
        file => std::fs::read_to_string(file),
    };
    text.map_err(|error| Failure::usage(format!("{file}: {error}")))
}

/// The parser's own text would show the line, which may be a secret at a wrong place.
fn parse(file: &str, text: &str) -> Result<toml::Table> {
    text.parse::<toml::Table>().map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        Failure::usage(format!("{file}:{line}: expected TOML: {}", error.message().replace('\n', ", ")))
    })
}

fn entry(settings: &Settings, key: &str, value: &toml::Value) -> Result<(String, zbus::OwnedVariant)> {
    let setting = settings.find(key)?;
    let name = &setting.name;
    if setting.secret {
        let text = format!("{key}: expected not in a settings file: it is a secret; use --secret-from {name}=FILE");
        return Err(Failure::usage(text));
    }
    let value = serde_json::to_value(value).unwrap_or_default();
    Ok((name.clone(), setting.of_json(&value)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setting::tests::some;

    fn imported(text: &str) -> Vec<String> {
        let settings = some();
        let table = parse("x.toml", text).expect("TOML");
        let of = |(key, value): (&String, &toml::Value)| entry(&settings, key, value);
        table
            .iter()
            .map(of)
            .map(|one| one.map_or_else(|e| e.text, |(name, value)| format!("{name} = {}", *value)))
            .collect()
    }

    #[test]
    fn entries_are_taken_by_type() {
        assert_eq!(
            imported("filter_names = ['x']\nhost = 'h'\nscan_qos = 2\n"),
            ["FilterNames = [\"x\"]", "Host = \"h\"", "ScanQos = byte 0x02"]
        );
        assert_eq!(imported("scan_qos = '2'"), ["ScanQos: expected something else"]);
        assert_eq!(imported("scan_qso = 2"), ["scan_qso: expected the name of a setting (did you mean ScanQos?)"]);
        assert!(imported("psk = 'hush'")[0].starts_with("psk: expected not in a settings file"));
    }

    #[test]
    fn file_that_is_no_toml_is_reported_by_line_and_not_shown() {
        let refused = parse("x.toml", "host = 'h'\npsk = hush\n").expect_err("no TOML").text;
        assert!(refused.starts_with("x.toml:2: expected TOML: ") && !refused.contains("hush"), "{refused}");
    }
}
