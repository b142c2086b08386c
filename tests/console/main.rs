//! The console page in a real browser: headless Chromium, the real Cockpit, the service on a bus of its own, a real Mosquitto.
//! What is clicked and typed is in the scripts beside this file. Needs root.

#[path = "../support/mod.rs"]
mod support;

mod cockpit;
mod journald;
mod rig;

use rig::Rig;
use support::identities::Who;
use support::process::run;

#[test]
fn values_become_text_and_back_and_no_setting_is_forgotten() {
    run("node", [concat!(env!("CARGO_MANIFEST_DIR"), "/tests/console/pure.mjs")]);
}

#[test]
fn scenario_4_3_is_set_up_by_clicking() {
    Rig::start(Who::Root).run("scenario.mjs");
}

#[test]
fn mistakes_are_told_at_their_fields_and_save_nothing() {
    Rig::start(Who::Admin).run("mistakes.mjs");
}

#[test]
fn certificates_are_shown_before_they_are_saved_and_secrets_never() {
    Rig::start(Who::Admin).run("certificates.mjs");
}

#[test]
fn what_others_change_is_shown_and_what_is_edited_is_kept() {
    Rig::start(Who::Admin).run("live.mjs");
}

#[test]
fn a_user_without_rights_sees_everything_and_changes_nothing() {
    Rig::start(Who::Nobody).run("limited.mjs");
}

#[test]
fn rights_come_and_go_while_the_page_is_open() {
    let rig = Rig::start(Who::Nobody);
    rig.permit_sudo(Who::Nobody);
    rig.run("rights.mjs");
}

#[test]
fn the_service_goes_away_and_comes_back() {
    Rig::start(Who::Root).run("outage.mjs");
}

#[test]
fn the_journal_is_followed_and_explained() {
    Rig::start(Who::Root).run("journal.mjs");
}

#[test]
fn the_keyboard_is_enough_and_everything_has_a_name() {
    Rig::start(Who::Root).run("keyboard.mjs");
}

#[test]
fn pictures_for_people() {
    Rig::start(Who::Root).run("pictures.mjs");
}
