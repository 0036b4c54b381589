//! The words of the review of alerts, in both languages.

use super::Told;
use crate::contract::Ruling;
use crate::store::review::{Refused, View};

/// Words of the queue, of an alert's page and of the figures.
pub(in crate::console) struct ReviewWords {
    pub(in crate::console) view: &'static str,
    pub(in crate::console) all: &'static str,
    pub(in crate::console) mine: &'static str,
    pub(in crate::console) filter: &'static str,
    /// Keys of the queue.
    pub(in crate::console) list_keys: &'static str,
    /// How the queue is ordered.
    pub(in crate::console) order: &'static str,
    pub(in crate::console) review: &'static str,
    pub(in crate::console) review_next: &'static str,
    pub(in crate::console) first_page: &'static str,
    pub(in crate::console) next_page: &'static str,
    pub(in crate::console) previous_page: &'static str,
    /// Of the reviewer.
    pub(in crate::console) held_by: fn(&str) -> String,
    pub(in crate::console) held_by_you: &'static str,
    pub(in crate::console) decided_by: fn(&str) -> String,
    /// Of the alert's number.
    pub(in crate::console) alert: fn(i64) -> String,
    pub(in crate::console) conversation: &'static str,
    pub(in crate::console) more_before: &'static str,
    pub(in crate::console) more_after: &'static str,
    pub(in crate::console) this_message: &'static str,
    pub(in crate::console) hidden: &'static str,
    pub(in crate::console) why: &'static str,
    /// What the policy is about.
    pub(in crate::console) policy_about: fn(&str) -> Option<&'static str>,
    pub(in crate::console) no_model: &'static str,
    /// Before the words that moved the model, the heaviest first.
    pub(in crate::console) moved_model: &'static str,
    pub(in crate::console) moved_note: &'static str,
    pub(in crate::console) decide: &'static str,
    pub(in crate::console) ruling_name: fn(Ruling) -> &'static str,
    pub(in crate::console) escalate: &'static str,
    pub(in crate::console) undo: &'static str,
    pub(in crate::console) next: &'static str,
    pub(in crate::console) previous: &'static str,
    pub(in crate::console) put_back: &'static str,
    pub(in crate::console) note: &'static str,
    pub(in crate::console) read_only: &'static str,
    pub(in crate::console) claimed_until: &'static str,
    pub(in crate::console) claim_lost: &'static str,
    pub(in crate::console) masked: &'static str,
    /// Of how many others there are.
    pub(in crate::console) same_text: fn(u32) -> String,
    pub(in crate::console) message_acts: &'static str,
    pub(in crate::console) hide: &'static str,
    pub(in crate::console) restore: &'static str,
    pub(in crate::console) warn_in_japanese: &'static str,
    pub(in crate::console) warn_in_english: &'static str,
    pub(in crate::console) warned: &'static str,
    pub(in crate::console) of_sender: &'static str,
    pub(in crate::console) none_of_sender: &'static str,
    pub(in crate::console) trail: &'static str,
    pub(in crate::console) when: &'static str,
    pub(in crate::console) who: &'static str,
    pub(in crate::console) what: &'static str,
    pub(in crate::console) act_name: fn(&str) -> Option<&'static str>,
    pub(in crate::console) keys: &'static str,
    /// Key and what it does.
    pub(in crate::console) key_list: &'static [(&'static str, &'static str)],
    /// What a button did, by its name in the address and how many alerts.
    pub(in crate::console) done: fn(&str, u32) -> Option<String>,
    pub(in crate::console) refused: fn(&Refused) -> Told,
    pub(in crate::console) held_now: fn(&str, &str) -> String,
    pub(in crate::console) to_queue: &'static str,
    pub(in crate::console) to_alert: &'static str,
    pub(in crate::console) view_name: fn(View) -> &'static str,
    pub(in crate::console) figures: &'static str,
    pub(in crate::console) figures_about: fn(u32) -> String,
    pub(in crate::console) no_figures: &'static str,
    pub(in crate::console) violations: &'static str,
    pub(in crate::console) others: &'static str,
    pub(in crate::console) unsure: &'static str,
    pub(in crate::console) precision: &'static str,
    /// Of the number that it is at least.
    pub(in crate::console) at_least: fn(&str) -> String,
    pub(in crate::console) error_unknown_alert: Told,
    pub(in crate::console) error_form: Told,
    pub(in crate::console) error_cursor: Told,
}

