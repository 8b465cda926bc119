//! The control plane: HTTP at one edge, Docker, registries and models at the other, one database
//! and one durable log in the middle.
//!
//! A request goes `http -> noun -> store -> db`, a job goes `job -> outside -> store -> db`.
//! [`app::App`] is where the parts are wired together; [`run`] starts them.

pub mod app;
pub mod approval;
pub mod build;
pub mod compatibility;
pub mod config;
pub mod db;
pub mod error;
mod eval;
mod exchange;
pub mod gateway;
pub mod http;
pub mod identity;
pub mod image;
pub mod jobs;
mod mcp;
mod openapi;
pub mod outside;
pub mod plan;
pub mod project;
mod protocol;
pub mod provider;
pub mod registry;
mod run;
mod runtime;
pub mod secret;
mod session;
pub mod system;
pub mod token;
mod usage;

use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::config::Config;

/// Which doors a server opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doors {
    /// All of them.
    All,
    /// The engine's: `/v1` for OpenAI's clients, the gateway and the probes.
    Engine,
}

/// Serves until the process is told to stop, then lets go of what it holds.
///
/// # Errors
/// When a part that everything needs does not work: the database, the address, the data directory.
pub async fn run(config: Config, doors: Doors) -> anyhow::Result<()> {
    init_log(&config.log_format);
    // First what may be refused, so that a second start by mistake touches nothing.
    let listener = tokio::net::TcpListener::bind(config.listen).await.map_err(|error| {
        anyhow::anyhow!("cannot listen on {}: {error}. Choose another address with GANTRY_LISTEN.", config.listen)
    })?;
    let _lock = lock_data_directory(&config)?;
    let app = App::open(config).await?;
    let tracker = TaskTracker::new();
    app.db.spawn_background(app.shutdown.clone());
    jobs::spawn_workers(&app, &tracker, jobs::works()).await?;
    jobs::spawn_reconcilers(&app, &tracker);
    tracker.close();

    let address = listener.local_addr()?;
    tracing::info!(%address, database = app.db.engine().as_str(), "listening");
    let router = match doors {
        Doors::All => {
            println!("Gantry listens on http://{address}");
            if let Some(link) = identity::setup_link(&app, address).await? {
                println!("Open this link to make the first account (it works once, for a day):\n\n    {link}\n");
            }
            http::router(app.clone())
        }
        Doors::Engine => {
            println!("Gantry's engine listens on http://{address}/v1");
            if !identity::is_set_up(&app).await? {
                println!(
                    "Nobody has an account here yet, so nobody has a token: run `gantry serve` on the same data once."
                );
            }
            http::engine_router(app.clone())
        }
    };

    let stop = app.shutdown.clone();
    tokio::spawn(async move {
        until_told_to_stop().await;
        stop.cancel();
        tracing::info!("stopping");
    });
    let service = router.into_make_service_with_connect_info::<std::net::SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(app.shutdown.clone().cancelled_owned()).await?;
    tracker.wait().await;
    app.db.close().await;
    tracing::info!("stopped");
    Ok(())
}

fn init_log(format: &str) {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_env("GANTRY_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    // Colours are for people: a file or a container log gets plain text.
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    // A line that cannot be written (whoever read the log is gone) is lost. To report that on standard error, too,
    // would be a panic, and whatever was about to be done after it would not be done.
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colours)
        .with_writer(std::io::stderr)
        .log_internal_errors(false);
    // A second server in one process, as in tests, keeps the first one's log.
    let _ = match format {
        "json" => builder.json().try_init(),
        _ => builder.try_init(),
    };
}

/// SQLite has one writing process: a second one on the same directory would take its jobs away.
fn lock_data_directory(config: &Config) -> anyhow::Result<Option<std::fs::File>> {
    use secrecy::ExposeSecret;
    if !config.database_address().expose_secret().starts_with("sqlite:") {
        return Ok(None);
    }
    app::make_data_directory(config)?;
    let file =
        std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(config.data.join("gantry.lock"))?;
    file.try_lock().map_err(|_| {
        anyhow::anyhow!(
            "another gantry uses the data directory {}. Stop it, choose another with GANTRY_DATA, or use Postgres for several nodes.",
            config.data.display()
        )
    })?;
    Ok(Some(file))
}

async fn until_told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let interrupted = tokio::signal::ctrl_c();
    match signal(SignalKind::terminate()) {
        Ok(mut terminated) => {
            tokio::select! {
                _ = interrupted => {}
                _ = terminated.recv() => {}
            }
        }
        Err(error) => {
            tracing::warn!(%error, "SIGTERM cannot be heard; only an interrupt stops the server cleanly");
            let _ = interrupted.await;
        }
    }
}
