//! What a model is offered in a turn: tools, and the agents that it may choose, ask or pass on to.
//! Names and words are those of the generated code.

use gantry_domain::matrix::Pattern;
use gantry_domain::spec::{Agent, Spec, Tool};
use serde_json::json;

use crate::outside::model::ToolDefinition;

/// What a model may call.
#[derive(Debug, Default)]
pub(super) struct Offer<'a> {
    /// Agents, in the order in which the model reads them, before the tools.
    pub(super) choices: Vec<Choice<'a>>,
    /// Tools.
    pub(super) tools: Vec<&'a Tool>,
}

/// An agent that a model may name.
#[derive(Clone, Debug)]
pub(super) struct Choice<'a> {
    /// The name under which it is offered.
    pub(super) name: String,
    /// The agent.
    pub(super) agent: &'a Agent,
    /// What naming it means.
    pub(super) meaning: Meaning,
}

/// What naming an agent means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It answers instead.
    Route,
    /// It is asked, and its answer goes back.
    Ask,
    /// The conversation goes on with it.
    Transfer,
}

impl<'a> Choice<'a> {
    pub(super) fn of(agent: &'a Agent, meaning: Meaning) -> Self {
        let prefix = match meaning {
            Meaning::Ask => "ask",
            Meaning::Route | Meaning::Transfer => "transfer_to",
        };
        Self { name: format!("{prefix}_{}", agent.id), agent, meaning }
    }

    fn definition(&self) -> ToolDefinition {
        let role = &self.agent.role;
        let nothing = json!({"type": "object", "properties": {}});
        let (description, parameters) = match self.meaning {
            Meaning::Route => (format!("Let this agent answer: {role}"), nothing),
            Meaning::Transfer => (format!("Pass the conversation on to this agent: {role}"), nothing),
            Meaning::Ask => {
                let request =
                    json!({"type": "string", "description": "What to find out or do, with all that is needed for it."});
                (
                    format!("Ask this agent, who knows only what the request says: {role}"),
                    json!({"type": "object", "properties": {"request": request}, "required": ["request"]}),
                )
            }
        };
        ToolDefinition { name: self.name.clone(), description, parameters }
    }
}

impl<'a> Offer<'a> {
    /// An agent's own tools; the pattern `single` offers none.
    pub(super) fn of(spec: &'a Spec, agent: &Agent) -> Self {
        let offers = spec.target.pattern != Pattern::Single;
        let tools = spec.tools.iter().filter(|tool| offers && agent.tools.contains(&tool.id)).collect();
        Self { choices: Vec::new(), tools }
    }

    pub(super) fn definitions(&self) -> Vec<ToolDefinition> {
        let tools = self.tools.iter().map(|tool| ToolDefinition {
            name: tool.id.clone(),
            description: tool.description.clone(),
            parameters: tool.parameters.clone(),
        });
        self.choices.iter().map(Choice::definition).chain(tools).collect()
    }

    pub(super) fn choice(&self, name: &str) -> Option<&Choice<'a>> {
        self.choices.iter().find(|choice| choice.name == name)
    }

    /// Whether a call passes the conversation on.
    pub(super) fn is_transfer(&self, name: &str) -> bool {
        self.choice(name).is_some_and(|choice| choice.meaning == Meaning::Transfer)
    }

    /// Whether a call is no call in front of the reader: it moves the run on, which its steps tell.
    pub(super) fn is_silent(&self, name: &str) -> bool {
        self.is_transfer(name) || self.choices.iter().any(|choice| choice.meaning == Meaning::Route)
    }

    /// Everything that may be called, for a model that named something else.
    pub(super) fn names(&self) -> Vec<&str> {
        let tools = self.tools.iter().map(|tool| tool.id.as_str());
        self.choices.iter().map(|choice| choice.name.as_str()).chain(tools).collect()
    }
}