pub(super) static EN: ReviewWords = ReviewWords {
    view: "State",
    all: "All",
    mine: "Only mine",
    filter: "Show",
    list_keys: "Keys: j next, k previous, Enter the button, o next page, n previous page, z undo",
    order: "By risk and age: a riskier alert comes before a less risky one that is somewhat older, and whatever waits comes to the front in the end.",
    review: "Review",
    review_next: "Review the next one",
    first_page: "First page",
    next_page: "Next page",
    previous_page: "Previous page",
    held_by: |who| format!("with {who}"),
    held_by_you: "with you",
    decided_by: |who| format!("decided by {who}"),
    alert: |id| format!("Alert {id}"),
    conversation: "Conversation",
    more_before: "Earlier messages are not shown.",
    more_after: "Later messages are not shown.",
    this_message: "this message",
    hidden: "hidden",
    why: "Why it was flagged",
    policy_about: |policy| match policy {
        "external_induction" => {
            Some("Draws the other side off the platform: to a contact, a payment or a deal elsewhere.")
        }
        "harassment" => Some("Insults, threatens, pressures or harasses the other side."),
        _ => None,
    },
    no_model: "Which words moved the model has not been worked out. `mimamori moderate --explain` does it for a message.",
    moved_model: "Moved the model, the most first:",
    moved_note: "moved the model",
    decide: "Decision",
    ruling_name: |ruling| match ruling {
        Ruling::Violation => "Violation",
        Ruling::NotViolation => "Not a violation",
        Ruling::Unsure => "Unsure",
    },
    escalate: "Escalate",
    undo: "Undo my last decision",
    next: "Next",
    previous: "Previous",
    put_back: "Put back",
    note: "Note (no personal data)",
    read_only: "Nobody works on this alert. To decide, take it.",
    claimed_until: "Yours until",
    claim_lost: "This alert is not yours any more: somebody else has it, it was decided, or the time is over. A decision made here will be refused.",
    masked: "Your role does not read messages: texts are masked.",
    same_text: |count| {
        let most = if count >= crate::store::review::MOST_ALIKE { "or more " } else { "" };
        format!("Decide the {count} {most}other alerts with the same text as well")
    },
    message_acts: "Message and sender",
    hide: "Hide the message",
    restore: "Show the message again",
    warn_in_japanese: "Warn the sender in Japanese",
    warn_in_english: "Warn the sender in English",
    warned: "The sender was warned",
    of_sender: "Other alerts about this sender",
    none_of_sender: "None.",
    trail: "What was done",
    when: "When",
    who: "Who",
    what: "What",
    act_name: |act| {
        Some(match act {
            "claimed" => "took it",
            "released" => "put it back",
            "decided" => "decided",
            "escalated" => "escalated",
            "undone" => "took the decision back",
            "hidden" => "hid the message",
            "restored" => "showed the message again",
            "warned" => "had the sender warned",
            _ => return None,
        })
    },
    keys: "Keys",
    key_list: &[
        ("v", "violation"),
        ("n", "not a violation"),
        ("u", "unsure"),
        ("e", "escalate"),
        ("z", "undo my last decision"),
        ("j", "next"),
        ("k", "previous"),
        ("?", "this list"),
    ],
    done: |name, count| {
        let others = if count > 1 { format!(" ({count} alerts)") } else { String::new() };
        Some(match name {
            "violation" => format!("Decided: violation{others}."),
            "not_violation" => format!("Decided: not a violation{others}."),
            "unsure" => format!("Decided: unsure{others}."),
            "escalated" => format!("Escalated{others}."),
            "undone" => format!("The decision is taken back{others}."),
            "released" => "The alert is back in the queue.".into(),
            "hidden" => "The message is being hidden.".into(),
            "restored" => "The message is being shown again.".into(),
            "warned" => "The sender is being warned.".into(),
            "already" => "Nothing changed: that was done before.".into(),
            "none" => "No further alert waits in this list.".into(),
            _ => return None,
        })
    },
    refused: |refused| match refused {
        Refused::Unknown => (
            "There is no such alert",
            "It may belong to another database. Go back to the alerts and choose it there.",
        ),
        Refused::Held(_) => ("Somebody else has this alert", "Nothing was written."),
        Refused::Decided { .. } => ("This alert is decided already", "Nothing was written."),
        Refused::NotHeld => (
            "You do not have this alert any more",
            "The time was over, it was put back, or you took it anew in another window. Nothing was written; take it again.",
        ),
        Refused::NothingToUndo => {
            ("There is nothing to take back", "Your last decision is taken back already, or there is none.")
        }
        Refused::TooLate => (
            "It is too late to take the decision back",
            "The time for that (console.review.undo_s) is over. A lead can be told of it.",
        ),
        Refused::Changed => (
            "The decision cannot be taken back",
            "Somebody else has taken up what you decided. Nothing was written.",
        ),
        Refused::Escalated => ("This alert is escalated", "A lead decides. Nothing was written."),
    },
    held_now: |who, until| format!("It is with {who} until {until}."),
    to_queue: "To the alerts",
    to_alert: "To the alert",
    view_name: |view| match view {
        View::Open => "open",
        View::Claimed => "being reviewed",
        View::Escalated => "escalated",
        View::Decided => "decided",
    },
    figures: "Reviews",
    figures_about: |days| {
        format!(
            "Alerts decided in the last {days} days. Precision: violations of the policy that was flagged, of all that were decided without doubt, with Wilson's 95% interval."
        )
    },
    no_figures: "No alert was decided in this time.",
    violations: "Violations",
    others: "Not violations",
    unsure: "Unsure",
    precision: "Precision",
    at_least: |count| format!("{count} or more"),
    error_unknown_alert: (
        "There is no such alert",
        "It may belong to another database. Go back to the alerts and choose it there.",
    ),
    error_form: (
        "The form is incomplete",
        "`generation` or what was decided is missing or wrong. Open the alert again and use the buttons there.",
    ),
    error_cursor: (
        "This address of a list cannot be read",
        "A filter or the place in the list is not as the console writes it. Begin with the first page.",
    ),
};

