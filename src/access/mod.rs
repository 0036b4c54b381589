//! Who may do what: roles, permissions, who somebody is, passwords and secrets. Pure: whoever uses it brings clock, database and chance.

mod audit;
mod identity;
mod login;
mod mask;
mod password;
mod permission;
mod principal;
mod role;
mod secret;
mod webhook;

pub use audit::{Act, Actor, AuditEntry, Subject, Way};
pub use identity::{ClaimError, Identity, IdentityError, login_of};
pub use login::{Login, LoginError};
pub use mask::masked;
pub use password::{PasswordError, PasswordHash, check_password};
pub use permission::{Permission, UnknownPermission};
pub use principal::{AccountId, Entrance, Principal, Sight};
pub use role::{Role, UnknownRole};
pub use secret::{Secret, SecretHash};
pub use webhook::WebhookSecret;
