//! The rules planner: a sentence becomes a spec, offline, in well under five milliseconds.
//!
//! It decides by words and says by which ones. What it cannot decide it leaves out and asks, at most
//! three questions; it never invents a tool that would do nothing. A plan that a model writes comes
//! from the server and falls back to this one.

mod draft;
mod lexicon;
mod naming;
mod steps;
mod team;
mod wiring;

use std::collections::BTreeMap;

use gantry_domain::api::plan::{Plan, PlanMode, PlanProvenance, PlanRequest};
use gantry_domain::matrix::diagnose::diagnose;
use gantry_domain::matrix::{Diagnostic, Framework, Pattern, Severity, Support, generated, support};
use gantry_domain::spec::{self, Agent, Metadata, Model, Spec, Target, Tool, is_invisible};
use sha2::{Digest as _, Sha256};

pub use draft::{draft_schema, draft_task, lower};
use lexicon::{Shape, Words};

/// How many questions a plan may ask.
const MOST_QUESTIONS: usize = 3;

/// Plans an agent.
pub fn plan(request: &PlanRequest) -> Plan {
    let prompt = cleaned(&request.prompt);
    let words = Words::of(&prompt);
    let constraints = &request.constraints;
    let mut reasons = Vec::new();
    let mut remarks = Vec::new();
    let mut questions = Vec::new();

    let shape = lexicon::shape(&words, &mut reasons);
    let wiring = wiring::tools(&prompt, &words, shape, &mut reasons);
    questions.extend(wiring.questions);
    let steps = steps::split(&prompt, &mut reasons);
    let framework = framework(constraints.framework, &words, &mut reasons);
    let pattern = pattern(constraints.pattern, framework, &words, &wiring.tools, steps.len(), &mut reasons);
    let called = naming::called(&prompt);
    let name = naming::name(constraints.name.as_deref(), called.as_deref(), shape, &words, &mut remarks, &mut reasons);

    let tools = if pattern == Pattern::Single { Vec::new() } else { wiring.tools };
    let lead = agent(called.as_deref(), shape, &prompt, &tools);
    let team = team::team(pattern, lead, &prompt, &steps, &tools);
    if prompt.trim().is_empty() {
        questions.insert(0, "What is the agent to do?".to_owned());
    } else if tools.is_empty() && questions.is_empty() && pattern != Pattern::Single {
        questions.push(
            "Should the agent call something? Give the address of its API, and it gets a tool for it.".to_owned(),
        );
    }
    questions.truncate(MOST_QUESTIONS);

    let spec = Spec {
        api_version: spec::API_VERSION.to_owned(),
        kind: "Agent".to_owned(),
        metadata: Metadata { name, version: "0.1.0".to_owned(), description: prompt, labels: BTreeMap::new() },
        target: Target { framework, language: framework.language(), pattern, cloud: None, exports: Vec::new() },
        models: BTreeMap::from([(
            "default".to_owned(),
            Model { model: constraints.model.as_deref().map(cleaned).unwrap_or_default(), ..Model::default() },
        )]),
        agents: team.agents,
        tasks: team.tasks,
        graph: team.graph,
        tools,
        memory: spec::Memory::default(),
        guardrails: spec::Guardrails::default(),
        evals: spec::Evals::default(),
        build: spec::BuildOptions::of(framework.language()),
        layout: spec::Layout::default(),
    };
    let mut diagnostics = diagnose(&spec);
    diagnostics.extend(remarks);
    Plan {
        spec,
        diagnostics,
        questions,
        provenance: PlanProvenance {
            mode: PlanMode::Rules,
            prompt_sha256: hex::encode(Sha256::digest(request.prompt.as_bytes())),
            reasons,
            model: None,
            attempts: Vec::new(),
            fallback: None,
        },
    }
}

/// The prompt without what cannot be stored or seen: control and invisible characters, and at most
/// as long as a description may be.
fn cleaned(text: &str) -> String {
    let visible: String = text
        .replace("\r\n", "\n")
        .chars()
        .filter(|c| matches!(c, '\n' | '\t') || !is_invisible(*c))
        .take(spec::check::MAX_DESCRIPTION)
        .collect();
    visible.trim().to_owned()
}

/// Words that ask for a pattern, the most telling first.
const PATTERN_WORDS: [(Pattern, &[&str]); 5] = [
    (Pattern::Supervisor, &["supervisor", "coordinator", "orchestrator", "delegates", "delegate"]),
    (Pattern::Router, &["router", "routes", "route", "routing", "dispatcher"]),
    (Pattern::Handoff, &["handoff", "handoffs", "escalates", "escalate"]),
    (Pattern::Parallel, &["parallel", "simultaneously", "concurrently"]),
    (Pattern::Graph, &["loop", "until", "approved", "approval"]),
];

