//! The words of log-in, people, tokens and the audit trail.

mod en;
mod ja;

pub(super) use en::EN;
pub(super) use ja::JA;

use super::Told;
use crate::access::{Act, PasswordError, Permission, Role, Way};
use crate::console::oidc::Refusal;
use crate::store::Edited;

/// Every word of these pages in one language.
pub(in crate::console) struct AccessWords {
    pub(in crate::console) log_in: &'static str,
    pub(in crate::console) log_in_about: &'static str,
    /// Where nobody logs in by a password.
    pub(in crate::console) log_in_about_provider: &'static str,
    /// Of what people call the OpenID provider.
    pub(in crate::console) log_in_with: fn(&str) -> String,
    pub(in crate::console) log_in_wrong: &'static str,
    /// Of minutes.
    pub(in crate::console) log_in_limited: fn(i64) -> String,
    pub(in crate::console) log_out: &'static str,
    pub(in crate::console) login: &'static str,
    pub(in crate::console) login_hint: &'static str,
    pub(in crate::console) password: &'static str,
    pub(in crate::console) your_account: &'static str,
    pub(in crate::console) current_password: &'static str,
    pub(in crate::console) new_password: &'static str,
    pub(in crate::console) password_again: &'static str,
    pub(in crate::console) password_hint: &'static str,
    pub(in crate::console) passwords_differ: &'static str,
    pub(in crate::console) current_password_wrong: &'static str,
    pub(in crate::console) change_password: &'static str,
    pub(in crate::console) password_changed: &'static str,
    pub(in crate::console) password_set: &'static str,
    /// Where nobody logs in by a password.
    pub(in crate::console) password_set_aside: &'static str,
    pub(in crate::console) no_password: &'static str,

    pub(in crate::console) first_admin: &'static str,
    pub(in crate::console) first_admin_about: &'static str,
    /// Of the log-in.
    pub(in crate::console) set_password: fn(&str) -> String,
    pub(in crate::console) save: &'static str,

    pub(in crate::console) people: &'static str,
    pub(in crate::console) add_person: &'static str,
    pub(in crate::console) person_name: &'static str,
    pub(in crate::console) role: &'static str,
    pub(in crate::console) teams: &'static str,
    pub(in crate::console) teams_hint: &'static str,
    pub(in crate::console) linked_agent: &'static str,
    pub(in crate::console) linked_agent_hint: &'static str,
    pub(in crate::console) state: &'static str,
    pub(in crate::console) state_active: &'static str,
    pub(in crate::console) state_invited: &'static str,
    pub(in crate::console) state_disabled: &'static str,
    pub(in crate::console) change: &'static str,
    /// Of the log-in.
    pub(in crate::console) change_person: fn(&str) -> String,
    pub(in crate::console) disable: &'static str,
    pub(in crate::console) enable: &'static str,
    pub(in crate::console) reset: &'static str,
    /// Before who somebody is to an OpenID provider.
    pub(in crate::console) bound_to: &'static str,
    pub(in crate::console) unbind: &'static str,
    pub(in crate::console) yourself: &'static str,
    pub(in crate::console) saved: &'static str,
    pub(in crate::console) one_time_link: &'static str,
    /// Of the log-in.
    pub(in crate::console) one_time_link_about: fn(&str) -> String,
    pub(in crate::console) back: &'static str,
    pub(in crate::console) more: &'static str,

    pub(in crate::console) tokens: &'static str,
    pub(in crate::console) tokens_about: &'static str,
    pub(in crate::console) no_tokens: &'static str,
    pub(in crate::console) token_name: &'static str,
    pub(in crate::console) scopes: &'static str,
    pub(in crate::console) expires: &'static str,
    pub(in crate::console) days_of_validity: &'static str,
    pub(in crate::console) created: &'static str,
    pub(in crate::console) last_used: &'static str,
    pub(in crate::console) never: &'static str,
    pub(in crate::console) revoke: &'static str,
    pub(in crate::console) revoke_tokens: &'static str,
    pub(in crate::console) revoked: &'static str,
    pub(in crate::console) expired: &'static str,
    pub(in crate::console) in_force: &'static str,
    pub(in crate::console) add_token: &'static str,
    pub(in crate::console) token_incomplete: &'static str,
    pub(in crate::console) token_made: &'static str,
    pub(in crate::console) token_made_about: &'static str,

    pub(in crate::console) audit_trail: &'static str,
    pub(in crate::console) audit_about: &'static str,
    pub(in crate::console) no_audit: &'static str,
    pub(in crate::console) when: &'static str,
    pub(in crate::console) who: &'static str,
    pub(in crate::console) what: &'static str,
    pub(in crate::console) on_what: &'static str,
    pub(in crate::console) subject_id: &'static str,
    pub(in crate::console) detail: &'static str,
    pub(in crate::console) everything: &'static str,
    pub(in crate::console) filter: &'static str,

    pub(in crate::console) masked: &'static str,
    pub(in crate::console) assign: &'static str,
    pub(in crate::console) assign_to: &'static str,
    /// Of the inquiry's id.
    pub(in crate::console) was_assigned: fn(&str) -> String,
    /// Of the inquiry's id.
    pub(in crate::console) was_full: fn(&str) -> String,

    pub(in crate::console) error_session: Told,
    pub(in crate::console) error_token: Told,
    pub(in crate::console) error_forbidden: Told,
    pub(in crate::console) error_no_agent: Told,
    pub(in crate::console) error_stale_form: Told,
    pub(in crate::console) error_link: Told,
    pub(in crate::console) error_account_form: Told,
    pub(in crate::console) error_unknown_account: Told,
    pub(in crate::console) error_own_account: Told,
    pub(in crate::console) error_passwords_off: Told,
    pub(in crate::console) oidc_refusal: fn(&Refusal) -> Told,

    pub(in crate::console) role_name: fn(Role) -> &'static str,
    pub(in crate::console) permission_name: fn(Permission) -> &'static str,
    pub(in crate::console) act_name: fn(Act) -> &'static str,
    pub(in crate::console) way_name: fn(Way) -> &'static str,
    pub(in crate::console) password_error: fn(PasswordError) -> &'static str,
    /// Why somebody could not be added or changed.
    pub(in crate::console) edit_error: fn(Edited) -> &'static str,
}
