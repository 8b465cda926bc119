//! One step of a pipeline by itself: the spec of a run that tries a single agent or task.

use crate::api::run::RunStep;
use crate::matrix::Pattern;
use crate::spec::{Agent, Spec};

/// The spec in which there is only the step: an agent alone with its tools, or a task alone with the
/// agent that does it. None when the spec has no such agent or task.
///
/// Whatever the pattern, one step is one agent at work, which the native runtime can do.
pub fn spec_of_step(spec: &Spec, step: &RunStep) -> Option<Spec> {
    let mut alone = spec.clone();
    let agent_id = match step {
        RunStep::Agent(id) => {
            alone.tasks.clear();
            id.clone()
        }
        RunStep::Task(id) => {
            let mut task = spec.tasks.iter().find(|task| task.id == *id)?.clone();
            task.depends_on.clear();
            let agent = task.agent.clone();
            alone.tasks = vec![task];
            agent
        }
    };
    let mut agent: Agent = spec.agents.iter().find(|agent| agent.id == agent_id)?.clone();
    agent.handoffs.clear();
    alone.target.pattern = match step {
        RunStep::Task(_) => Pattern::Sequential,
        // The pattern single offers no tools, so a step of it has none either.
        RunStep::Agent(_) if agent.tools.is_empty() || spec.target.pattern == Pattern::Single => Pattern::Single,
        RunStep::Agent(_) => Pattern::React,
    };
    alone.tools.retain(|tool| agent.tools.contains(&tool.id));
    alone.guardrails.deny.retain(|id| agent.tools.contains(id));
    alone.agents = vec![agent];
    alone.graph = None;
    alone.layout = crate::spec::Layout::default();
    Some(alone)
}
