//! From the bytes of a delivery to a validated contract type, or to a reason why not.
//!
//! A rejection never quotes the text of a message: its reason travels in headers, logs and metrics.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::DeserializeOwned;

use super::ids::Channel;
use super::message::{Inquiry, TransactionMessage};

/// Why a delivery is not a valid contract message. The code is a bounded set, fit for a metric label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RejectionCode {
    /// The body is not UTF-8.
    InvalidUtf8,
    /// The body is not JSON.
    InvalidJson,
    /// A required field is missing, a value has the wrong type, an id is empty, a time is not RFC 3339.
    InvalidField,
    /// The text is empty or blank.
    EmptyText,
    /// The text is over the configured limit.
    TextTooLong,
    /// The routing key names no known contract.
    UnknownRoutingKey,
    /// The delivery was attempted as often as the configuration allows.
    TooManyAttempts,
    /// The store refuses this row for a reason that repeating cannot mend.
    Unstorable,
}

impl RejectionCode {
    pub const ALL: [RejectionCode; 8] = [
        RejectionCode::InvalidUtf8,
        RejectionCode::InvalidJson,
        RejectionCode::InvalidField,
        RejectionCode::EmptyText,
        RejectionCode::TextTooLong,
        RejectionCode::UnknownRoutingKey,
        RejectionCode::TooManyAttempts,
        RejectionCode::Unstorable,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            RejectionCode::InvalidUtf8 => "invalid_utf8",
            RejectionCode::InvalidJson => "invalid_json",
            RejectionCode::InvalidField => "invalid_field",
            RejectionCode::EmptyText => "empty_text",
            RejectionCode::TextTooLong => "text_too_long",
            RejectionCode::UnknownRoutingKey => "unknown_routing_key",
            RejectionCode::TooManyAttempts => "too_many_attempts",
            RejectionCode::Unstorable => "unstorable",
        }
    }
}

/// A delivery that can never succeed, with what a person needs to mend it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {detail}", code.as_str())]
pub struct Rejection {
    pub code: RejectionCode,
    /// Names the field and what was expected; never quotes message text.
    pub detail: String,
}

impl Rejection {
    pub fn new(code: RejectionCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

/// Limits that a decoded message must respect.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Longest accepted text, in Unicode scalar values.
    pub max_text_chars: usize,
}

/// Decodes one transaction message.
pub fn decode_message(body: &[u8], limits: Limits) -> Result<TransactionMessage, Rejection> {
    let message: TransactionMessage = decode_json(body)?;
    check_text(&message.text, limits)?;
    Ok(message)
}

/// Decodes one inquiry.
pub fn decode_inquiry(body: &[u8], limits: Limits) -> Result<Inquiry, Rejection> {
    let inquiry: Inquiry = decode_json(body)?;
    check_text(&inquiry.text, limits)?;
    if let Some(subject) = &inquiry.subject {
        check_length("subject", subject, limits)?;
    }
    Ok(inquiry)
}

/// Refuses an inquiry that came in a way that nobody has weighed: how much of an agent it takes is not known.
///
/// # Errors
/// Names the channels that are known.
pub fn check_channel(inquiry: Inquiry, known: &BTreeMap<Channel, u32>) -> Result<Inquiry, Rejection> {
    if known.contains_key(&inquiry.channel) {
        return Ok(inquiry);
    }
    let known: Vec<&str> = known.keys().map(Channel::as_str).collect();
    Err(Rejection::new(
        RejectionCode::InvalidField,
        format!("field `channel`: expected one of {} (routing.channel_weights)", known.join(", ")),
    ))
}

fn check_text(text: &str, limits: Limits) -> Result<(), Rejection> {
    if text.trim().is_empty() {
        return Err(Rejection::new(
            RejectionCode::EmptyText,
            "field `text`: expected at least one visible character",
        ));
    }
    check_length("text", text, limits)
}

fn check_length(field: &str, text: &str, limits: Limits) -> Result<(), Rejection> {
    // PostgreSQL cannot store NUL in text; refuse it here, where the sender learns why.
    if text.contains('\0') {
        return Err(Rejection::new(
            RejectionCode::InvalidField,
            format!("field `{field}`: must not contain U+0000"),
        ));
    }
    // A scalar value has at most four bytes, so most texts pass without being counted.
    if text.len() <= limits.max_text_chars {
        return Ok(());
    }
    let chars = text.chars().count();
    if chars > limits.max_text_chars {
        return Err(Rejection::new(
            RejectionCode::TextTooLong,
            format!("field `{field}`: expected at most {} characters, found {chars}", limits.max_text_chars),
        ));
    }
    Ok(())
}

fn decode_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Rejection> {
    let text = std::str::from_utf8(body).map_err(|error| {
        Rejection::new(
            RejectionCode::InvalidUtf8,
            format!("body: expected UTF-8, byte {} is not", error.valid_up_to()),
        )
    })?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        rejection_of(error.into_inner(), &path)
    })?;
    deserializer.end().map_err(|error| rejection_of(error, "."))?;
    Ok(value)
}

