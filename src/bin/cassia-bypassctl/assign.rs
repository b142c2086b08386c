//! `KEY=VALUE` and `--secret-from KEY=FILE` as one transaction. Nothing is sent before all of it is right.

use crate::bus::Values;
use crate::failure::{Failure, Result};
use crate::setting::{Setting, Settings};
use crate::source::read;
use clap::ArgMatches;
use zbus::OwnedVariant;

/// What is asked for, and every problem of it.
#[derive(Default)]
pub(crate) struct Assignments {
    values: Values,
    problems: Vec<Failure>,
    /// Standard input can be read once.
    stdin_taken: bool,
}

impl Assignments {
    /// Those on the command line.
    pub(crate) fn of(matches: &ArgMatches, settings: &Settings) -> Result<Values> {
        let mut all = Self::default();
        for word in matches.get_many::<String>("assignments").into_iter().flatten() {
            all.take(word, settings, false);
        }
        all.take_secrets(matches, settings);
        all.finish()
    }

    /// Standard input was read for something else.
    pub(crate) fn without_stdin(mut self) -> Self {
        self.stdin_taken = true;
        self
    }

    /// What `--secret-from` names.
    pub(crate) fn take_secrets(&mut self, matches: &ArgMatches, settings: &Settings) {
        for word in matches.get_many::<String>("secret-from").into_iter().flatten() {
            self.take(word, settings, true);
        }
    }

    /// `KEY=VALUE`, or `KEY=FILE` if it names a source.
    fn take(&mut self, word: &str, settings: &Settings, source: bool) {
        // What has no name may be a secret: it is not repeated.
        let Some((name, text)) = word.split_once('=') else {
            let problem = settings.find(word).map(|setting| format!("{}: expected {0}=VALUE", setting.name));
            let problem = problem.unwrap_or_else(|_| "expected KEY=VALUE (a word has no =)".to_owned());
            self.problems.push(Failure::usage(problem));
            return;
        };
        let source = if source { Some(text) } else { text.strip_prefix('@').filter(|file| !file.starts_with('@')) };
        let found = settings.find(name).and_then(|setting| {
            let value = match source {
                Some("-") if std::mem::replace(&mut self.stdin_taken, true) => {
                    Err(Failure::usage(format!("{}: standard input can be read only once", setting.name)))
                }
                Some(source) => setting.typed(&read(&setting.name, source)?),
                None => plain(setting, text.strip_prefix('@').unwrap_or(text)),
            };
            Ok((setting.name.clone(), value?))
        });
        self.put(found);
    }

    /// Adds a value, or a problem.
    pub(crate) fn put(&mut self, found: Result<(String, OwnedVariant)>) {
        match found {
            Ok((name, _)) if self.values.contains_key(&name) => {
                self.problems.push(Failure::usage(format!("{name}: it is there twice")));
            }
            Ok((name, value)) => drop(self.values.insert(name, value)),
            Err(problem) => self.problems.push(problem),
        }
    }

    pub(crate) fn finish(self) -> Result<Values> {
        if self.problems.is_empty() { Ok(self.values) } else { Err(Failure::all(&self.problems)) }
    }
}

fn plain(setting: &Setting, text: &str) -> Result<OwnedVariant> {
    if setting.secret && !text.is_empty() {
        let name = &setting.name;
        return Err(Failure::usage(format!(
            "{name}: expected no secret on the command line, where other users see it: --secret-from {name}=FILE or {name}=-"
        )));
    }
    setting.typed(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setting::tests::some;
    use std::io::Write;

    fn assigned(words: &[&str]) -> Result<Values> {
        let matches = crate::arguments::command().get_matches_from([&["x", "set"], words].concat());
        Assignments::of(matches.subcommand_matches("set").expect("set"), &some())
    }

    fn refused(words: &[&str]) -> String {
        assigned(words).expect_err("refused").text
    }

    #[test]
    fn words_become_values_of_their_types() {
        let values = assigned(&["Host=a=b", "scan_qos=2", "filter_names=x,y", "psk="]).expect("right");
        assert_eq!(values.keys().collect::<Vec<_>>(), ["FilterNames", "Host", "Psk", "ScanQos"]);
        assert_eq!(values["ScanQos"].value_signature(), "y");
        assert_eq!(values["Host"].to_string(), "\"a=b\"");
    }

    #[test]
    fn files_give_their_text_without_the_last_line_end() {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(b"one\ntwo\r\n").expect("written");
        let path = file.path().display();
        let values = assigned(&[&format!("Host=@{path}"), "--secret-from", &format!("Psk={path}")]).expect("right");
        assert_eq!(values["Host"].to_string(), "\"one\\ntwo\"");
        assert_eq!(values["Psk"], values["Host"]);
        assert_eq!(assigned(&["Host=@@x"]).expect("right")["Host"].to_string(), "\"@x\"");
        assert!(refused(&["Host=@/nowhere/at/all"]).starts_with("Host: /nowhere/at/all: No such file"));
    }

    #[test]
    fn assignment_of_a_secret_on_the_command_line_is_refused_unseen() {
        let said = refused(&["Psk=hush"]);
        assert!(said.starts_with("Psk: expected no secret on the command line") && !said.contains("hush"), "{said}");
        assert!(!refused(&["hushhush"]).contains("hush"));
    }

    #[test]
    fn assignments_report_every_problem_at_once() {
        let said = refused(&["Hots=a", "ScanQos=x", "Host", "Host=a", "host=b"]);
        assert_eq!(
            said.lines().collect::<Vec<_>>(),
            [
                "Hots: expected the name of a setting (did you mean Host?)",
                "ScanQos: expected something else",
                "Host: expected Host=VALUE",
                "Host: it is there twice",
            ]
        );
        let twice = refused(&["--secret-from", "Psk=-", "--secret-from", "Host=-"]);
        assert!(twice.contains("Host: standard input can be read only once"), "{twice}");
    }
}
