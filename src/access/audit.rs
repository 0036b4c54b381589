//! What somebody did, as the audit trail keeps it.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::AccountId;

/// Characters of a text that the detail of an entry keeps: enough for a reason, not for a conversation.
const LONGEST_DETAIL: usize = 500;

/// One line of the audit trail. It never holds the text of a message or an inquiry, a password, or a token.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    pub at: DateTime<Utc>,
    pub actor: Actor,
    pub act: Act,
    pub subject: Subject,
    /// What else is worth knowing, by name.
    pub detail: Map<String, Value>,
}

impl AuditEntry {
    pub fn new(actor: Actor, act: Act, subject: Subject, at: DateTime<Utc>) -> Self {
        Self { at, actor, act, subject, detail: Map::new() }
    }

    /// Adds to the detail. A text is cut after 500 characters.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        let value = match value.into() {
            Value::String(text) => Value::String(text.chars().take(LONGEST_DETAIL).collect()),
            other => other,
        };
        self.detail.insert(name.to_owned(), value);
        self
    }
}

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// None for the program, and for somebody who is not known.
    pub account_id: Option<AccountId>,
    /// The log-in at that time; it stays when the account is renamed.
    pub name: String,
    pub way: Way,
}

impl Actor {
    /// The command line, or the program by itself.
    pub fn program() -> Self {
        Self { account_id: None, name: "mimamori".into(), way: Way::Program }
    }

    /// Somebody who is not logged in, at this address.
    pub fn stranger(address: impl fmt::Display) -> Self {
        Self { account_id: None, name: address.to_string(), way: Way::Nobody }
    }
}

/// How they came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Session,
    /// With the number of the token.
    Token(i64),
    /// By a one-time link.
    Link,
    Program,
    Nobody,
}

impl Way {
    /// Its name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Way::Session => "session",
            Way::Token(_) => "token",
            Way::Link => "link",
            Way::Program => "program",
            Way::Nobody => "nobody",
        }
    }

    /// Back from the database; a token without a number is none.
    pub fn read(name: &str, token_id: Option<i64>) -> Option<Self> {
        match (name, token_id) {
            ("session", None) => Some(Way::Session),
            ("token", Some(id)) => Some(Way::Token(id)),
            ("link", None) => Some(Way::Link),
            ("program", None) => Some(Way::Program),
            ("nobody", None) => Some(Way::Nobody),
            _ => None,
        }
    }
}

/// What it was done to: a kind, such as `alert`, and its identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    pub kind: String,
    pub id: String,
}

impl Subject {
    pub fn new(kind: &'static str, id: impl fmt::Display) -> Self {
        Self { kind: kind.to_owned(), id: id.to_string() }
    }

    pub fn account(id: AccountId) -> Self {
        Self::new("account", id)
    }
}

macro_rules! acts {
    ($($(#[$doc:meta])* $act:ident = $name:literal,)*) => {
        /// What was done. Names are `thing.done`; one that was written once is never renamed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Act {
            $($(#[$doc])* $act,)*
        }

        impl Act {
            pub const ALL: &'static [Act] = &[$(Act::$act,)*];

            /// Its name in the database and in the API.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Act::$act => $name,)*
                }
            }
        }
    };
}

acts! {
    LoggedIn = "session.opened",
    LogInRefused = "session.refused",
    LoggedOut = "session.closed",
    PasswordChanged = "account.password_changed",
    /// Somebody who is logged in gave a wrong password for their current one.
    PasswordRefused = "account.password_refused",
    AccountAdded = "account.added",
    AccountChanged = "account.changed",
    AccountDisabled = "account.disabled",
    AccountEnabled = "account.enabled",
    /// Somebody came by an OpenID provider for the first time: from then on the account goes by who they are there.
    IdentityBound = "account.identity_bound",
    IdentityUnbound = "account.identity_unbound",
    /// A one-time link was made: for the first admin, or for a new password.
    LinkMade = "link.made",
    LinkUsed = "link.used",
    TokenAdded = "token.added",
    TokenRevoked = "token.revoked",
    InquiryAccepted = "inquiry.accepted",
    InquiryPassedOn = "inquiry.passed_on",
    InquiryResolved = "inquiry.resolved",
    InquiryClassified = "inquiry.classified",
    InquiryAssigned = "inquiry.assigned",
    /// All that an agent held went back to the queue.
    InquiriesWithdrawn = "agent.inquiries_withdrawn",
    /// An answer was sent to the customer.
    InquiryReplied = "inquiry.replied",
    TemplateAdded = "reply_template.added",
    TemplateChanged = "reply_template.changed",
    TemplateRetired = "reply_template.retired",
    /// An agent was said to be there, or away.
    AgentAvailabilityChanged = "agent.availability_changed",
    AlertReviewed = "alert.reviewed",
    AlertReviewUndone = "alert.review_undone",
    MessageHidden = "message.hidden",
    MessageRestored = "message.restored",
    SenderWarned = "sender.warned",
    AlertEscalated = "alert.escalated",
    RuleSwitched = "rule.switched",
    DeadLetterReplayed = "dead_letter.replayed",
    WebhookAdded = "webhook.added",
    WebhookChanged = "webhook.changed",
    /// A new secret was made; the one before holds for a day.
    WebhookSecretRotated = "webhook.secret_rotated",
    WebhookDeleted = "webhook.deleted",
    WebhookTested = "webhook.tested",
    /// A delivery is sent once more.
    WebhookSentAgain = "webhook.sent_again",
    /// The receiver said that it is gone for good.
    WebhookGone = "webhook.gone",
    /// A random sample of messages without an alert, for people to judge.
    SampleDrawn = "sample.drawn",
    SampleClosed = "sample.closed",
    SampleJudged = "sample.judged",
    SampleJudgementUndone = "sample.judgement_undone",
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Act {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|act| act.as_str() == name).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_by_characters() {
        let entry = AuditEntry::new(
            Actor::program(),
            Act::RuleSwitched,
            Subject::new("rule", "a/b"),
            DateTime::UNIX_EPOCH,
        )
        .with("reason", "理".repeat(501))
        .with("live", false);
        assert_eq!(entry.detail["reason"].as_str().unwrap().chars().count(), LONGEST_DETAIL);
        assert_eq!(entry.detail["live"], Value::Bool(false));
    }

    #[test]
    fn every_act_has_a_name_of_its_own() {
        for act in Act::ALL {
            assert_eq!(act.as_str().parse(), Ok(*act));
        }
    }
}
