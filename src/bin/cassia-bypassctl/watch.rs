//! `watch`: looks at the statistics until Ctrl-C. On a terminal a page is redrawn in place, elsewhere each snapshot is a line.

use crate::bus::{Service, Values};
use crate::failure::{Failure, Kind, Result};
use crate::page::{Page, RED, print, print_json, styled, terminal};
use crate::screen::{redraw, until_stopped};
use crate::value::object;
use crate::watch_view::{Snapshot, line, page};
use cassia_bypass::printable::printable_lines;
use clap::ArgMatches;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval};

pub(crate) async fn watch(service: &Service, matches: &ArgMatches, json: bool) -> Result<()> {
    let count = matches.get_one::<u64>("count").copied().unwrap_or(u64::MAX);
    let pause = Duration::from_secs_f64(matches.get_one::<f64>("interval").copied().unwrap_or(1.0));
    // Before the screen is taken: a service that is not there is a sentence.
    let first = service.stats().await?;
    // One snapshot is a page as any other.
    let redraw = !json && count > 1 && terminal().is_some();
    let mut watch = Watch { redraw, json, snapshot: None };
    let ended = until_stopped(redraw, watch.run(service, first, count, pause)).await;
    // What was seen last stays on a terminal.
    if let Some(snapshot) = watch.snapshot.filter(|_| !json && terminal().is_some()) {
        page(&snapshot).print()?;
    }
    ended
}

/// `status`: one snapshot as a page; a failure unless the service is online.
pub(crate) async fn status(service: &Service, json: bool) -> Result<()> {
    let stats = service.stats().await?;
    let snapshot = Snapshot::new(&stats, Instant::now(), None);
    if json {
        print_json(&object(&stats))?;
    } else {
        page(&snapshot).print()?;
    }
    if snapshot.is_online() {
        Ok(())
    } else {
        Err(Failure { told: true, ..Failure::new(Kind::Failed, "the service is not online") })
    }
}

struct Watch {
    redraw: bool,
    json: bool,
    snapshot: Option<Snapshot>,
}

impl Watch {
    async fn run(&mut self, service: &Service, first: Values, count: u64, pause: Duration) -> Result<()> {
        let mut ticks = interval(pause);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        self.show(&first)?;
        let mut ended = Ok(());
        for _ in 1..count {
            ticks.tick().await;
            ended = match service.stats().await {
                Ok(stats) => self.show(&stats),
                // It may be restarting.
                Err(failure) if failure.name.is_empty() || failure.kind != Kind::Unavailable => return Err(failure),
                Err(failure) => {
                    self.missed(&failure)?;
                    Err(failure)
                }
            };
            if ended.as_ref().is_err_and(|failure| failure.kind == Kind::Closed) {
                break;
            }
        }
        ended
    }

    fn show(&mut self, stats: &Values) -> Result<()> {
        let snapshot = Snapshot::new(stats, Instant::now(), self.snapshot.as_ref());
        let printed = if self.json {
            print_json(&object(stats))
        } else if self.redraw {
            redraw(&page(&snapshot))
        } else if terminal().is_none() {
            print(&format!("{}\n", line(&snapshot)))
        } else {
            Ok(())
        };
        self.snapshot = Some(snapshot);
        printed
    }

    /// The service did not answer; what was seen last is old.
    fn missed(&mut self, failure: &Failure) -> Result<()> {
        if self.json {
            print_json(&failure.to_json())
        } else if self.redraw {
            let mut page = self.snapshot.as_ref().map_or_else(Page::new, page);
            page.line(&styled(RED, &printable_lines(&failure.text)));
            redraw(&page)
        } else {
            print(&format!("{}\n", printable_lines(&failure.text)))
        }
    }
}
