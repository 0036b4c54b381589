//! `/reply-templates`: what answers begin with, kept by leads.

use askama::Template;
use axum::extract::rejection::{FormRejection, PathRejection, QueryRejection};
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::Utc;
use serde::Deserialize;

use crate::access::Principal;
use crate::console::error::{ErrorPage, PageError};
use crate::console::inquiries::all_skills;
use crate::console::layout::{Frame, Moment, Room, render};
use crate::console::locale::Locale;
use crate::console::state::Desk;
use crate::contract::{Language, Skill};
use crate::store::StoreError;
use crate::store::desk::{TemplateChange, TemplateRow, TemplateText, Templates, check};

/// Characters of a name and of a text.
const LONGEST_NAME: usize = 100;
const LONGEST_TEXT: usize = 4_000;

#[derive(Template)]
#[template(path = "reply_templates.html")]
struct View {
    frame: Frame,
    told: Option<&'static str>,
    good: bool,
    templates: Vec<Row>,
    retired: Vec<Row>,
    all_skills: Vec<(&'static str, &'static str)>,
    /// What was typed into the form for a new one, and not saved.
    typed: Typed,
    typed_skills: Vec<(&'static str, &'static str, bool)>,
}

struct Row {
    id: i64,
    name: String,
    language: &'static str,
    language_key: &'static str,
    skill: &'static str,
    skill_key: &'static str,
    text: String,
    generation: u32,
    by: String,
    at: Moment,
}

#[derive(Default, Deserialize)]
pub(in crate::console) struct Typed {
    /// Of the template that is changed.
    #[serde(default)]
    generation: u32,
    name: String,
    language: String,
    /// Empty for any.
    skill: String,
    text: String,
}

#[derive(Deserialize)]
pub(in crate::console) struct Seen {
    generation: u32,
}

#[derive(Deserialize)]
pub(in crate::console) struct Asked {
    done: Option<String>,
}

type Id = Result<Path<i64>, PathRejection>;
type Answer = Result<Response, ErrorPage>;

impl Typed {
    /// None if something is missing, too long or not to be filled in.
    fn read(&self) -> Option<TemplateText> {
        let name: String = self.name.chars().filter(|c| !c.is_control()).collect();
        let text: String = self.text.chars().filter(|c| *c == '\n' || !c.is_control()).collect();
        let (name, text) = (name.trim(), text.trim());
        let fits = |text: &str, most| (1..=most).contains(&text.chars().count());
        if !fits(name, LONGEST_NAME) || !fits(text, LONGEST_TEXT) || check(text).is_err() {
            return None;
        }
        let skill: Option<Skill> = match self.skill.as_str() {
            "" => None,
            name => Some(name.parse().ok()?),
        };
        let language: Language = self.language.parse().ok()?;
        Some(TemplateText { name: name.to_owned(), language, skill, text: text.to_owned() })
    }
}

