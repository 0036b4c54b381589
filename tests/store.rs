//! One suite for both databases: what holds for the trait holds for PostgreSQL and for SQLite.

mod support;

#[path = "store/dead_letters.rs"]
mod dead_letters;
#[path = "store/desk.rs"]
mod desk;
#[path = "store/evaluation.rs"]
mod evaluation;
#[path = "store/invariants.rs"]
mod invariants;
#[path = "store/migration.rs"]
mod migration;
#[path = "store/moderation.rs"]
mod moderation;
#[path = "store/operations.rs"]
mod operations;
#[path = "store/outbox.rs"]
mod outbox;
#[path = "store/place.rs"]
mod place;
#[path = "store/plans.rs"]
mod plans;
#[path = "store/promises.rs"]
mod promises;
#[path = "store/races.rs"]
mod races;
#[path = "store/reservations.rs"]
mod reservations;
#[path = "store/review.rs"]
mod review;
#[path = "store/routing.rs"]
mod routing;
#[path = "store/rules.rs"]
mod rules;
#[path = "store/shadow.rs"]
mod shadow;

/// Makes of each test one on PostgreSQL and one on SQLite, each with a fresh database.
macro_rules! on_both {
    ($($(#[$attribute:meta])* $module:ident::$test:ident),* $(,)?) => {
        mod postgres {
            $(
                $(#[$attribute])*
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    crate::$module::$test(crate::support::database::Fresh::postgres().await).await;
                }
            )*
        }

        mod sqlite {
            $(
                $(#[$attribute])*
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    crate::$module::$test(crate::support::database::Fresh::sqlite().await).await;
                }
            )*
        }
    };
}

on_both! {
    moderation::context_is_what_was_sent_before_then_what_came_before,
    moderation::context_is_limited_to_the_latest,
    moderation::a_second_delivery_is_left_as_it_was_and_known_as_decided,
    moderation::the_same_batch_twice_writes_once,
    moderation::eight_workers_with_overlapping_batches_write_each_verdict_once,
    moderation::a_refused_row_refuses_the_batch_and_leaves_nothing,
    moderation::alerts_are_newest_first_with_the_labels_of_their_policy,
    moderation::the_summary_counts,
    #[ignore = "a measurement"]
    moderation::throughput,
    routing::eight_routers_never_exceed_a_capacity_nor_assign_twice,
    routing::an_offer_goes_to_the_first_who_is_still_free,
    routing::what_changed_since_the_snapshot_is_checked_again,
    routing::waiting_again_tells_nothing_until_it_is_assigned,
    routing::triage_is_decided_and_does_not_wait,
    routing::waiting_inquiries_come_by_priority_then_age,
    routing::when_more_wait_than_one_tick_takes_every_desk_has_its_turn,
    routing::resolving_frees_the_capacity_once,
    routing::replacing_an_agent_keeps_the_load,
    routing::an_inquiry_comes_back_as_it_was_received,
    routing::what_was_decided_comes_back_with_its_reasons_and_who_finished_it,
    routing::team_hours_and_the_mean_of_places_in_use_are_kept,
    routing::a_neighbouring_skill_is_checked_instead_of_the_one_that_is_needed,
    routing::transactions_with_an_alert_are_told_apart,
    routing::the_agent_who_has_or_last_finished_an_inquiry_knows_the_customer,
    reservations::an_offer_is_accepted_once_by_its_holder_only,
    reservations::a_step_and_its_line_in_the_trail_are_written_together_or_not_at_all,
    reservations::a_wrong_allocation_waits_again_with_what_it_needs_and_never_comes_back,
    reservations::what_passes_until_an_offer_is_written_is_added_to_its_time,
    reservations::what_was_accepted_can_still_be_passed_on,
    reservations::an_offer_that_nobody_accepts_runs_out,
    reservations::what_lies_untouched_with_somebody_away_goes_back,
    reservations::what_lies_untouched_at_the_end_of_a_shift_goes_back,
    reservations::an_inquiry_takes_the_places_of_its_channel_and_gives_them_back,
    reservations::a_supervisor_gives_an_inquiry_to_whom_may_have_it,
    reservations::a_supervisor_says_what_an_inquiry_in_triage_needs,
    reservations::everything_that_an_agent_holds_goes_back,
    reservations::who_let_it_run_out_gets_it_again_only_if_nobody_else_is_left,
    reservations::saying_anew_what_it_needs_lifts_who_gave_it_back,
    reservations::what_everybody_gave_back_comes_to_triage_with_its_likeliest_skills,
    reservations::a_decision_on_an_older_generation_is_left_out,
    reservations::the_desk_is_woken_by_what_frees_an_agent_or_gives_back_an_inquiry,
    reservations::what_ended_and_what_was_corrected_is_counted,
    #[ignore = "a measurement"]
    reservations::assignments_a_second,
    #[ignore = "a measurement"]
    reservations::sweeps_a_second,
    review::an_alert_is_claimed_by_one_and_the_lease_runs_out,
    review::the_queue_is_ordered_by_risk_and_age_and_the_clock_changes_nothing,
    review::cursors_hold_while_alerts_come_and_go,
    review::filters_and_views_show_what_they_say,
    review::a_decision_is_undone_by_who_made_it_in_time,
    review::an_escalated_alert_waits_for_another_and_is_not_taken_back_from_them,
    review::identical_texts_are_decided_and_undone_together,
    review::messages_are_hidden_and_senders_warned_once,
    review::senders_are_warned_for_what_was_ruled_and_not_for_what_is_none,
    review::a_verdict_that_hides_is_hidden_until_it_is_restored,
    review::a_file_holds_the_conversation_and_the_sender_s_earlier_findings,
    review::decisions_become_figures_and_labels,
    review::an_alert_that_was_cleared_counts_no_more_for_inquiries,
    review::ten_reviewers_decide_each_alert_once,
    review::times_come_back_as_they_went_in,
    review::an_explanation_is_kept_once,
    #[ignore = "a measurement"]
    review::queue_pages,
    rules::a_switch_is_compare_and_set_and_stands_in_the_audit_trail,
    rules::of_ten_who_switch_at_once_one_does,
    rules::a_reason_is_needed_and_bounded,
    rules::findings_are_counted_by_day_once_for_each_verdict,
    rules::a_rule_in_shadow_is_measured_by_what_something_else_flagged,
    evaluation::days_that_are_over_are_counted_and_a_late_decision_shows_on_the_day_of_its_alert,
    evaluation::random_messages_are_each_as_likely_as_any_other,
    evaluation::a_sampled_message_is_judged_by_who_has_it_and_taken_back,
    evaluation::ten_reviewers_judge_each_sampled_message_once,
    evaluation::what_alerts_found_stands_beside_the_sample,
    evaluation::the_first_reply_or_else_the_resolution_is_the_first_answer,
    desk::every_list_shows_what_it_says_in_its_order,
    desk::lists_are_read_from_a_place_in_both_directions,
    desk::an_inquiry_comes_with_what_is_around_it_as_far_as_somebody_sees_it,
    desk::an_answer_is_sent_once_by_who_holds_the_inquiry,
    desk::an_answer_that_resolves_ends_the_assignment_in_the_same_step,
    desk::two_answers_at_once_are_one,
    desk::templates_are_changed_by_compare_and_set_and_retired,
    desk::the_templates_that_come_along_are_added_once,
    desk::vectors_are_kept_once_and_read_along_the_resolutions,
    races::three_instances_that_each_read_under_the_limit_do_not_exceed_it,
    races::the_router_a_supervisor_and_an_automation_do_not_bounce_the_owner,
    invariants::eight_writers_keep_every_promise,
    migration::alerts_from_before_the_review_can_be_reviewed,
    migration::what_was_assigned_before_is_accepted_and_of_the_first_generation,
    outbox::rows_are_claimed_in_order_and_by_one_relay,
    outbox::a_lease_that_ended_is_claimed_again,
    outbox::concurrent_relays_share_the_rows,
    outbox::published_rows_stay_until_they_are_purged,
    outbox::an_event_carries_the_verdict_and_fits_the_broker,
    dead_letters::a_repeated_rejection_counts_and_is_told_once,
    dead_letters::a_replayed_dead_letter_that_fails_again_is_open_again,
    dead_letters::concurrent_rejections_are_told_once,
    operations::a_worker_s_last_word_is_kept_and_comes_back_whole,
    operations::minutes_of_all_workers_add_up_and_each_counts_once,
    operations::old_reports_are_swept,
    operations::the_oldest_event_that_waits_is_told,
    operations::eight_operators_replay_a_dead_letter_once,
    operations::a_page_from_before_another_s_replay_replays_nothing,
    shadow::agreements_add_up_by_day_and_differences_name_their_messages,
    shadow::differences_of_a_day_are_bounded_and_all_are_counted,
    shadow::what_reviewers_decided_about_differences_is_counted,
    place::migrating_twice_and_at_once_is_safe,
    place::a_missing_or_other_schema_is_told,
    place::stores_of_two_processes_see_each_other,
}
