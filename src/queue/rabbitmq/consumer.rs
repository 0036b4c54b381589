//! One subscription to a quorum queue.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::future::join_all;
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicQosOptions, BasicRejectOptions,
};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Acker, BasicProperties, Channel};

use super::link::{Link, answer};
use crate::queue::{Consumer, Delivery, QueueError, Tag};

/// Header in which a quorum queue counts how often it took a message back.
const DELIVERY_COUNT: &str = "x-delivery-count";

/// Where a subscription stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Flowing,
    /// Asked to stop; deliveries that were already on their way still come.
    Cancelled,
    /// Nothing comes any more after [`State::Cancelled`].
    Drained,
    /// The broker or the connection ended it. lapin's stream must not be polled again: it would wait for ever.
    Lost,
}

/// Deliveries of one channel. Dropping it closes the channel, which returns what is unacknowledged.
pub(super) struct RabbitConsumer {
    place: Arc<str>,
    channel: Channel,
    stream: lapin::Consumer,
    /// Handed out and neither acknowledged nor returned, in the order of the broker's tags.
    outstanding: BTreeMap<Tag, Acker>,
    state: State,
}

impl RabbitConsumer {
    /// Subscribes with at most `prefetch` unacknowledged deliveries.
    pub async fn subscribe(link: &Link, queue: ShortString, prefetch: u16) -> Result<Self, QueueError> {
        // In AMQP 0 means "without bound".
        let prefetch = prefetch.max(1);
        let channel = link.channel().await?;
        link.answer("setting the prefetch", channel.basic_qos(prefetch, BasicQosOptions::default())).await?;
        let options = BasicConsumeOptions::default();
        let call = channel.basic_consume(queue, ShortString::default(), options, FieldTable::default());
        let stream = link.answer("subscribing", call).await?;
        let place = link.place().clone();
        Ok(Self { place, channel, stream, outstanding: BTreeMap::new(), state: State::Flowing })
    }

    /// Takes these off the outstanding ones. The second part says how many are not (or no longer) among them.
    fn take(&mut self, tags: &[Tag]) -> (Vec<(Tag, Acker)>, usize) {
        let wanted: BTreeSet<Tag> = tags.iter().copied().collect();
        let taken: Vec<_> =
            wanted.iter().filter_map(|tag| self.outstanding.remove(tag).map(|acker| (*tag, acker))).collect();
        let unknown = wanted.len() - taken.len();
        (taken, unknown)
    }

    fn lost(&self, detail: impl Into<String>) -> QueueError {
        QueueError::Unreachable { place: self.place.to_string(), detail: detail.into() }
    }

    /// `sent` tells for each frame whether lapin wrote it: `Ok(false)` means that the channel was gone already.
    fn all_sent(
        &self,
        doing: &str,
        sent: Vec<lapin::Result<bool>>,
        unknown: usize,
    ) -> Result<(), QueueError> {
        let unsent = sent.iter().filter(|sent| !matches!(sent, Ok(true))).count();
        match (unsent, unknown) {
            (0, 0) => Ok(()),
            (0, _) => Err(self.lost(format!("{doing}: {unknown} are not outstanding on this subscription"))),
            _ => Err(self.lost(format!("{doing}: the channel closed; they will be delivered again"))),
        }
    }
}

#[async_trait]
impl Consumer for RabbitConsumer {
    async fn next(&mut self) -> Result<Option<Delivery>, QueueError> {
        match self.state {
            State::Flowing | State::Cancelled => {}
            State::Drained => return Ok(None),
            State::Lost => return Err(self.lost("the subscription has ended; make a new one")),
        }
        match self.stream.next().await {
            Some(Ok(delivery)) => {
                let tag = Tag(delivery.delivery_tag);
                self.outstanding.insert(tag, delivery.acker);
                let earlier_attempts = earlier_attempts(&delivery.properties, delivery.redelivered);
                Ok(Some(Delivery { tag, body: delivery.data, earlier_attempts }))
            }
            // Whatever ended it, a new subscription may work, and will say so if it cannot.
            Some(Err(error)) => {
                self.state = State::Lost;
                Err(self.lost(format!("consuming: {error}")))
            }
            None if self.state == State::Cancelled => {
                self.state = State::Drained;
                Ok(None)
            }
            None => {
                self.state = State::Lost;
                Err(self.lost("consuming: the broker ended the subscription"))
            }
        }
    }

    async fn ack(&mut self, tags: &[Tag]) -> Result<(), QueueError> {
        // One acknowledgement may stand for all tags up to its own: right exactly for the run of wanted tags at the front
        // of the outstanding ones, because deliveries that were not handed out yet have higher tags.
        let wanted: BTreeSet<Tag> = tags.iter().copied().collect();
        let run = self.outstanding.keys().take_while(|tag| wanted.contains(tag)).last().copied();
        let (taken, unknown) = self.take(tags);
        let singles =
            taken.iter().filter(|(tag, _)| run.is_none_or(|run| *tag >= run)).map(|(tag, acker)| {
                let multiple = run == Some(*tag);
                acker.ack(BasicAckOptions { multiple })
            });
        let sent = answer(&self.place, "acknowledging", async { Ok(join_all(singles).await) }).await?;
        self.all_sent("acknowledging", sent, unknown)
    }

    async fn requeue(&mut self, tags: &[Tag]) -> Result<(), QueueError> {
        let (taken, unknown) = self.take(tags);
        let rejections = taken.iter().map(|(_, acker)| acker.reject(BasicRejectOptions { requeue: true }));
        let sent = answer(&self.place, "giving back", async { Ok(join_all(rejections).await) }).await?;
        self.all_sent("giving back", sent, unknown)
    }

    async fn cancel(&mut self) -> Result<(), QueueError> {
        if self.state != State::Flowing {
            return Ok(());
        }
        let call = self.channel.basic_cancel(self.stream.tag(), BasicCancelOptions::default());
        answer(&self.place, "cancelling the subscription", call).await?;
        self.state = State::Cancelled;
        Ok(())
    }
}

/// How often the broker took this message back. A redelivered one without the count was out at least once.
fn earlier_attempts(properties: &BasicProperties, redelivered: bool) -> u32 {
    let header = properties.headers().as_ref().and_then(|headers| headers.inner().get(DELIVERY_COUNT));
    let count = match header {
        Some(AMQPValue::LongLongInt(count)) => u32::try_from(*count).unwrap_or(u32::MAX),
        Some(AMQPValue::LongUInt(count)) => *count,
        Some(AMQPValue::LongInt(count)) => u32::try_from(*count).unwrap_or_default(),
        Some(AMQPValue::ShortUInt(count)) => u32::from(*count),
        Some(AMQPValue::ShortInt(count)) => u32::try_from(*count).unwrap_or_default(),
        Some(AMQPValue::ShortShortUInt(count)) => u32::from(*count),
        Some(AMQPValue::ShortShortInt(count)) => u32::try_from(*count).unwrap_or_default(),
        _ => 0,
    };
    count.max(u32::from(redelivered))
}
