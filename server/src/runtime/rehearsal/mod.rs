//! The rehearsal model: not a language model, and it says so.
//!
//! It exercises an agent's wiring without a key or a network: it calls each of the agent's tools
//! once, with arguments made from the tool's JSON Schema and the person's words, and then reports
//! what came back. Where agents know of one another it asks each specialist once, chooses one agent
//! and hands over once; at a task of a graph it ends its answer with what leads along the next edge.
//! The same words always get the same answer. It counts no tokens and costs nothing, because there
//! are none.

mod arguments;
mod walk;

use gantry_domain::matrix::Pattern;
use gantry_domain::spec::{Spec, Tool};
use serde_json::json;

use crate::outside::model::{Message, ToolCall, Turn};

use super::offer::{Choice, Meaning, Offer};

use arguments::arguments;
pub(super) use walk::{Rehearsed, Walk};

/// The model's name wherever a model is named.
pub(crate) const NAME: &str = "rehearsal";

/// How much of a tool's answer is repeated in the report, in characters.
const QUOTED: usize = 600;

/// How everything that it says begins.
const LABEL: &str = "This is the rehearsal model, not a language model.";

/// What it says to a project that runs outside of this process. Agents are known there by the names that
/// the generated code has for them.
pub(crate) fn turn_elsewhere(spec: &Spec, offered: &[Tool], messages: &[Message], words: &str) -> Turn {
    let transfer = if spec.target.pattern == Pattern::Router { Meaning::Route } else { Meaning::Transfer };
    let mut offer = Offer::default();
    for tool in offered {
        let choice = [Meaning::Ask, transfer].into_iter().find_map(|meaning| {
            let mut choices = spec.agents.iter().map(|agent| Choice::of(agent, meaning));
            choices.find(|choice| choice.name == tool.id)
        });
        match choice {
            Some(choice) => offer.choices.push(choice),
            None => offer.tools.push(tool),
        }
    }
    turn(&offer, messages, words, None)
}

/// What the rehearsal model says next in a conversation; `words` are the person's own.
pub(super) fn turn(offer: &Offer<'_>, messages: &[Message], words: &str, rehearsed: Option<&Rehearsed>) -> Turn {
    let asked = messages.iter().rposition(|message| matches!(message, Message::User(_)));
    let since = asked.map_or(&[][..], |at| &messages[at + 1..]);
    let called: Vec<&ToolCall> = since
        .iter()
        .filter_map(|message| match message {
            Message::Assistant { calls, .. } => Some(calls),
            _ => None,
        })
        .flatten()
        .collect();
    let of = |meaning: Meaning| offer.choices.iter().filter(move |choice| choice.meaning == meaning);
    if let Some(choice) = best(of(Meaning::Route), words) {
        let text = format!("{LABEL} It chooses the agent whose words are most like yours: {}.", choice.agent.id);
        return calling(text, vec![(choice.name.clone(), "{}".to_owned())]);
    }
    let is_new = |name: &str| !called.iter().any(|call| call.name == name);
    let mut calls: Vec<(String, String)> = Vec::new();
    let mut said = vec![LABEL.to_owned()];
    let specialists: Vec<&Choice> = of(Meaning::Ask).filter(|choice| is_new(&choice.name)).collect();
    if !specialists.is_empty() {
        said.push(format!(
            "It asks each specialist once: {}.",
            names(specialists.iter().map(|choice| &*choice.agent.id))
        ));
        calls.extend(specialists.iter().map(|choice| (choice.name.clone(), json!({ "request": words }).to_string())));
    }
    let tools: Vec<_> = offer.tools.iter().filter(|tool| is_new(&tool.id)).collect();
    if !tools.is_empty() {
        said.push(format!("It calls each of the agent's tools once: {}.", names(tools.iter().map(|tool| &*tool.id))));
        calls.extend(tools.iter().map(|tool| (tool.id.clone(), arguments(tool, words).to_string())));
    }
    let passed_on = called.iter().any(|call| call.name.starts_with("transfer_to_"));
    if let Some(choice) = best(of(Meaning::Transfer), words).filter(|_| !passed_on) {
        said.push(format!("It hands the conversation over once: to {}.", choice.agent.id));
        calls.push((choice.name.clone(), "{}".to_owned()));
    }
    if !calls.is_empty() {
        return calling(said.join(" "), calls);
    }
    let told: Vec<&ToolCall> = called.into_iter().filter(|call| !call.name.starts_with("transfer_to_")).collect();
    let text = if told.is_empty() {
        format!(
            "{LABEL} It tries an agent's tools, and this agent has none, so there is nothing to try. Your message arrived: “{}”. Choose a model provider for a real answer.",
            quoted(words)
        )
    } else {
        report(&told, since)
    };
    let text = rehearsed.map_or_else(|| text.clone(), |rehearsed| rehearsed.answer(&text));
    Turn { text, calls: Vec::new(), tokens: None, finish_reason: "stop".to_owned() }
}

fn calling(text: String, calls: Vec<(String, String)>) -> Turn {
    let calls = calls.into_iter().enumerate().map(|(index, (name, arguments))| ToolCall {
        id: format!("rehearsal_{}", index + 1),
        name,
        arguments,
    });
    Turn { text, calls: calls.collect(), tokens: None, finish_reason: "tool_calls".to_owned() }
}

