//! JSON Schemas of the contract, generated from the types. The committed copies stand in `docs/schemas/`.

use schemars::{Schema, schema_for};

use super::{Assignment, Inquiry, TransactionMessage, Verdict};

/// Every schema with the name of its committed file.
pub fn schemas() -> Vec<(&'static str, Schema)> {
    vec![
        ("transaction-message.schema.json", schema_for!(TransactionMessage)),
        ("inquiry.schema.json", schema_for!(Inquiry)),
        ("verdict.schema.json", schema_for!(Verdict)),
        ("assignment.schema.json", schema_for!(Assignment)),
    ]
}
