//! The words of the pages in Japanese.

use super::Words;
use crate::contract::{Action, Language, Priority, Role, Skill};
use crate::store::InquiryStatus;

pub(super) static WORDS: Words = Words {
    lang: "ja",
    access: &super::access::JA,
    desk: &super::desk::JA,
    review: &super::review::JA,
    webhooks: &super::webhooks::JA,
    rules: &super::rules::JA,
    measured: &super::evaluation::JA,
    operating: &super::operations::JA,
    models: &super::models::JA,
    product: "mimamori 見守り",
    skip: "本文へ移動",
    navigation: "ページ",
    language: "表示言語",

    overview: "概要",
    alerts: "アラート",
    inquiries: "お問い合わせ",
    dead_letters: "処理不能メッセージ",
    evaluation: "評価",
    operations: "運用",
    numbers: "数値",

    newer: "新しい方へ",
    older: "古い方へ",
    pages: "一覧のページ",
    rows: |page, first, last| format!("{page}ページ目: {first}〜{last}件目（新しい順）"),

    messages: "メッセージ",
    judged: "件を判定済み",
    count: "件数",
    total: "合計",
    share: "割合",
    none_yet: "まだありません",
    verdicts_by_action: "措置別の判定",
    action: "措置",
    alerts_by_policy: "ポリシー・検出元別のアラート",
    policy: "ポリシー",
    source_rule: "ルールのみ",
    source_model: "モデルのみ",
    source_both: "ルールとモデル",
    inquiries_by_status: "状態別のお問い合わせ",
    inquiries_by_skill: "最有力スキル別のお問い合わせ",
    inquiries_by_agent: "担当者別のお問い合わせ",
    status: "状態",
    skill: "スキル",
    channel: "受付方法",
    agent: "担当者",
    open_inquiries: "未解決のお問い合わせ",
    unpublished: "未送信のイベント",
    unpublished_hint: "ワーカーが送信します",
    dead_letters_hint: "未再投入",

    no_alerts: "アラートはありません。ワーカーがメッセージを判定すると、ここに表示されます。",
    sender: "送信者",
    transaction: "取引",
    message: "メッセージ",
    probability: "確率",
    sources: "検出の理由",
    source: "検出元",
    subtype: "細分類",
    score: "スコア",
    matched: "該当箇所",
    earlier: "前のメッセージ",

    no_inquiries: "お問い合わせはありません。ワーカーが振り分けると、ここに表示されます。",
    priority: "優先度",
    skills: "推定スキル",
    nobody: "未定",
    reason: "理由",
    resolve: "解決にする",
    accept: "引き受ける",
    pass_on: "ほかの担当者に回す",
    classify: "必要なスキルを指定",
    really_needs: "本当に必要なスキル",
    cannot_now: "該当なし・今は対応できない",
    offer_ends: "引き受け期限",
    time_left: |seconds| format!("残り{}分{}秒", seconds / 60, seconds % 60),
    corrected: "必要なスキル（人の判断）",
    was_accepted: |id| format!("お問い合わせ {id} を引き受けました。"),
    was_passed_on: |id| format!("お問い合わせ {id} を回しました。ほかの担当者を待っています。"),
    was_classified: |id| format!("お問い合わせ {id} は、そのスキルの担当者を待っています。"),
    was_too_late: |id| {
        format!("変更はありません。お問い合わせ {id} は引き受け期限が過ぎ、ほかの担当者に回ります。")
    },
    was_resolved: |id| format!("お問い合わせ {id} を解決にしました。担当者の枠が1件空きました。"),
    was_not_held: |id| {
        format!(
            "変更はありません。お問い合わせ {id} はすでに解決済みか、待機中に戻ったか、別の担当者に移っています。"
        )
    },

    routing: "振り分け",
    routing_about: |days| {
        format!(
            "過去{days}日間に終わった割り当てです。担当者が別のスキルが必要だと答えたものを誤りとします。"
        )
    },
    no_ended: "この期間に終わった割り当てはありません。",
    asked_skill: "求めたスキル",
    ended: "終了",
    wrong: "誤り",
    wrong_rate: "割合",
    interval: "95%信頼区間",
    as_csv: "CSV",

    no_dead_letters: "処理不能メッセージはありません。すべて処理できました。",
    dead_letters_about: "処理できなかったメッセージです。本文には個人情報が含まれることがあるため、ここではサイズとハッシュだけを表示します。内容は `mimamori dead-letters show` で確認できます。再投入すると、本文をもう一度元のキューに送ります。先に原因を取り除いてください。",
    code: "コード",
    detail: "原因",
    queue: "キュー",
    rejections: "回数",
    first_rejected: "初回",
    last_rejected: "最終",
    body: "本文（SHA-256）",
    bytes: "バイト",
    identifier: "識別子",
    replayed: "再投入",
    show_replayed: "再投入済みも表示",
    hide_replayed: "再投入済みを隠す",

    to_overview: "概要へ",
    try_again: "もう一度試す",
    error_unknown_page: ("ページが見つかりません", "アドレスを確かめるか、概要からお進みください。"),
    error_unknown_inquiry: (
        "お問い合わせが見つかりません",
        "別のデータベースのものかもしれません。お問い合わせの一覧から選び直してください。",
    ),
    error_wrong_method: (
        "このアドレスではそのメソッドを使えません",
        "ページの表示は GET です。お問い合わせの操作は一覧のボタンで行えます。",
    ),
    error_page_number: (
        "その番号のページはありません",
        "`page` には1以上の整数を指定してください。最新のページからお進みください。",
    ),
    error_form: (
        "フォームの内容が足りません",
        "`agent_id`（お問い合わせの担当者）、`generation`、またはスキルが足りないか、正しくありません。お問い合わせの一覧を再読み込みして、もう一度ボタンを押してください。",
    ),
    error_foreign_host: (
        "この名前では接続できません",
        "コンソールはこのコンピューターからのみ利用できます。http://localhost または http://127.0.0.1 にポート番号を付けて開いてください。",
    ),
    error_cross_site: (
        "このコンソール以外からの要求のため、受け付けませんでした",
        "変更はコンソール自身のページからのみ行えます。お問い合わせの一覧を開き、そこのボタンを使ってください。",
    ),
    error_unavailable: (
        "データベースに接続できません",
        "届いたメッセージはキューで待っており、失われません。データベースが動いていること、`store.url`（または DATABASE_URL）の指定が正しいことを確かめて、もう一度お試しください。",
    ),
    error_schema: (
        "データベースのスキーマがこのプログラムと合っていません",
        "同じ版のプログラムで `mimamori db migrate` を実行してから、もう一度お試しください。",
    ),
    error_program: (
        "ページを作れませんでした",
        "プログラムの不具合です。原因はログにあります。発生時刻を添えてご報告ください。",
    ),

    action_name: |action| match action {
        Action::None => "問題なし",
        Action::Report => "報告",
        Action::Hide => "非表示",
    },
    role_name: |role| match role {
        Role::Buyer => "購入者",
        Role::Seller => "出品者",
    },
    language_name: |language| match language {
        Language::Ja => "日本語",
        Language::En => "英語",
    },
    skill_name: |skill| match skill {
        Skill::Payment => "支払い",
        Skill::SalesProceeds => "売上金",
        Skill::Shipping => "配送",
        Skill::ReturnRefund => "返品・返金",
        Skill::Cancellation => "キャンセル",
        Skill::AccountAccess => "ログイン・アカウント",
        Skill::IdentityVerification => "本人確認",
        Skill::Listing => "出品",
        Skill::UserTrouble => "利用者間のトラブル",
        Skill::FraudSecurity => "不正・セキュリティ",
        Skill::AppTechnical => "アプリの不具合",
        Skill::PointsCoupons => "ポイント・クーポン",
        Skill::Other => "その他",
    },
    status_name: |status| match status {
        InquiryStatus::Waiting => "待機中",
        InquiryStatus::Triage => "振り分け待ち",
        InquiryStatus::Assigned => "対応中",
        InquiryStatus::Resolved => "解決済み",
    },
    priority_name: |priority| match priority {
        Priority::Low => "低",
        Priority::Normal => "通常",
        Priority::High => "高",
        Priority::Urgent => "緊急",
    },
    policy_name: |policy| match policy {
        "external_induction" => Some("外部誘導"),
        "harassment" => Some("誹謗中傷・脅迫"),
        _ => None,
    },
};
