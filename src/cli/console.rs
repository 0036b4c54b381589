//! `mimamori console`.

use std::process::ExitCode;

use super::error::CliError;
use crate::config::Config;
use crate::worker::stop_signal;

pub async fn run(config: Config) -> Result<ExitCode, CliError> {
    let stop = stop_signal().map_err(|error| CliError::Bug(format!("cannot listen to signals: {error}")))?;
    let store = crate::store::open(&config.store.url, config.store.max_connections).await?;
    store.ping().await?;
    let listener = tokio::net::TcpListener::bind(config.console.http).await.map_err(|error| {
        CliError::Usage(format!("console.http: cannot listen on {}: {error}", config.console.http))
    })?;
    eprintln!("the console is at http://{}/ (Ctrl-C ends it)", config.console.http);
    crate::console::serve(listener, store, async move { stop.cancelled().await })
        .await
        .map_err(|error| CliError::Failed(format!("console: {error}")))?;
    Ok(ExitCode::SUCCESS)
}
