//! JSON Schemas of the contract, generated from the types. The committed copies stand in `docs/schemas/`.

use schemars::{Schema, schema_for};

use super::{
    AlertReview, Assignment, Inquiry, InquiryReply, MessageVisibility, SenderWarning, TransactionMessage,
    Verdict,
};

/// Every schema with the name of its committed file.
pub fn schemas() -> Vec<(&'static str, Schema)> {
    vec![
        ("transaction-message.schema.json", schema_for!(TransactionMessage)),
        ("inquiry.schema.json", schema_for!(Inquiry)),
        ("verdict.schema.json", schema_for!(Verdict)),
        ("assignment.schema.json", schema_for!(Assignment)),
        ("inquiry-reply.schema.json", schema_for!(InquiryReply)),
        ("alert-review.schema.json", schema_for!(AlertReview)),
        ("message-visibility.schema.json", schema_for!(MessageVisibility)),
        ("sender-warning.schema.json", schema_for!(SenderWarning)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `MIMAMORI_WRITE_SCHEMAS=1 cargo test --release schemas` writes the committed copies anew.
    #[test]
    fn committed_schemas_are_those_of_the_types() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schemas");
        for (name, schema) in schemas() {
            let generated = serde_json::to_string_pretty(&schema).unwrap() + "\n";
            let file = folder.join(name);
            if std::env::var_os("MIMAMORI_WRITE_SCHEMAS").is_some() {
                std::fs::create_dir_all(&folder).unwrap();
                std::fs::write(&file, &generated).unwrap();
            }
            let committed = std::fs::read_to_string(&file).unwrap_or_default();
            assert_eq!(
                committed, generated,
                "docs/schemas/{name} has drifted from the types; see above how to write it anew"
            );
        }
    }
}
