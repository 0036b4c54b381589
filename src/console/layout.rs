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

/// The rooms of the console, as the navigation names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    Overview,
    Alerts,
    Reviews,
    Inquiries,
    Routing,
    DeadLetters,
    People,
    AuditTrail,
    /// A page that is in no room, such as an error.
    Nowhere,
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
        let rooms = [
            (Room::Overview, "/", words.overview, Permission::ReadOverview),
            (Room::Alerts, "/alerts", words.alerts, Permission::ReadAlerts),
            (Room::Reviews, "/reviews", words.review.figures, Permission::ReadEvaluation),
            (Room::Inquiries, "/inquiries", words.inquiries, Permission::ReadInquiries),
            (Room::Routing, "/routing", words.routing, Permission::ReadEvaluation),
            (Room::DeadLetters, "/dead-letters", words.dead_letters, Permission::ReadOperations),
            (Room::People, "/people", words.access.people, Permission::ManagePeople),
            (Room::AuditTrail, "/audit", words.access.audit_trail, Permission::ReadAuditTrail),
        ];
        let may = |permission| locale.visit.as_ref().is_some_and(|visit| visit.principal.may(permission));
        let rooms = rooms.into_iter().filter(|(.., permission)| may(*permission));
        Self {
            words,
            title,
            rooms: rooms.map(|(of, href, title, _)| Link { href, title, here: of == room }).collect(),
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

    /// Whether the reader may enter the room of this address: a link elsewhere on a page would only lead to a refusal.
    pub(super) fn leads_to(&self, href: &str) -> bool {
        self.rooms.iter().any(|room| room.href == href)
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
