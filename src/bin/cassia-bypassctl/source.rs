//! Texts that do not stand on the command line: from files, from standard input, or from someone who types them unseen.

use crate::failure::{Failure, Result};
use cassia_bypass::config::binary;
use rustix::io::Errno;
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::fmt::Display;
use std::io::{IsTerminal, Read, stdin};
use std::string::FromUtf8Error;

/// Control-C and Control-D: someone who thought better of it.
const CANCEL_KEYS: [u8; 2] = [3, 4];
/// What the key for going back sends: DEL or BS.
const ERASE_KEYS: [u8; 2] = [127, 8];

/// Reads the value of a setting from this file, or from standard input for `-`, without its last line end.
pub(crate) fn read(name: &str, source: &str) -> Result<String> {
    // No core dump has it. Fails with no kernel that we know.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let place = if source == "-" { "standard input" } else { source };
    let wrong = |what: &dyn Display| Failure::usage(format!("{name}: {place}: {what}"));
    let bytes = match source {
        "-" if stdin().is_terminal() => {
            ask(name).map_err(|error| wrong(&error))?.ok_or_else(|| wrong(&"nothing was typed"))?
        }
        "-" => {
            let mut bytes = Vec::new();
            stdin().read_to_end(&mut bytes).map_err(|error| wrong(&error))?;
            bytes
        }
        file => std::fs::read(file).map_err(|error| wrong(&error))?,
    };
    let no_text = |error: FromUtf8Error| {
        let hint = binary(error.as_bytes()).map(|hint| format!(": {hint}")).unwrap_or_default();
        wrong(&format!("expected UTF-8 text{hint}"))
    };
    let mut text = String::from_utf8(bytes).map_err(no_text)?;
    if text.ends_with('\n') {
        text.truncate(text.len() - if text.ends_with("\r\n") { 2 } else { 1 });
    }
    // What a program that failed prints into a pipe: nobody removes a secret so on purpose.
    if text.is_empty() {
        return Err(wrong(&format!("expected a value, found nothing; to remove it: cassia-bypassctl reset {name}")));
    }
    Ok(text)
}

/// The terminal as it was, even if we give up on the way.
struct Restored(Termios);

impl Drop for Restored {
    fn drop(&mut self) {
        let _ = tcsetattr(stdin(), OptionalActions::Flush, &self.0);
    }
}

/// Asks on the terminal, without an echo; the terminal sends no signals meanwhile, so that it cannot be left without one.
fn ask(name: &str) -> Result<Option<Vec<u8>>, Errno> {
    let before = tcgetattr(stdin())?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
    tcsetattr(stdin(), OptionalActions::Flush, &silent)?;
    let restored = Restored(before);
    eprint!("{name}: ");
    let line = line()?;
    eprintln!();
    drop(restored);
    Ok(line)
}

fn line() -> Result<Option<Vec<u8>>, Errno> {
    let mut line = Vec::new();
    let mut byte = [0];
    loop {
        if rustix::io::read(stdin(), &mut byte)? == 0 || CANCEL_KEYS.contains(&byte[0]) {
            return Ok(None);
        }
        match byte[0] {
            b'\r' | b'\n' => return Ok(Some(line)),
            back if ERASE_KEYS.contains(&back) => {
                // A whole character: its following bytes begin with the bits 10.
                while line.pop().is_some_and(|byte| byte & 0xC0 == 0x80) {}
            }
            other => line.push(other),
        }
    }
}
