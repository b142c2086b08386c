//! The virtual controller as a program: see `--help`.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use radio_controller::play::Play;
use radio_controller::{Controller, Options, control};

const HELP: &str = "\
A virtual Bluetooth LE controller on /dev/vhci.

radio-controller [OPTIONS]            plug in a controller and stay
  --address ADDRESS   public address (C0:DE:00:00:00:01)
  --legacy            Bluetooth 4.2: no extended advertising
  --verbose           print the host's commands
  --control SOCKET    take JSON requests there
  --adverts FILE      play the file once the host scans (--rate lines a second,
  --rate N            default 10; --loop for ever; --described in the form that
  --loop              the host's scan asks for)
  --described
radio-controller ask SOCKET REQUEST   send a request, print the answer
";

struct Arguments {
    options: Options,
    control: Option<PathBuf>,
    play: Option<Play>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match &arguments[..] {
        [help] if help == "--help" => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        [ask, socket, request] if ask == "ask" => {
            control::ask(socket.as_ref(), request).map(|answer| print!("{answer}"))
        }
        _ => parse(&arguments).map_err(io::Error::other).and_then(run),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("radio-controller: {e}");
            ExitCode::FAILURE
        }
    }
}

fn parse(arguments: &[String]) -> Result<Arguments, String> {
    let mut options = Options { address: "C0:DE:00:00:00:01".parse()?, legacy: false, verbose: false };
    let (mut control, mut file) = (None, None);
    let (mut rate, mut times, mut described) = (10, 1, false);
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} needs a value"));
        match word.as_str() {
            "--address" => options.address = value()?.parse()?,
            "--legacy" => options.legacy = true,
            "--verbose" => options.verbose = true,
            "--control" => control = Some(value()?.into()),
            "--adverts" => file = Some(value()?.into()),
            "--rate" => rate = value()?.parse().map_err(|e| format!("--rate: {e}"))?,
            "--loop" => times = 0,
            "--described" => described = true,
            _ => return Err(format!("unknown argument {word}; see --help")),
        }
    }
    let play = file.map(|file| Play { file, rate, times, described, force: false });
    Ok(Arguments { options, control, play })
}

fn run(arguments: Arguments) -> io::Result<()> {
    let controller = Controller::new(arguments.options)?;
    if let Some(path) = &arguments.control {
        control::serve(&controller, path)?;
    }
    if let Some(play) = &arguments.play {
        while !controller.state().scan.enabled {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let done = play.run(&controller)?;
        eprintln!("radio-controller: {done:?}");
    }
    // Stays plugged in until killed.
    loop {
        std::thread::park();
    }
}
