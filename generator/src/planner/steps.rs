//! Steps one after another: found in the text, given to agents.

use gantry_domain::spec::{Agent, Task, Tool};

use super::instructions;

/// How many steps a plan may have.
const MOST_STEPS: usize = 8;

/// What a step's first words say about who does it: the verb's stem, the agent's id, its role.
const ROLES: [(&str, &str, &str); 14] = [
    ("research", "researcher", "Researcher"),
    ("find", "researcher", "Researcher"),
    ("search", "researcher", "Researcher"),
    ("collect", "collector", "Collector"),
    ("fetch", "collector", "Collector"),
    ("read", "reader", "Reader"),
    ("analy", "analyst", "Analyst"),
    ("calculat", "calculator_clerk", "Calculator clerk"),
    ("summar", "summarizer", "Summarizer"),
    ("write", "writer", "Writer"),
    ("draft", "writer", "Writer"),
    ("translat", "translator", "Translator"),
    ("review", "reviewer", "Reviewer"),
    ("check", "reviewer", "Reviewer"),
];

/// The steps of a text that names several: numbered lines, or parts joined by "then". Empty or one
/// entry if there is no sequence.
pub(super) fn split(prompt: &str, reasons: &mut Vec<String>) -> Vec<String> {
    let numbered: Vec<String> = prompt.lines().filter_map(numbered_line).map(str::to_owned).collect();
    let steps = if numbered.len() > 1 {
        reasons.push("Steps: the text numbers them.".to_owned());
        numbered
    } else {
        let parts = at_then(prompt);
        if parts.len() > 1 {
            reasons.push("Steps: the text says \"then\".".to_owned());
        }
        parts
    };
    if steps.len() < 2 { Vec::new() } else { steps.into_iter().take(MOST_STEPS).collect() }
}

/// The text after `1.` or `2)` at the start of a line.
fn numbered_line(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let rest = line.get(digits..)?.strip_prefix(['.', ')'])?;
    let rest = rest.strip_prefix(' ')?.trim();
    ((1..=2).contains(&digits) && !rest.is_empty()).then_some(rest)
}

/// Cuts at "then" and its like, where it begins a part of a sentence.
fn at_then(prompt: &str) -> Vec<String> {
    const MARKS: [&str; 8] =
        [", and then ", " and then ", ", then ", "; then ", ". then ", ". after that ", ", after that ", ". finally, "];
    // ASCII lower case keeps every index where it was.
    let lower = prompt.to_ascii_lowercase();
    let mut from = 0;
    let mut parts = Vec::new();
    loop {
        let next = MARKS.iter().filter_map(|mark| lower[from..].find(mark).map(|at| (from + at, mark.len()))).min();
        let (part, after) = match next {
            Some((at, length)) => (&prompt[from..at], Some(at + length)),
            None => (&prompt[from..], None),
        };
        let part = part.trim().trim_end_matches(['.', ',', ';']).trim();
        let part = part
            .strip_prefix("First, ")
            .or_else(|| part.strip_prefix("first "))
            .or_else(|| part.strip_prefix("First "))
            .unwrap_or(part);
        if !part.is_empty() {
            parts.push(part.to_owned());
        }
        match after {
            Some(after) if parts.len() < MOST_STEPS => from = after,
            _ => return parts,
        }
    }
}

/// One task per step, and one agent per kind of step; every agent may use every tool.
pub(super) fn agents_and_tasks(steps: &[String], tools: &[Tool]) -> (Vec<Agent>, Vec<Task>) {
    let mut agents: Vec<Agent> = Vec::new();
    let mut tasks: Vec<Task> = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let lower = step.to_lowercase();
        let found = ROLES
            .iter()
            .filter_map(|(stem, id, role)| {
                lower.split_whitespace().position(|word| word.starts_with(stem)).map(|at| (at, *id, *role))
            })
            .min();
        let (id, role) = found.map_or(("assistant", "Assistant"), |(_, id, role)| (id, role));
        if !agents.iter().any(|agent| agent.id == id) {
            agents.push(Agent {
                id: id.to_owned(),
                role: role.to_owned(),
                instructions: instructions(role, "You do one task of several; do that one and no other.", "", tools),
                model: "default".to_owned(),
                tools: tools.iter().map(|tool| tool.id.clone()).collect(),
                handoffs: Vec::new(),
                max_steps: 8,
            });
        }
        tasks.push(Task {
            id: format!("step_{}", index + 1),
            agent: id.to_owned(),
            description: step.clone(),
            expected_output: String::new(),
            depends_on: if index == 0 { Vec::new() } else { vec![format!("step_{index}")] },
        });
    }
    (agents, tasks)
}
