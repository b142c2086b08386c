//! What becomes of the connection to the broker.

use super::id;
use crate::model::Failure;
use crate::stats::Link;
use tracing::{info, warn};

/// The broker accepted us.
pub fn link_up(link: &Link) {
    info!(message_id = id::LINK_UP, event = "link-up", broker = link.broker, "connected to {}", link.broker);
}

/// The broker cannot be reached, refused us, or went away; said once per change of reason.
pub fn link_down(link: &Link, failure: &Failure) {
    warn!(
        message_id = id::LINK_DOWN,
        event = "link-down",
        broker = link.broker,
        reason = failure.code.as_str(),
        error = failure.detail,
        "no connection to {} ({}): {}",
        link.broker,
        failure.code,
        failure.detail
    );
}

/// The connection moved to a fallback, since `before` does not answer.
pub fn failover(link: &Link, before: &str) {
    warn!(
        message_id = id::FAILOVER,
        event = "failover",
        broker = link.broker,
        "{before} does not answer: moved to {}",
        link.broker
    );
}

/// The connection is back at the first broker.
pub fn home(link: &Link) {
    info!(message_id = id::HOME, event = "home", broker = link.broker, "back at {}", link.broker);
}

/// The broker supports no QoS as high as ScanQos; said once per change.
pub fn qos_lowered(broker: &str, reason: &str) {
    warn!(message_id = id::QOS_LOWERED, event = "qos-lowered", broker, error = reason, "{broker}: {reason}");
}

/// The broker takes packets up to a size; said once per change.
pub fn size_limited(broker: &str, maximum: usize, reason: &str) {
    info!(
        message_id = id::SIZE_LIMITED,
        event = "size-limited",
        broker,
        count = maximum,
        error = reason,
        "{broker} takes packets of at most {maximum} bytes ({reason}): larger batches are split"
    );
}

/// The broker refuses messages; said once per change of reason, and not more often than once a minute.
pub fn message_refused(broker: &str, failure: &Failure) {
    warn!(
        message_id = id::MESSAGE_REFUSED,
        event = "message-refused",
        broker,
        reason = failure.code.as_str(),
        error = failure.detail,
        "{broker} refuses messages ({}): {}",
        failure.code,
        failure.detail
    );
}

/// The broker does not want the status message; said once, until it takes one or the settings change.
pub fn status_refused(broker: &str, problem: &str) {
    warn!(
        message_id = id::STATUS_REFUSED,
        event = "status-refused",
        broker,
        error = problem,
        "{broker} does not take the status message: {problem}"
    );
}
