//! What the whole service carries, at what cost, and what others cost in the same run.
//!
//! A generator plays packets of the HCI monitor channel into a socket that the service inherits; the service, set through
//! D-Bus, publishes to a Mosquitto on loopback; a subscriber in this process notes when each numbered advert arrives. Machines
//! are shared and differ: compare ratios within one run.
//!
//!     cargo bench --bench throughput                       every rate and way, and the references: 5 minutes
//!     cargo bench --bench throughput -- --quick            some of it, briefly: a minute
//!     cargo bench --bench throughput -- --report           the first, into docs/performance.md (see also benches/report)
//!     cargo bench --bench throughput -- RATE [SECONDS] [--qos N] [--encryption none|psk|certificate]
//!                                       [--addresses N] [--duplicates MS]       one cell
//!     cargo bench --bench throughput -- --soak SECONDS [RATE]                   memory over time
//!
//! With `CASSIA_BYPASSD=FILE` another build of the service is measured.

#[path = "../../tests/support/mod.rs"]
mod support;

mod arguments;
mod bluez;
mod cell;
mod dbus;
mod floor;
mod generator;
mod machine;
mod micro;
mod plan;
mod receiver;
mod report;
mod rig;
mod script;
mod soak;
mod table;
mod traffic;
mod usage;

use arguments::Order;

fn main() {
    match arguments::parse(std::env::args().skip(1)) {
        Ok(Order::Table(extent)) => print!("{}", report::markdown(&plan::run(extent))),
        Ok(Order::Report) => report::write(&plan::run(plan::Extent::Full)),
        Ok(Order::Cell(cell)) => {
            let figures = cell::run(cell);
            println!("{}\n{}\n{}", table::HEAD, table::row(&figures), table::threads(&figures));
        }
        Ok(Order::Soak(seconds, rate)) => println!("{}", soak::run(seconds, rate).text()),
        Err(problem) => {
            eprintln!("throughput: {problem}; its usage is at the top of benches/throughput/main.rs");
            std::process::exit(2);
        }
    }
}
