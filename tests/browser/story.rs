//! What happened on the marketplace before somebody opens the console: conversations with alerts, inquiries, agents.

use chrono::{DateTime, TimeDelta, Utc};
use mimamori::access::Role as Desk;
use mimamori::contract::*;
use mimamori::routing::{Candidate, Proposal};
use mimamori::store::*;

use crate::console::Console;
use crate::support::values;

/// A message: transaction, who, text; and, if it was flagged, the policy, its probability and the words that a rule found.
struct Said(&'static str, Role, &'static str, Option<(&'static str, f64, &'static str)>);

const SAID: &[Said] = &[
    Said("t-2041", Role::Buyer, "はじめまして。こちらの一眼レフはまだ購入できますか？", None),
    Said("t-2041", Role::Seller, "はい、まだございます。動作も問題ありません。", None),
    Said(
        "t-2041",
        Role::Seller,
        "手数料がもったいないので、よろしければLINEで直接やり取りしませんか？IDは kaori_1987 です。",
        Some(("external_induction", 0.98, "LINEで直接やり取り")),
    ),
    Said("t-2041", Role::Buyer, "えっと、アプリの外でのやり取りは大丈夫なのでしょうか…", None),
    Said("t-2042", Role::Buyer, "Is the price negotiable?", None),
    Said(
        "t-2042",
        Role::Seller,
        "I can do 20 less if you pay me by bank transfer, outside the app. Text me at 090-0000-0000.",
        Some(("external_induction", 0.97, "bank transfer, outside the app")),
    ),
    Said(
        "t-2043",
        Role::Buyer,
        "早く発送しろよ。住所わかってるからな。覚悟しとけ。",
        Some(("harassment", 0.96, "住所わかってるからな")),
    ),
    Said(
        "t-2044",
        Role::Seller,
        "インスタのDMの方が返事早いです！アカウント名はプロフィールに書いてあります",
        Some(("external_induction", 0.93, "インスタのDM")),
    ),
    Said(
        "t-2045",
        Role::Seller,
        "次回からは直接お取引できればと思います。もっとお安くできますよ。",
        Some(("external_induction", 0.88, "直接お取引")),
    ),
    Said(
        "t-2046",
        Role::Buyer,
        "You are a complete idiot, learn to read.",
        Some(("harassment", 0.85, "complete idiot")),
    ),
    Said(
        "t-2047",
        Role::Seller,
        "商品の追加写真はメールで送れます。",
        Some(("external_induction", 0.74, "メール")),
    ),
    Said(
        "t-2048",
        Role::Buyer,
        "こんな傷だらけの物を売るなんて、頭おかしいんじゃないの",
        Some(("harassment", 0.71, "頭おかしい")),
    ),
    Said(
        "t-2049",
        Role::Seller,
        "We could also meet at the station and settle it in cash.",
        Some(("external_induction", 0.69, "settle it in cash")),
    ),
    Said(
        "t-2050",
        Role::Seller,
        "カカオでもラインでも、連絡しやすい方で大丈夫です",
        Some(("external_induction", 0.66, "カカオでもラインでも")),
    ),
    Said(
        "t-2051",
        Role::Buyer,
        "PayPayで送金してもいいですか？",
        Some(("external_induction", 0.62, "PayPayで送金")),
    ),
    Said(
        "t-2052",
        Role::Buyer,
        "レビューに悪い評価つけますね、返金しないなら",
        Some(("harassment", 0.58, "悪い評価つけますね")),
    ),
];

/// How many of the messages were flagged.
pub fn alerts() -> usize {
    SAID.iter().filter(|Said(.., finding)| finding.is_some()).count()
}

fn minutes_ago(minutes: usize) -> DateTime<Utc> {
    Utc::now() - TimeDelta::minutes(i64::try_from(minutes).expect("few minutes"))
}

