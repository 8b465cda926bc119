//! A spec on its way: what was read so far of somebody else's project, and what is to be said of it.

use std::collections::BTreeMap;

use gantry_domain::matrix::diagnose::diagnose;
use gantry_domain::matrix::{Diagnostic, Framework, Pattern, Severity};
use gantry_domain::spec::{
    API_VERSION, Agent, BuildOptions, Effect, Evals, Graph, Guardrails, Layout, Memory, Metadata, Model, Spec, Target,
    Task, Tool, ToolSource,
};
use serde_json::Value;

use super::names::{identifier, slug};
use super::{Imported, remark};

/// How long a role and a tool's description may be, in characters.
const LONGEST_ROLE: usize = 200;
const LONGEST_DESCRIPTION: usize = 1024;

/// What was read so far.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) agents: Vec<Agent>,
    pub(super) tools: Vec<Tool>,
    pub(super) models: BTreeMap<String, Model>,
    pub(super) tasks: Vec<Task>,
    pub(super) graph: Option<Graph>,
    pub(super) found: Vec<Diagnostic>,
}

impl Draft {
    pub(super) fn note(&mut self, code: &str, at: impl Into<String>, message: impl Into<String>) {
        self.add(Severity::Info, code, at, message);
    }

    pub(super) fn warn(&mut self, code: &str, at: impl Into<String>, message: impl Into<String>) {
        self.add(Severity::Warning, code, at, message);
    }

    fn add(&mut self, severity: Severity, code: &str, at: impl Into<String>, message: impl Into<String>) {
        let found = remark(severity, code, at, message);
        if !self.found.contains(&found) {
            self.found.push(found);
        }
    }

    /// Adds an agent; gives its index.
    pub(super) fn agent(&mut self, name: &str, role: &str, instructions: String, model: String) -> usize {
        let taken: Vec<String> = self.agents.iter().map(|agent| agent.id.clone()).collect();
        let id = identifier(name, &taken);
        let role = [role, name, &id].into_iter().find(|text| !text.trim().is_empty()).unwrap_or("agent");
        let role: String = role.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(LONGEST_ROLE).collect();
        let instructions = if instructions.trim().is_empty() { format!("You are {role}.") } else { instructions };
        self.agents.push(Agent {
            id,
            role,
            instructions,
            model,
            tools: Vec::new(),
            handoffs: Vec::new(),
            max_steps: 8,
        });
        self.agents.len() - 1
    }

    /// The key of a model like this one, which is added if there is none.
    pub(super) fn model(&mut self, name: &str, temperature: Option<f64>) -> String {
        let model = Model { model: name.to_owned(), temperature, ..Model::default() };
        if let Some((key, _)) = self.models.iter().find(|(_, known)| **known == model) {
            return key.clone();
        }
        let taken: Vec<String> = self.models.keys().cloned().collect();
        let key = match (taken.is_empty(), name) {
            (true, _) => "default".to_owned(),
            (false, "") => identifier("model", &taken),
            (false, name) => identifier(name, &taken),
        };
        self.models.insert(key.clone(), model);
        key
    }

    /// Adds a tool; gives its id.
    pub(super) fn tool(
        &mut self,
        name: &str,
        description: &str,
        parameters: Value,
        effect: Effect,
        source: ToolSource,
    ) -> String {
        let taken: Vec<String> = self.tools.iter().map(|tool| tool.id.clone()).collect();
        let mut id = identifier(name, &taken);
        if gantry_domain::spec::is_taken_by_generated_code(&id) {
            id = identifier(&format!("{}_tool", id.trim_matches('_')), &taken);
        }
        let described = if description.trim().is_empty() { name } else { description.trim() };
        self.tools.push(Tool {
            id: id.clone(),
            description: described.chars().take(LONGEST_DESCRIPTION).collect(),
            parameters,
            effect,
            timeout_ms: 30_000,
            source,
        });
        id
    }

    /// Lets an agent have a tool.
    pub(super) fn give(&mut self, agent: usize, tool: &str) {
        if let Some(agent) = self.agents.get_mut(agent)
            && !agent.tools.iter().any(|id| id == tool)
        {
            agent.tools.push(tool.to_owned());
        }
    }

    /// Lets an agent pass the conversation on to another.
    pub(super) fn hand_on(&mut self, from: usize, to: usize) {
        let Some(id) = self.agents.get(to).map(|agent| agent.id.clone()).filter(|_| from != to) else { return };
        if let Some(agent) = self.agents.get_mut(from)
            && !agent.handoffs.contains(&id)
        {
            agent.handoffs.push(id);
        }
    }

    /// Adds a task of an agent's; gives its index.
    pub(super) fn task(&mut self, agent: usize, description: String) -> usize {
        let taken: Vec<String> = self.tasks.iter().map(|task| task.id.clone()).collect();
        let agent = self.agents.get(agent).map(|agent| agent.id.clone()).unwrap_or_default();
        self.tasks.push(Task {
            id: identifier(&agent, &taken),
            agent,
            description,
            expected_output: String::new(),
            depends_on: Vec::new(),
        });
        self.tasks.len() - 1
    }

    /// Puts an agent first: the one that people talk to.
    pub(super) fn put_first(&mut self, agent: usize) {
        if agent < self.agents.len() {
            let first = self.agents.remove(agent);
            self.agents.insert(0, first);
        }
    }

    /// The spec with what was found on the way, then what its diagnosis says.
    pub(super) fn finish(
        mut self,
        name: &str,
        description: String,
        framework: Framework,
        pattern: Pattern,
    ) -> Imported {
        if self.models.is_empty() || !self.models.contains_key("default") {
            self.models.insert("default".to_owned(), Model::default());
        }
        let is_said = self.found.iter().any(|found| found.code == "handoffs_left_out");
        if pattern != Pattern::Handoff {
            for agent in self.agents.clone().iter().filter(|agent| !agent.handoffs.is_empty() && !is_said) {
                let others = agent.handoffs.join(", ");
                let message = format!(
                    "{} may pass on to {others} there; beside the order in which agents take turns that is left out",
                    agent.id
                );
                self.warn("handoffs_left_out", "/agents", message);
            }
            self.agents.iter_mut().for_each(|agent| agent.handoffs.clear());
        }
        let language = framework.language();
        let spec = Spec {
            api_version: API_VERSION.to_owned(),
            kind: "Agent".to_owned(),
            metadata: Metadata { name: slug(name), version: "0.1.0".to_owned(), description, labels: BTreeMap::new() },
            target: Target { framework, language, pattern, cloud: None, exports: Vec::new() },
            models: self.models,
            agents: self.agents,
            tasks: self.tasks,
            graph: self.graph,
            tools: self.tools,
            memory: Memory::default(),
            guardrails: Guardrails::default(),
            evals: Evals::default(),
            build: BuildOptions::of(language),
            layout: Layout::default(),
        };
        let mut diagnostics = self.found;
        diagnostics.extend(diagnose(&spec));
        Imported { spec, diagnostics }
    }
}