fn rejection_of(error: serde_json::Error, path: &str) -> Rejection {
    use serde_json::error::Category;
    let place = Place { line: error.line(), column: error.column() };
    match error.classify() {
        Category::Syntax | Category::Eof | Category::Io => Rejection::new(
            RejectionCode::InvalidJson,
            format!("body: expected one JSON object, broken {place}"),
        ),
        Category::Data => {
            let field = if path == "." { "body".to_owned() } else { format!("field `{path}`") };
            Rejection::new(
                RejectionCode::InvalidField,
                format!("{field}: {} ({place})", without_values(&error)),
            )
        }
    }
}

/// serde's message with any quoted value taken out: `invalid type: string "…", expected u64` must not carry a customer's words
/// into a log. Only what stands in backquotes (names of fields and variants that *we* define) is kept.
pub(crate) fn without_values(error: &serde_json::Error) -> String {
    let full = error.to_string();
    let message = full.split(" at line ").next().unwrap_or(&full);
    if let Some(rest) = message.strip_prefix("unknown variant ") {
        let expected = rest.split(", expected ").nth(1).unwrap_or("another value");
        return format!("unknown value, expected {expected}");
    }
    if message.starts_with("invalid type") || message.starts_with("invalid value") {
        let kind = message.split([':', '"', '`']).nth(1).map(str::trim).unwrap_or("");
        let kind = kind.split_whitespace().next().unwrap_or("value");
        let expected = message.rsplit("expected ").next().unwrap_or("another type");
        return format!("wrong type ({kind}), expected {expected}");
    }
    if message.starts_with("missing field")
        || message.starts_with("an identifier")
        || message.starts_with("duplicate field")
    {
        return message.to_owned();
    }
    // Whatever chrono says about a time may quote it; what was expected is always the same.
    "not valid, expected for times RFC 3339 such as 2026-11-21T09:00:00Z".to_owned()
}

struct Place {
    line: usize,
    column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at line {}, column {}", self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { max_text_chars: 10 };

    fn message(patch: &[(&str, serde_json::Value)]) -> Vec<u8> {
        let mut value = serde_json::json!({
            "message_id": "m-1", "transaction_id": "t-1", "sender_id": "u-7", "sender_role": "buyer",
            "text": "よろしければ", "sent_at": "2026-11-21T09:00:00Z", "unknown": {"kept": "out"},
        });
        for (key, replacement) in patch {
            value[*key] = replacement.clone();
        }
        value.to_string().into_bytes()
    }

    #[test]
    fn unknown_fields_are_ignored() {
        assert_eq!(decode_message(&message(&[]), LIMITS).unwrap().text, "よろしければ");
    }

    #[test]
    fn every_kind_of_bad_body_has_its_code_and_names_the_field() {
        let cases: Vec<(Vec<u8>, RejectionCode, &str)> = vec![
            (b"\xff{}".to_vec(), RejectionCode::InvalidUtf8, "byte 0"),
            (b"{".to_vec(), RejectionCode::InvalidJson, "JSON object"),
            (b"{} {}".to_vec(), RejectionCode::InvalidField, "missing field `message_id`"),
            (message(&[("message_id", "".into())]), RejectionCode::InvalidField, "message_id"),
            (message(&[("sender_role", "boss".into())]), RejectionCode::InvalidField, "`buyer`"),
            (message(&[("text", 5.into())]), RejectionCode::InvalidField, "expected a string"),
            (message(&[("text", "  ".into())]), RejectionCode::EmptyText, "text"),
            (message(&[("text", "a\u{0}".into())]), RejectionCode::InvalidField, "U+0000"),
            (message(&[("text", "あ".repeat(11).into())]), RejectionCode::TextTooLong, "found 11"),
            (message(&[("sent_at", "yesterday".into())]), RejectionCode::InvalidField, "RFC 3339"),
        ];
        for (body, code, needle) in cases {
            let rejection = decode_message(&body, LIMITS).unwrap_err();
            assert_eq!(rejection.code, code, "{rejection}");
            assert!(rejection.detail.contains(needle), "{rejection} does not say {needle}");
        }
    }

    #[test]
    fn a_channel_that_nobody_has_weighed_is_refused() {
        let known = BTreeMap::from([(Channel::default(), 1), (Channel::new("phone").unwrap(), 2)]);
        let inquiry = |channel: &str| {
            let body = format!(
                r#"{{"inquiry_id":"q","customer_id":"u","text":"a","received_at":"2026-11-21T09:00:00Z"{channel}}}"#
            );
            check_channel(decode_inquiry(body.as_bytes(), LIMITS).unwrap(), &known)
        };
        assert_eq!(inquiry("").unwrap().channel.as_str(), "mail");
        assert_eq!(inquiry(r#","channel":"phone""#).unwrap().channel.as_str(), "phone");
        let refused = inquiry(r#","channel":"fax""#).unwrap_err();
        assert_eq!(refused.code, RejectionCode::InvalidField);
        assert!(refused.detail.contains("mail, phone") && !refused.detail.contains("fax"), "{refused}");
    }

    #[test]
    fn a_rejection_never_quotes_the_text() {
        let body = message(&[("sent_at", "秘密の言葉".into()), ("sender_role", "秘密の言葉".into())]);
        let rejection = decode_message(&body, LIMITS).unwrap_err();
        assert!(!rejection.to_string().contains("秘密"), "{rejection}");
        let body = br#"{"message_id":["secret words"]}"#;
        assert!(!decode_message(body, LIMITS).unwrap_err().to_string().contains("secret"));
    }
}
