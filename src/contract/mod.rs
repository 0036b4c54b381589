//! The wire types: what comes in over the queue and what goes out, with their validation and their JSON Schemas.
//!
//! The lowest room of the house: it knows no other.

mod assignment;
mod decode;
mod ids;
mod message;
mod policy;
mod reply;
mod review;
mod schema;
mod verdict;
mod webhook;

pub use assignment::{Assignment, SkillProbability};
pub(crate) use decode::without_values;
pub use decode::{Limits, Rejection, RejectionCode, check_channel, decode_inquiry, decode_message};
pub use ids::{AgentId, Channel, IdError, InquiryId, MAX_ID_BYTES, MessageId, TransactionId, UserId};
pub use message::{Inquiry, Priority, Role, TransactionMessage};
pub use policy::{Action, Language, Policy, SUBTYPES, Skill, UnknownName, is_known_subtype};
pub use reply::InquiryReply;
pub use review::{AlertReview, AlertState, MessageVisibility, Ruling, SenderWarning};
pub use schema::schemas;
pub use verdict::{Label, Missing, Part, Span, Undecided, Verdict};
pub use webhook::{TEST_EVENT, TestEvent, Webhook, WebhookEvent};