fn names<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

/// The agent whose name and role share the most words with the person's; the first among equals.
fn best<'c, 'a: 'c>(choices: impl Iterator<Item = &'c Choice<'a>>, words: &str) -> Option<&'c Choice<'a>> {
    let split = |text: &str| -> Vec<String> {
        let parts = text.split(|c: char| !c.is_alphanumeric()).filter(|part| part.chars().count() > 2);
        parts.map(str::to_lowercase).collect()
    };
    let said = split(words);
    let likeness = |choice: &Choice| {
        let own = split(&format!("{} {}", choice.agent.id, choice.agent.role));
        own.iter().filter(|word| said.contains(word)).count()
    };
    choices.reduce(|best, other| if likeness(other) > likeness(best) { other } else { best })
}

fn report(calls: &[&ToolCall], since: &[Message]) -> String {
    let mut lines = vec!["Rehearsal finished. What the tools answered:".to_owned(), String::new()];
    for call in calls {
        let answer = since.iter().find_map(|message| match message {
            Message::Tool { call_id, content } if *call_id == call.id => Some(content.as_str()),
            _ => None,
        });
        lines.push(match answer {
            Some("") => format!("- `{}` with `{}` answered with nothing.", call.name, call.arguments),
            Some(answer) => format!("- `{}` with `{}` answered: {}", call.name, call.arguments, quoted(answer)),
            None => format!("- `{}` with `{}` gave no answer.", call.name, call.arguments),
        });
    }
    lines.join("\n")
}

fn quoted(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use gantry_domain::spec::{Agent, Builtin, ToolSource};

    use super::arguments::tests::{http, tool};
    use super::*;

    fn agent(id: &str, role: &str) -> Agent {
        serde_json::from_value(json!({"id": id, "role": role, "instructions": "i"})).unwrap()
    }

    #[test]
    fn it_calls_each_tool_once_and_then_reports_what_came_back() {
        let calculator =
            tool("sum", Builtin::Calculator.parameters(), ToolSource::Builtin { name: Builtin::Calculator });
        let lookup = http(json!({"type": "object", "required": ["q"], "properties": {"q": {"type": "string"}}}));
        let offer = Offer { choices: Vec::new(), tools: vec![&calculator, &lookup] };
        let mut messages = vec![Message::System("s".into()), Message::User("what is 6*7".into())];
        let first = turn(&offer, &messages, "what is 6*7", None);
        assert!(first.text.contains("not a language model"), "{}", first.text);
        assert_eq!(first.tokens, None);
        assert_eq!(first.calls.len(), 2);
        assert_eq!(first.calls[0].arguments, r#"{"expression":"6*7"}"#);
        assert_eq!(first.calls[1].arguments, r#"{"q":"what is 6*7"}"#);
        messages.push(Message::Assistant { text: first.text, calls: first.calls.clone() });
        messages.push(Message::Tool { call_id: first.calls[0].id.clone(), content: "42".into() });
        messages.push(Message::Tool { call_id: first.calls[1].id.clone(), content: "Error: nobody".into() });
        let second = turn(&offer, &messages, "what is 6*7", None);
        assert!(second.calls.is_empty());
        assert!(second.text.contains("42") && second.text.contains("Error: nobody"), "{}", second.text);
        // The next thing the person says is rehearsed anew.
        messages.push(Message::Assistant { text: second.text, calls: Vec::new() });
        messages.push(Message::User("again".into()));
        assert_eq!(turn(&offer, &messages, "again", None).calls.len(), 2);
    }

    #[test]
    fn among_agents_it_chooses_the_likeliest_asks_each_and_hands_over_once() {
        let (cook, tailor) = (agent("cook", "Cooks meals"), agent("tailor", "Mends a coat"));
        let choices = |meaning| vec![Choice::of(&cook, meaning), Choice::of(&tailor, meaning)];
        let asked = [Message::User("Who mends my coat?".into())];
        let offer = |meaning| Offer { choices: choices(meaning), tools: Vec::new() };
        let names = |turn: &Turn| turn.calls.iter().map(|call| call.name.clone()).collect::<Vec<_>>();
        let routed = turn(&offer(Meaning::Route), &asked, "Who mends my coat?", None);
        assert_eq!(names(&routed), ["transfer_to_tailor"]);
        let routed = turn(&offer(Meaning::Route), &asked, "?", None);
        assert_eq!(names(&routed), ["transfer_to_cook"]);
        let consulted = turn(&offer(Meaning::Ask), &asked, "x", None);
        assert_eq!(names(&consulted), ["ask_cook", "ask_tailor"]);
        assert_eq!(consulted.calls[0].arguments, r#"{"request":"x"}"#);
        let passed = turn(&offer(Meaning::Transfer), &asked, "x", None);
        assert_eq!(names(&passed), ["transfer_to_cook"]);
        let on = [asked[0].clone(), Message::Assistant { text: passed.text, calls: passed.calls }];
        let answered = turn(&offer(Meaning::Transfer), &on, "x", None);
        assert!(answered.calls.is_empty() && answered.text.starts_with(LABEL), "{}", answered.text);
    }
}
