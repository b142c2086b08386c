use super::*;
use crate::model::LastError;
use std::collections::BTreeSet;

/// Every transition. Of the rows with a state and an input the first one holds whose facts are so; without one nothing changes.
const TABLE: &str = "
    states                | input                | when              | next        | effects

    Disabled              | Settings             | stopping          | Stopped     |
    Disabled              | Settings             | !enabled          | Disabled    | Disable
    Disabled              | Settings             | short             | Idle        | Start ShowIdle
    Disabled              | Settings             |                   | Connecting  | Start Connect

    Idle                  | Work                 |                   | Connecting  | Connect
    Idle                  | Settings(Publish)    |                   | Idle        |
    Idle                  | Settings(Stop)       | work              | Connecting  | Connect
    Idle                  | Settings             | stopping          | Stopped     | EndStatus
    Idle                  | Settings             | !enabled          | Disabled    | EndStatus Disable
    Idle                  | Settings             | short             | Idle        | EndStatus Start ShowIdle
    Idle                  | Settings             |                   | Connecting  | EndStatus Start Connect

    Connecting            | Accepted             |                   | Connected   | Begin
    Connecting            | NotAccepted          | next_broker short | Idle        | AccountFailure ShowIdle
    Connecting            | NotAccepted          | next_broker       | Connecting  | AccountFailure Connect
    Connecting            | NotAccepted          |                   | Backoff     | AccountFailure StartBackoff
    Connecting            | NotAnswered          | next_broker short | Idle        | Abort AccountFailure ShowIdle
    Connecting            | NotAnswered          | next_broker       | Connecting  | Abort AccountFailure Connect
    Connecting            | NotAnswered          |                   | Backoff     | Abort AccountFailure StartBackoff
    Connecting            | Settings(Publish)    |                   | Connecting  |
    Connecting            | Settings(Stop)       | work              | Connecting  |
    Connecting            | Settings             | stopping          | Stopped     | Abort
    Connecting            | Settings             | !enabled          | Disabled    | Abort Disable
    Connecting            | Settings             | short             | Idle        | Abort Start ShowIdle
    Connecting            | Settings             |                   | Connecting  | Abort Start Connect

    Connected             | FirstBrokerAnswers   |                   | FailingBack |
    Connected FailingBack | AllAcknowledged      | stopping !queued  | Stopped     | Disconnect Requeue
    FailingBack           | AllAcknowledged      | short             | Idle        | Disconnect Requeue FailBack ShowIdle
    FailingBack           | AllAcknowledged      |                   | Connecting  | Disconnect Requeue FailBack Connect
    Connected             | AllAcknowledged      | short !more       | Idle        | EndBurst Requeue ShowIdle
    Connected FailingBack | Lost                 |                   | Backoff     | Abort AccountLoss StartBackoff
    Connected             | Settings(Publish)    |                   | Connected   |
    FailingBack           | Settings(Publish)    |                   | FailingBack |
    Connected             | Settings(Stop)       |                   | Connected   |
    FailingBack           | Settings(Stop)       |                   | FailingBack |
    Connected FailingBack | Settings(Broker)     | stopping          | Stopped     | DrainAcks Disconnect Requeue
    Connected FailingBack | Settings(Broker)     | !enabled          | Disabled    | DrainAcks Disconnect Requeue Disable
    Connected FailingBack | Settings(Broker)     | short             | Idle        | DrainAcks Disconnect Requeue Start ShowIdle
    Connected FailingBack | Settings(Broker)     |                   | Connecting  | DrainAcks Disconnect Requeue Start Connect
    Connected FailingBack | Settings(Deadline)   | stopping          | Stopped     | Disconnect Requeue

    Backoff               | RetryDue             | short             | Idle        | ShowIdle
    Backoff               | RetryDue             |                   | Connecting  | Connect
    Backoff               | Settings(Publish)    |                   | Backoff     |
    Backoff               | Settings             | stopping          | Stopped     |
    Backoff               | Settings             | !enabled          | Disabled    | Disable
    Backoff               | Settings             | short             | Idle        | Start ShowIdle
    Backoff               | Settings             |                   | Connecting  | Start Connect
";

struct Row {
    states: Vec<&'static str>,
    input: &'static str,
    when: Vec<&'static str>,
    next: &'static str,
    effects: String,
}