pub(super) static JA: ReviewWords = ReviewWords {
    view: "状態",
    all: "すべて",
    mine: "自分の分のみ",
    filter: "表示",
    list_keys: "キー操作: j 次へ、k 前へ、Enter ボタンを押す、o 次のページ、n 前のページ、z 取り消し",
    order: "危険度と待ち時間の順です。危険度の高いものは少し古いものより先になり、待っているものは必ず先頭に来ます。",
    review: "確認する",
    review_next: "次の1件を確認する",
    first_page: "最初のページ",
    next_page: "次のページ",
    previous_page: "前のページ",
    held_by: |who| format!("{who} が確認中"),
    held_by_you: "あなたが確認中",
    decided_by: |who| format!("{who} が判断済み"),
    alert: |id| format!("アラート {id}"),
    conversation: "会話",
    more_before: "これより前のメッセージは表示していません。",
    more_after: "これより後のメッセージは表示していません。",
    this_message: "対象のメッセージ",
    hidden: "非表示",
    why: "検出の理由",
    policy_about: |policy| match policy {
        "external_induction" => Some("相手をサービスの外（連絡先、支払い、取引）へ誘導する内容です。"),
        "harassment" => Some("相手への侮辱、脅迫、圧力、嫌がらせにあたる内容です。"),
        _ => None,
    },
    no_model: "どの言葉がモデルの判断に影響したかは、まだ計算されていません。`mimamori moderate --explain` で確認できます。",
    moved_model: "モデルの判断に影響した言葉（影響の大きい順）：",
    moved_note: "モデルの判断に影響",
    decide: "判断",
    ruling_name: |ruling| match ruling {
        Ruling::Violation => "違反",
        Ruling::NotViolation => "違反ではない",
        Ruling::Unsure => "判断できない",
    },
    escalate: "リーダーに回す",
    undo: "直前の判断を取り消す",
    next: "次へ",
    previous: "前へ",
    put_back: "一覧に戻す",
    note: "メモ（個人情報は書かない）",
    read_only: "このアラートは誰も確認していません。判断するには、まず引き取ってください。",
    claimed_until: "担当期限",
    claim_lost: "このアラートの担当ではなくなりました。ほかの人が確認中か、判断済みか、期限が過ぎています。ここで判断しても受け付けられません。",
    masked: "あなたの役割ではメッセージを読めないため、本文を伏せています。",
    same_text: |count| {
        let most = if count >= crate::store::review::MOST_ALIKE { "以上" } else { "" };
        format!("同じ文面のほかのアラート{count}件{most}にも同じ判断をする")
    },
    message_acts: "メッセージと送信者",
    hide: "メッセージを非表示にする",
    restore: "メッセージを再表示する",
    warn_in_japanese: "送信者に日本語で警告する",
    warn_in_english: "送信者に英語で警告する",
    warned: "送信者への警告",
    of_sender: "この送信者のほかのアラート",
    none_of_sender: "ありません。",
    trail: "操作の記録",
    when: "日時",
    who: "操作した人",
    what: "内容",
    act_name: |act| {
        Some(match act {
            "claimed" => "引き取り",
            "released" => "一覧に戻した",
            "decided" => "判断",
            "escalated" => "リーダーに回した",
            "undone" => "判断の取り消し",
            "hidden" => "メッセージを非表示",
            "restored" => "メッセージを再表示",
            "warned" => "送信者に警告",
            _ => return None,
        })
    },
    keys: "キー操作",
    key_list: &[
        ("v", "違反"),
        ("n", "違反ではない"),
        ("u", "判断できない"),
        ("e", "リーダーに回す"),
        ("z", "直前の判断を取り消す"),
        ("j", "次へ"),
        ("k", "前へ"),
        ("?", "この一覧"),
    ],
    done: |name, count| {
        let others = if count > 1 { format!("（{count}件）") } else { String::new() };
        Some(match name {
            "violation" => format!("「違反」と判断しました{others}。"),
            "not_violation" => format!("「違反ではない」と判断しました{others}。"),
            "unsure" => format!("「判断できない」としました{others}。"),
            "escalated" => format!("リーダーに回しました{others}。"),
            "undone" => format!("判断を取り消しました{others}。"),
            "released" => "アラートを一覧に戻しました。".into(),
            "hidden" => "メッセージを非表示にします。".into(),
            "restored" => "メッセージを再表示します。".into(),
            "warned" => "送信者に警告を送ります。".into(),
            "already" => "変更はありません。すでに行われています。".into(),
            "none" => "この一覧に、ほかに待っているアラートはありません。".into(),
            _ => return None,
        })
    },
    refused: |refused| match refused {
        Refused::Unknown => (
            "アラートが見つかりません",
            "別のデータベースのものかもしれません。アラートの一覧から選び直してください。",
        ),
        Refused::Held(_) => ("ほかの人がこのアラートを確認しています", "何も変更していません。"),
        Refused::Decided { .. } => ("このアラートはすでに判断されています", "何も変更していません。"),
        Refused::NotHeld => (
            "このアラートの担当ではなくなりました",
            "期限が過ぎたか、一覧に戻されたか、別の画面で引き取り直しています。何も変更していません。もう一度引き取ってください。",
        ),
        Refused::NothingToUndo => {
            ("取り消せる判断がありません", "直前の判断はすでに取り消したか、まだ判断していません。")
        }
        Refused::TooLate => (
            "判断を取り消せる時間を過ぎています",
            "取り消しの時間（console.review.undo_s）が過ぎました。リーダーに伝えてください。",
        ),
        Refused::Changed => {
            ("判断を取り消せません", "ほかの人がすでに引き継いでいます。何も変更していません。")
        }
        Refused::Escalated => ("このアラートは上長待ちです", "判断するのは上長です。何も変更していません。"),
    },
    held_now: |who, until| format!("{who} が {until} まで確認しています。"),
    to_queue: "アラートの一覧へ",
    to_alert: "アラートへ",
    view_name: |view| match view {
        View::Open => "未判断",
        View::Claimed => "確認中",
        View::Escalated => "リーダー待ち",
        View::Decided => "判断済み",
    },
    figures: "判断の集計",
    figures_about: |days| {
        format!(
            "過去{days}日間に判断されたアラートです。適合率は、はっきり判断されたもののうち、検出したポリシーの違反だったものの割合で、ウィルソンの95%信頼区間を添えます。"
        )
    },
    no_figures: "この期間に判断されたアラートはありません。",
    violations: "違反",
    others: "違反でない",
    unsure: "判断できない",
    precision: "適合率",
    at_least: |count| format!("{count}以上"),
    error_unknown_alert: (
        "アラートが見つかりません",
        "別のデータベースのものかもしれません。アラートの一覧から選び直してください。",
    ),
    error_form: (
        "フォームの内容が足りません",
        "`generation` または判断の内容が足りないか、正しくありません。アラートを開き直して、そこのボタンを使ってください。",
    ),
    error_cursor: (
        "一覧のアドレスを読めません",
        "絞り込みか一覧の位置が正しくありません。最初のページからお進みください。",
    ),
};
