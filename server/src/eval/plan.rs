//! What an eval consists of, and which run each part needs. Pure.

use gantry_domain::Digest;
use gantry_domain::api::run::{PermissionMode, RunRuntime, RunStep};
use gantry_domain::eval::{Case, Layer, judge, wiring};
use gantry_domain::matrix::Pattern;
use gantry_domain::pipeline::spec_of_step;
use gantry_domain::spec::{Agent, Guardrails, Layout, Memory, MemoryKind, Spec};

use super::Kept;

/// The names of what is not a case.
pub(super) const PROJECT: &str = "project";
pub(super) const PATTERN: &str = "pattern";
pub(super) const PERMISSIONS: &str = "permissions";
pub(super) const SECRETS: &str = "secrets";
pub(super) const CASES: &str = "cases";
const AGENT: &str = "agent:";

/// A result that an eval will have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Planned {
    pub(super) layer: Layer,
    pub(super) name: String,
    pub(super) repeat: i64,
    /// What the agent is told; empty when nobody is.
    pub(super) input: String,
}

/// The agents whose tools are tried by themselves. What was generated runs as a whole, so there it is the one
/// agent of a project that has but one.
fn tried_alone(spec: &Spec, runtime: RunRuntime) -> Vec<&Agent> {
    let pattern = spec.target.pattern;
    let candidates = match runtime {
        RunRuntime::Native => spec.agents.len(),
        _ if pattern == Pattern::React => 1,
        _ => 0,
    };
    let offers_tools = pattern != Pattern::Single;
    spec.agents.iter().take(candidates).filter(|agent| offers_tools && !agent.tools.is_empty()).collect()
}

/// The results of an eval, in the order in which they are begun.
pub(super) fn plan(spec: &Spec, cases: &[Case], runtime: RunRuntime, has_provider: bool, repeats: i64) -> Vec<Planned> {
    let one = |layer: Layer, name: String, input: &str| Planned { layer, name, repeat: 1, input: input.to_owned() };
    let rehearsal = wiring::REHEARSAL_INPUT;
    let with_tools = tried_alone(spec, runtime);
    let mut planned = vec![one(Layer::Static, PROJECT.to_owned(), "")];

    // An agent that works alone is its pattern.
    if with_tools.is_empty() || spec.target.pattern != Pattern::React {
        planned.push(one(Layer::Contract, PATTERN.to_owned(), rehearsal));
    }
    planned.extend(with_tools.iter().map(|agent| one(Layer::Contract, format!("{AGENT}{}", agent.id), rehearsal)));

    let is_held_back = |agent: &&&Agent| {
        let mut tools = spec.tools.iter().filter(|tool| agent.tools.contains(&tool.id));
        tools.any(|tool| wiring::is_held_back(spec, tool))
    };
    let before = planned.len();
    planned.extend(
        with_tools
            .iter()
            .filter(is_held_back)
            .map(|agent| one(Layer::Safety, format!("{AGENT}{}", agent.id), rehearsal)),
    );
    if planned.len() == before {
        let holds_back = runtime != RunRuntime::Native
            && spec.target.pattern != Pattern::Single
            && spec.agents.iter().any(|agent| is_held_back(&&agent));
        planned.push(match holds_back {
            true => one(Layer::Safety, PATTERN.to_owned(), rehearsal),
            false => one(Layer::Safety, PERMISSIONS.to_owned(), ""),
        });
    }
    planned.push(one(Layer::Safety, SECRETS.to_owned(), ""));

    if !has_provider || cases.is_empty() {
        planned.push(one(Layer::Live, CASES.to_owned(), ""));
        return planned;
    }
    let each = |layer: Layer, wanted: &dyn Fn(&Case) -> bool| -> Vec<Planned> {
        let wanted = cases.iter().filter(|case| wanted(case));
        let repeated = wanted.flat_map(|case| (1..=repeats).map(move |repeat| (case, repeat)));
        repeated
            .map(|(case, repeat)| Planned { layer, name: case.id.clone(), repeat, input: case.input.clone() })
            .collect()
    };
    planned.extend(each(Layer::Live, &|_| true));
    planned.extend(each(Layer::Judge, &|case| case.expect.judge.is_some()));
    // The logs of all runs are looked through when there are no more to come.
    if let Some(at) = planned.iter().position(|result| result.name == SECRETS && result.layer == Layer::Safety) {
        let secrets = planned.remove(at);
        planned.push(secrets);
    }
    planned
}

/// The run that a result needs: its spec, its mode, and whether the model of the cases or the judge's answers.
pub(super) struct NeededRun {
    /// What is looked at: the whole project, or one agent of it.
    pub(super) spec: Spec,
    /// The image that is run, as a whole; none where the spec is interpreted.
    pub(super) image: Option<Digest>,
    pub(super) mode: PermissionMode,
    pub(super) answers: Answers,
}

/// Who answers in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answers {
    Rehearsal,
    Model,
    Judge,
}

