//! What the controller hears, bluetoothd learns.

use std::time::Duration;

use radio_controller::play::Play;
use radio_controller::scan::{Form, Scan};
use radio_controller::{Advert, Controller, Options};

use crate::bench;
use crate::bluez::{Bluez, text};
use crate::guest::{Guest, eventually};

const ADDRESS: &str = "C0:DE:00:00:00:01";
const SOON: Duration = Duration::from_secs(10);

#[test]
fn reports_arrive() {
    bench::run(|guest| {
        let radio = guest.radio(ADDRESS);
        let adapter = radio.bluez.wait_powered(ADDRESS);
        radio.bluez.start_discovery(&adapter).expect("discovery");
        let scan = scanning(&radio.controller);
        assert!(scan.active);
        assert_eq!(scan.form, Form::Extended);

        let play = Play { file: guest.adverts(), rate: 200, times: 1, described: false, force: false };
        let done = play.run(&radio.controller).expect("the play");
        assert_eq!((done.counts.events, done.counts.unheard), (36, 0));
        knows(&radio.bluez, "F1:0A:CE:00:50:01", "Pulse Strap");
        knows(&radio.bluez, "F1:0A:CE:00:A0:01", "Whiteboard");
        knows(&radio.bluez, "A4:C1:38:00:C0:06", "Printer 2nd floor");
        assert!(radio.bluez.devices().contains_key("C0:3A:00:00:B0:03"), "the third report of an event");
    });
}

#[test]
fn discovery_of_an_old_controller_uses_legacy_commands() {
    bench::run(|guest| {
        let (controller, bluez, _daemons) = old(guest);
        let adapter = bluez.wait_powered(ADDRESS);
        bluez.start_discovery(&adapter).expect("discovery");
        assert_eq!(scanning(&controller).form, Form::Legacy);
        let advert = Advert::new("C0:00:00:00:00:07".parse().expect("an address"), b"\x02\x01\x06\x04\x09Old");
        let response = Advert { evt: 4, data: Vec::new(), ..advert.clone() };
        controller.report(&[advert, response], false).expect("plugged in");
        knows(&bluez, "C0:00:00:00:00:07", "Old");
        bluez.stop_discovery(&adapter).expect("the end of the discovery");
        eventually(SOON, "the scan ends", || !controller.state().scan.enabled);
    });
}

fn old(guest: &Guest) -> (Controller, Bluez, impl Sized) {
    let bus = guest.bus();
    let address = ADDRESS.parse().expect("an address");
    let controller = guest.controller_with(Options { address, legacy: true, verbose: true });
    let bluetoothd = guest.bluetoothd(&[]);
    (controller, guest.bluez(), (bluetoothd, bus))
}

fn scanning(controller: &Controller) -> Scan {
    eventually(SOON, "the controller scans", || Some(controller.state().scan).filter(|scan| scan.enabled))
}

fn knows(bluez: &Bluez, address: &str, name: &str) {
    eventually(SOON, &format!("{address} is known as {name}"), || {
        bluez.devices().get(address).is_some_and(|device| text(device, "Name") == Some(name))
    });
}
