//! The cells of the matrix that something is generated for, and the spec that proves each.

use anyhow::{Result, anyhow};
use gantry_domain::matrix::{Framework, Language, Pattern, Support, support};
use gantry_domain::spec::{Builtin, Spec, from_value};
use serde_json::{Value, json};

/// A framework and a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The framework.
    pub framework: Framework,
    /// The pattern.
    pub pattern: Pattern,
}

impl std::fmt::Display for Cell {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}", self.framework.as_str(), self.pattern.as_str())
    }
}

/// Every cell that something is generated for, in the order of the matrix.
pub fn cells() -> Vec<Cell> {
    let all = Framework::ALL
        .into_iter()
        .flat_map(|framework| Pattern::ALL.into_iter().map(move |pattern| Cell { framework, pattern }));
    all.filter(|cell| support(cell.framework, cell.pattern).is_some_and(|known| known.support != Support::Unsupported))
        .collect()
}

impl Cell {
    /// A spec with every kind of tool, whose HTTP tool asks `endpoint`.
    ///
    /// # Errors
    ///
    /// When the spec does not fit its types, which is our mistake.
    pub fn spec(self, endpoint: &str) -> Result<Spec> {
        let tools = self.tools(endpoint);
        let ids: Vec<&str> = tools.iter().filter_map(|tool| tool["id"].as_str()).collect();
        let prover =
            json!({"id": "main", "role": "Prover", "instructions": "Use the tools.\nBe \"brief\".", "tools": ids});
        let writer = json!({"id": "writer", "role": "Writer", "instructions": "Write."});
        let desk = json!({"id": "desk", "role": "Front desk", "instructions": "See to it that the person is served."});
        let with = |agent: &Value, field: &str, value: Value| {
            let mut agent = agent.clone();
            agent[field] = value;
            agent
        };
        let task = |id: &str, agent: &str, description: &str, before: &[&str]| json!({"id": id, "agent": agent, "description": description, "dependsOn": before});
        let mut value = json!({
            "apiVersion": "gantry/v1", "kind": "Agent",
            "metadata": {"name": "proof-bot", "version": "0.1.0-rc.1", "description": "Proves that \"generated\" projects run."},
            "target": {"framework": self.framework, "language": self.framework.language(), "pattern": self.pattern},
            "models": {"default": {"temperature": 0.0}},
            "agents": [prover],
            "tools": tools,
        });
        if self.framework.language() == Language::Typescript {
            value["build"] = json!({"base": "node:22-slim"});
        }
        match self.pattern {
            Pattern::Single => {
                value["agents"][0]["tools"] = json!([]);
                value["tools"] = json!([]);
            }
            Pattern::React => {}
            Pattern::Sequential => {
                value["agents"] = json!([prover, writer]);
                // The second task comes first in the list: the order is that of the dependencies.
                value["tasks"] = json!([
                    with(
                        &task("report", "writer", "Write a report.", &["measure"]),
                        "expectedOutput",
                        json!("One line.")
                    ),
                    task("measure", "main", "Measure it.", &[]),
                ]);
            }
            Pattern::Parallel => {
                value["agents"] = json!([prover, writer]);
                value["tasks"] = json!([
                    task("measure", "main", "Measure it.", &[]),
                    task("recall", "writer", "Recall what is known.", &[]),
                    task("report", "writer", "Write a report.", &["measure", "recall"]),
                ]);
            }
            Pattern::Router => value["agents"] = json!([desk, prover, writer]),
            Pattern::Supervisor => {
                value["agents"] = json!([with(&desk, "tools", json!(["current_time"])), prover, writer]);
            }
            Pattern::Handoff => {
                value["agents"] = json!([
                    with(&desk, "handoffs", json!(["main", "writer"])),
                    with(&prover, "handoffs", json!(["writer"])),
                    with(&writer, "handoffs", json!(["desk"])),
                ]);
            }
            Pattern::Graph => {
                value["agents"] = json!([prover, writer]);
                value["tasks"] = json!([
                    task("measure", "main", "Measure it.", &[]),
                    task("report", "writer", "Write a report.", &[]),
                ]);
                value["graph"] = json!({"start": "measure", "maxSteps": 6, "edges": [
                    {"from": "measure", "to": "end", "when": {"contains": "cannot be measured"}},
                    {"from": "measure", "to": "report"},
                    {"from": "report", "to": "measure", "when": {"lacks": "done"}},
                    {"from": "report", "to": "end"},
                ]});
            }
        }
        from_value(value).map_err(|faults| anyhow!("the spec of {self}: {faults:?}"))
    }

    fn tools(self, endpoint: &str) -> Vec<Value> {
        let word = json!({"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]});
        let city = json!({"type": "object", "required": ["city"],
            "properties": {"city": {"type": "string"}, "detail": {"type": "boolean"}}});
        let (kind, body) = match self.framework.language() {
            Language::Python => ("python", "return word.upper() + '!'"),
            Language::Typescript => ("typescript", "return word.toUpperCase() + '!';"),
        };
        let builtin = |builtin: Builtin| serde_json::to_value(builtin.tool()).unwrap_or_default();
        vec![
            json!({"id": "get_weather", "kind": "http", "method": "GET", "url": format!("{endpoint}/weather/{{city}}?units=metric"),
                "description": "Return the current weather for a city.", "effect": "network", "parameters": city}),
            json!({"id": "post_note", "kind": "http", "method": "POST", "url": format!("{endpoint}/notes"),
                "headers": {"Authorization": "NOTES_AUTHORIZATION", "X-Team": "NOTES_TEAM"},
                "description": "Post a note.", "effect": "write", "parameters": word}),
            builtin(Builtin::Calculator),
            builtin(Builtin::CurrentTime),
            builtin(Builtin::TextStatistics),
            json!({"id": "look_up", "kind": "mcp", "command": ["python3", "no-such-server.py"], "tool": "lookUp",
                "effect": "exec", "description": "Look a word up.", "parameters": word}),
            json!({"id": "search", "kind": "mcp", "url": "https://mcp.example.com/mcp", "headers": {"Authorization": "SEARCH_KEY"},
                "tool": "search", "effect": "network", "description": "Search for a word.", "parameters": word}),
            json!({"id": "shout", "kind": kind, "body": body, "effect": "read", "description": "Say it louder.", "parameters": word}),
        ]
    }
}
