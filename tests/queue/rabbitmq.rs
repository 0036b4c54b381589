//! What only RabbitMQ can do to us: wrong credentials, no server, other arguments, a cut wire.

use mimamori::queue::{Inbound, Outgoing, Queue, QueueError, RabbitQueue, Target};

use crate::support::{
    DELIVERY_LIMIT, Kind, PATIENCE, amqp_parts, amqp_url, assert_unreachable, behind_proxy, bodies, consume,
    in_time, message, messages, next, on_fresh, publish, tags, take, unique_prefix,
};

#[tokio::test]
async fn a_wrong_password_is_refused_and_not_repeated_in_the_error() {
    let (_, host, path) = amqp_parts();
    let url = format!("amqp://guest:wrong-s3cret@{host}/{path}");
    let queue = RabbitQueue::connect(&url, &unique_prefix(), DELIVERY_LIMIT).unwrap();
    for outcome in [
        queue.declare().await,
        queue.publish(&[message("x")], PATIENCE).await,
        queue.depth(Inbound::Messages).await.map(drop),
    ] {
        let error = outcome.unwrap_err();
        assert!(matches!(error, QueueError::Refused { .. }), "{error}");
        assert!(error.to_string().contains(&host), "{error}");
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    }
}

#[tokio::test]
async fn an_unknown_virtual_host_is_refused() {
    let (credentials, host, _) = amqp_parts();
    let url = format!("amqp://{credentials}@{host}/no-such-virtual-host");
    let queue = RabbitQueue::connect(&url, &unique_prefix(), DELIVERY_LIMIT).unwrap();
    let error = queue.declare().await.unwrap_err();
    assert!(matches!(error, QueueError::Refused { .. }), "{error}");
}

#[tokio::test]
async fn a_closed_port_is_transient() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let url = format!("amqp://guest:guest@127.0.0.1:{free}/%2f");
    let queue = RabbitQueue::connect(&url, &unique_prefix(), DELIVERY_LIMIT).unwrap();
    assert_unreachable(&queue.declare().await);
    assert_unreachable(&queue.publish(&[message("x")], PATIENCE).await);
    assert_unreachable(&queue.consume(Inbound::Messages, 8).await.map(drop));
}

#[tokio::test]
async fn a_silent_server_does_not_hold_a_publication_for_longer_than_allowed() {
    // Accepts by its backlog and never says a word.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("amqp://guest:guest@{}/%2f", silent.local_addr().unwrap());
    let queue = RabbitQueue::connect(&url, &unique_prefix(), DELIVERY_LIMIT).unwrap();
    let limit = std::time::Duration::from_millis(200);
    assert_unreachable(&in_time(queue.publish(&[message("x")], limit)).await);
}

#[tokio::test]
async fn a_queue_with_other_arguments_is_refused() {
    on_fresh(Kind::RabbitMq, async |broker, _| {
        let other = broker.open_with_limit(DELIVERY_LIMIT + 1).await;
        let error = other.declare().await.unwrap_err();
        assert!(matches!(error, QueueError::Refused { .. }), "{error}");
        assert!(error.to_string().contains("x-delivery-limit"), "{error}");
    })
    .await;
}

#[tokio::test]
async fn concurrent_batches_keep_their_own_unroutable_messages() {
    on_fresh(Kind::RabbitMq, async |broker, queue| {
        // Only the inquiries' queue is gone: their publications are returned while messages go through.
        let connection = lapin::Connection::connect(&amqp_url(), Default::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        let name = format!("{}.inquiries", broker.prefix);
        channel.queue_delete(name.into(), Default::default()).await.unwrap();
        let unroutable = Outgoing { target: Target::Inbound(Inbound::Inquiries), ..message("lost") };
        for _ in 0..20 {
            let (routable, unroutable) = ([message("fine")], [unroutable.clone()]);
            let (fine, lost) =
                tokio::join!(queue.publish(&routable, PATIENCE), queue.publish(&unroutable, PATIENCE));
            fine.unwrap();
            assert!(matches!(lost, Err(QueueError::NotConfirmed { .. })), "{lost:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_cut_wire_is_an_error_and_the_next_call_connects_anew() {
    on_fresh(Kind::RabbitMq, async |broker, direct| {
        let (proxy, queue) = behind_proxy(&broker.prefix).await;
        publish(&queue, &messages(3)).await;
        let mut consumer = consume(&queue, 8).await;
        let held = take(&mut *consumer, 3).await;
        proxy.cut();
        assert_unreachable(&in_time(consumer.next()).await);
        assert_unreachable(&in_time(consumer.next()).await);
        assert_unreachable(&in_time(consumer.ack(&tags(&held))).await);
        assert_unreachable(&in_time(queue.publish(&[message("x")], PATIENCE)).await);
        proxy.mend(1);
        publish(&queue, &[message("after")]).await;
        let mut again = consume(&queue, 8).await;
        let mut seen = bodies(&take(&mut *again, 4).await);
        seen.sort();
        assert_eq!(seen, ["after", "message 0", "message 1", "message 2"]);
        drop((again, direct));
    })
    .await;
}

#[tokio::test]
async fn a_queue_that_is_deleted_ends_the_subscription_with_an_error() {
    on_fresh(Kind::RabbitMq, async |broker, queue| {
        let mut consumer = consume(&*queue, 8).await;
        publish(&*queue, &[message("one")]).await;
        next(&mut *consumer).await;
        broker.delete_topology().await;
        assert_unreachable(&in_time(consumer.next()).await);
        assert_unreachable(&in_time(consumer.next()).await);
    })
    .await;
}
