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
fn texts_of_the_page_are_marked_and_translated() {
    run("node", [concat!(env!("CARGO_MANIFEST_DIR"), "/tests/console/texts.mjs")]);
}

#[test]
fn page_speaks_german() {
    Rig::start(Who::Admin).run("german.mjs");
}

#[test]
fn page_speaks_chinese() {
    Rig::start(Who::Admin).run("chinese.mjs");
}

#[test]
fn scenario_4_3_is_set_up_by_clicking() {
    Rig::start(Who::Root).run("scenario.mjs");
}

#[test]
fn save_is_answered_at_the_button_with_what_came_of_it() {
    Rig::start(Who::Admin).run("answer.mjs");
}

#[test]
fn fields_speak_in_words_and_units_and_as_a_command() {
    Rig::start(Who::Admin).run("words.mjs");
}

#[test]
fn first_run_ends_in_numbers_and_a_report_has_no_secrets() {
    Rig::start(Who::Root).run("first.mjs");
}

#[test]
fn nearby_devices_are_listed_and_one_alone_may_pass() {
    Rig::start(Who::Admin).run("devices.mjs");
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
fn page_shows_what_others_change_and_keeps_what_is_edited() {
    Rig::start(Who::Admin).run("live.mjs");
}

#[test]
fn page_of_a_user_without_rights_shows_everything_and_changes_nothing() {
    Rig::start(Who::Nobody).run("limited.mjs");
}

#[test]
fn rights_come_and_go_while_the_page_is_open() {
    let rig = Rig::start(Who::Nobody);
    rig.permit_sudo(Who::Nobody);
    rig.run("rights.mjs");
}

#[test]
fn page_outlives_a_restart_of_the_service() {
    Rig::start(Who::Root).run("outage.mjs");
}

#[test]
fn page_follows_and_explains_the_journal() {
    Rig::start(Who::Root).run("journal.mjs");
}

#[test]
fn page_needs_no_mouse_and_names_everything() {
    Rig::start(Who::Root).run("keyboard.mjs");
}

#[test]
fn pictures_for_people() {
    Rig::start(Who::Root).run("pictures.mjs");
}
