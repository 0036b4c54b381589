//! From lapin's errors to ours: what repeating can mend, and what it cannot.

use lapin::ErrorKind;
use lapin::protocol::AMQPError;

use crate::queue::QueueError;

/// Reply codes of AMQP 0-9-1, section 1.2 "AMQP-defined Constants".
const ACCESS_REFUSED: u16 = 403;
const NOT_FOUND: u16 = 404;
const PRECONDITION_FAILED: u16 = 406;
const NOT_ALLOWED: u16 = 530;
const NOT_IMPLEMENTED: u16 = 540;

/// The error of the call `doing`.
pub(super) fn classify(place: &str, doing: &str, error: &lapin::Error) -> QueueError {
    let place = place.to_owned();
    match error.kind() {
        ErrorKind::ProtocolError(reply) => match permanent(reply) {
            Some(detail) => QueueError::Refused { place, detail: format!("{doing}: {detail}") },
            None => QueueError::Unreachable { place, detail: format!("{doing}: {reply}") },
        },
        _ => QueueError::Unreachable { place, detail: format!("{doing}: {error}") },
    }
}

/// Whether the broker says that there is no such exchange, queue or binding.
pub(super) fn is_not_found(error: &lapin::Error) -> bool {
    matches!(error.kind(), ErrorKind::ProtocolError(reply) if reply.get_id() == NOT_FOUND)
}

pub(super) fn is_protocol_error(error: &lapin::Error) -> bool {
    matches!(error.kind(), ErrorKind::ProtocolError(_))
}

/// What to tell people about a reply that will be the same next time; `None` if it may pass.
///
/// A broker that is starting, or a node that is away, answers with the same codes as one that is set up wrongly, so the code
/// alone does not decide. Replies to a refused log-in may name the user: they are put into our own words.
fn permanent(reply: &AMQPError) -> Option<String> {
    let text = reply.get_message().as_str();
    match reply.get_id() {
        ACCESS_REFUSED => Some(
            "access refused (403); check the user name, the password and the user's permissions in queue.url"
                .into(),
        ),
        NOT_ALLOWED if text.contains("not found") => {
            Some("there is no such virtual host (530); create it, or correct queue.url".into())
        }
        NOT_ALLOWED if text.contains("refused for user") && !text.contains("limit") => {
            Some("the user may not use this virtual host (530); grant it, or correct queue.url".into())
        }
        // "home node … is down", "process is stopped" and their like pass; an absent queue does not come by itself.
        NOT_FOUND if text.contains("no queue") || text.contains("no exchange") => {
            Some(format!("{text}; declare the topology first, as the worker does at its start"))
        }
        // A consumer that held a delivery for too long is cut off with the same code; it may come again.
        PRECONDITION_FAILED if !text.contains("timed out") => {
            Some(format!("{text}; delete what exists with other arguments, or choose another queue.prefix"))
        }
        NOT_IMPLEMENTED => Some(format!("{text}; RabbitMQ 3.10 or newer is needed")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use lapin::protocol::{AMQPErrorKind, AMQPHardError, AMQPSoftError};

    use super::*;

    fn reply(kind: impl Into<AMQPErrorKind>, text: &str) -> QueueError {
        let error = lapin::Error::from(ErrorKind::ProtocolError(AMQPError::new(kind.into(), text.into())));
        classify("here:1/%2f", "declaring", &error)
    }

    #[test]
    fn what_a_starting_broker_says_passes_and_what_a_wrong_setting_says_does_not() {
        let passing = [
            reply(
                AMQPSoftError::NOTFOUND,
                "NOT_FOUND - home node 'a@b' of durable queue 'q' in vhost '/' is down or inaccessible",
            ),
            reply(AMQPHardError::NOTALLOWED, "NOT_ALLOWED - vhost '/' is down"),
            reply(
                AMQPHardError::NOTALLOWED,
                "NOT_ALLOWED - access to vhost '/' refused for user 'u': connection limit (1) is reached",
            ),
            reply(
                AMQPSoftError::PRECONDITIONFAILED,
                "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out",
            ),
            reply(
                AMQPHardError::CONNECTIONFORCED,
                "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'",
            ),
        ];
        for error in passing {
            assert!(matches!(error, QueueError::Unreachable { .. }), "{error}");
        }
        let lasting = [
            reply(AMQPSoftError::NOTFOUND, "NOT_FOUND - no queue 'q' in vhost '/'"),
            reply(AMQPHardError::NOTALLOWED, "NOT_ALLOWED - vhost x not found"),
            reply(
                AMQPSoftError::PRECONDITIONFAILED,
                "PRECONDITION_FAILED - inequivalent arg 'x-delivery-limit' for queue 'q'",
            ),
            reply(
                AMQPSoftError::ACCESSREFUSED,
                "ACCESS_REFUSED - access to vhost '/' refused for user 'ann'",
            ),
        ];
        for error in lasting {
            assert!(matches!(error, QueueError::Refused { .. }), "{error}");
            assert!(!error.to_string().contains("ann"), "{error}");
        }
    }
}
