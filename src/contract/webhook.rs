//! Webhooks out: the events of the queue, sent over HTTP to who asks for them.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::assignment::Assignment;
use super::policy::is_known_subtype;
use super::review::{AlertReview, MessageVisibility, SenderWarning};
use super::verdict::Verdict;

/// Name of the event that only tells that an endpoint is reached.
pub const TEST_EVENT: &str = "webhook.test";

/// An event that an endpoint can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum WebhookEvent {
    #[serde(rename = "message.flagged")]
    MessageFlagged,
    #[serde(rename = "message.cleared")]
    MessageCleared,
    #[serde(rename = "message.hidden")]
    MessageHidden,
    #[serde(rename = "message.restored")]
    MessageRestored,
    #[serde(rename = "sender.warned")]
    SenderWarned,
    #[serde(rename = "alert.reviewed")]
    AlertReviewed,
    #[serde(rename = "inquiry.assigned")]
    InquiryAssigned,
    #[serde(rename = "inquiry.queued")]
    InquiryQueued,
}

impl WebhookEvent {
    pub const ALL: [WebhookEvent; 8] = [
        WebhookEvent::MessageFlagged,
        WebhookEvent::MessageCleared,
        WebhookEvent::MessageHidden,
        WebhookEvent::MessageRestored,
        WebhookEvent::SenderWarned,
        WebhookEvent::AlertReviewed,
        WebhookEvent::InquiryAssigned,
        WebhookEvent::InquiryQueued,
    ];

    /// Its routing key in the queue.
    pub fn as_str(self) -> &'static str {
        match self {
            WebhookEvent::MessageFlagged => "message.flagged",
            WebhookEvent::MessageCleared => "message.cleared",
            WebhookEvent::MessageHidden => "message.hidden",
            WebhookEvent::MessageRestored => "message.restored",
            WebhookEvent::SenderWarned => "sender.warned",
            WebhookEvent::AlertReviewed => "alert.reviewed",
            WebhookEvent::InquiryAssigned => "inquiry.assigned",
            WebhookEvent::InquiryQueued => "inquiry.queued",
        }
    }
}

/// The body of a webhook: which event, when it was told, and what the event of the queue says, but for the words of messages.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "type")]
#[schemars(rename = "WebhookBody")]
pub enum Webhook {
    /// Something was found in a message. `spans` are empty: the words are read from the API, by who may.
    #[serde(rename = "message.flagged")]
    MessageFlagged { timestamp: DateTime<Utc>, data: Verdict },
    /// Nothing was found in a message that is to be acted on.
    #[serde(rename = "message.cleared")]
    MessageCleared { timestamp: DateTime<Utc>, data: Verdict },
    #[serde(rename = "message.hidden")]
    MessageHidden { timestamp: DateTime<Utc>, data: MessageVisibility },
    #[serde(rename = "message.restored")]
    MessageRestored { timestamp: DateTime<Utc>, data: MessageVisibility },
    #[serde(rename = "sender.warned")]
    SenderWarned { timestamp: DateTime<Utc>, data: SenderWarning },
    #[serde(rename = "alert.reviewed")]
    AlertReviewed { timestamp: DateTime<Utc>, data: AlertReview },
    #[serde(rename = "inquiry.assigned")]
    InquiryAssigned { timestamp: DateTime<Utc>, data: Assignment },
    #[serde(rename = "inquiry.queued")]
    InquiryQueued { timestamp: DateTime<Utc>, data: Assignment },
    /// Somebody tries whether the endpoint is reached.
    #[serde(rename = "webhook.test")]
    Test { timestamp: DateTime<Utc>, data: TestEvent },
}

/// What a test event says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TestEvent {
    /// The endpoint's number.
    pub webhook_id: i64,
}

