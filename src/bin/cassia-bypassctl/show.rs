//! `show` and `describe`.

use crate::bus::{Service, Values};
use crate::failure::Result;
use crate::page::{BOLD, DIM, Page, print, print_json, styled};
use crate::setting::{Setting, Settings};
use crate::value::{object, to_json, to_text};
use clap::ArgMatches;
use serde_json::Value as Json;

/// Where the values begin: behind the mark and the longest name.
const COLUMN: usize = 28;

/// The settings that were named.
pub(crate) fn selected<'a>(matches: &ArgMatches, settings: &'a Settings) -> Result<Vec<&'a Setting>> {
    settings.selected(&matches.get_many("settings").into_iter().flatten().collect::<Vec<_>>())
}

pub(crate) async fn show(service: &Service, matches: &ArgMatches, json: bool) -> Result<()> {
    let (settings, values) = (service.settings().await?, service.values().await?);
    let mut list = selected(matches, &settings)?;
    if matches.get_flag("changed") {
        list.retain(|setting| setting.differs(&values));
    }
    if matches.get_flag("value") {
        let lines: Vec<String> = list.iter().map(|setting| format!("{}\n", plain(setting, &values))).collect();
        return print(&lines.concat());
    }
    print_settings(&list, &values, json)
}

/// Prints these settings as they are.
pub(crate) fn print_settings(list: &[&Setting], values: &Values, json: bool) -> Result<()> {
    if json {
        let entry = |setting: &&Setting| (setting.name.clone(), setting.report(values));
        return print_json(&Json::Object(list.iter().map(entry).collect()));
    }
    let mut page = Page::new();
    for setting in list {
        let differs = setting.differs(values);
        let mark = if differs { "*" } else { " " };
        let label = format!("{mark} {}", setting.name);
        let label = if differs { styled(BOLD, &label) } else { label };
        let default = setting.default.as_ref().filter(|_| differs).map(short);
        let default = default.map(|text| styled(DIM, &format!("  (default: {text})"))).unwrap_or_default();
        page.entry(&label, COLUMN, &format!("{}{default}", of(setting, values)));
    }
    page.print()
}

/// Prints what a call did to these settings.
pub(crate) fn print_changes(list: &[&Setting], before: &Values, after: &Values, json: bool) -> Result<()> {
    if json {
        let entry = |setting: &&Setting| (setting.name.clone(), setting.report_change(before, after));
        return print_json(&Json::Object(list.iter().map(entry).collect()));
    }
    let mut page = Page::new();
    for setting in list {
        let (then, now) = (of(setting, before), of(setting, after));
        let text = match setting.now(before) != setting.now(after) {
            // Two texts of several lines may be short in the same words.
            true => format!("{then} -> {}", styled(BOLD, &now)),
            // Nobody is told whether a secret is another one.
            false if setting.secret => now,
            false => format!("{now}{}", styled(DIM, "  (unchanged)")),
        };
        page.entry(&setting.name, COLUMN - 2, &text);
    }
    page.print()
}

/// The value in full.
pub(crate) fn plain(setting: &Setting, values: &Values) -> String {
    match setting.now(values) {
        Json::Bool(set) if setting.secret => if set { "set" } else { "not set" }.to_owned(),
        value => to_text(&value),
    }
}

/// The value on a line.
fn of(setting: &Setting, values: &Values) -> String {
    if setting.secret {
        let text = plain(setting, values);
        return if text == "set" { text } else { styled(DIM, &text) };
    }
    match short(&setting.now(values)) {
        none if none == "-" => styled(DIM, &none),
        text => text,
    }
}

/// A value in short: `-` for an empty one, the size of a text of several lines. Long lists may be wrapped.
fn short(value: &Json) -> String {
    let text = to_text(value);
    match text.lines().count() {
        0 => "-".to_owned(),
        1 if value.is_array() => text.replace(',', ", "),
        1 => text,
        lines => {
            let begins = text.lines().next().unwrap_or_default().trim_matches('-').replace("BEGIN ", "");
            format!("{begins}, {lines} lines")
        }
    }
}

pub(crate) async fn describe(service: &Service, matches: &ArgMatches, json: bool) -> Result<()> {
    let settings = service.settings().await?;
    let list = selected(matches, &settings)?;
    if json {
        let wanted = |row: &&Values| list.iter().any(|s| row.get("Name").is_some_and(|name| to_json(name) == *s.name));
        return print_json(&settings.described.iter().filter(wanted).map(object).collect());
    }
    let mut page = Page::new();
    for (place, setting) in list.iter().enumerate() {
        if place > 0 {
            page.line("");
        }
        let Setting { name, key, help, expected, .. } = setting;
        page.line(&format!("{} {}", styled(BOLD, name), styled(DIM, &format!("({key})"))));
        page.entry("", 4, help);
        page.entry("    Expected:", 14, expected);
        match &setting.default {
            Some(default) => page.entry("    Default:", 14, &short(default)),
            None => page.entry("    Secret:", 14, "write-only; see --secret-from of set"),
        }
    }
    page.print()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_in_short() {
        assert_eq!(short(&json!("")), "-");
        assert_eq!(short(&json!([])), "-");
        assert_eq!(short(&json!(["a", "b"])), "a, b");
        assert_eq!(short(&json!("a,b")), "a,b");
        assert_eq!(short(&json!("-----BEGIN CERTIFICATE-----\nMII\n-----END")), "CERTIFICATE, 3 lines");
    }
}
