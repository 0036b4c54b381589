//! New-typed identifiers, so that a transaction id can never be passed where a message id is meant.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

/// The longest identifier that the contract accepts, in bytes. Long enough for any UUID, URN or composite key; short enough
/// for a database index.
pub const MAX_ID_BYTES: usize = 256;

/// Why a string is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    #[error("an identifier must not be empty")]
    Empty,
    #[error("an identifier has at most {MAX_ID_BYTES} bytes, this one has {0}")]
    TooLong(usize),
    #[error("an identifier must not contain control characters")]
    Control,
}

fn validate(value: &str) -> Result<(), IdError> {
    if value.trim().is_empty() {
        return Err(IdError::Empty);
    }
    if value.len() > MAX_ID_BYTES {
        return Err(IdError::TooLong(value.len()));
    }
    // PostgreSQL refuses NUL in text, and a line break in an identifier could forge a log line.
    if value.chars().any(char::is_control) {
        return Err(IdError::Control);
    }
    Ok(())
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Checks that the identifier is neither empty nor longer than [`MAX_ID_BYTES`], and free of control characters.
            pub fn new(value: impl Into<String>) -> Result<Self, IdError> {
                let value = value.into();
                validate(&value)?;
                Ok(Self(value))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "minLength": 1, "maxLength": MAX_ID_BYTES })
            }
        }
    };
}

identifier!(
    /// Idempotency key of a transaction message: the same id twice is one verdict.
    MessageId
);
identifier!(
    /// The transaction (deal) that a message belongs to; its messages form one conversation.
    TransactionId
);
identifier!(
    /// A person on the marketplace, as sender or as customer.
    UserId
);
identifier!(
    /// Idempotency key of an inquiry: the same id twice is one assignment.
    InquiryId
);
identifier!(
    /// A support agent.
    AgentId
);

identifier!(
    /// How an inquiry came in, such as `mail`, `chat` or `phone`. Which there are, the configuration says.
    Channel
);

impl Default for Channel {
    fn default() -> Self {
        Self("mail".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_blank_long_and_control_ids_are_refused() {
        assert_eq!(MessageId::new(""), Err(IdError::Empty));
        assert_eq!(MessageId::new(" \u{3000}"), Err(IdError::Empty));
        assert_eq!(MessageId::new("x".repeat(257)), Err(IdError::TooLong(257)));
        assert_eq!(MessageId::new("a\nb"), Err(IdError::Control));
        assert!(MessageId::new("m-1").is_ok());
    }
}