pub(in crate::console) async fn page(
    State(desk): State<Desk>,
    locale: Locale,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Answer {
    let done = asked.ok().and_then(|Query(asked)| asked.done);
    let told = done.and_then(|name| (locale.words().desk.template_done)(&name));
    list(&desk, &locale, told, Typed::default(), StatusCode::OK).await
}

pub(in crate::console) async fn add(
    State(desk): State<Desk>,
    principal: Principal,
    locale: Locale,
    form: Result<Form<Typed>, FormRejection>,
) -> Answer {
    let Ok(Form(typed)) = form else { return Err(PageError::DeskForm.page(locale)) };
    let Some(template) = typed.read() else { return wrong(&desk, &locale, typed).await };
    let added = desk.store.add_template(&template, &principal.actor(), Utc::now()).await;
    added.map_err(|error| failed(error, &locale))?;
    Ok(Redirect::to("/reply-templates?done=added").into_response())
}

pub(in crate::console) async fn change(
    State(desk): State<Desk>,
    principal: Principal,
    locale: Locale,
    id: Id,
    form: Result<Form<Typed>, FormRejection>,
) -> Answer {
    let Ok(Path(id)) = id else { return Err(PageError::UnknownTemplate.page(locale)) };
    let Ok(Form(typed)) = form else { return Err(PageError::DeskForm.page(locale)) };
    let Some(template) = typed.read() else { return wrong(&desk, &locale, typed).await };
    let (by, now) = (principal.actor(), Utc::now());
    let changed = desk.store.change_template(id, typed.generation, &template, &by, now).await;
    became(&desk, locale, changed, "changed").await
}

pub(in crate::console) async fn retire(
    State(desk): State<Desk>,
    principal: Principal,
    locale: Locale,
    id: Id,
    form: Result<Form<Seen>, FormRejection>,
) -> Answer {
    let Ok(Path(id)) = id else { return Err(PageError::UnknownTemplate.page(locale)) };
    let Ok(Form(seen)) = form else { return Err(PageError::DeskForm.page(locale)) };
    let retired = desk.store.retire_template(id, seen.generation, &principal.actor(), Utc::now()).await;
    became(&desk, locale, retired, "retired").await
}

async fn became(
    desk: &Desk,
    locale: Locale,
    change: Result<TemplateChange, StoreError>,
    done: &str,
) -> Answer {
    match change.map_err(|error| failed(error, &locale))? {
        TemplateChange::Done => Ok(Redirect::to(&format!("/reply-templates?done={done}")).into_response()),
        TemplateChange::Unknown => Err(PageError::UnknownTemplate.page(locale)),
        TemplateChange::Changed => {
            let told = Some(locale.words().desk.template_changed);
            list(desk, &locale, told, Typed::default(), StatusCode::CONFLICT).await
        }
    }
}

/// Nothing is saved, and what was typed stands in the form for a new one.
async fn wrong(desk: &Desk, locale: &Locale, typed: Typed) -> Answer {
    list(desk, locale, Some(locale.words().desk.template_wrong), typed, StatusCode::BAD_REQUEST).await
}

fn failed(error: StoreError, locale: &Locale) -> ErrorPage {
    PageError::Store(error).page(locale.clone())
}

async fn list(
    desk: &Desk,
    locale: &Locale,
    told: Option<&'static str>,
    typed: Typed,
    status: StatusCode,
) -> Answer {
    let words = locale.words();
    let row = |row: TemplateRow| Row {
        id: row.template_id,
        name: row.template.name,
        language: (words.language_name)(row.template.language),
        language_key: row.template.language.as_str(),
        skill: row.template.skill.map_or(words.desk.any_skill, words.skill_name),
        skill_key: row.template.skill.map_or("", Skill::as_str),
        text: row.template.text,
        generation: row.generation,
        by: row.changed_by,
        at: row.changed_at.into(),
    };
    let read = async |which| {
        let rows = desk.store.reply_templates(which).await.map_err(|error| failed(error, locale))?;
        Ok::<_, ErrorPage>(rows.into_iter().map(row).collect())
    };
    let view = View {
        frame: Frame::new(locale, Room::ReplyTemplates, words.desk.templates),
        told,
        good: status == StatusCode::OK,
        templates: read(Templates::InUse).await?,
        retired: read(Templates::Retired).await?,
        typed_skills: all_skills(words)
            .into_iter()
            .map(|(key, name)| (key, name, key == typed.skill))
            .collect(),
        all_skills: all_skills(words),
        typed,
    };
    Ok(render(status, &view))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_has_a_name_a_text_and_no_other_braces() {
        let typed = |name: &str, text: &str, skill: &str| Typed {
            generation: 0,
            name: name.into(),
            language: "ja".into(),
            skill: skill.into(),
            text: text.into(),
        };
        let read = typed(" 返金\u{7} ", "{customer} 様\r\n\r\nありがとう\0", "").read().unwrap();
        assert_eq!((read.name.as_str(), read.text.as_str()), ("返金", "{customer} 様\n\nありがとう"));
        assert_eq!(typed("a", "b", "payment").read().unwrap().skill, Some(Skill::Payment));
        let long = "長".repeat(LONGEST_TEXT + 1);
        for (name, text, skill) in
            [("", "b", ""), ("a", " ", ""), ("a", "{x}", ""), ("a", "b", "x"), ("a", &long, "")]
        {
            assert!(typed(name, text, skill).read().is_none(), "{name} {skill}");
        }
    }
}
