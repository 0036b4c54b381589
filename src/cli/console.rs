//! `mimamori console`.

use std::process::ExitCode;

use super::error::CliError;
use crate::access::Login;
use crate::config::Config;
use crate::console::{callback_url, first_admin_link, password_link};
use crate::store::Store;
use crate::worker::stop_signal;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Print a new one-time link and end: for the first admin, or, with a log-in, for a new password of that account
    #[arg(long, value_name = "LOGIN", num_args = 0..=1, default_missing_value = "")]
    new_setup_link: Option<String>,
}

pub async fn run(config: Config, arguments: Arguments) -> Result<ExitCode, CliError> {
    let stop = stop_signal().map_err(|error| CliError::Bug(format!("cannot listen to signals: {error}")))?;
    let store = crate::store::open(&config.store.url, config.store.max_connections).await?;
    store.ping().await?;
    if let Some(login) = arguments.new_setup_link {
        return new_link(&config, &*store, &login).await;
    }
    let listener = tokio::net::TcpListener::bind(config.console.http).await.map_err(|error| {
        CliError::Usage(format!("console.http: cannot listen on {}: {error}", config.console.http))
    })?;
    eprintln!("the console is at http://{}/ (Ctrl-C ends it)", config.console.http);
    if config.console.public_url.get().is_none() && !config.console.http.ip().is_loopback() {
        eprintln!(
            "beyond this machine browsers keep a log-in only over TLS: put a proxy before the console and set console.public_url"
        );
    }
    if let Some(callback) = callback_url(&config.console) {
        eprintln!("the OpenID provider has to send people back to {callback}");
    }
    if !store.has_admin().await? {
        tell_first_admin(&config, &*store).await?;
    }
    let moderation = super::parts::moderation_of(&config);
    let until = async move { stop.cancelled().await };
    crate::console::serve(listener, store, &config.console, moderation, until)
        .await
        .map_err(|error| CliError::Failed(format!("console: {error}")))?;
    Ok(ExitCode::SUCCESS)
}

/// The link goes to standard error and nowhere else. `false` if there is an admin by now.
async fn tell_first_admin(config: &Config, store: &dyn Store) -> Result<bool, CliError> {
    let Some(link) = first_admin_link(store, &config.console).await? else { return Ok(false) };
    eprintln!("there is no admin yet: within an hour, make the first one at\n  {link}");
    Ok(true)
}

async fn new_link(config: &Config, store: &dyn Store, login: &str) -> Result<ExitCode, CliError> {
    if login.is_empty() {
        if tell_first_admin(config, store).await? {
            return Ok(ExitCode::SUCCESS);
        }
        let hint =
            "there is an admin already: name the account that needs a new password, --new-setup-link=LOGIN";
        return Err(CliError::Usage(hint.into()));
    }
    let wrong = |detail: String| CliError::Usage(format!("--new-setup-link: {detail}"));
    let login: Login = login.parse().map_err(|error| wrong(format!("{error}")))?;
    let account = store.account_by_login(&login).await?;
    let link = match account {
        Some(account) => password_link(store, &config.console, account.account_id).await?,
        None => None,
    };
    let link = link.ok_or_else(|| wrong(format!("no account `{login}` that is not disabled")))?;
    eprintln!("within a day, {login} sets a new password at\n  {link}");
    Ok(ExitCode::SUCCESS)
}
