//! The instance itself: which of its parts work, and the probes that orchestrators ask.

pub(crate) mod http;

use gantry_domain::api::system::PartState;

use crate::app::App;

/// Looks at every part now.
pub async fn parts(app: &App) -> Vec<PartState> {
    vec![database(app).await, migrations(app).await, workers(app), docker(app).await]
}

async fn database(app: &App) -> PartState {
    let answer: sqlx::Result<(i64,)> = app.db.sql("SELECT CAST(1 AS BIGINT)").one().await;
    match answer {
        Ok(_) => part("database", true, false, format!("{} answers.", app.db.engine().as_str())),
        Err(error) => part("database", false, false, format!("The database does not answer: {error}.")),
    }
}

async fn migrations(app: &App) -> PartState {
    match app.db.migrations_applied().await {
        Ok((applied, known)) if applied == known => {
            part("migrations", true, false, format!("All {known} migrations are applied."))
        }
        Ok((applied, known)) if applied > known => part(
            "migrations",
            false,
            false,
            format!("The database is newer than this gantry: {applied} migrations are applied, {known} are known."),
        ),
        Ok((applied, known)) => {
            part("migrations", false, false, format!("Only {applied} of {known} migrations are applied."))
        }
        Err(error) => part("migrations", false, false, format!("The migrations cannot be counted: {error}.")),
    }
}

fn workers(app: &App) -> PartState {
    let wanted = i64::from(app.config.workers);
    let alive = app.workers.alive();
    let ok = alive == wanted && !app.shutdown.is_cancelled();
    let message = if app.shutdown.is_cancelled() {
        "The server is stopping.".to_owned()
    } else {
        format!("{alive} of {wanted} workers run.")
    };
    part("workers", ok, false, message)
}

async fn docker(app: &App) -> PartState {
    match app.docker.version().await {
        Ok(engine) => part("docker", true, true, format!("Docker Engine {} answers.", engine.version)),
        Err(error) => part("docker", false, true, format!("{error}.")),
    }
}

fn part(name: &str, ok: bool, optional: bool, message: String) -> PartState {
    PartState { name: name.to_owned(), ok, optional, message }
}
