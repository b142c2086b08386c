//! Level 6: the program against a RabbitMQ cluster of three nodes on the loopback interface. `tests/cluster/run` runs it.

#[path = "../support/mod.rs"]
mod support;

mod failover;
mod fleet;
