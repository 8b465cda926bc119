//! The patterns in which agents know of one another: one is chosen, some are asked, the conversation
//! is passed on.

use futures::future::BoxFuture;
use gantry_domain::spec::Agent;
use serde_json::Value;
use tokio::time::Instant;

use crate::outside::model::Message;

use super::agent::{Spoke, said, step_limit};
use super::journal::RecordedCall;
use super::limits::millis;
use super::offer::{Choice, Meaning, Offer};
use super::toolbox::Answer;
use super::{Halt, Place, Runtime, instructions};

/// How often a conversation may be passed on.
const MOST_TRANSFERS: usize = 10;

impl<'a> Runtime<'a> {
    /// The first agent chooses who answers.
    pub(super) async fn routed(&self) -> Result<String, Halt> {
        let agent = self.choose().await?;
        self.converse_in_step(agent).await
    }

    async fn converse_in_step(&self, agent: &'a Agent) -> Result<String, Halt> {
        let place = Place::step(&agent.id);
        let answer = self.converse(&place, agent, self.thread(agent, None)).await?;
        self.leave(&place);
        Ok(answer)
    }

    /// Asks the router until it chooses somebody.
    async fn choose(&self) -> Result<&'a Agent, Halt> {
        let router = self.first_agent()?;
        let offer = Offer { choices: self.others(Meaning::Route, "router")?, tools: Vec::new() };
        let place = Place { key: router.id.clone(), ..Place::default() };
        let error = format!("Error: expected a call of one of: {}", offer.names().join(", "));
        let mut messages = self.thread(router, None);
        for number in 0..router.max_steps {
            let turn = self.turn(&place, number, router, &offer, &messages).await?;
            if let Some(choice) = turn.calls.iter().find_map(|call| offer.choice(&call.name)) {
                return Ok(choice.agent);
            }
            messages.push(said(&turn));
            if turn.calls.is_empty() {
                messages.push(Message::User(error.clone()));
            }
            messages.extend(
                turn.calls.iter().map(|call| Message::Tool { call_id: call.wire_id.clone(), content: error.clone() }),
            );
        }
        Err(step_limit(router))
    }

    /// The first agent answers with what the others have to say.
    pub(super) async fn supervised(&self) -> Result<String, Halt> {
        let supervisor = self.first_agent()?;
        let mut offer = Offer::of(&self.plan.spec, supervisor);
        offer.choices = self.others(Meaning::Ask, "supervisor")?;
        let place = Place { key: supervisor.id.clone(), ..Place::default() };
        let mut messages = self.thread(supervisor, None);
        match self.talk(&place, supervisor, &offer, &mut messages).await? {
            Spoke::Answer(answer) => Ok(answer),
            // Nobody was offered to pass on to.
            Spoke::Transfer(_) => Err(step_limit(supervisor)),
        }
    }

    /// What a specialist answers; a request that cannot be read is for the model to mend.
    pub(super) fn consult<'f>(
        &'f self,
        place: &'f Place,
        key: String,
        specialist: &'a Agent,
        call: &'f RecordedCall,
    ) -> BoxFuture<'f, Result<String, Halt>> {
        // Boxed, because a specialist's loop is the same as the one that asks.
        Box::pin(self.ask_specialist(place, key, specialist, call))
    }

    async fn ask_specialist(
        &self,
        place: &Place,
        key: String,
        specialist: &'a Agent,
        call: &RecordedCall,
    ) -> Result<String, Halt> {
        if let Some(content) = self.known_outcome(call) {
            return Ok(content);
        }
        self.stop_if_cancelled().await?;
        let began = Instant::now();
        let content = match request_of(&call.arguments) {
            Some(request) => {
                let inner = Place {
                    key: format!("{key}/{}", specialist.id),
                    step: Some(specialist.id.clone()),
                    rehearsed: None,
                };
                let mut messages = instructions(specialist);
                messages.push(Message::User(request));
                // What is taken over has all of the specialist's turns, which are told on the way.
                let answer = self.converse(&inner, specialist, messages).await?;
                self.leave(&inner);
                answer
            }
            None => r#"Error: expected the arguments as JSON: {"request": "what to find out or do"}"#.to_owned(),
        };
        if let Some(taken) = self.taken_outcome(call) {
            return self.tell_taken_outcome(place, call, taken).await;
        }
        self.shared().usage.tool_calls += 1;
        self.record(place, call, Answer { content, notice: None }, millis(began.elapsed())).await
    }

    /// Agents pass the conversation on to one another until one answers.
    pub(super) async fn handed_over(&self) -> Result<String, Halt> {
        let mut agent = self.first_agent()?;
        let mut history = self.conversation();
        for hop in 0..=MOST_TRANSFERS {
            let mut offer = Offer::of(&self.plan.spec, agent);
            for id in &agent.handoffs {
                let target = self.agent(id, &format!("The agent {}", agent.id))?;
                offer.choices.push(Choice::of(target, Meaning::Transfer));
            }
            let place = Place { key: format!("{hop}/{}", agent.id), step: Some(agent.id.clone()), rehearsed: None };
            // Each agent has the conversation with instructions of its own before it.
            let mut messages = instructions(agent);
            let told = messages.len();
            messages.append(&mut history);
            let spoke = self.talk(&place, agent, &offer, &mut messages).await?;
            self.leave(&place);
            history = messages.split_off(told);
            match spoke {
                Spoke::Answer(answer) => return Ok(answer),
                Spoke::Transfer(target) => agent = target,
            }
        }
        Err(Halt::failed(
            "handoff_limit",
            format!(
                "The conversation was passed on more than {MOST_TRANSFERS} times, last to {}. Make the agents' instructions say who answers, or remove handoffs that lead in a circle.",
                agent.id
            ),
        ))
    }

    /// The agents beside the first, as it is offered them.
    fn others(&self, meaning: Meaning, pattern: &str) -> Result<Vec<Choice<'a>>, Halt> {
        let others = self.plan.spec.agents.iter().skip(1);
        let choices: Vec<Choice<'a>> = others.map(|agent| Choice::of(agent, meaning)).collect();
        if choices.is_empty() {
            return Err(Halt::failed("spec_invalid", format!("The pattern {pattern} needs more than one agent.")));
        }
        Ok(choices)
    }
}

/// What a specialist is asked; none when the arguments do not say it.
fn request_of(arguments: &str) -> Option<String> {
    match serde_json::from_str::<Value>(arguments).ok()?.get("request")? {
        Value::String(request) => Some(request.clone()),
        other => Some(other.to_string()),
    }
}
