//! The console as its people use it: the program itself behind a headless Chromium, which WebDriver moves.
//!
//! `CHROMEDRIVER` names the driver (without it, the one in PATH), `AXE_CORE` the script of axe-core; tests/run.sh sets both and
//! installs what is missing. Pictures of the pages go to `target/browser/`.

mod support;

#[path = "browser/browser.rs"]
mod browser;
#[path = "browser/console.rs"]
mod console;
#[path = "browser/desk.rs"]
mod desk;
#[path = "browser/driver.rs"]
mod driver;
#[path = "browser/evaluation.rs"]
mod evaluation;
#[path = "browser/inquiries.rs"]
mod inquiries;
#[path = "browser/pages.rs"]
mod pages;
#[path = "browser/people.rs"]
mod people;
#[path = "browser/review.rs"]
mod review;
#[path = "browser/rules.rs"]
mod rules;
#[path = "browser/story.rs"]
mod story;
