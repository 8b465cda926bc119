//! What every agent must obey, whatever its cases are: looked at in rehearsals, which call each tool once.
//!
//! A rehearsal stands for the most obedient of models: it asks for every tool that it is offered, as a model
//! would that reads an order in a tool's answer. So what may not run must not run in a rehearsal either.

use super::observe::{Fate, Observation, ObservedCall, ObservedEnd};
use super::{Check, quoted};
use crate::matrix::Pattern;
use crate::spec::{Effect, Spec, Tool, ToolSource};

/// What a rehearsal is told: something that the tools which compute can work with.
pub const REHEARSAL_INPUT: &str = "What is 6 * 7?";

/// How much of what a tool answered must come back in the rehearsal's report, in characters.
const COMPARED: usize = 60;

/// An agent alone: each of its tools is called once, and what it answers comes back.
pub fn tools_of_agent(spec: &Spec, seen: &Observation) -> Vec<Check> {
    let mut checks = vec![answered(seen)];
    checks.extend(spec.tools.iter().map(|tool| tool_called(tool, seen)));
    checks
}

/// The whole pattern: those get their turn that must.
pub fn turns(spec: &Spec, seen: &Observation) -> Vec<Check> {
    let mut checks = vec![answered(seen)];
    let (others, first): (Vec<&str>, Option<&str>) = (
        spec.agents.iter().skip(1).map(|agent| agent.id.as_str()).collect(),
        spec.agents.first().map(|agent| agent.id.as_str()),
    );
    let all = |names: Vec<&str>| -> Vec<Check> {
        names.iter().map(|name| turn(name, seen.steps.iter().any(|step| step == name))).collect()
    };
    match spec.target.pattern {
        Pattern::Single | Pattern::React => {}
        Pattern::Sequential | Pattern::Parallel => {
            checks.extend(all(spec.tasks.iter().map(|task| task.id.as_str()).collect()));
        }
        Pattern::Graph => checks.extend(all(spec.graph.iter().map(|graph| graph.start.as_str()).collect())),
        Pattern::Supervisor => checks.extend(all(others)),
        Pattern::Handoff => checks.extend(all(first.into_iter().collect())),
        Pattern::Router => {
            let chosen = seen.steps.iter().find(|step| others.contains(&step.as_str()));
            checks.push(match chosen {
                Some(chosen) => Check::passed("router", format!("The router chose {chosen}.")),
                None => Check::failed("router", "The router chose nobody."),
            });
        }
    }
    checks
}

/// In Safe mode: what may not run does not run, although it was asked for.
pub fn held_back(spec: &Spec, seen: &Observation) -> Vec<Check> {
    spec.tools.iter().filter(|tool| is_held_back(spec, tool)).map(|tool| denied(spec, tool, seen)).collect()
}

/// Whether a tool may not run in Safe mode.
pub fn is_held_back(spec: &Spec, tool: &Tool) -> bool {
    tool.effect != Effect::Read || spec.guardrails.deny.contains(&tool.id)
}

fn answered(seen: &Observation) -> Check {
    match &seen.end {
        ObservedEnd::Answered => Check::passed("answered", "The rehearsal came to its end."),
        ObservedEnd::Failed(code, message) => {
            Check::failed("answered", format!("The rehearsal failed ({code}): {message}"))
        }
        ObservedEnd::Stopped => Check::failed("answered", "The rehearsal was stopped before its end."),
    }
}

fn turn(name: &str, had: bool) -> Check {
    let message = if had { format!("{name} had its turn.") } else { format!("{name} never had its turn.") };
    Check::decided(format!("step:{name}"), had, message)
}

fn tool_called(tool: &Tool, seen: &Observation) -> Check {
    let id = format!("tool:{}", tool.id);
    let calls: Vec<&ObservedCall> = seen.calls_of(&tool.id).collect();
    let call = match calls.as_slice() {
        [] => return Check::failed(id, format!("{} was not called.", tool.id)),
        [call] => call,
        // Asked for again after it was denied: it ran neither time.
        [call, more @ ..] if call.fate == Fate::Denied && more.iter().all(|call| call.fate == Fate::Denied) => call,
        more => {
            return Check::failed(id, format!("{} was called {} times, and once was expected.", tool.id, more.len()));
        }
    };
    let result = call.result.as_deref().unwrap_or_default();
    match call.fate {
        Fate::Open => Check::failed(id, format!("{} was called and nothing came back.", tool.id)),
        Fate::Denied => Check::skipped(
            id,
            format!("{} was not tried, because it was denied: {result} To try it, run the eval in mode dev.", tool.id),
        ),
        Fate::NotRunnable => Check::skipped(
            id,
            format!(
                "{} was not tried: it is a function of the project, which the native runtime does not run.",
                tool.id
            ),
        ),
        // Made-up arguments: a service that knows nothing of that name has been reached all the same.
        Fate::Failed if result.starts_with("Error: HTTP 4") => Check::skipped(
            id,
            format!(
                "{} was reached, and refused made-up arguments, so nothing is proven: {}.",
                tool.id,
                quoted(result)
            ),
        ),
        Fate::Failed
            if seen.has_no_network
                && matches!(tool.source, ToolSource::Http { .. } | ToolSource::McpOverHttp { .. }) =>
        {
            Check::skipped(id, format!("{} was not tried: it asks a service, and a container has no network.", tool.id))
        }
        Fate::Failed => Check::failed(id, format!("{} answered with an error: {}.", tool.id, quoted(result))),
        Fate::Answered if comes_back(result, &seen.answer) => {
            Check::passed(id, format!("{} was called once, and its answer came back: {}.", tool.id, quoted(result)))
        }
        Fate::Answered => Check::failed(
            id,
            format!("{} answered {}, and that is not in what the agent said.", tool.id, quoted(result)),
        ),
    }
}

/// Whether a report repeats a tool's answer; blanks count as one.
fn comes_back(result: &str, report: &str) -> bool {
    let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let start: String = one_line(result).chars().take(COMPARED).collect();
    one_line(report).contains(&start)
}

fn denied(spec: &Spec, tool: &Tool, seen: &Observation) -> Check {
    let id = format!("denied:{}", tool.id);
    let calls: Vec<&ObservedCall> = seen.calls_of(&tool.id).collect();
    let ran = calls.iter().find(|call| matches!(call.fate, Fate::Answered | Fate::Failed));
    let rule = if spec.guardrails.deny.contains(&tool.id) { "the guardrails deny it" } else { "Safe mode denies it" };
    match (ran, calls.first()) {
        (Some(call), _) if call.fate == Fate::Failed && never_began(call) => {
            Check::skipped(id, format!("{} was asked for with arguments that it does not take.", tool.id))
        }
        (Some(_), _) => Check::failed(id, format!("{} ran although {rule}.", tool.id)),
        (None, Some(call)) if call.fate == Fate::Denied => {
            Check::passed(id, format!("{} was asked for and did not run: {rule}.", tool.id))
        }
        (None, Some(call)) if call.fate == Fate::NotRunnable => {
            Check::passed(id, format!("{} was asked for and did not run: the native runtime runs no code.", tool.id))
        }
        (None, Some(_)) => {
            Check::failed(id, format!("{} was asked for, and it is not known what became of it.", tool.id))
        }
        (None, None) => Check::skipped(id, format!("{} was not asked for.", tool.id)),
    }
}

/// Arguments are looked at before anything is decided: such a call ended there.
fn never_began(call: &ObservedCall) -> bool {
    call.result.as_deref().is_some_and(|result| result.starts_with("Error: the arguments"))
}
