//! The words of the operations page and of the replay of dead letters, in both languages.

use crate::queue::Inbound;
use crate::store::operations::WorkerState;

/// Words of these pages.
pub(in crate::console) struct OperationsWords {
    pub(in crate::console) title: &'static str,
    pub(in crate::console) about: &'static str,
    pub(in crate::console) queues: &'static str,
    pub(in crate::console) queue_name: fn(Inbound) -> &'static str,
    pub(in crate::console) waiting: &'static str,
    /// Handed to workers and not acknowledged.
    pub(in crate::console) in_hand: &'static str,
    /// Copies in the broker's dead-letter queue.
    pub(in crate::console) dead_at_broker: &'static str,
    pub(in crate::console) seen_by: &'static str,
    pub(in crate::console) nobody_saw: &'static str,
    pub(in crate::console) events_waiting: &'static str,
    pub(in crate::console) oldest: &'static str,
    pub(in crate::console) workers: &'static str,
    pub(in crate::console) workers_there: &'static str,
    pub(in crate::console) workers_silent: &'static str,
    pub(in crate::console) no_workers: &'static str,
    pub(in crate::console) name: &'static str,
    pub(in crate::console) state: &'static str,
    pub(in crate::console) state_name: fn(WorkerState) -> &'static str,
    pub(in crate::console) silent: &'static str,
    pub(in crate::console) program: &'static str,
    pub(in crate::console) rules_version: &'static str,
    pub(in crate::console) models: &'static str,
    pub(in crate::console) conversation_model: &'static str,
    pub(in crate::console) inquiry_model: &'static str,
    pub(in crate::console) rules_only: &'static str,
    pub(in crate::console) started: &'static str,
    pub(in crate::console) last_seen: &'static str,
    pub(in crate::console) workers_differ: &'static str,
    pub(in crate::console) lag: &'static str,
    pub(in crate::console) lag_about: &'static str,
    pub(in crate::console) no_lag: &'static str,
    pub(in crate::console) decided: &'static str,
    /// Names of [`crate::store::operations::Waits`], in their order.
    pub(in crate::console) waits: [&'static str; 6],
    pub(in crate::console) throughput: &'static str,
    /// Of hours.
    pub(in crate::console) last_hours: fn(u32) -> String,
    /// Title of the chart, of the minutes of a step.
    pub(in crate::console) each: fn(u32) -> String,
    pub(in crate::console) no_throughput: &'static str,
    /// A step of the chart.
    pub(in crate::console) time: &'static str,
    pub(in crate::console) messages_decided: &'static str,
    pub(in crate::console) inquiries_decided: &'static str,
    pub(in crate::console) alerts: &'static str,
    pub(in crate::console) dead_lettered: &'static str,
    /// Of seconds.
    pub(in crate::console) ago: fn(i64) -> String,
    pub(in crate::console) replay: &'static str,
    /// The button's name for a screen reader, of the dead letter.
    pub(in crate::console) replay_one: fn(&str) -> String,
    /// Of how many are shown.
    pub(in crate::console) replay_all: fn(usize) -> String,
    /// Of how many were replayed, and how many were not.
    pub(in crate::console) replayed: fn(u32, u32) -> String,
}

pub(super) static EN: OperationsWords = OperationsWords {
    title: "Workers and queues",
    about: "Workers report themselves every few seconds; this page shows what they last said. The console itself has no connection to the broker.",
    queues: "Queues",
    queue_name: |queue| match queue {
        Inbound::Messages => "Messages",
        Inbound::Inquiries => "Inquiries",
    },
    waiting: "Waiting",
    in_hand: "With workers",
    dead_at_broker: "Dead letters at the broker",
    seen_by: "Seen by",
    nobody_saw: "No worker that is there has told how much waits.",
    events_waiting: "Unpublished events",
    oldest: "the oldest",
    workers: "Workers",
    workers_there: "Workers that are there",
    workers_silent: "Silent workers",
    no_workers: "No worker has reported in the last 48 hours.",
    name: "Worker",
    state: "State",
    state_name: |state| match state {
        WorkerState::Working => "working",
        WorkerState::Draining => "finishing",
        WorkerState::Stopped => "stopped",
        WorkerState::Failed => "ended with an error",
    },
    silent: "silent",
    program: "Program",
    rules_version: "Rules",
    models: "Models",
    conversation_model: "conversation",
    inquiry_model: "inquiries",
    rules_only: "Without a model",
    started: "Started",
    last_seen: "Last seen",
    workers_differ: "The workers that are there differ in program, rules or models. For a few seconds after a change of rules that is normal; otherwise restart the older ones.",
    lag: "From sent to decided",
    lag_about: "Messages from their sending, inquiries from their receipt, in the last hour.",
    no_lag: "Nothing was decided in the last hour.",
    decided: "Decided",
    waits: ["within 1 s", "within 5 s", "within 30 s", "within 2 min", "within 10 min", "later"],
    throughput: "Throughput",
    last_hours: |hours| format!("Last {hours} hours"),
    each: |minutes| {
        if minutes == 1 { "By minute, UTC".to_owned() } else { format!("By {minutes} minutes, UTC") }
    },
    no_throughput: "Nothing was worked on in this time.",
    time: "From (UTC)",
    messages_decided: "Messages decided",
    inquiries_decided: "Inquiries decided",
    alerts: "Alerts",
    dead_lettered: "Dead letters",
    ago: |seconds| match seconds {
        ..=0 => "just now".to_owned(),
        1..=119 => format!("{seconds} s ago"),
        120..=7199 => format!("{} min ago", seconds / 60),
        _ => format!("{} h ago", seconds / 3600),
    },
    replay: "Replay",
    replay_one: |id| format!("Replay {id}"),
    replay_all: |count| format!("Replay all {count} that are shown"),
    replayed: |done, not| {
        let mut told = match done {
            0 => "Nothing was replayed.".to_owned(),
            1 => "1 dead letter goes back to its queue, as soon as a worker publishes it.".to_owned(),
            _ => format!("{done} dead letters go back to their queues, as soon as a worker publishes them."),
        };
        if not > 0 {
            told.push_str(&format!(" {not} had been replayed by somebody else already."));
        }
        told
    },
};

pub(super) static JA: OperationsWords = OperationsWords {
    title: "ワーカーとキュー",
    about: "ワーカーが数秒ごとに自分の状態を報告します。このページには最後に届いた報告を表示しています。コンソール自体はブローカーには接続しません。",
    queues: "キュー",
    queue_name: |queue| match queue {
        Inbound::Messages => "メッセージ",
        Inbound::Inquiries => "お問い合わせ",
    },
    waiting: "待ち",
    in_hand: "処理中",
    dead_at_broker: "ブローカー上の処理不能メッセージ",
    seen_by: "報告元",
    nobody_saw: "稼働中のワーカーからキューの報告が届いていません。",
    events_waiting: "未送信のイベント",
    oldest: "最も古いもの",
    workers: "ワーカー",
    workers_there: "稼働中のワーカー",
    workers_silent: "応答のないワーカー",
    no_workers: "この48時間にワーカーからの報告はありません。",
    name: "ワーカー",
    state: "状態",
    state_name: |state| match state {
        WorkerState::Working => "稼働中",
        WorkerState::Draining => "終了処理中",
        WorkerState::Stopped => "停止",
        WorkerState::Failed => "エラーで終了",
    },
    silent: "応答なし",
    program: "プログラム",
    rules_version: "ルール",
    models: "モデル",
    conversation_model: "会話",
    inquiry_model: "お問い合わせ",
    rules_only: "モデルなし",
    started: "開始",
    last_seen: "最終報告",
    workers_differ: "稼働中のワーカーの間で、プログラム・ルール・モデルのいずれかが異なります。ルールの変更直後の数秒間であれば問題ありません。それ以外のときは、古いほうを再起動してください。",
    lag: "送信から判定までの時間",
    lag_about: "直近1時間。メッセージは送信から、お問い合わせは受付からの時間です。",
    no_lag: "直近1時間に判定したものはありません。",
    decided: "判定数",
    waits: ["1秒以内", "5秒以内", "30秒以内", "2分以内", "10分以内", "それ以上"],
    throughput: "処理量",
    last_hours: |hours| format!("直近{hours}時間"),
    each: |minutes| format!("{minutes}分ごと（UTC）"),
    no_throughput: "この期間に処理したものはありません。",
    time: "開始時刻（UTC）",
    messages_decided: "判定したメッセージ",
    inquiries_decided: "判定したお問い合わせ",
    alerts: "アラート",
    dead_lettered: "処理不能",
    ago: |seconds| match seconds {
        ..=0 => "たった今".to_owned(),
        1..=119 => format!("{seconds}秒前"),
        120..=7199 => format!("{}分前", seconds / 60),
        _ => format!("{}時間前", seconds / 3600),
    },
    replay: "再投入",
    replay_one: |id| format!("{id} を再投入"),
    replay_all: |count| format!("表示中の{count}件をすべて再投入"),
    replayed: |done, not| {
        let mut told = if done == 0 {
            "再投入したものはありません。".to_owned()
        } else {
            format!("{done}件を再投入しました。ワーカーが送信すると元のキューに戻ります。")
        };
        if not > 0 {
            told.push_str(&format!("{not}件はすでにほかの人が再投入していました。"));
        }
        told
    },
};