/// The conversations with their verdicts; those of one transaction are a minute apart.
pub async fn conversations(console: &Console) {
    let (mut messages, mut decisions) = (Vec::new(), Vec::new());
    for (n, Said(transaction, role, text, finding)) in SAID.iter().enumerate() {
        let sent = minutes_ago(SAID.len() * 3 - n);
        let message = TransactionMessage {
            message_id: MessageId::new(format!("m-{}", 70_310 + n)).unwrap(),
            transaction_id: TransactionId::new(*transaction).unwrap(),
            sender_id: UserId::new(format!("{}-{transaction}", role.as_str())).unwrap(),
            sender_role: *role,
            text: (*text).into(),
            sent_at: sent,
        };
        decisions.push(decision(&message, *finding));
        messages.push(message);
    }
    console.store.receive_messages(&messages, 0).await.unwrap();
    console.store.commit_moderation(&ModerationBatch { decisions, dead_letters: vec![] }).await.unwrap();
}

fn decision(message: &TransactionMessage, finding: Option<(&str, f64, &str)>) -> Decision {
    let mut decision = values::cleared(message, 0);
    let verdict = &mut decision.verdict;
    verdict.decided_at = message.sent_at + TimeDelta::seconds(1);
    verdict.language = if message.text.is_ascii() { Language::En } else { Language::Ja };
    (verdict.rules_version, verdict.model_version) = ("2026-11-22".into(), "2026-11-22.7".into());
    let Some((policy, score, words)) = finding else { return decision };
    let policy = Policy::new(policy);
    let (rule, subtype) = match policy.as_str() {
        "harassment" => ("rule:harassment/threat/ja", "threat"),
        _ => ("rule:external_induction/line_id", "contact"),
    };
    let before = message.text.split(words).next().expect("the words are in the text").chars().count();
    let span = Span { start: before, end: before + words.chars().count(), text: words.into() };
    let label = |source: String, score: f64, spans: Vec<Span>| Label {
        policy: policy.clone(),
        subtype: Some(subtype.into()),
        score,
        source,
        spans,
        parts: vec![],
    };
    verdict.labels = vec![
        label(rule.into(), score, vec![span]),
        label(format!("model:{policy}@2026-11-22.7"), score - 0.04, vec![]),
    ];
    verdict.action = if score > 0.95 { Action::Hide } else { Action::Report };
    verdict.policies.insert(policy.clone(), score);
    decision.alerts.push(PolicyAlert {
        action: verdict.action,
        score,
        sources: AlertSources::of(&verdict.labels, &policy).expect("a rule and a model found it"),
        risk: mimamori::moderation::risk(score, 0.0),
        text_key: mimamori::moderation::text_key(&message.text, true, &message.transaction_id),
        policy,
    });
    decision
}

/// Two agents of two teams, a lead who is neither, and who looks after the desk.
pub async fn people(console: &Console) {
    let agent = |id: &str, name: &str, skills: &[Skill], team: &str| AgentProfile {
        name: name.into(),
        team: Some(team.into()),
        ..values::agent(id, skills, &[Language::Ja, Language::En], 5)
    };
    let agents = [
        agent("agent-aki", "秋山 結衣", &[Skill::Shipping, Skill::ReturnRefund], "logistics"),
        agent("agent-ben", "Ben Carter", &[Skill::Payment, Skill::SalesProceeds], "money"),
    ];
    console.store.upsert_agents(&agents).await.unwrap();
    console.person("aki", "秋山 結衣", Desk::Agent, &["logistics"], Some("agent-aki")).await;
    console.person("ben", "Ben Carter", Desk::Agent, &["money"], Some("agent-ben")).await;
    console.person("lead", "森 大輔", Desk::Lead, &[], None).await;
    console.person("root", "Sato (IT)", Desk::Admin, &[], None).await;
}

