//! Plays numbered advertisements without end, and knows which of them a service could hear.

use crate::support::air::{Air, Offer, packet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Devices that advertise.
const DEVICES: u16 = 50;

#[derive(Default)]
struct State {
    air: Option<Air>,
    /// Whether the number went to a service.
    heard: Vec<bool>,
    /// How many went to the present one, and how many to the one before.
    of_this_run: u64,
    of_last_run: u64,
    paused: bool,
    over: bool,
}

/// See the module.
pub(crate) struct Player {
    state: Arc<Mutex<State>>,
    thread: Option<JoinHandle<()>>,
}

impl Player {
    pub(crate) fn start(per_second: u32) -> Self {
        let state = Arc::<Mutex<State>>::default();
        let ours = state.clone();
        let thread = std::thread::spawn(move || play(&ours, per_second));
        Self { state, thread: Some(thread) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while held")
    }

    /// From now on they go to this service, or nowhere.
    pub(crate) fn to(&self, air: Option<Air>) {
        let mut state = self.state();
        if state.air.is_some() {
            state.of_last_run = state.of_this_run;
        }
        (state.air, state.of_this_run) = (air, 0);
    }

    /// None comes after this returned.
    pub(crate) fn pause(&self, paused: bool) {
        self.state().paused = paused;
    }

    /// How many the present service was given.
    pub(crate) fn of_this_run(&self) -> u64 {
        self.state().of_this_run
    }

    /// How many the one before was given in all.
    pub(crate) fn of_last_run(&self) -> u64 {
        self.state().of_last_run
    }

    /// The next number.
    pub(crate) fn next(&self) -> u32 {
        self.state().heard.len() as u32
    }

    /// For each number whether a service was given it.
    pub(crate) fn heard(&self) -> Vec<bool> {
        self.state().heard.clone()
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.state().over = true;
        drop(self.thread.take().map(JoinHandle::join));
    }
}

fn play(state: &Mutex<State>, per_second: u32) {
    const TICK: Duration = Duration::from_millis(5);
    let (mut last, mut due) = (Instant::now(), 0.0);
    loop {
        std::thread::sleep(TICK);
        let mut state = state.lock().expect("no panic while held");
        let state = &mut *state;
        if state.over {
            return;
        }
        // After a pause of the machine they do not come all at once.
        let passed = last.elapsed().min(Duration::from_millis(50));
        last = Instant::now();
        due = if state.paused { 0.0 } else { due + passed.as_secs_f64() * f64::from(per_second) };
        while due >= 1.0 {
            let packet = packet(state.heard.len() as u32, DEVICES);
            let heard = match state.air.as_ref().map_or(Offer::Gone, |air| air.offer(&packet)) {
                Offer::Taken => true,
                Offer::Gone => false,
                // The service is behind: the same one next time.
                Offer::Full => break,
            };
            state.heard.push(heard);
            state.of_this_run += u64::from(heard);
            due -= 1.0;
        }
    }
}