fn pattern(
    decided: Option<Pattern>,
    framework: Framework,
    words: &Words,
    tools: &[Tool],
    steps: usize,
    reasons: &mut Vec<String>,
) -> Pattern {
    if let Some(pattern) = decided {
        reasons.push(format!("Pattern {}: you chose it.", pattern.as_str()));
        return pattern;
    }
    let is_done = |pattern| support(framework, pattern).is_some_and(|cell| cell.support != Support::Unsupported);
    for (pattern, telling) in PATTERN_WORDS {
        if let Some(word) = telling.iter().find(|word| words.has(word)).filter(|_| is_done(pattern)) {
            reasons.push(format!("Pattern {}: the text says \"{word}\".", pattern.as_str()));
            return pattern;
        }
    }
    if steps > 1 && is_done(Pattern::Sequential) {
        reasons.push(format!("Pattern sequential: the text names {steps} steps, one after another."));
        Pattern::Sequential
    } else if tools.is_empty() && is_done(Pattern::Single) {
        reasons.push("Pattern single: nothing in the text needs a tool.".to_owned());
        Pattern::Single
    } else {
        reasons.push("Pattern react: one agent with tools.".to_owned());
        Pattern::React
    }
}

/// Words that ask for a framework. A name counts before what only hints at one.
const FRAMEWORK_WORDS: [(Framework, &[&str]); 12] = [
    (Framework::CrewaiFlow, &["crewflow", "crewai-flow"]),
    (Framework::Crewai, &["crewai", "crew"]),
    (Framework::PydanticAi, &["pydantic", "pydanticai"]),
    (Framework::OpenaiAgentsTypescript, &["typescript", "node", "nodejs"]),
    (Framework::OpenaiAgents, &["openai-agents", "agentkit"]),
    (Framework::AgentFramework, &["autogen", "semantic-kernel", "agent-framework"]),
    (Framework::GoogleAdk, &["adk", "google-adk"]),
    (Framework::Strands, &["strands"]),
    (Framework::Llamaindex, &["llamaindex", "llama-index"]),
    (Framework::WatsonxOrchestrate, &["watsonx", "orchestrate"]),
    (Framework::Langgraph, &["langgraph", "langchain", "checkpoint", "checkpoints", "graph"]),
    (Framework::React, &["standard-library"]),
];

fn framework(decided: Option<Framework>, words: &Words, reasons: &mut Vec<String>) -> Framework {
    if let Some(framework) = decided {
        reasons.push(format!("Framework {}: you chose it.", framework.as_str()));
        return framework;
    }
    for (framework, telling) in FRAMEWORK_WORDS {
        let word = telling.iter().find(|word| words.has(word));
        if let Some(word) = word.filter(|_| generated().any(|known| known == framework)) {
            reasons.push(format!("Framework {}: the text says \"{word}\".", framework.as_str()));
            return framework;
        }
    }
    reasons.push("Framework react: plain Python has nothing to install and starts at once.".to_owned());
    Framework::React
}

fn agent(called: Option<&str>, shape: Option<&Shape>, prompt: &str, tools: &[Tool]) -> Agent {
    let role = called.map_or_else(|| shape.map_or("Assistant", |shape| shape.role).to_owned(), upper_first);
    let role = role.as_str();
    Agent {
        id: "assistant".to_owned(),
        role: role.to_owned(),
        instructions: instructions(role, shape.map_or("", |shape| shape.advice), prompt, tools),
        model: "default".to_owned(),
        tools: tools.iter().map(|tool| tool.id.clone()).collect(),
        handoffs: Vec::new(),
        max_steps: 8,
    }
}

/// What an agent is told: who it is, what for in the person's own words, how to use its tools.
fn instructions(role: &str, advice: &str, task: &str, tools: &[Tool]) -> String {
    let mut parts = vec![format!("You are {} {role}.", article(role)).replace(role, &lower_first(role))];
    if !task.is_empty() {
        parts.push(format!("What you are for, in the words of the person who asked for you:\n{task}"));
    }
    if !tools.is_empty() {
        let names: Vec<&str> = tools.iter().map(|tool| tool.id.as_str()).collect();
        parts.push(format!(
            "Use your tools ({}) instead of guessing, and rely on what they return. If a tool fails, say so and say why.",
            names.join(", ")
        ));
    }
    if !advice.is_empty() {
        parts.push(advice.to_owned());
    }
    parts.push("Be brief and exact. If something you need is missing, ask for it.".to_owned());
    parts.join("\n\n")
}

fn article(noun: &str) -> &'static str {
    if noun.starts_with(['A', 'E', 'I', 'O', 'a', 'e', 'i', 'o']) { "an" } else { "a" }
}

fn upper_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// With a small first letter, unless the word is an abbreviation.
fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    match (letters.next(), letters.next()) {
        (Some(first), Some(second)) if second.is_lowercase() => {
            first.to_lowercase().chain(std::iter::once(second)).chain(letters).collect()
        }
        _ => text.to_owned(),
    }
}

fn remark(code: &str, path: &str, message: String) -> Diagnostic {
    Diagnostic { code: code.to_owned(), severity: Severity::Info, path: path.to_owned(), message, fixes: Vec::new() }
}

#[cfg(test)]
mod tests;