/// Three inquiries: one offered to Aki, one offered to Ben, one that waits in triage.
pub async fn inquiries(console: &Console) {
    let shipping = [(Skill::Shipping, 0.91), (Skill::ReturnRefund, 0.06), (Skill::Other, 0.03)];
    let payment = [(Skill::Payment, 0.88), (Skill::ReturnRefund, 0.09), (Skill::Other, 0.03)];
    let unclear = [(Skill::Other, 0.42), (Skill::Shipping, 0.31), (Skill::Cancellation, 0.27)];
    let parcel = "発送通知から一週間たっても届きません。追跡番号も更新されていません。";
    let twice = "My card was charged twice for the same order. Please check and refund one of them.";
    offered(console, "q-5012", "商品が届きません", parcel, shipping, Some("agent-aki")).await;
    offered(console, "q-5013", "Charged twice", twice, payment, Some("agent-ben")).await;
    offered(console, "q-5014", "問い合わせです", "この前の件、どうなりましたか？", unclear, None).await;
}

/// An inquiry that was offered for its best skill, or went to triage.
async fn offered(
    console: &Console,
    id: &str,
    subject: &str,
    text: &str,
    skills: [(Skill, f64); 3],
    to: Option<&str>,
) {
    let now = Utc::now();
    let inquiry = Inquiry {
        customer_id: UserId::new(format!("buyer-{id}")).unwrap(),
        text: text.into(),
        subject: Some(subject.into()),
        received_at: minutes_ago(10),
        ..values::inquiry(id, 0)
    };
    let skill = skills[0].0;
    let candidate =
        |agent| Candidate { agent_id: AgentId::new(agent).unwrap(), skill, proficiency: 3, again: false };
    let proposal =
        to.map_or(Proposal::Triage, |agent| Proposal::Offer { skill, candidates: vec![candidate(agent)] });
    let skills = skills.map(|(skill, probability)| SkillProbability { skill, probability }).to_vec();
    let mut decision = RoutingDecision {
        language: if text.is_ascii() { Language::En } else { Language::Ja },
        skills: skills.clone(),
        expires_at: to.map(|_| now + TimeDelta::minutes(15)),
        model_version: "2026-11-22.7".into(),
        at: now,
        ..values::decision(&inquiry, proposal, 0)
    };
    (decision.explanation.tick, decision.explanation.skills) = (now, skills);
    decision.explanation.needs = vec![skill];
    console.store.commit_routing(&decision).await.unwrap();
}

/// Deliveries that could not be processed.
pub async fn dead_letters(console: &Console) {
    let mut letter = values::dead_letter("5f2d9c1e", 0);
    letter.at = minutes_ago(25);
    console.store.commit_dead_letters(&[letter]).await.unwrap();
}

/// An endpoint that has taken nothing yet: one delivery was tried and waits, one has failed. Returns the path of its page.
pub async fn webhook(console: &Console) -> String {
    use mimamori::access::{Actor, WebhookSecret};
    use mimamori::store::webhooks::{Attempt, Edit, EndpointWish, Failure, Next};
    let store = &console.store;
    let url = "https://backend.example.com/hooks/mimamori?key=0123456789abcdef0123456789abcdef".to_owned();
    let events = [WebhookEvent::MessageFlagged, WebhookEvent::AlertReviewed].into();
    let wish = EndpointWish { url, events, active: true };
    let secret = WebhookSecret::new(&mut rand::rng());
    let now = Utc::now();
    let added = store.add_webhook(&wish, &secret, &Actor::program(), now).await.unwrap();
    let Edit::Done(endpoint) = added else { panic!("the endpoint cannot be added: {added:?}") };
    let id = endpoint.endpoint_id;
    for next in [Next::Failed, Next::Retry(now + TimeDelta::minutes(5))] {
        store.test_webhook(id, "msg_test0123456789abcdef01234567", &Actor::program(), now).await.unwrap();
        let minute = std::time::Duration::from_secs(60);
        let claimed = store.claim_webhooks(id, 1, minute, now).await.unwrap().unwrap();
        let attempt =
            Attempt { attempt: 1, at: now, took_ms: 10_004, status: None, failure: Some(Failure::Timeout) };
        store.finish_webhook(claimed.deliveries[0].delivery_id, &attempt, next, now).await.unwrap();
    }
    format!("/webhooks/{id}")
}
