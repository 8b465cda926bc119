//! One call of an agent from outside: which model answers, the run that is started for it, and its end when
//! whoever called has gone.

use std::sync::Arc;

use futures::StreamExt;
use futures::stream::BoxStream;
use gantry_domain::api::Accepted;
use gantry_domain::api::project::Project;
use gantry_domain::api::run::PermissionMode;
use uuid::Uuid;

use super::Conversation;
use crate::app::App;
use crate::error::{Error, Result};
use crate::identity::{Actor, Standing, watch};
use crate::jobs::log::Entry;
use crate::run::{self, NewRun};
use crate::{provider, runtime};

/// A model as callers name it after the agent and `@`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ModelChoice {
    pub(super) provider_id: Option<Uuid>,
    pub(super) model: Option<String>,
}

/// The model that answers: the one that was named as `provider`, `provider/model` or `rehearsal`, else the
/// only provider's. `path` is the name's place in the body.
///
/// # Errors
/// `422 provider_unknown`, or `model_not_named` when nothing was named and there is not exactly one provider.
pub(super) async fn choose_model(app: &App, named: Option<&str>, path: &str) -> Result<ModelChoice> {
    let providers = provider::names(&app.db).await?;
    let Some(named) = named.map(str::trim).filter(|named| !named.is_empty()) else {
        return match providers.as_slice() {
            [(id, _)] => Ok(ModelChoice { provider_id: Some(*id), model: None }),
            [] => Err(Error::invalid(
                path,
                "model_not_named",
                "No model provider is set up. Add one in the settings, or name the rehearsal model: agent@rehearsal.",
            )),
            many => Err(Error::invalid(
                path,
                "model_not_named",
                format!(
                    "There are {} model providers: name one after the agent, such as agent@{}.",
                    many.len(),
                    many[0].1
                ),
            )),
        };
    };
    if named == runtime::rehearsal::NAME {
        return Ok(ModelChoice { provider_id: None, model: None });
    }
    let is = |name: &str| providers.iter().find(|(_, other)| other.eq_ignore_ascii_case(name)).map(|(id, _)| *id);
    if let Some(id) = is(named) {
        return Ok(ModelChoice { provider_id: Some(id), model: None });
    }
    // A provider's name may have a slash, and so may a model's.
    let parted = named.match_indices('/').find_map(|(at, _)| Some((is(&named[..at])?, &named[at + 1..])));
    match parted {
        Some((id, model)) if !model.is_empty() => {
            Ok(ModelChoice { provider_id: Some(id), model: Some(model.to_owned()) })
        }
        _ => Err(Error::invalid(
            path,
            "provider_unknown",
            "There is no model provider of this name. Expected agent@provider, agent@provider/model or agent@rehearsal.",
        )),
    }
}

/// Starts the run of a call.
///
/// # Errors
/// `422` when the input is too long or the model cannot be chosen.
pub(super) async fn start(
    app: &App,
    actor: &Actor,
    project: &Project,
    conversation: Conversation,
    mode: PermissionMode,
    choice: ModelChoice,
) -> Result<Accepted> {
    run::check_input("/messages", &conversation.input)?;
    let model = run::choose_model(app, choice.provider_id, choice.model.as_deref()).await?;
    let run = NewRun {
        project_id: project.summary.id,
        session_id: None,
        input: conversation.input,
        earlier: conversation.earlier,
        mode,
        provider_id: choice.provider_id,
        model,
        executor: run::Executor::Native,
        origin: None,
        created_by: actor.name.clone(),
    };
    let mut tx = app.db.begin().await?;
    let accepted = run::start(app, &mut tx, &project.spec, run).await?;
    tx.commit().await?;
    Ok(accepted)
}

/// The log of a call's job after `after`, until the job is over, the server stops, or what let the caller in
/// works no more.
///
/// # Errors
/// Whatever the database answers.
pub(super) async fn listen(
    app: &App,
    job_id: Uuid,
    after: i64,
    standing: Standing,
) -> Result<BoxStream<'static, Arc<Entry>>> {
    let entries = app.jobs.log().follow(job_id, after).await?;
    let (watch, shutdown) = (watch(app, standing), app.shutdown.clone());
    Ok(entries
        .take_until(async move {
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = watch.ended() => {}
            }
        })
        .boxed())
}

/// Stops a call's run when it is dropped before [`StopWhenLeft::keep`]: whoever asked has gone, and nobody
/// else waits for the answer. A server that stops leaves the run to its next start.
pub(super) struct StopWhenLeft {
    app: App,
    job_id: Uuid,
    armed: bool,
}

impl StopWhenLeft {
    /// Watches over a run.
    pub(super) fn new(app: &App, job_id: Uuid) -> Self {
        Self { app: app.clone(), job_id, armed: true }
    }

    /// The run is over, or goes on without the caller.
    pub(super) fn keep(&mut self) {
        self.armed = false;
    }
}

impl Drop for StopWhenLeft {
    fn drop(&mut self) {
        if !self.armed || self.app.shutdown.is_cancelled() {
            return;
        }
        let (app, job_id) = (self.app.clone(), self.job_id);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = app.jobs.cancel(job_id).await {
                    // Over by itself in this moment is what was wanted.
                    tracing::debug!(%error, "a run whose caller has gone was not stopped");
                }
            });
        }
    }
}
