//! The control socket: a JSON object a line in, one a line out.
//!
//! An answer comes after the action took place and has `"ok"`; what went wrong
//! is in `"error"`.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::load::Load;
use crate::play::Play;
use crate::{Advert, Controller, hex};

/// What can be asked; `do` names it: `{"do":"load","rate":100,"count":500}`.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
enum Request {
    /// Plays a file, in the foreground.
    Play(Play),
    /// A made-up load, in the foreground.
    Load(Load),
    /// Described advertisements in one event, or a raw one.
    Report {
        #[serde(default)]
        adverts: Vec<Advert>,
        #[serde(default, with = "hex")]
        raw_hci: Vec<u8>,
        #[serde(default)]
        force: bool,
    },
    /// Ends plays and loads of other connections.
    Stop,
    Unplug,
    Replug,
    Hang,
    Resume,
    /// Answers an opcode (`"2042"`) with a status from now on; 0 ends that.
    Fail {
        opcode: String,
        status: u8,
    },
    HardwareError {
        #[serde(default)]
        code: u8,
    },
    State,
}

/// Serves a socket at `path` on a thread of its own.
///
/// # Errors
/// When the socket cannot be made.
pub fn serve(controller: &Controller, path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    let controller = controller.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let controller = controller.clone();
            thread::spawn(move || {
                // A client that hangs up is no trouble.
                let _ = converse(&controller, &stream);
            });
        }
    });
    Ok(())
}

/// Asks a served controller.
///
/// # Errors
/// When there is none, or its answer is not `ok`.
pub fn ask(path: &Path, request: &str) -> io::Result<String> {
    let mut stream = UnixStream::connect(path)?;
    writeln!(stream, "{}", request.replace('\n', " "))?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    let ok = serde_json::from_str::<Value>(&answer)?["ok"] == true;
    if ok { Ok(answer) } else { Err(io::Error::other(answer)) }
}

fn converse(controller: &Controller, mut stream: &UnixStream) -> io::Result<()> {
    for line in BufReader::new(stream).lines() {
        let answer = match perform(controller, &line?) {
            Ok(mut done) => {
                done["ok"] = json!(true);
                done
            }
            Err(e) => json!({"ok": false, "error": e.to_string()}),
        };
        writeln!(stream, "{answer}")?;
    }
    Ok(())
}

fn perform(controller: &Controller, line: &str) -> io::Result<Value> {
    let nothing = Ok(json!({}));
    match serde_json::from_str(line)? {
        Request::Play(play) => value(&play.run(controller)?),
        Request::Load(load) => value(&load.run(controller)?),
        Request::Report { adverts, raw_hci, force } => {
            let mut counts = controller.report(&adverts, force)?;
            if !raw_hci.is_empty() {
                counts += controller.raw(&raw_hci, force)?;
            }
            value(&counts)
        }
        Request::Stop => {
            controller.stop();
            nothing
        }
        Request::Unplug => {
            controller.unplug();
            nothing
        }
        Request::Replug => {
            controller.replug()?;
            nothing
        }
        Request::Hang => {
            controller.set_hung(true);
            nothing
        }
        Request::Resume => {
            controller.set_hung(false);
            nothing
        }
        Request::Fail { opcode, status } => {
            let opcode = u16::from_str_radix(&opcode, 16).map_err(io::Error::other)?;
            controller.fail(opcode, status);
            nothing
        }
        Request::HardwareError { code } => {
            controller.hardware_error(code)?;
            nothing
        }
        Request::State => value(&controller.state()),
    }
}

fn value(done: &impl Serialize) -> io::Result<Value> {
    Ok(serde_json::to_value(done)?)
}