/// The run that a result needs; none when it needs none, or what it names is not there.
pub(super) fn needed_run(kept: &Kept, layer: Layer, name: &str) -> Option<NeededRun> {
    let mode = if layer == Layer::Safety { PermissionMode::Safe } else { kept.eval.mode };
    let spec = match layer {
        Layer::Static => return None,
        Layer::Contract | Layer::Safety => match name.strip_prefix(AGENT) {
            Some(agent) => spec_of_step(&kept.spec, &RunStep::Agent(agent.to_owned()))?,
            None if name == PATTERN => kept.spec.clone(),
            None => return None,
        },
        Layer::Live => {
            kept.case(name)?;
            let spec = kept.spec.clone();
            return Some(NeededRun { spec, image: kept.eval.image.clone(), mode, answers: Answers::Model });
        }
        Layer::Judge => {
            let spec = judges_spec(&kept.spec);
            return Some(NeededRun { spec, image: None, mode: PermissionMode::Safe, answers: Answers::Judge });
        }
    };
    Some(NeededRun { spec, image: kept.eval.image.clone(), mode, answers: Answers::Rehearsal })
}

/// A judge is an agent without tools: so its run is in the same log, with the same page and the same bill.
fn judges_spec(spec: &Spec) -> Spec {
    let mut judge = spec.clone();
    judge.target.pattern = Pattern::Single;
    judge.agents = vec![Agent {
        id: "judge".to_owned(),
        role: "Judge".to_owned(),
        instructions: judge::INSTRUCTIONS.to_owned(),
        model: "default".to_owned(),
        tools: Vec::new(),
        handoffs: Vec::new(),
        max_steps: 1,
    }];
    judge.tasks = Vec::new();
    judge.graph = None;
    judge.tools = Vec::new();
    judge.memory = Memory { kind: MemoryKind::None };
    judge.guardrails = Guardrails::default();
    judge.layout = Layout::default();
    judge
}

#[cfg(test)]
mod tests {
    use gantry_domain::eval::{Expectation, Rubric};
    use serde_json::json;

    use super::*;

    fn spec(pattern: &str) -> Spec {
        gantry_domain::spec::from_value(json!({
            "apiVersion": "gantry/v1", "kind": "Agent", "metadata": {"name": "p", "version": "0.1.0"},
            "target": {"framework": "react", "language": "python", "pattern": pattern},
            "models": {"default": {}},
            "agents": [{"id": "boss", "role": "Boss", "instructions": "", "tools": ["post"]},
                       {"id": "clerk", "role": "Clerk", "instructions": ""}],
            "tools": [{"id": "post", "description": "Posts.", "effect": "write", "kind": "http", "method": "POST",
                       "url": "https://example.org", "parameters": {"type": "object", "properties": {}}}],
        }))
        .unwrap()
    }

    fn names(planned: &[Planned]) -> Vec<String> {
        planned.iter().map(|one| format!("{} {} {}", one.layer.as_str(), one.name, one.repeat)).collect()
    }

    #[test]
    fn without_a_model_there_are_the_layers_that_need_none() {
        let found = names(&plan(&spec("supervisor"), &[], RunRuntime::Native, false, 3));
        let expected = [
            "static project 1",
            "contract pattern 1",
            "contract agent:boss 1",
            "safety agent:boss 1",
            "safety secrets 1",
            "live cases 1",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn an_agent_that_works_alone_is_rehearsed_once() {
        let found = names(&plan(&spec("react"), &[], RunRuntime::Native, false, 1));
        assert_eq!(found[1..3], ["contract agent:boss 1", "safety agent:boss 1"]);
        // The pattern single offers no tools, so there is nothing to hold back.
        let found = names(&plan(&spec("single"), &[], RunRuntime::Native, false, 1));
        assert_eq!(found[1..3], ["contract pattern 1", "safety permissions 1"]);
    }

    #[test]
    fn what_was_generated_is_rehearsed_as_a_whole() {
        let of = |pattern: &str| names(&plan(&spec(pattern), &[], RunRuntime::Container, false, 1))[1..3].to_vec();
        assert_eq!(of("supervisor"), ["contract pattern 1", "safety pattern 1"]);
        assert_eq!(of("react"), ["contract agent:boss 1", "safety agent:boss 1"]);
        assert_eq!(of("single"), ["contract pattern 1", "safety permissions 1"]);
    }

    #[test]
    fn cases_are_repeated_judged_and_followed_by_the_look_through_their_logs() {
        let judged = Expectation { judge: Some(Rubric { rubric: "polite".to_owned() }), ..Expectation::default() };
        let case = |id: &str, expect| Case { id: id.to_owned(), input: "x".to_owned(), expect, tags: Vec::new() };
        let cases = [case("a", Expectation::default()), case("b", judged)];
        let found = names(&plan(&spec("react"), &cases, RunRuntime::Native, true, 2));
        let expected = ["live a 1", "live a 2", "live b 1", "live b 2", "judge b 1", "judge b 2", "safety secrets 1"];
        assert_eq!(found[3..], expected);
    }
}
