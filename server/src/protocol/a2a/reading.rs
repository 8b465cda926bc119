//! A task as it goes on: until it is over or waits for a person, as A2A's stream or in one piece.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use gantry_domain::agui::AgUiEvent;
use gantry_domain::api::job::JobState;
use gantry_domain::api::run::Run;
use gantry_domain::event::EventBody;
use gantry_domain::matrix::Pattern;
use serde_json::{Value, json};

use super::super::call::{self, StopWhenLeft};
use super::task::{self, ANSWER};
use crate::app::App;
use crate::error::Result;
use crate::identity::Standing;
use crate::jobs::log::Entry;
use crate::run;

/// How often a stream in which nobody says anything says that it is alive: an approval may take minutes.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How long an answer without a stream is waited for; then the task is told as it stands.
const LONGEST_WAIT: Duration = Duration::from_secs(900);

/// How long a cancelled run is waited for; then the task is told as it stands.
const CANCEL_WAIT: Duration = Duration::from_secs(5);

/// Waits until a task is over or waits for a person. When the caller leaves before, the run is stopped: without
/// a stream nobody was told the task's id.
pub(super) async fn until_it_stands(app: &App, run: &Run, after: i64, standing: Standing) -> Result<()> {
    let mut guard = StopWhenLeft::new(app, run.job_id);
    let mut entries = call::listen(app, run.job_id, after, standing).await?;
    let stands = async {
        while let Some(entry) = entries.next().await {
            if entry.event.body.is_last() || task::is_wait(&entry.event.body) {
                break;
            }
        }
    };
    // Whoever asked is told the id now, and may come back with it.
    let _ = tokio::time::timeout(LONGEST_WAIT, stands).await;
    guard.keep();
    Ok(())
}

/// Waits until a run that was told to stop has done so.
pub(super) async fn until_cancelled(app: &App, run: &Run, standing: Standing) -> Result<()> {
    let entries = call::listen(app, run.job_id, 0, standing).await?;
    let _ = tokio::time::timeout(CANCEL_WAIT, entries.for_each(|_| std::future::ready(()))).await;
    Ok(())
}

/// A stream on its way out. Whoever leaves it may come back with the task's id, so the run goes on.
pub(super) struct Reading {
    ready: VecDeque<Value>,
    followed: Option<Followed>,
}

/// A run that is followed.
struct Followed {
    app: App,
    entries: BoxStream<'static, Arc<Entry>>,
    run: Run,
    /// Whether one agent speaks, so that what it says is the answer.
    is_one_voice: bool,
    /// What of the answer was sent, or of the message that is being written.
    text: String,
    /// Whether the next piece begins the answer anew.
    begins: bool,
    is_working: bool,
}

impl Reading {
    /// A message that needs no task.
    pub(super) fn of_message(message: Value) -> Self {
        Self { ready: VecDeque::from([json!({ "message": message })]), followed: None }
    }

    /// A run from `after` on, with the task as it stands in front.
    pub(super) async fn of_run(app: App, run: Run, after: i64, standing: Standing) -> Result<Self> {
        let entries = call::listen(&app, run.job_id, after, standing).await?;
        let pattern = run::spec_of(&app.db, run.id).await?.target.pattern;
        // What is told of it afterwards says the rest: so it is not told as further than the log is read.
        let mut begun = run.clone();
        if after == 0 {
            begun.output = None;
        }
        let task = task::of(&app, &begun, None).await?;
        let is_one_voice = matches!(pattern, Pattern::Single | Pattern::React);
        let followed =
            Followed { app, entries, run, is_one_voice, text: String::new(), begins: true, is_working: false };
        Ok(Self { ready: VecDeque::from([json!({ "task": task })]), followed: Some(followed) })
    }

    /// The next event; none after the one that says how the task stands.
    pub(super) async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            let followed = self.followed.as_mut()?;
            // The server stops, or the caller's token works no more: the task is to be asked for again.
            let Some(entry) = followed.entries.next().await else {
                self.followed = None;
                continue;
            };
            let body = &entry.event.body;
            if body.is_last() || task::is_wait(body) {
                let last = followed.stands().await;
                self.ready.extend(last);
                self.followed = None;
            } else {
                let told = followed.take(body);
                self.ready.extend(told);
            }
        }
    }
}

impl Followed {
    fn update(&self, kind: &str, mut event: Value) -> Value {
        event["taskId"] = json!(self.run.id);
        event["contextId"] = json!(task::context_of(&self.run));
        json!({ kind: event })
    }

    fn working(&self, said: Option<Value>) -> Value {
        let status = task::status_of(JobState::Running, self.app.db.now(), said);
        self.update("statusUpdate", json!({ "status": status }))
    }

    fn take(&mut self, body: &EventBody) -> Vec<Value> {
        match body {
            EventBody::JobState { state: JobState::Running, .. } => {
                let was_working = std::mem::replace(&mut self.is_working, true);
                if was_working { Vec::new() } else { vec![self.working(None)] }
            }
            EventBody::RunEvent { event, .. } => self.take_event(event),
            _ => Vec::new(),
        }
    }

    fn take_event(&mut self, event: &AgUiEvent) -> Vec<Value> {
        match event {
            AgUiEvent::TextMessageStart { .. } => {
                self.text.clear();
                self.begins = true;
                Vec::new()
            }
            AgUiEvent::TextMessageContent { delta, .. } => {
                self.text.push_str(delta);
                if !self.is_one_voice {
                    return Vec::new();
                }
                let append = !std::mem::replace(&mut self.begins, false);
                let artifact = task::artifact(delta);
                vec![self.update("artifactUpdate", json!({ "artifact": artifact, "append": append }))]
            }
            // Of several agents each says something on the way; what they say together comes at the end.
            AgUiEvent::TextMessageEnd { message_id } if !self.is_one_voice && !self.text.is_empty() => {
                let parts = json!([{ "text": std::mem::take(&mut self.text), "mediaType": "text/plain" }]);
                vec![self.working(Some(task::message(&self.run, message_id, "ROLE_AGENT", parts)))]
            }
            _ => Vec::new(),
        }
    }

    /// What is told when the task is over or waits.
    async fn stands(&mut self) -> Vec<Value> {
        let Ok(run) = run::get(&self.app.db, self.run.id).await else { return Vec::new() };
        let Ok(status) = task::status(&self.app, &run).await else { return Vec::new() };
        let mut told = Vec::new();
        if let Some(output) = run.output.as_deref().filter(|output| !self.is_one_voice || *output != self.text) {
            let artifact = json!({
                "artifact": { "artifactId": ANSWER, "name": ANSWER, "parts": [{ "text": output, "mediaType": "text/plain" }] },
                "append": false,
                "lastChunk": true,
            });
            told.push(self.update("artifactUpdate", artifact));
        }
        told.push(self.update("statusUpdate", json!({ "status": status })));
        told
    }
}
