//! Every page in both languages, light and dark: what axe-core finds, whether it fits a browser at 200%, and a picture of it.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::console::Console;
use crate::driver::Driver;
use crate::story;

/// Width of the window in CSS pixels, and what is left of it at 200%.
const WIDTH: u32 = 1280;
const ZOOMED: u32 = WIDTH / 2;
const HEIGHT: u32 = 900;

/// A page: the name of its picture, and its path.
type Page = (&'static str, String);

fn axe() -> String {
    let path = std::env::var("AXE_CORE")
        .expect("these tests need axe-core: run them by tests/run.sh, or set AXE_CORE to its axe.min.js");
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("AXE_CORE: {path}: {error}"))
}

fn pictures() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("browser");
    std::fs::create_dir_all(&folder).expect("the folder of the pictures can be made");
    folder
}

/// Looks at the pages in both languages; what is wrong, one line each.
async fn look(browser: &Browser, pages: &[Page]) -> Vec<String> {
    let (axe, folder, mut wrong) = (axe(), pictures(), Vec::new());
    for (name, path) in pages {
        for language in ["ja", "en"] {
            let joint = if path.contains('?') { '&' } else { '?' };
            browser.goto(&format!("{path}{joint}lang={language}")).await;
            assert_eq!(
                browser.find("html").await.attr("lang").await.unwrap().as_deref(),
                Some(language),
                "{path}"
            );
            for scheme in ["light", "dark"] {
                resized(browser, WIDTH, HEIGHT).await;
                let feature = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
                browser.devtools("Emulation.setEmulatedMedia", feature).await;
                let file = folder.join(format!("{name}.{language}.{scheme}.png"));
                std::fs::write(file, picture(browser).await).expect("the picture can be written");
                let found = violations(browser, &axe).await;
                wrong.extend(found.into_iter().map(|what| format!("{name} {language} {scheme}: {what}")));
            }
            resized(browser, ZOOMED, HEIGHT).await;
            let over = browser.script(
                "return document.documentElement.scrollWidth - document.documentElement.clientWidth",
                vec![],
            );
            let over = over.await;
            if over != json!(0) {
                wrong.push(format!("{name} {language}: {over} pixels too wide at 200%"));
            }
            let file = folder.join(format!("{name}.{language}.200.png"));
            std::fs::write(file, picture(browser).await).expect("the picture can be written");
        }
    }
    wrong
}

async fn resized(browser: &Browser, width: u32, height: u32) {
    let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
    browser.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
}

/// The whole page as PNG.
async fn picture(browser: &Browser) -> Vec<u8> {
    let size = browser.script("return [innerWidth, document.documentElement.scrollHeight]", vec![]).await;
    let number = |value: &Value| u32::try_from(value.as_u64().expect("pixels")).expect("few pixels");
    let (width, height) = (number(&size[0]), number(&size[1]));
    resized(browser, width, height).await;
    let picture = browser.screenshot().await;
    resized(browser, width, HEIGHT).await;
    picture
}

/// What axe-core finds, each with its weight and the first place.
async fn violations(browser: &Browser, axe: &str) -> Vec<String> {
    browser.script(axe, vec![]).await;
    let run = "const done = arguments[arguments.length - 1];
        axe.run(document, { resultTypes: ['violations'] }).then(
            (found) => done(found.violations.map((v) => [v.impact, v.id, v.help, v.nodes[0].html, v.nodes[0].failureSummary])),
            (error) => done([['critical', 'axe', String(error), '', '']]));";
    let Value::Array(found) = browser.script_async(run).await else { panic!("axe-core answers") };
    found.iter().map(Value::to_string).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_accessible_fits_at_200_percent_and_is_pictured() {
    let mut console = Console::start().await;
    let driver = Driver::start();
    let link = console
        .says("/set-up/")
        .trim()
        .strip_prefix(&console.origin)
        .expect("the link is the console's")
        .to_owned();
    let stranger = Browser::open(&driver, &console.origin).await;
    let mut wrong = look(&stranger, &[("set-up", link), ("log-in", "/log-in".into())]).await;

    story::people(&console).await;
    story::conversations(&console).await;
    story::inquiries(&console).await;
    story::dead_letters(&console).await;
    let aki = Browser::open(&driver, &console.origin).await;
    aki.log_in("aki").await;
    aki.goto("/inquiries").await;
    aki.follow("form[action*=\"/accept\"] button").await;
    wrong.extend(
        look(
            &aki,
            &[
                ("inquiries-agent", "/inquiries".into()),
                ("inquiry-agent", "/inquiries/q-5012".into()),
                ("forbidden", "/people".into()),
            ],
        )
        .await,
    );
    aki.goto("/inquiries").await;
    aki.choose("select[name=right_skill]", "payment").await;
    aki.follow("form[action*=\"/reject\"] button").await;
    // Some decisions, so that there are figures; the next alert stays open on Aki's page.
    aki.goto("/alerts").await;
    aki.follow("form[action^=\"/alerts/next\"] button").await;
    let taken = aki.path().await;
    wrong.extend(look(&aki, &[("alert", taken.clone())]).await);
    for key in ['v', 'v', 'n', 'v', 'u'] {
        aki.press_on(key).await;
    }
    let open = aki.path().await;

    let lead = Browser::open(&driver, &console.origin).await;
    lead.log_in("lead").await;
    let pages = [
        ("overview", "/"),
        ("alerts", "/alerts"),
        ("alert-decided", taken.as_str()),
        ("alert-theirs", open.as_str()),
        ("reviews", "/reviews"),
        ("evaluation", "/evaluation"),
        ("recall", "/evaluation/recall"),
        ("sample", "/evaluation/sample"),
        ("answers", "/evaluation/answers"),
        ("drift", "/evaluation/drift"),
        ("inquiries", "/inquiries"),
        ("inquiry", "/inquiries/q-5012"),
        ("reply-templates", "/reply-templates"),
        ("routing", "/routing"),
        ("models", "/models"),
        ("operations", "/operations"),
        ("dead-letters", "/dead-letters"),
        ("rules", "/rules"),
        ("rule", "/rules/external_induction/line_id"),
        ("rule-try", "/rules/try"),
        ("audit", "/audit"),
        ("account", "/account"),
        ("tokens", "/account/tokens"),
        ("not-found", "/nowhere"),
    ];
    wrong.extend(look(&lead, &pages.map(|(name, path)| (name, path.to_owned()))).await);
    let root = Browser::open(&driver, &console.origin).await;
    root.log_in("root").await;
    wrong.extend(look(&root, &[("people", "/people".into()), ("alerts-masked", "/alerts".into())]).await);
    let webhook = story::webhook(&console).await;
    wrong.extend(look(&root, &[("webhooks", "/webhooks".into()), ("webhook", webhook)]).await);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