fn rows() -> Vec<Row> {
    let lines = TABLE.lines().filter(|line| line.contains('|')).skip(1);
    let row = |line: &'static str| {
        let mut cells = line.split('|').map(str::trim);
        let mut cell = || cells.next().expect("a cell");
        let (states, input) = (cell().split(' ').collect(), cell());
        let (when, next) = (cell().split_whitespace().collect(), cell());
        Row { states, input, when, next, effects: cell().to_owned() }
    };
    lines.map(row).collect()
}

const STATES: [State; 7] = [
    State::Disabled,
    State::Idle,
    State::Connecting,
    State::Connected,
    State::FailingBack,
    State::Backoff,
    State::Stopped,
];

fn inputs() -> Vec<Input> {
    let failure = || Failure::new(LastError::Closed, "");
    vec![
        Input::Settings(Change::Publish),
        Input::Settings(Change::Broker),
        Input::Settings(Change::Stop),
        Input::Settings(Change::Deadline),
        Input::Work,
        Input::Message(Event::Published(1)),
        Input::AllAcknowledged,
        Input::Accepted,
        Input::NotAccepted(failure()),
        Input::NotAnswered(failure()),
        Input::Lost(failure()),
        Input::FirstBrokerAnswers,
        Input::RetryDue,
    ]
}

/// All facts that can be together: the time to stop is over only for a service that stops.
fn facts(input: &Input) -> impl Iterator<Item = Facts> {
    let bit = |bits: u8, n: u8| bits & 1 << n != 0;
    let all = (0..1 << 7).map(move |bits| Facts {
        enabled: bit(bits, 0),
        short: bit(bits, 1),
        stopping: bit(bits, 2),
        queued: bit(bits, 3),
        work: bit(bits, 4),
        more: bit(bits, 5),
        next_broker: bit(bits, 6),
    });
    let deadline = *input == Input::Settings(Change::Deadline);
    all.filter(move |facts| !deadline || facts.stopping)
}

fn holds(fact: &str, facts: &Facts) -> bool {
    match fact.strip_prefix('!').unwrap_or(fact) {
        "enabled" => facts.enabled != fact.starts_with('!'),
        "short" => facts.short != fact.starts_with('!'),
        "stopping" => facts.stopping != fact.starts_with('!'),
        "queued" => facts.queued != fact.starts_with('!'),
        "work" => facts.work != fact.starts_with('!'),
        "more" => facts.more != fact.starts_with('!'),
        "next_broker" => facts.next_broker != fact.starts_with('!'),
        other => panic!("{other} is no fact"),
    }
}

/// `Settings(Stop)`, `Lost`: what an input carries besides does not matter.
fn name(input: &Input) -> String {
    let name = format!("{input:?}");
    if matches!(input, Input::Settings(_)) { name } else { name.split('(').next().unwrap_or_default().to_owned() }
}

#[test]
fn state_changes_as_the_table_says_and_in_no_other_way() {
    let (rows, mut used) = (rows(), BTreeSet::new());
    for state in STATES {
        for input in inputs() {
            let name = name(&input);
            let of_input = |row: &Row| row.input == name || (row.input == "Settings" && name.starts_with("Settings("));
            for facts in facts(&input) {
                let (next, effects) = state.on(&input, &facts);
                let found = (
                    format!("{next:?}"),
                    effects.iter().map(|effect| format!("{effect:?}")).collect::<Vec<_>>().join(" "),
                );
                let row = rows.iter().position(|row| {
                    row.states.contains(&&*format!("{state:?}"))
                        && of_input(row)
                        && row.when.iter().all(|fact| holds(fact, &facts))
                });
                used.extend(row);
                let expected = row.map_or_else(
                    || (format!("{state:?}"), String::new()),
                    |row| (rows[row].next.to_owned(), rows[row].effects.clone()),
                );
                assert_eq!(found, expected, "{state:?}, {input:?}, {facts:?}");
            }
        }
    }
    assert_eq!(used, (0..rows.len()).collect(), "each row of the table is needed");
}

#[test]
fn state_of_a_stopping_service_ends_whatever_broker_it_had() {
    let stopping = Facts { enabled: true, stopping: true, queued: true, work: true, ..Facts::default() };
    for state in STATES.into_iter().filter(|state| *state != State::Stopped) {
        assert_eq!(state.on(&Input::Settings(Change::Deadline), &stopping).0, State::Stopped, "{state:?}");
    }
}
