//! What all pages share: the frame around them, times, numbers.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use chrono::{DateTime, SecondsFormat, Utc};

use super::assets;
use super::locale::Locale;
use super::words::Words;
use crate::access::Permission;
use crate::contract::Language;

/// The pages that the navigation leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    Overview,
    Alerts,
    Evaluation,
    Reviews,
    Recall,
    /// Messages of an audit sample, to be judged.
    Sample,
    Answers,
    Drift,
    Inquiries,
    Rules,
    RuleTrial,
    ReplyTemplates,
    Routing,
    Operations,
    DeadLetters,
    Models,
    People,
    Webhooks,
    AuditTrail,
    /// A page that is in no room, such as an error.
    Nowhere,
}

/// A page in the navigation: address, title, and who may read it.
type Entry = (Room, &'static str, &'static str, Permission);

/// A room of the console: its title and its pages, which become tabs if there are several. The first that the reader may read is where the
/// navigation leads.
type Group = (&'static str, Vec<Entry>);

#[rustfmt::skip] // A table.
fn rooms(words: &Words) -> Vec<Group> {
    vec![
        (words.overview, vec![(Room::Overview, "/", words.overview, Permission::ReadOverview)]),
        (words.alerts, vec![(Room::Alerts, "/alerts", words.alerts, Permission::ReadAlerts)]),
        (words.inquiries, vec![
            (Room::Inquiries, "/inquiries", words.inquiries, Permission::ReadInquiries),
            (Room::ReplyTemplates, "/reply-templates", words.desk.templates, Permission::Supervise),
        ]),
        (words.evaluation, vec![
            (Room::Evaluation, "/evaluation", words.measured.figures, Permission::ReadEvaluation),
            (Room::Reviews, "/reviews", words.review.figures, Permission::ReadEvaluation),
            (Room::Recall, "/evaluation/recall", words.measured.recall_title, Permission::ReadEvaluation),
            (Room::Sample, "/evaluation/sample", words.measured.judging, Permission::ReviewAlerts),
            (Room::Routing, "/routing", words.routing, Permission::ReadEvaluation),
            (Room::Answers, "/evaluation/answers", words.measured.answers_title, Permission::ReadEvaluation),
            (Room::Drift, "/evaluation/drift", words.measured.drift_title, Permission::ReadEvaluation),
        ]),
        (words.rules.rules, vec![
            (Room::Rules, "/rules", words.rules.list, Permission::ReadRules),
            (Room::RuleTrial, "/rules/try", words.rules.try_title, Permission::ReadRules),
        ]),
        (words.models.title, vec![(Room::Models, "/models", words.models.title, Permission::ReadModels)]),
        (words.operations, vec![
            (Room::Operations, "/operations", words.operating.title, Permission::ReadOperations),
            (Room::DeadLetters, "/dead-letters", words.dead_letters, Permission::ReadOperations),
            (Room::Webhooks, "/webhooks", words.webhooks.title, Permission::ManageWebhooks),
        ]),
        (words.access.people, vec![(Room::People, "/people", words.access.people, Permission::ManagePeople)]),
        (words.access.audit_trail, vec![(Room::AuditTrail, "/audit", words.access.audit_trail, Permission::ReadAuditTrail)]),
    ]
}

/// An entry of the navigation.
pub(super) struct Link {
    pub(super) href: &'static str,
    pub(super) title: &'static str,
    pub(super) here: bool,
}

/// Who reads the page, for its head.
pub(super) struct Reader {
    pub(super) name: String,
    pub(super) role: &'static str,
    form_token: String,
}

/// The frame of a page: what the base template needs.
pub(super) struct Frame {
    pub(super) words: &'static Words,
    pub(super) title: &'static str,
    /// Those that the reader may enter.
    pub(super) rooms: Vec<Link>,
    /// Addresses of all pages of the navigation that the reader may read.
    readable: Vec<&'static str>,
    /// The pages of the room that the reader is in, those that they may read.
    pub(super) tabs: Vec<Link>,
    pub(super) reader: Option<Reader>,
    /// The same page in Japanese and in English.
    pub(super) japanese: String,
    pub(super) english: String,
    pub(super) language: Language,
    pub(super) assets: &'static str,
}

impl Frame {
    pub(super) fn new(locale: &Locale, room: Room, title: &'static str) -> Self {
        let words = locale.words();
        let may = |permission| locale.visit.as_ref().is_some_and(|visit| visit.principal.may(permission));
        let (mut links, mut tabs, mut readable) = (Vec::new(), Vec::new(), Vec::new());
        for (title, mut pages) in rooms(words) {
            pages.retain(|(.., permission)| may(*permission));
            let Some((_, href, ..)) = pages.first() else { continue };
            readable.extend(pages.iter().map(|(_, href, ..)| *href));
            let here = pages.iter().any(|(of, ..)| *of == room);
            links.push(Link { href, title, here });
            if here {
                tabs = pages
                    .iter()
                    .map(|(of, href, title, _)| Link { href, title, here: *of == room })
                    .collect();
            }
        }
        Self {
            words,
            title,
            rooms: links,
            readable,
            tabs,
            reader: locale.visit.as_ref().map(|visit| Reader {
                name: visit.principal.name.clone(),
                role: (words.access.role_name)(visit.principal.role),
                form_token: visit
                    .session
                    .as_ref()
                    .map_or_else(String::new, |session| session.form_token.reveal().to_owned()),
            }),
            japanese: locale.switch(Language::Ja),
            english: locale.switch(Language::En),
            language: locale.language,
            assets: &assets::VERSION,
        }
    }

    /// What every form must carry as `csrf`.
    pub(super) fn csrf(&self) -> &str {
        self.reader.as_ref().map_or("", |reader| &reader.form_token)
    }

    /// Whether the navigation leads the reader to this address: a link elsewhere on a page would only lead to a refusal.
    pub(super) fn leads_to(&self, href: &str) -> bool {
        self.readable.contains(&href)
    }

    /// The room that the reader is in.
    pub(super) fn room_title(&self) -> &'static str {
        self.rooms.iter().find(|room| room.here).map_or(self.title, |room| room.title)
    }

    pub(super) fn in_japanese(&self) -> bool {
        self.language == Language::Ja
    }
}

