//! What stands in a template for what is known of the inquiry.

/// Every placeholder: the customer, the inquiry, the agent's name.
pub const PLACEHOLDERS: [&str; 3] = ["{customer}", "{inquiry}", "{agent}"];

/// A brace that belongs to no placeholder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected no braces but those of {{customer}}, {{inquiry}} and {{agent}}")]
pub struct UnknownPlaceholder;

/// Whether all braces are those of placeholders.
///
/// # Errors
/// [`UnknownPlaceholder`] if one is not.
pub fn check(text: &str) -> Result<(), UnknownPlaceholder> {
    let without = PLACEHOLDERS.iter().fold(text.to_owned(), |text, name| text.replace(name, ""));
    if without.contains(['{', '}']) { Err(UnknownPlaceholder) } else { Ok(()) }
}

/// The text with every placeholder filled in. What is filled in is not looked at again.
pub fn filled(text: &str, customer: &str, inquiry: &str, agent: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let known =
            PLACEHOLDERS.iter().zip([customer, inquiry, agent]).find(|(name, _)| rest.starts_with(**name));
        match known {
            Some((name, value)) => {
                out.push_str(value);
                rest = &rest[name.len()..];
            }
            None => {
                out.push('{');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_once_and_others_are_told() {
        let text = "{customer} 様、{inquiry} の件、担当の{agent}です。{customer}";
        assert_eq!(check(text), Ok(()));
        assert_eq!(filled(text, "{agent}", "q-1", "森"), "{agent} 様、q-1 の件、担当の森です。{agent}");
        for wrong in ["{order}", "{customer", "a } b", "{{customer}}"] {
            assert_eq!(check(wrong), Err(UnknownPlaceholder), "{wrong}");
        }
        assert_eq!(filled("a { b", "c", "q", "a"), "a { b");
    }
}
