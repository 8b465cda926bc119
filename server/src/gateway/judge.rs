//! What is to be done about a call that a model asks for: the same question always gets the same
//! answer, and the native runtime's answer where both have one.
//!
//! Only calls that a model asks for pass here. What the project's own code does besides is held by its
//! sandbox alone.

use gantry_domain::api::run::PermissionMode;
use gantry_domain::matrix::Pattern;
use gantry_domain::spec::{Effect, Spec};
use serde_json::Value;

use super::wire::Call;

/// The verdict on a call.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Verdict {
    /// The project may run it.
    Run,
    /// A person decides.
    Hold { effect: Effect, arguments: Value },
    /// It is not run; the model reads why. With the code of a notice for the person, if there is to be one.
    Deny { answer: String, notice: Option<&'static str> },
}

/// Decides about a call.
pub(super) fn judge(spec: &Spec, mode: PermissionMode, call: &Call) -> Verdict {
    let name = &call.name;
    if spec.guardrails.deny.contains(name) {
        let answer = format!("Denied by policy: the project's guardrails never let {name} run.");
        return Verdict::Deny { answer, notice: Some("tool_denied") };
    }
    let known = spec.tools.iter().find(|tool| tool.id == *name);
    if mode == PermissionMode::Dev || (known.is_none() && is_wiring(spec, name)) {
        return Verdict::Run;
    }
    // A tool that the spec does not know is code of the project: the most that a tool can do.
    let effect = known.map_or(Effect::Exec, |tool| tool.effect);
    match (mode, effect) {
        (_, Effect::Read) | (PermissionMode::Dev, _) => Verdict::Run,
        (PermissionMode::Safe, effect) => {
            let answer =
                format!("Denied by policy: in Safe mode only tools that read may run, and {name} {}.", does(effect));
            Verdict::Deny { answer, notice: Some("tool_denied") }
        }
        (PermissionMode::Ask, effect) => match arguments(&call.arguments) {
            Ok(arguments) => Verdict::Hold { effect, arguments },
            // Nobody can approve what cannot be read.
            Err(fault) => Verdict::Deny { answer: format!("Error: {fault}"), notice: None },
        },
    }
}

fn does(effect: Effect) -> &'static str {
    match effect {
        Effect::Read => "reads",
        Effect::Write => "changes something",
        Effect::Exec => "runs a program",
        Effect::Network => "reaches a host outside",
    }
}

fn arguments(text: &str) -> Result<Value, String> {
    // Models leave out the arguments of a tool that has none.
    if matches!(text.trim(), "" | "null") {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    match serde_json::from_str(text) {
        Ok(arguments @ Value::Object(_)) => Ok(arguments),
        Ok(_) => Err("the arguments must be a JSON object. Call the tool again with one.".to_owned()),
        Err(error) => Err(format!("the arguments are not JSON ({error}). Call the tool again with valid JSON.")),
    }
}

/// Whether a function is how agents of a pattern reach one another, as the generated code names them:
/// the frameworks' own words and ours. None of them does anything but ask another agent.
fn is_wiring(spec: &Spec, name: &str) -> bool {
    if !matches!(spec.target.pattern, Pattern::Router | Pattern::Supervisor | Pattern::Handoff) {
        return false;
    }
    let names_an_agent = ["transfer_to_", "ask_", "handoff_to_"]
        .iter()
        .any(|start| name.strip_prefix(start).is_some_and(|agent| spec.agents.iter().any(|known| known.id == agent)));
    names_an_agent || matches!(name, "transfer_to_agent" | "handoff")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn spec(pattern: &str) -> Spec {
        let tool = |id: &str, effect: &str| {
            json!({"id": id, "description": "d", "effect": effect, "kind": "builtin", "name": "calculator",
                   "parameters": {"type": "object"}})
        };
        let agent = |id: &str| json!({"id": id, "role": "r", "instructions": "i", "tools": ["look", "save"]});
        gantry_domain::spec::from_value(json!({
            "apiVersion": "gantry/v1", "kind": "Agent", "metadata": {"name": "p", "version": "0.1.0"},
            "target": {"framework": "react", "language": "python", "pattern": pattern},
            "models": {"default": {}}, "agents": [agent("main"), agent("writer")],
            "tools": [tool("look", "read"), tool("save", "write"), tool("never", "read")],
            "guardrails": {"deny": ["never"]},
        }))
        .unwrap()
    }

    fn verdict(pattern: &str, mode: PermissionMode, name: &str, arguments: &str) -> &'static str {
        let call = Call { id: "c".into(), name: name.into(), arguments: arguments.into() };
        match judge(&spec(pattern), mode, &call) {
            Verdict::Run => "run",
            Verdict::Hold { .. } => "hold",
            Verdict::Deny { .. } => "deny",
        }
    }

    #[test]
    fn reading_runs_writing_is_asked_about_and_what_nobody_knows_counts_as_the_worst() {
        use PermissionMode::{Ask, Dev, Safe};
        for (mode, name, expected) in [
            (Ask, "look", "run"),
            (Safe, "look", "run"),
            (Ask, "save", "hold"),
            (Safe, "save", "deny"),
            (Dev, "save", "run"),
            (Ask, "made_up", "hold"),
            (Safe, "made_up", "deny"),
            (Dev, "made_up", "run"),
            (Dev, "never", "deny"),
            (Ask, "never", "deny"),
            (Ask, "transfer_to_writer", "hold"),
        ] {
            assert_eq!(verdict("react", mode, name, "{}"), expected, "{mode:?} {name}");
        }
        for (name, expected) in [
            ("transfer_to_writer", "run"),
            ("ask_writer", "run"),
            ("handoff", "run"),
            ("transfer_to_stranger", "deny"),
            ("save", "deny"),
        ] {
            assert_eq!(verdict("handoff", Safe, name, "{}"), expected, "{name}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_not_put_before_a_person() {
        assert_eq!(verdict("react", PermissionMode::Ask, "save", ""), "hold");
        assert_eq!(verdict("react", PermissionMode::Ask, "save", "{\"a\":"), "deny");
        assert_eq!(verdict("react", PermissionMode::Ask, "save", "[1]"), "deny");
    }
}
