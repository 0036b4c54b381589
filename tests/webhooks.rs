//! Webhooks from the event to the receiver: on both databases, through the real courier and the real worker, on the pages and by the API.

mod support;

#[path = "webhooks/api.rs"]
mod api;
#[path = "webhooks/pages.rs"]
mod pages;
#[path = "webhooks/program.rs"]
mod program;
#[path = "api/program.rs"]
#[allow(dead_code)]
mod program_of_api;
#[path = "webhooks/receiver.rs"]
mod receiver;
#[path = "program/running.rs"]
#[allow(dead_code)]
mod running;
#[path = "webhooks/sending.rs"]
mod sending;
#[path = "webhooks/store.rs"]
mod store;
#[path = "webhooks/values.rs"]
mod values;

/// Makes of each test one on PostgreSQL and one on SQLite, each with a fresh database.
macro_rules! on_both {
    ($($module:ident::$test:ident),* $(,)?) => {
        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    crate::$module::$test(crate::support::database::Fresh::postgres().await).await;
                }
            )*
        }

        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    crate::$module::$test(crate::support::database::Fresh::sqlite().await).await;
                }
            )*
        }
    };
}

on_both! {
    store::an_event_is_written_once_for_each_endpoint_that_wants_it,
    store::every_event_of_the_desk_reaches_who_wants_it,
    store::a_refused_batch_leaves_no_delivery,
    store::a_delivery_is_claimed_by_one_and_again_after_its_lease,
    store::couriers_share_what_is_due,
    store::an_endpoint_is_failing_until_something_is_taken,
    store::an_endpoint_that_is_gone_is_switched_off_and_told_nothing_any_more,
    store::an_answer_from_the_old_address_says_nothing_of_the_new_one,
    store::changes_are_of_the_generation_that_was_seen_and_stand_in_the_trail,
    store::two_secrets_sign_for_a_day,
    store::an_event_stays_until_it_is_delivered_and_takes_its_deliveries_along,
    store::what_waits_for_days_is_given_up,
    store::what_was_done_with_is_sent_again,
    sending::a_signature_is_what_the_receiver_calculates_and_the_id_stays,
    sending::a_dead_endpoint_delays_no_other,
}
