//! The subscription that outlives its connection.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use mimamori::queue::{Backoff, Consumer, Inbound, RabbitQueue, Resubscribing};

use crate::support::{
    DELIVERY_LIMIT, Kind, assert_unreachable, behind_proxy, bodies, depth_becomes, in_time, message,
    messages, next, on_fresh, publish, tags, take,
};

fn backoff() -> Backoff {
    Backoff::new(Duration::from_millis(10), Duration::from_millis(100), 1)
}

#[tokio::test]
async fn nothing_is_lost_while_the_wire_is_cut_again_and_again() {
    on_fresh(Kind::RabbitMq, async |broker, direct| {
        let (proxy, queue) = behind_proxy(&broker.prefix).await;
        let queue = Arc::new(queue);
        publish(&*direct, &messages(100)).await;
        let mut consumer = Resubscribing::new(queue, Inbound::Messages, 16, backoff());
        let mut done = BTreeSet::new();
        let mut cuts = 0;
        while done.len() < 100 {
            let deliveries = take(&mut consumer, 1).await;
            // Two cuts only: each sends back what is out, and the limit of this topology is three.
            if [20, 50].contains(&done.len()) && cuts < 2 {
                cuts += 1;
                proxy.cut();
                proxy.mend(cuts);
            }
            // After a cut the tag is of the lost subscription: the delivery comes again.
            if consumer.ack(&tags(&deliveries)).await.is_err() {
                continue;
            }
            done.extend(bodies(&deliveries));
        }
        assert_eq!(cuts, 2);
        assert_eq!(done, messages(100).into_iter().map(|outgoing| outgoing.id).collect());
        consumer.cancel().await.unwrap();
        // An acknowledgement may have been cut off on its way: what came back because of it is drained here.
        while let Some(delivery) = in_time(consumer.next()).await.unwrap() {
            assert!(done.contains(&bodies(std::slice::from_ref(&delivery))[0]));
            consumer.ack(&[delivery.tag]).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn a_tag_of_a_lost_subscription_acknowledges_nothing_of_the_new_one() {
    on_fresh(Kind::RabbitMq, async |broker, direct| {
        let (proxy, queue) = behind_proxy(&broker.prefix).await;
        let queue = Arc::new(queue);
        publish(&*direct, &messages(2)).await;
        let mut consumer = Resubscribing::new(queue, Inbound::Messages, 8, backoff());
        let old = take(&mut consumer, 2).await;
        proxy.cut();
        proxy.mend(1);
        let new = take(&mut consumer, 2).await;
        assert_eq!(bodies(&new), bodies(&old));
        assert!(new.iter().all(|delivery| delivery.earlier_attempts == 1), "{new:?}");
        assert_unreachable(&consumer.ack(&tags(&old)).await);
        drop(consumer);
        depth_becomes(&*direct, 2, 0).await;
    })
    .await;
}

#[tokio::test]
async fn it_waits_for_a_broker_that_is_not_there_yet_and_can_be_cancelled_meanwhile() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let url = format!("amqp://guest:guest@127.0.0.1:{free}/%2f");
    let queue = Arc::new(RabbitQueue::connect(&url, "absent", DELIVERY_LIMIT).unwrap());
    let mut consumer = Resubscribing::new(queue, Inbound::Messages, 8, backoff());
    let waiting = tokio::time::timeout(Duration::from_millis(300), consumer.next()).await;
    assert!(waiting.is_err(), "{waiting:?}");
    consumer.cancel().await.unwrap();
    assert!(in_time(consumer.next()).await.unwrap().is_none());
}

#[tokio::test]
async fn what_waiting_cannot_mend_is_returned() {
    on_fresh(Kind::Embedded, async |broker, queue| {
        broker.delete_topology().await;
        let mut consumer = Resubscribing::new(queue, Inbound::Messages, 8, backoff());
        let error = in_time(consumer.next()).await.unwrap_err();
        assert!(matches!(error, mimamori::queue::QueueError::Refused { .. }), "{error}");
    })
    .await;
}

#[tokio::test]
async fn on_the_embedded_queue_it_is_a_plain_consumer() {
    on_fresh(Kind::Embedded, async |_, queue| {
        publish(&*queue, &[message("one"), message("two")]).await;
        let mut consumer = Resubscribing::new(queue.clone(), Inbound::Messages, 8, backoff());
        let one = next(&mut consumer).await;
        let two = next(&mut consumer).await;
        consumer.ack(&[one.tag]).await.unwrap();
        consumer.requeue(&[two.tag]).await.unwrap();
        let again = next(&mut consumer).await;
        assert_eq!((again.body.as_slice(), again.earlier_attempts), (&b"two"[..], 1));
        assert_ne!(again.tag, two.tag, "a tag is never used twice");
        consumer.ack(&[again.tag]).await.unwrap();
        consumer.cancel().await.unwrap();
        assert!(in_time(consumer.next()).await.unwrap().is_none());
        depth_becomes(&*queue, 0, 0).await;
    })
    .await;
}
