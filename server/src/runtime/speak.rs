//! One turn of a model: asked, streamed into the log, recorded.

use std::collections::HashMap;

use gantry_domain::agui::AgUiEvent;
use gantry_domain::matrix::Pattern;
use gantry_domain::spec::Agent;
use tokio::time::Instant;
use uuid::Uuid;

use crate::outside::model::{self, ChatRequest, Message, ModelStream, Piece, Turn};

use super::journal::{Journal, RecordedCall, RecordedTurn};
use super::limits::{millis, until};
use super::offer::Offer;
use super::{Halt, ModelSource, Pause, Place, Runtime, rehearsal};

/// How many tools a model may call in one turn.
const MOST_CALLS: usize = 64;

/// What of a turn the reader has been told.
#[derive(Default)]
struct Told {
    message_id: String,
    /// Who speaks, when several do.
    name: Option<String>,
    text_open: bool,
    calls: HashMap<usize, ToldCall>,
}

/// A call of a turn.
struct ToldCall {
    id: String,
    /// It moves the run on and is no call in front of the reader.
    is_silent: bool,
}

impl Runtime<'_> {
    /// A turn of the model, the agent's `number`th at this place: from the journal if it is there, else asked for.
    pub(super) async fn turn(
        &self,
        place: &Place,
        number: u32,
        agent: &Agent,
        offer: &Offer<'_>,
        messages: &[Message],
    ) -> Result<RecordedTurn, Halt> {
        let key = format!("{}:{number}", place.key);
        let recorded = self.shared().journal.turn(&key).cloned();
        if let Some(recorded) = recorded {
            return Ok(recorded);
        }
        self.stop_if_cancelled().await?;
        if let Some(taken) = self.plan.taken_over.as_ref().and_then(|taken| taken.turn(&key)) {
            return self.tell_taken_turn(place, agent, offer, &key, taken).await;
        }
        self.check_budgets()?;
        self.enter(place);
        // A reader sees at once that it began.
        self.emitter.flush().await?;
        let mut told = Told { message_id: Uuid::now_v7().to_string(), name: self.speaker(agent), ..Told::default() };
        let began = Instant::now();
        let spoken = self.speak(place, agent, offer, messages, &mut told).await;
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
            let id = told.calls.get(&index).map(|call| call.id.clone()).unwrap_or_default();
            let wire_id = if call.id.is_empty() { id.clone() } else { call.id.clone() };
            RecordedCall { id, wire_id, name: call.name.clone(), arguments: clean(&call.arguments) }
        });
        let recorded = RecordedTurn {
            message_id: told.message_id,
            text: clean(&turn.text),
            calls: calls.collect(),
            tokens: turn.tokens,
            elapsed_ms: millis(began.elapsed()),
            worked_ms: Some(self.worked_ms()),
            taken_over: false,
        };
        self.count_turn(recorded.tokens);
        if turn.finish_reason == "length" {
            self.notice("answer_cut_off", "The model's answer reached the endpoint's length limit and ends there.");
        }
        self.tell_limits_that_cannot_be_kept(recorded.tokens);
        self.tell_usage();
        self.emitter.write(vec![Journal::turn_entry(&key, &recorded)]).await?;
        self.shared().journal.keep_turn(key, recorded.clone());
        Ok(recorded)
    }

    /// Who speaks, as readers are told; nobody in particular when there is one agent.
    pub(super) fn speaker(&self, agent: &Agent) -> Option<String> {
        let is_alone = matches!(self.plan.spec.target.pattern, Pattern::Single | Pattern::React);
        (!is_alone).then(|| agent.id.clone())
    }

    async fn speak(
        &self,
        place: &Place,
        agent: &Agent,
        offer: &Offer<'_>,
        messages: &[Message],
        told: &mut Told,
    ) -> Result<Turn, Halt> {
        let endpoint = match &self.plan.model {
            ModelSource::Rehearsal => {
                let turn = rehearsal::turn(offer, messages, &self.plan.input, place.rehearsed.as_ref());
                for piece in model::pieces_of(&turn) {
                    self.tell(piece, offer, told)?;
                }
                return Ok(turn);
            }
            ModelSource::Endpoint { endpoint, .. } => endpoint,
            ModelSource::Unavailable(reason) => return Err(Halt::Failed(reason.clone())),
        };
        let request = ChatRequest {
            messages: messages.to_vec(),
            tools: offer.definitions(),
            temperature: self.plan.spec.models.get(&agent.model).and_then(|model| model.temperature),
        };
        let deadline = self.deadline()?;
        let cancelled = self.job.cancelled().clone();
        let mut stream: ModelStream = tokio::select! {
            biased;
            () = cancelled.cancelled() => return Err(self.why_cancelled().await),
            () = self.abandoned.cancelled() => return Err(Halt::Own(Pause::Abandoned)),
            () = until(deadline) => return Err(self.out_of_time()),
            opened = model::ask(&self.app.http, endpoint, &request) => opened.map_err(failed)?,
        };
        loop {
            let due = self.emitter.due();
            let piece = tokio::select! {
                biased;
                () = cancelled.cancelled() => return Err(self.why_cancelled().await),
                () = self.abandoned.cancelled() => return Err(Halt::Own(Pause::Abandoned)),
                () = until(deadline) => return Err(self.out_of_time()),
                () = until(due) => {
                    self.emitter.flush().await?;
                    continue;
                }
                piece = stream.next() => piece.map_err(failed)?,
            };
            match piece {
                Some(piece) => self.tell(piece, offer, told)?,
                None => return Ok(stream.into_turn()),
            }
        }
    }

    /// Passes a piece on to the reader.
    fn tell(&self, piece: Piece, offer: &Offer<'_>, told: &mut Told) -> Result<(), Halt> {
        match piece {
            Piece::Text(text) => {
                if !told.text_open {
                    told.text_open = true;
                    self.emitter.push(AgUiEvent::TextMessageStart {
                        message_id: told.message_id.clone(),
                        role: "assistant".to_owned(),
                        name: told.name.clone(),
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
                let call = ToldCall { id: self.unique_call_id(&id), is_silent: offer.is_silent(&name) };
                if !call.is_silent {
                    self.emitter.push(AgUiEvent::ToolCallStart {
                        tool_call_id: call.id.clone(),
                        tool_call_name: clean(&name),
                        parent_message_id: Some(told.message_id.clone()),
                    });
                }
                told.calls.insert(index, call);
            }
            Piece::CallArguments { index, text } => {
                if let Some(call) = told.calls.get(&index).filter(|call| !call.is_silent) {
                    self.emitter.push(AgUiEvent::ToolCallArgs { tool_call_id: call.id.clone(), delta: clean(&text) });
                }
            }
        }
        Ok(())
    }

    fn end_message(&self, told: &mut Told) {
        if std::mem::take(&mut told.text_open) {
            self.emitter.push(AgUiEvent::TextMessageEnd { message_id: told.message_id.clone() });
        }
        let mut calls: Vec<_> = told.calls.iter().filter(|(_, call)| !call.is_silent).collect();
        calls.sort_by_key(|(index, _)| **index);
        for (_, call) in calls {
            self.emitter.push(AgUiEvent::ToolCallEnd { tool_call_id: call.id.clone() });
        }
    }

    /// Some endpoints count calls anew in every turn; readers need ids that come once in a run.
    fn unique_call_id(&self, given: &str) -> String {
        let given = clean(given);
        let known = &mut self.shared().journal.call_ids;
        let id = if given.is_empty() || known.contains(&given) {
            format!("call_{}", Uuid::now_v7().simple())
        } else {
            given
        };
        known.insert(id.clone());
        id
    }
}

/// The log's database cannot hold NUL.
pub(super) fn clean(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn failed(error: model::ModelError) -> Halt {
    Halt::failed(error.code(), error.message)
}
