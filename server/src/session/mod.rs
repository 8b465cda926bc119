//! Sessions: chat threads with a project's agent; each turn is a run.

pub(crate) mod http;
mod store;

use gantry_domain::api::Accepted;
use gantry_domain::api::run::Run;
use gantry_domain::api::session::{CreateSession, Session, SessionThread, UpdateSession};
use uuid::Uuid;

use crate::app::App;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::run::{self, NewRun};
use crate::runtime::rehearsal;

/// A title's length in characters.
const LONGEST_TITLE: usize = 200;

/// A session.
///
/// # Errors
/// `404` when there is none.
pub(crate) async fn get(db: &Db, id: Uuid) -> Result<Session> {
    store::get(db, id).await?.ok_or_else(|| Error::not_found("session"))
}

/// A session with its turns.
///
/// # Errors
/// `404` when there is none.
pub(crate) async fn thread(db: &Db, id: Uuid) -> Result<SessionThread> {
    Ok(SessionThread { session: get(db, id).await?, runs: run::of_session(db, id).await? })
}

/// Begins a chat.
///
/// # Errors
/// `422` when the title is too long, or the model or the runtime cannot be chosen.
pub(crate) async fn create(app: &App, project_id: Uuid, body: &CreateSession, actor: &str) -> Result<Session> {
    let title = body.title.as_deref().map(str::trim).unwrap_or_default();
    check_title(title)?;
    run::check_runtime(app, body.runtime)?;
    let model = kept_name(run::choose_model(app, body.provider_id, body.model.as_deref()).await?);
    let now = app.db.now();
    let session = Session {
        id: Uuid::now_v7(),
        project_id,
        title: title.to_owned(),
        mode: body.mode,
        provider_id: body.provider_id,
        model,
        runtime: body.runtime,
        created_at: now,
        updated_at: now,
    };
    store::insert(&app.db, &session, actor).await?;
    Ok(session)
}

/// Changes what is given; it counts from the next turn on.
///
/// # Errors
/// `404`, or `422` when the title is too long, or the model or the runtime cannot be chosen.
pub(crate) async fn update(app: &App, id: Uuid, body: &UpdateSession) -> Result<Session> {
    let title = body.title.as_deref().map(str::trim);
    if let Some(title) = title {
        check_title(title)?;
    }
    if let Some(runtime) = body.runtime {
        run::check_runtime(app, runtime)?;
    }
    let model = match &body.model {
        None => None,
        Some(choice) => {
            let name = run::choose_model(app, choice.provider_id, choice.model.as_deref()).await?;
            Some((choice.provider_id, kept_name(name)))
        }
    };
    let now = app.db.now();
    let mut tx = app.db.begin().await?;
    if let Some(title) = title {
        store::set_title(&mut tx, id, title, now).await?;
    }
    if let Some(mode) = body.mode {
        store::set_mode(&mut tx, id, mode, now).await?;
    }
    if let Some(runtime) = body.runtime {
        store::set_runtime(&mut tx, id, runtime, now).await?;
    }
    if let Some((provider_id, name)) = model {
        store::set_model(&mut tx, id, provider_id, &name, now).await?;
    }
    tx.commit().await?;
    get(&app.db, id).await
}

/// Says something to the agent: starts the next turn.
///
/// # Errors
/// `404`; `409 turn_running` while the turn before is under way; `422` when there is nothing to say, the
/// model cannot be used any more or there is no image to run; `503` without an engine to run it.
pub(crate) async fn say(app: &App, id: Uuid, text: String, actor: String) -> Result<Accepted> {
    run::check_input("/text", &text)?;
    let session = get(&app.db, id).await?;
    let named = Some(session.model.as_str());
    let model = run::choose_model(app, session.provider_id, named).await?;
    let executed = run::executed(app, session.project_id, session.runtime, None).await?;
    let title = title_of(&text);
    let turn = NewRun {
        project_id: session.project_id,
        session_id: Some(id),
        input: text,
        earlier: Vec::new(),
        mode: session.mode,
        provider_id: session.provider_id,
        model,
        executor: executed.executor,
        origin: None,
        created_by: actor,
    };
    let mut tx = app.db.begin().await?;
    let accepted = run::start(app, &mut tx, &executed.spec, turn).await.map_err(|error| {
        if error.code() == "job_active" {
            Error::conflict("turn_running", "The agent is still at work on the message before. Wait for it or stop it.")
        } else {
            error
        }
    })?;
    store::touch(&mut tx, id, &title, app.db.now()).await?;
    tx.commit().await?;
    Ok(accepted)
}

/// Stops the turn that is under way.
///
/// # Errors
/// `404`, or `409 no_turn_running` when none is.
pub(crate) async fn stop(app: &App, id: Uuid) -> Result<Run> {
    get(&app.db, id).await?;
    let none =
        || Error::conflict("no_turn_running", "The agent is not at work in this chat: there is nothing to stop.");
    let turn = run::under_way_in(&app.db, id).await?.ok_or_else(none)?;
    let mut tx = app.db.begin().await?;
    app.jobs.request_cancel(&mut tx, turn.job_id).await.map_err(|error| match error.code() {
        "job_over" => none(),
        _ => error,
    })?;
    tx.commit().await?;
    run::get(&app.db, turn.id).await
}

/// Deletes a chat with its turns; the one under way is stopped.
///
/// # Errors
/// `404` when there is none.
pub(crate) async fn delete(app: &App, id: Uuid) -> Result<()> {
    let turn = run::under_way_in(&app.db, id).await?;
    let mut tx = app.db.begin().await?;
    if let Some(turn) = turn {
        match app.jobs.request_cancel(&mut tx, turn.job_id).await {
            Err(error) if error.code() != "job_over" => return Err(error),
            _ => {}
        }
    }
    if !store::delete(&mut tx, id).await? {
        return Err(Error::not_found("session"));
    }
    tx.commit().await?;
    Ok(())
}

fn check_title(title: &str) -> Result<()> {
    if title.chars().count() <= LONGEST_TITLE {
        return Ok(());
    }
    Err(Error::invalid("/title", "title_too_long", "Expected a title of at most 200 characters."))
}

/// The rehearsal model has no name in a session.
fn kept_name(model: String) -> String {
    if model == rehearsal::NAME { String::new() } else { model }
}

/// The first words of a message.
fn title_of(text: &str) -> String {
    const LENGTH: usize = 60;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LENGTH) {
        Some((end, _)) => {
            let cut = line[..end].rfind(' ').filter(|at| *at > 20).unwrap_or(end);
            format!("{}…", &line[..cut])
        }
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_the_first_words_of_a_message() {
        assert_eq!(title_of("  What is\n2 + 2? "), "What is 2 + 2?");
        assert_eq!(title_of(&"word ".repeat(40)), format!("{}…", "word ".repeat(12).trim_end()));
        assert_eq!(title_of(&"ü".repeat(100)).chars().count(), 61);
    }
}
