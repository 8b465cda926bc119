//! One turn of a model: asked, streamed into the log, recorded.

use std::collections::HashMap;
use std::time::Duration;

use gantry_domain::agui::AgUiEvent;
use gantry_domain::spec::{Agent, Tool};
use serde_json::json;
use tokio::time::Instant;
use uuid::Uuid;

use crate::outside::model::{self, ChatRequest, Message, ModelStream, Piece, TokenCount, ToolDefinition, Turn};

use super::journal::{Journal, RecordedCall, RecordedTurn};
use super::{Halt, ModelSource, Runtime, rehearsal};

/// How many tools a model may call in one turn.
const MOST_CALLS: usize = 64;

/// What of a turn the reader has been told.
#[derive(Default)]
struct Told {
    message_id: String,
    text_open: bool,
    calls: HashMap<usize, String>,
}

impl Runtime<'_> {
    /// A turn of the model: from the journal if it is there, else asked for.
    pub(super) async fn turn(
        &mut self,
        key: &str,
        agent: &Agent,
        tools: &[&Tool],
        messages: &[Message],
    ) -> Result<RecordedTurn, Halt> {
        if let Some(recorded) = self.journal.turn(key).cloned() {
            self.count_turn(recorded.tokens);
            return Ok(recorded);
        }
        self.stop_if_cancelled().await?;
        self.check_token_budget()?;
        self.enter_step();
        // A reader sees at once that it began.
        self.emitter.flush().await?;
        let mut told = Told { message_id: Uuid::now_v7().to_string(), ..Told::default() };
        let began = Instant::now();
        let spoken = self.speak(agent, tools, messages, &mut told).await;
        self.end_message(&mut told);
        let turn = match spoken {
            Ok(turn) => turn,
            // What had arrived stays where it is for the reader; `end` closes the run after it.
            Err(halt @ Halt::Job(_)) => return Err(halt),
            Err(halt) => {
                self.emitter.flush().await?;
                return Err(halt);
            }
        };
        let calls = turn.calls.iter().enumerate().map(|(index, call)| {
            let id = told.calls.get(&index).cloned().unwrap_or_default();
            let wire_id = if call.id.is_empty() { id.clone() } else { call.id.clone() };
            RecordedCall { id, wire_id, name: call.name.clone(), arguments: clean(&call.arguments) }
        });
        let recorded = RecordedTurn {
            message_id: told.message_id,
            text: clean(&turn.text),
            calls: calls.collect(),
            tokens: turn.tokens,
            elapsed_ms: millis(began.elapsed()),
        };
        self.journal.worked_ms += recorded.elapsed_ms;
        self.count_turn(recorded.tokens);
        if turn.finish_reason == "length" {
            self.notice("answer_cut_off", "The model's answer reached the endpoint's length limit and ends there.");
        }
        if recorded.tokens.is_none()
            && self.plan.spec.guardrails.max_tokens.is_some()
            && self.has_endpoint()
            && !self.told_uncounted
        {
            self.told_uncounted = true;
            self.notice(
                "tokens_not_counted",
                "The model's endpoint does not say how many tokens it used, so the token limit cannot be kept.",
            );
        }
        self.tell_usage();
        self.emitter.write(vec![Journal::turn_entry(key, &recorded)]).await?;
        Ok(recorded)
    }

    fn has_endpoint(&self) -> bool {
        matches!(self.plan.model, ModelSource::Endpoint { .. })
    }

    async fn speak(
        &mut self,
        agent: &Agent,
        tools: &[&Tool],
        messages: &[Message],
        told: &mut Told,
    ) -> Result<Turn, Halt> {
        let endpoint = match &self.plan.model {
            ModelSource::Rehearsal => {
                let turn = rehearsal::turn(tools, messages, &self.plan.input);
                for piece in model::pieces_of(&turn) {
                    self.tell(piece, told)?;
                }
                return Ok(turn);
            }
            ModelSource::Endpoint { endpoint, .. } => endpoint,
            ModelSource::Unavailable(reason) => return Err(Halt::Failed(reason.clone())),
        };
        let request = ChatRequest {
            messages: messages.to_vec(),
            tools: tools
                .iter()
                .map(|tool| ToolDefinition {
                    name: tool.id.clone(),
                    description: tool.description.clone(),
                    parameters: tool.parameters.clone(),
                })
                .collect(),
            temperature: self.plan.spec.models.get(&agent.model).and_then(|model| model.temperature),
        };
        let deadline = self.deadline()?;
        let cancelled = self.job.cancelled().clone();
        let mut stream: ModelStream = tokio::select! {
            biased;
            () = cancelled.cancelled() => return Err(self.why_cancelled().await),
            () = until(deadline) => return Err(self.out_of_time()),
            opened = model::ask(&self.app.http, endpoint, &request) => opened.map_err(failed)?,
        };
        loop {
            let due = self.emitter.due();
            let piece = tokio::select! {
                biased;
                () = cancelled.cancelled() => return Err(self.why_cancelled().await),
                () = until(deadline) => return Err(self.out_of_time()),
                () = until(due) => {
                    self.emitter.flush().await?;
                    continue;
                }
                piece = stream.next() => piece.map_err(failed)?,
            };
            match piece {
                Some(piece) => self.tell(piece, told)?,
                None => return Ok(stream.into_turn()),
            }
        }
    }

    /// Passes a piece on to the reader.
    fn tell(&mut self, piece: Piece, told: &mut Told) -> Result<(), Halt> {
        match piece {
            Piece::Text(text) => {
                if !told.text_open {
                    told.text_open = true;
                    self.emitter.push(AgUiEvent::TextMessageStart {
                        message_id: told.message_id.clone(),
                        role: "assistant".to_owned(),
                    });
                }
                self.emitter
                    .push(AgUiEvent::TextMessageContent { message_id: told.message_id.clone(), delta: clean(&text) });
            }
            Piece::CallStarted { index, id, name } => {
                if told.calls.len() >= MOST_CALLS {
                    return Err(Halt::failed(
                        "model_bad_response",
                        format!(
                            "The model called more than {MOST_CALLS} tools in one turn. Choose another model, or tell it in the instructions to call fewer."
                        ),
                    ));
                }
                let id = self.unique_call_id(&id);
                told.calls.insert(index, id.clone());
                self.emitter.push(AgUiEvent::ToolCallStart {
                    tool_call_id: id,
                    tool_call_name: clean(&name),
                    parent_message_id: Some(told.message_id.clone()),
                });
            }
            Piece::CallArguments { index, text } => {
                if let Some(id) = told.calls.get(&index) {
                    self.emitter.push(AgUiEvent::ToolCallArgs { tool_call_id: id.clone(), delta: clean(&text) });
                }
            }
        }
        Ok(())
    }

    fn end_message(&mut self, told: &mut Told) {
        if std::mem::take(&mut told.text_open) {
            self.emitter.push(AgUiEvent::TextMessageEnd { message_id: told.message_id.clone() });
        }
        let mut ids: Vec<_> = told.calls.iter().collect();
        ids.sort();
        for (_, id) in ids {
            self.emitter.push(AgUiEvent::ToolCallEnd { tool_call_id: id.clone() });
        }
    }

    /// Some endpoints count calls anew in every turn; readers need ids that come once in a run.
    fn unique_call_id(&mut self, given: &str) -> String {
        let given = clean(given);
        let id = if given.is_empty() || self.journal.call_ids.contains(&given) {
            format!("call_{}", Uuid::now_v7().simple())
        } else {
            given
        };
        self.journal.call_ids.insert(id.clone());
        id
    }

    fn count_turn(&mut self, tokens: Option<TokenCount>) {
        let tokens = tokens.unwrap_or_default();
        self.usage.model_calls += 1;
        self.usage.input_tokens += tokens.input;
        self.usage.output_tokens += tokens.output;
        if let ModelSource::Endpoint { input_price_micros: Some(input), output_price_micros: Some(output), .. } =
            self.plan.model
        {
            let cost = i128::from(self.usage.input_tokens) * i128::from(input)
                + i128::from(self.usage.output_tokens) * i128::from(output);
            self.usage.cost_micros = Some(i64::try_from((cost + 500_000) / 1_000_000).unwrap_or(i64::MAX));
        }
    }

    fn tell_usage(&mut self) {
        let mut value = serde_json::to_value(self.usage).unwrap_or_default();
        value["elapsedMs"] = json!(self.journal.worked_ms);
        self.custom("gantry.usage", value);
    }

    pub(super) fn check_token_budget(&self) -> Result<(), Halt> {
        let Some(limit) = self.plan.spec.guardrails.max_tokens else {
            return Ok(());
        };
        let used = self.usage.input_tokens.saturating_add(self.usage.output_tokens);
        if u64::try_from(used).unwrap_or(0) < limit {
            return Ok(());
        }
        Err(Halt::failed(
            "token_budget",
            format!(
                "The run has used {used} tokens and its guardrails allow {limit}. Raise guardrails.maxTokens in the spec, or ask for less."
            ),
        ))
    }

    /// When the guardrails' time is over; none without a limit.
    pub(super) fn deadline(&self) -> Result<Option<Instant>, Halt> {
        let Some(seconds) = self.plan.spec.guardrails.max_seconds else {
            return Ok(None);
        };
        let worked = Duration::from_millis(u64::try_from(self.journal.worked_ms).unwrap_or(0));
        match Duration::from_secs(seconds).checked_sub(worked) {
            Some(left) if !left.is_zero() => Ok(Some(Instant::now() + left)),
            _ => Err(self.out_of_time()),
        }
    }

    pub(super) fn out_of_time(&self) -> Halt {
        let seconds = self.plan.spec.guardrails.max_seconds.unwrap_or_default();
        Halt::failed(
            "time_budget",
            format!(
                "The run has worked for the {seconds} seconds that its guardrails allow. Raise guardrails.maxSeconds in the spec, or ask for less."
            ),
        )
    }
}

/// Waits for a moment; for ever when there is none.
pub(super) async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// The log's database cannot hold NUL.
fn clean(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn failed(error: model::ModelError) -> Halt {
    Halt::failed(error.code, error.message)
}
