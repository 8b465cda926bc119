//! What a project says of its run, in AG-UI's language, on its way into the run's log.
//!
//! The gateway is the other witness and has mostly told already: what the model said and which tools it
//! asked for. What only the project knows are its steps, the moment in which a tool answers, and a text
//! that is no model's. What it makes up otherwise is not taken: not who it is, and none of Gantry's own events.

use std::collections::{HashMap, HashSet};

use gantry_domain::agui::AgUiEvent;
use gantry_domain::event::{EventBody, JobReason};
use uuid::Uuid;

use crate::app::App;
use crate::gateway::{self, Fact, call_events, clean, result_event};
use crate::jobs::{JobContext, JobFailure};

/// How long the name of a step may be, in characters.
const LONGEST_NAME: usize = 200;
/// How long a message of a failure may be, in characters.
const LONGEST_MESSAGE: usize = 4_000;

/// What follows from an event.
pub(super) enum Heard {
    /// More is to come.
    More,
    /// The agent has given its answer.
    Answer(String),
    /// It cannot go on.
    Error(JobReason),
}

/// Hears a project out.
pub(super) struct Witness<'a> {
    app: &'a App,
    job: &'a JobContext,
    run_id: Uuid,
    steps: HashSet<String>,
    /// Calls that are being told: their names and arguments.
    calls: HashMap<String, (String, String)>,
    /// Texts that are being told.
    texts: HashMap<String, String>,
    /// The text that was told last: the agent's answer, if the run ends well.
    answer: String,
}

impl<'a> Witness<'a> {
    pub(super) fn new(app: &'a App, job: &'a JobContext, run_id: Uuid) -> Self {
        Self {
            app,
            job,
            run_id,
            steps: HashSet::new(),
            calls: HashMap::new(),
            texts: HashMap::new(),
            answer: String::new(),
        }
    }

    /// Takes an event as it came. One that is none of AG-UI's, or none that counts, is read over.
    pub(super) async fn take(&mut self, event: &str) -> Result<Heard, JobFailure> {
        let Ok(event) = serde_json::from_str::<AgUiEvent>(event) else { return Ok(Heard::More) };
        match event {
            AgUiEvent::RunFinished { .. } => return Ok(Heard::Answer(std::mem::take(&mut self.answer))),
            AgUiEvent::RunError { message, code } => {
                // What the gateway did not let it do says more than the project's words for it.
                let refused = gateway::why_refused(self.app, self.run_id).await?;
                return Ok(Heard::Error(refused.unwrap_or_else(|| failure(&message, code.as_deref()))));
            }
            AgUiEvent::StepStarted { step_name } => {
                let step_name = shortened(&step_name, LONGEST_NAME);
                if self.steps.insert(step_name.clone()) {
                    self.tell(None, vec![AgUiEvent::StepStarted { step_name }]).await?;
                }
            }
            AgUiEvent::StepFinished { step_name } => {
                let step_name = shortened(&step_name, LONGEST_NAME);
                if self.steps.remove(&step_name) {
                    self.tell(None, vec![AgUiEvent::StepFinished { step_name }]).await?;
                }
            }
            AgUiEvent::ToolCallStart { tool_call_id, tool_call_name, .. } => {
                self.calls.insert(tool_call_id, (tool_call_name, String::new()));
            }
            AgUiEvent::ToolCallArgs { tool_call_id, delta } => {
                if let Some((_, arguments)) = self.calls.get_mut(&tool_call_id) {
                    arguments.push_str(&delta);
                }
            }
            AgUiEvent::ToolCallEnd { tool_call_id } => {
                if let Some((name, arguments)) = self.calls.remove(&tool_call_id) {
                    let id = clean(&tool_call_id);
                    self.tell(Some(Fact::Call(&id)), call_events(&id, &name, &arguments, None)).await?;
                }
            }
            AgUiEvent::ToolCallResult { tool_call_id, content, .. } => {
                let id = clean(&tool_call_id);
                self.tell_result(&id, &content).await?;
            }
            AgUiEvent::TextMessageStart { message_id, .. } => {
                self.texts.insert(message_id, String::new());
            }
            AgUiEvent::TextMessageContent { message_id, delta } => {
                if let Some(text) = self.texts.get_mut(&message_id) {
                    text.push_str(&delta);
                }
            }
            AgUiEvent::TextMessageEnd { message_id } => {
                if let Some(text) = self.texts.remove(&message_id) {
                    self.answer = clean(&text);
                    if !text.trim().is_empty() {
                        let told = message(&self.answer);
                        self.tell(Some(Fact::Text(&text)), told).await?;
                    }
                }
            }
            AgUiEvent::RunStarted { .. } | AgUiEvent::Custom { .. } => {}
        }
        Ok(Heard::More)
    }

    /// Tells events, if the fact that they are about was not told before.
    async fn tell(&self, fact: Option<Fact<'_>>, events: Vec<AgUiEvent>) -> Result<(), JobFailure> {
        let run_id = self.run_id;
        let mut tx = self.app.db.begin().await?;
        if let Some(fact) = fact
            && !gateway::claim(&mut tx, run_id, &fact).await?
        {
            return Ok(());
        }
        let bodies: Vec<EventBody> = events.into_iter().map(|event| EventBody::RunEvent { run_id, event }).collect();
        self.job.append_within(&mut tx, &bodies).await?;
        Ok(tx.commit().await?)
    }

    /// Tells what a tool answered, if anybody knows of its call.
    async fn tell_result(&self, id: &str, content: &str) -> Result<(), JobFailure> {
        if !gateway::is_told(self.app, self.run_id, &Fact::Call(id)).await? {
            return Ok(());
        }
        self.tell(Some(Fact::Result(id)), vec![result_event(id, content)]).await
    }
}

/// A message, whole.
fn message(text: &str) -> Vec<AgUiEvent> {
    let message_id = Uuid::now_v7().to_string();
    vec![
        AgUiEvent::TextMessageStart { message_id: message_id.clone(), role: "assistant".to_owned(), name: None },
        AgUiEvent::TextMessageContent { message_id: message_id.clone(), delta: text.to_owned() },
        AgUiEvent::TextMessageEnd { message_id },
    ]
}

/// Why the project gave up, in its own words: with a code of its own only if that is one.
fn failure(message: &str, code: Option<&str>) -> JobReason {
    let is_code = |code: &&str| {
        (1..=64).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    JobReason {
        code: code.filter(is_code).unwrap_or("project_failed").to_owned(),
        message: shortened(message, LONGEST_MESSAGE),
    }
}

fn shortened(text: &str, characters: usize) -> String {
    clean(&text.chars().take(characters).collect::<String>())
}
