//! Taking one dead letter off its queue.

use lapin::options::{BasicAckOptions, BasicGetOptions};
use lapin::protocol::constants::REPLY_SUCCESS;
use lapin::types::{AMQPValue, ShortString};
use lapin::{BasicProperties, Channel};

use super::link::Link;
use crate::queue::{DEAD_LETTER_ID_HEADER, QueueError};

/// Removes the dead letter with this identifier; `false` if it is not there.
///
/// AMQP has no way to pick a message: this takes them one by one without acknowledging, acknowledges the right one, and closes
/// the channel so that the others return. Two caveats. Those others return near the head of the queue, in their order, but
/// behind what was returned earlier: do not rely on the order of a dead-letter queue. And what another process is looking at
/// in this moment cannot be seen, so a `false` is sure only while one operator works on the queue.
pub(super) async fn remove(link: &Link, queue: ShortString, id: &str) -> Result<bool, QueueError> {
    let channel = link.channel().await?;
    let found = search(link, &channel, queue, id).await;
    // An answered close means that the broker has put the others back.
    let closed = link.answer("closing a channel", channel.close(REPLY_SUCCESS, "OK".into())).await;
    let found = found?;
    closed.map(|()| found)
}

async fn search(link: &Link, channel: &Channel, queue: ShortString, id: &str) -> Result<bool, QueueError> {
    let doing = "looking for a dead letter";
    while let Some(message) =
        link.answer(doing, channel.basic_get(queue.clone(), BasicGetOptions::default())).await?
    {
        if dead_letter_id(&message.properties).as_deref() == Some(id.as_bytes()) {
            let sent = link.answer("removing a dead letter", message.ack(BasicAckOptions::default())).await?;
            return match sent {
                true => Ok(true),
                false => Err(QueueError::Unreachable {
                    place: link.place().to_string(),
                    detail: "removing a dead letter: the channel closed; try again".into(),
                }),
            };
        }
    }
    Ok(false)
}

fn dead_letter_id(properties: &BasicProperties) -> Option<Vec<u8>> {
    match properties.headers().as_ref()?.inner().get(DEAD_LETTER_ID_HEADER)? {
        AMQPValue::LongString(id) => Some(id.as_bytes().to_vec()),
        AMQPValue::ShortString(id) => Some(id.as_str().as_bytes().to_vec()),
        _ => None,
    }
}