/// Renders a page. A template that cannot be rendered is a bug; the answer tells nothing of the page.
pub(super) fn render(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page of the console could not be rendered");
            (StatusCode::INTERNAL_SERVER_ERROR, "The page could not be rendered; the log says why.\n")
                .into_response()
        }
    }
}

/// A time, for people and for programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moment {
    /// `2026-11-21 09:00 UTC`; the script of the page turns it into the reader's own time zone.
    pub(super) shown: String,
    /// RFC 3339, to the second.
    pub(super) machine: String,
}

impl From<DateTime<Utc>> for Moment {
    fn from(time: DateTime<Utc>) -> Self {
        Self {
            shown: time.format("%Y-%m-%d %H:%M UTC").to_string(),
            machine: time.to_rfc3339_opts(SecondsFormat::Secs, true),
        }
    }
}

/// A probability as a whole percentage that never claims certainty: 99.6% is `>99%`, 0.4% is `<1%`.
pub(super) fn percent(probability: f64) -> String {
    let percent = probability * 100.0;
    if percent > 99.0 && percent < 100.0 {
        ">99%".to_owned()
    } else if percent > 0.0 && percent < 1.0 {
        "<1%".to_owned()
    } else {
        format!("{percent:.0}%")
    }
}

/// Length of a bar in hundredths of its track, 0 to 100. What is there at all stays visible.
pub(super) fn bar(share: f64) -> u8 {
    if share > 0.0 { (share * 100.0).round().clamp(1.0, 100.0) as u8 } else { 0 }
}

/// A count with a comma between thousands.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// The language to read a text in: Japanese if it has a kana or a kanji. Chooses fonts and the voice of a screen reader, nothing
/// else; the verdict's own language is not in the row.
pub(super) fn reading_language(text: &str) -> Language {
    let japanese =
        |c: char| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ff66}'..='\u{ff9f}');
    if text.chars().any(japanese) { Language::Ja } else { Language::En }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_do_not_claim_certainty() {
        let shown = [0.0, 0.004, 0.914, 0.996, 1.0].map(percent);
        assert_eq!(shown, ["0%", "<1%", "91%", ">99%", "100%"]);
        assert_eq!([0.0, 0.001, 0.5, 1.2, f64::NAN].map(bar), [0, 1, 50, 100, 0]);
    }

    #[test]
    fn counts_are_grouped_by_thousands() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn moments_are_in_utc_until_the_browser_knows_better() {
        let moment = Moment::from("2026-11-21T09:00:00.9Z".parse::<DateTime<Utc>>().unwrap());
        assert_eq!(
            (moment.shown.as_str(), moment.machine.as_str()),
            ("2026-11-21 09:00 UTC", "2026-11-21T09:00:00Z")
        );
    }

    #[test]
    fn a_kana_or_a_kanji_makes_a_text_japanese() {
        assert_eq!(reading_language("LINEで"), Language::Ja);
        assert_eq!(reading_language("ﾗｲﾝ"), Language::Ja);
        assert_eq!(reading_language("On Venmo 👍"), Language::En);
    }
}
