//! `docs/asyncapi.yml` names every event and schema that there is.

use std::collections::BTreeSet;
use std::path::Path;

use mimamori::contract::schemas;

#[test]
fn the_queue_contract_names_every_schema_and_every_event() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let contract = std::fs::read_to_string(folder.join("asyncapi.yml")).unwrap();
    let named: BTreeSet<&str> =
        contract.split("$ref: 'schemas/").skip(1).filter_map(|rest| rest.split('\'').next()).collect();
    assert_eq!(named, schemas().iter().map(|(name, _)| *name).collect());
    // Where the program gives events their names, and where it takes what comes in.
    let sources = ["store/prepare.rs", "contract/verdict.rs", "contract/assignment.rs", "queue/mod.rs"];
    let addresses: BTreeSet<&str> =
        contract.lines().filter_map(|line| line.trim().strip_prefix("address: ")).collect();
    let mut told = BTreeSet::new();
    for source in sources {
        let text = std::fs::read_to_string(folder.join("../src").join(source)).unwrap();
        for name in text.split('"').filter(|name| is_event(name)) {
            told.insert(name.to_owned());
        }
    }
    assert_eq!(addresses, told.iter().map(String::as_str).collect());
}

fn is_event(name: &str) -> bool {
    let things = ["message.", "inquiry.", "alert.", "sender."];
    let word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase());
    things.iter().any(|thing| name.strip_prefix(thing).is_some_and(word))
}