impl Webhook {
    /// The webhook of an event with this body, as it went into the queue at that time.
    ///
    /// # Errors
    /// When the body is none of this event.
    pub fn of(event: WebhookEvent, timestamp: DateTime<Utc>, body: &[u8]) -> Result<Self, serde_json::Error> {
        Ok(match event {
            WebhookEvent::MessageFlagged => Webhook::MessageFlagged { timestamp, data: wordless(body)? },
            WebhookEvent::MessageCleared => Webhook::MessageCleared { timestamp, data: wordless(body)? },
            WebhookEvent::MessageHidden => {
                Webhook::MessageHidden { timestamp, data: serde_json::from_slice(body)? }
            }
            WebhookEvent::MessageRestored => {
                Webhook::MessageRestored { timestamp, data: serde_json::from_slice(body)? }
            }
            WebhookEvent::SenderWarned => {
                Webhook::SenderWarned { timestamp, data: serde_json::from_slice(body)? }
            }
            WebhookEvent::AlertReviewed => {
                let mut data: AlertReview = serde_json::from_slice(body)?;
                // Another one was written by a reviewer, who may have written anything.
                data.subtype = data.subtype.filter(|name| is_known_subtype(name));
                Webhook::AlertReviewed { timestamp, data }
            }
            WebhookEvent::InquiryAssigned => {
                Webhook::InquiryAssigned { timestamp, data: serde_json::from_slice(body)? }
            }
            WebhookEvent::InquiryQueued => {
                Webhook::InquiryQueued { timestamp, data: serde_json::from_slice(body)? }
            }
        })
    }
}

/// A verdict without the words that were found: who runs the endpoints may not read text.
fn wordless(body: &[u8]) -> Result<Verdict, serde_json::Error> {
    let mut verdict: Verdict = serde_json::from_slice(body)?;
    for label in &mut verdict.labels {
        label.spans.clear();
        for part in &mut label.parts {
            part.spans.clear();
        }
    }
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Action, Label, Language, MessageId, Part, Policy, Span, TransactionId};

    #[test]
    fn every_event_has_a_name_of_its_own_and_the_same_in_json() {
        for event in WebhookEvent::ALL {
            assert_eq!(event.as_str().parse(), Ok(event));
            assert_eq!(serde_json::to_value(event).unwrap(), event.as_str());
        }
        assert!(TEST_EVENT.parse::<WebhookEvent>().is_err());
    }

    #[test]
    fn a_verdict_goes_out_without_the_words_that_were_found() {
        let words = || vec![Span { start: 0, end: 2, text: "秘密".into() }];
        let label = Label {
            policy: Policy::new("external_induction"),
            subtype: None,
            score: 0.9,
            source: "rule:a/b".into(),
            spans: words(),
            parts: vec![Part { message_id: MessageId::new("m-0").unwrap(), spans: words() }],
        };
        let verdict = Verdict {
            message_id: MessageId::new("m-1").unwrap(),
            transaction_id: TransactionId::new("t-1").unwrap(),
            action: Action::Report,
            labels: vec![label],
            undecided: Vec::new(),
            policies: [(Policy::new("external_induction"), 0.9)].into(),
            language: Language::Ja,
            rules_version: "r".into(),
            model_version: "m".into(),
            decided_at: DateTime::UNIX_EPOCH,
        };
        let body = serde_json::to_vec(&verdict).unwrap();
        let event = Webhook::of(WebhookEvent::MessageFlagged, DateTime::UNIX_EPOCH, &body).unwrap();
        let told = serde_json::to_value(&event).unwrap();
        assert!(!told.to_string().contains("秘密"));
        assert_eq!((&told["type"], &told["data"]["message_id"]), (&"message.flagged".into(), &"m-1".into()));
        assert_eq!(told["timestamp"], "1970-01-01T00:00:00Z");
        assert_eq!(told["data"]["labels"][0]["parts"][0]["message_id"], "m-0");
        assert!(Webhook::of(WebhookEvent::AlertReviewed, DateTime::UNIX_EPOCH, &body).is_err());
    }
}
