//! Templates of replies: added, changed by compare-and-set, retired, never deleted.

use chrono::{DateTime, Utc};

use super::types::*;
use crate::access::{Act, Actor, AuditEntry, Subject};
use crate::contract::Skill;
use crate::store::StoreError;
use crate::store::accounts::trail;
use crate::store::fields::Fields;
use crate::store::ledger::{Books, Ledger, Value};

const TEMPLATES: &str = include_str!("../sql/desk/templates.sql");
/// So many templates are read at most.
const MOST: i64 = 500;

pub(super) async fn list<B: Books>(books: &B, wanted: Templates) -> Result<Vec<TemplateRow>, StoreError> {
    let mut values = vec![Value::Number(MOST)];
    let chosen = match wanted {
        Templates::Offered(language) => {
            values.push(Value::Text(language.as_str()));
            "where retired_at is null and language = $2\norder by skill, name, template_id"
        }
        Templates::InUse => "where retired_at is null\norder by language, skill, name, template_id",
        Templates::Retired => "where retired_at is not null\norder by retired_at desc, template_id desc",
    };
    let rows = books.list_built(format!("{TEMPLATES}{chosen}\nlimit $1"), &values).await?;
    rows.iter().map(|row| books.place().template(row)).collect()
}

pub(super) async fn add<B: Books>(
    books: &B,
    template: &TemplateText,
    by: &Actor,
    at: DateTime<Utc>,
) -> Result<i64, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    let values = [
        Value::Text(&template.name),
        Value::Text(template.language.as_str()),
        Value::TextOrNull(template.skill.map(Skill::as_str)),
        Value::Text(&template.text),
        Value::Text(&by.name),
        Value::Time(at),
    ];
    let row = ledger.row(include_str!("../sql/desk/add_template.sql"), &values).await?;
    let row = row.ok_or_else(|| StoreError::Unexpected("a template that was added has no number".into()))?;
    let id = ledger.reader().get(row.int("template_id"))?;
    drop(row);
    trail::write(&mut ledger, &line(Act::TemplateAdded, id, Some(template), by, at)).await?;
    ledger.commit().await?;
    Ok(id)
}

pub(super) async fn change<B: Books>(
    books: &B,
    id: i64,
    generation: u32,
    template: &TemplateText,
    by: &Actor,
    at: DateTime<Utc>,
) -> Result<TemplateChange, StoreError> {
    let values = [
        Value::Number(id),
        Value::Number(i64::from(generation)),
        Value::Text(&template.name),
        Value::Text(template.language.as_str()),
        Value::TextOrNull(template.skill.map(Skill::as_str)),
        Value::Text(&template.text),
        Value::Text(&by.name),
        Value::Time(at),
    ];
    let entry = line(Act::TemplateChanged, id, Some(template), by, at);
    set(books, id, include_str!("../sql/desk/change_template.sql"), &values, &entry).await
}

pub(super) async fn retire<B: Books>(
    books: &B,
    id: i64,
    generation: u32,
    by: &Actor,
    at: DateTime<Utc>,
) -> Result<TemplateChange, StoreError> {
    let values =
        [Value::Number(id), Value::Number(i64::from(generation)), Value::Text(&by.name), Value::Time(at)];
    let entry = line(Act::TemplateRetired, id, None, by, at);
    set(books, id, include_str!("../sql/desk/retire_template.sql"), &values, &entry).await
}

async fn set<B: Books>(
    books: &B,
    id: i64,
    sql: &'static str,
    values: &[Value<'_>],
    entry: &AuditEntry,
) -> Result<TemplateChange, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    if ledger.write(sql, values).await? == 0 {
        let known = "select template_id from reply_templates where template_id = $1";
        let known = ledger.row(known, &[Value::Number(id)]).await?;
        return Ok(if known.is_some() { TemplateChange::Changed } else { TemplateChange::Unknown });
    }
    trail::write(&mut ledger, entry).await?;
    ledger.commit().await?;
    Ok(TemplateChange::Done)
}

fn line(act: Act, id: i64, template: Option<&TemplateText>, by: &Actor, at: DateTime<Utc>) -> AuditEntry {
    let entry = AuditEntry::new(by.clone(), act, Subject::new("reply_template", id), at);
    let Some(template) = template else { return entry };
    let entry = entry.with("name", template.name.as_str()).with("language", template.language.as_str());
    match template.skill {
        Some(skill) => entry.with("skill", skill.as_str()),
        None => entry,
    }
}
