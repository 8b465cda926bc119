//! AutoGen's declarative components, as `dump_component()` and AutoGen Studio write them.

use gantry_domain::matrix::{Diagnostic, Severity};
use gantry_domain::spec::Condition;
use serde_json::Value;

use super::super::code::{Act, Code, SourceFile, Tongue};
use super::super::draft::Draft;
use super::super::functions::{Offer, python_tool};
use super::super::{Imported, remark};
use super::{Kind, Team, last};

/// How deep components are followed.
const DEEPEST: usize = 12;

/// Whether a document is a component of AutoGen's: a team or an agent.
pub fn is_component(document: &Value) -> bool {
    document["provider"].as_str().is_some_and(|provider| provider.starts_with("autogen_"))
        && matches!(document["component_type"].as_str(), Some("team" | "agent"))
        && document["config"].is_object()
}

/// Reads a component.
///
/// # Errors
///
/// When it is no team and no agent, or there is no agent in it that could be read.
pub fn import_component(document: &Value) -> Result<Imported, Vec<Diagnostic>> {
    if !is_component(document) {
        return Err(vec![remark(
            Severity::Error,
            "format_unknown",
            "",
            "expected a component of AutoGen's: an object with a provider, component_type team or agent, and config",
        )]);
    }
    let mut reader = Reader { draft: Draft::default(), names: Vec::new(), handoffs: Vec::new() };
    let team = match Kind::of(last(&document["provider"])) {
        Some(kind) => Some(reader.team(kind, document)),
        None => {
            reader.agent(document, "/config", 0);
            None
        }
    };
    if reader.draft.agents.is_empty() {
        let mut found = reader.draft.found;
        found.push(remark(Severity::Error, "agents_missing", "/config", "expected at least one AssistantAgent"));
        return Err(found);
    }
    reader.hand_on();
    let first = reader.draft.agents.first().map(|agent| agent.id.clone()).unwrap_or_default();
    let label = document["label"].as_str().filter(|label| !label.is_empty() && *label != last(&document["provider"]));
    let name = label.map_or(first, str::to_owned);
    // A team that nobody described says what teams of its kind do.
    let described = document["description"]
        .as_str()
        .filter(|text| !text.starts_with("A team that ") && !text.starts_with("A group chat"));
    let described = described.filter(|_| team.is_some()).map(str::to_owned);
    let description =
        described.unwrap_or_else(|| reader.draft.agents.first().map(|agent| agent.role.clone()).unwrap_or_default());
    Ok(super::finish(reader.draft, team, &name, description))
}

struct Reader {
    draft: Draft,
    /// Names there, by the index here.
    names: Vec<(String, usize)>,
    /// Who passes on to whom, by name.
    handoffs: Vec<(usize, String, String)>,
}

impl Reader {
    fn named(&self, name: &str) -> Option<usize> {
        self.names.iter().find(|(known, _)| known == name).map(|(_, index)| *index)
    }

    fn team(&mut self, kind: Kind, component: &Value) -> Team {
        let config = &component["config"];
        let mut team = Team::new(kind, "/config".to_owned());
        for (index, member) in config["participants"].as_array().into_iter().flatten().enumerate() {
            if let Some(agent) = self.agent(member, &format!("/config/participants/{index}"), 0) {
                team.members.push(agent);
            }
        }
        // A graph begins where it says.
        if let Some(first) = config["graph"]["default_start_node"].as_str().and_then(|name| self.named(name)) {
            team.members.retain(|member| *member != first);
            team.members.insert(0, first);
        }
        team.max_turns = config["max_turns"].as_u64().and_then(|turns| u32::try_from(turns).ok());
        self.termination(&config["termination_condition"], "/config/termination_condition", 0, &mut team);
        if config["selector_prompt"].as_str().is_some_and(|prompt| !prompt.starts_with("You are in a role play game."))
        {
            team.prompt = config["selector_prompt"].as_str().map(str::to_owned);
        }
        for (name, node) in config["graph"]["nodes"].as_object().into_iter().flatten() {
            for (index, edge) in node["edges"].as_array().into_iter().flatten().enumerate() {
                let at = format!("/config/graph/nodes/{name}/edges/{index}");
                let (Some(from), Some(to)) =
                    (self.named(name), self.named(edge["target"].as_str().unwrap_or_default()))
                else {
                    self.draft.warn(
                        "edge_left_out",
                        at,
                        format!("an edge from {name} is left out: it leads to somebody who is left out"),
                    );
                    continue;
                };
                let when = match (&edge["condition"], &edge["condition_function"]) {
                    (Value::String(text), _) => Some(Condition::Contains(text.clone())),
                    (Value::Null, Value::Null) => None,
                    _ => {
                        self.draft.warn(
                            "condition_left_out",
                            at,
                            format!("the condition after {name} is code, which is not kept: write one"),
                        );
                        None
                    }
                };
                team.edges.push((from, to, when));
            }
        }
        team
    }

    fn agent(&mut self, component: &Value, at: &str, depth: usize) -> Option<usize> {
        let config = &component["config"];
        let kind = last(&component["provider"]);
        let name = config["name"].as_str().unwrap_or(kind).to_owned();
        if kind != "AssistantAgent" {
            let about = match kind {
                "UserProxyAgent" => "a person takes part there; here a person writes between runs, and approves tools",
                "CodeExecutorAgent" => "it runs code that agents write",
                _ if Kind::of(kind).is_some() && depth < DEEPEST => "a team within a team has no counterpart",
                _ => "only AssistantAgent has a counterpart here",
            };
            self.draft.warn("agent_left_out", at, format!("{name} ({kind}) is left out: {about}"));
            return None;
        }
        let model = self.model(&config["model_client"], at);
        let told = config["system_message"].as_str().unwrap_or_default().to_owned();
        let role = config["description"]
            .as_str()
            .filter(|text| !text.starts_with("An agent that provides assistance"))
            .unwrap_or_default();
        let index = self.draft.agent(&name, role, told, model);
        if let Some(steps) = config["max_tool_iterations"]
            .as_u64()
            .and_then(|steps| u32::try_from(steps).ok())
            .filter(|steps| *steps > 1)
        {
            self.draft.agents[index].max_steps = steps.saturating_add(1).clamp(1, 100);
        }
        for tool in config["tools"].as_array().into_iter().flatten() {
            self.tool(index, tool, at);
        }
        let benches: Vec<&Value> = match &config["workbench"] {
            Value::Array(benches) => benches.iter().collect(),
            Value::Null => Vec::new(),
            one => vec![one],
        };
        for bench in benches {
            let tools = bench["config"]["tools"].as_array();
            if tools.is_none() {
                let command = bench["config"]["server_params"]["command"].as_str().unwrap_or("its address");
                self.draft.warn(
                    "server_left_out",
                    at,
                    format!("a server of {name} ({command}) is left out: add the tools that it has here, which is only known when it runs"),
                );
            }
            for tool in tools.into_iter().flatten() {
                self.tool(index, tool, at);
            }
        }
        for handoff in config["handoffs"].as_array().into_iter().flatten() {
            let target = handoff.as_str().or(handoff["target"].as_str()).unwrap_or_default();
            self.handoffs.push((index, target.to_owned(), at.to_owned()));
        }
        for (option, about) in [
            ("memory", "what it looks up in a memory is code"),
            ("structured_message_factory", "the form of its answers is not kept: say it in the instructions"),
            ("output_content_type", "the form of its answers is not kept: say it in the instructions"),
        ] {
            if !config[option].is_null() {
                self.draft.warn("agent_option_left_out", at, format!("{option} of {name} is left out: {about}"));
            }
        }
        if !matches!(last(&config["model_context"]["provider"]), "" | "UnboundedChatCompletionContext") {
            self.draft.warn(
                "agent_option_left_out",
                at,
                format!("model_context of {name} is left out: here an agent reads the whole thread, or none of it"),
            );
        }
        self.names.push((name, index));
        Some(index)
    }

    fn model(&mut self, client: &Value, at: &str) -> String {
        let config = &client["config"];
        let name = config["model"].as_str().or(config["azure_deployment"].as_str()).unwrap_or_default().to_owned();
        let kind = last(&client["provider"]);
        if !matches!(kind, "" | "OpenAIChatCompletionClient")
            || !config["base_url"].is_null()
            || !config["azure_endpoint"].is_null()
        {
            self.draft.note(
                "address_from_environment",
                at,
                format!("where {kind} answers is not kept in a spec: set OPENAI_BASE_URL and OPENAI_API_KEY in the environment, or a provider here"),
            );
        }
        // What AutoGen dumps of a key is asterisks; somebody may have written one.
        if config["api_key"].as_str().is_some_and(|key| key.chars().any(|letter| letter != '*')) {
            self.draft.warn("key_left_out", at, "the document has a key in it; it was left out: keep it as a secret");
        }
        self.draft.model(&name, config["temperature"].as_f64().filter(|number| (0.0..=2.0).contains(number)))
    }

    fn tool(&mut self, agent: usize, tool: &Value, at: &str) {
        let config = &tool["config"];
        let name = config["name"].as_str().unwrap_or_else(|| last(&tool["provider"])).to_owned();
        if last(&tool["provider"]) != "FunctionTool" {
            self.draft.warn(
                "tool_left_out",
                at,
                format!("{name} ({}) is left out: only functions have a counterpart here", last(&tool["provider"])),
            );
            return;
        }
        if let Some(known) = self.draft.tools.iter().find(|known| known.id == name).map(|tool| tool.id.clone()) {
            return self.draft.give(agent, &known);
        }
        let source = config["source_code"].as_str().unwrap_or_default();
        let mut text: String = config["global_imports"].as_array().into_iter().flatten().map(import_line).collect();
        text.push_str(source);
        let (code, _) = Code::read(&[SourceFile { path: format!("{name}.py"), text }], Tongue::Python);
        let function = code.modules.first().and_then(|module| {
            module.statements.iter().rev().find_map(|statement| match &statement.act {
                Act::Define(function) => Some(function),
                _ => None,
            })
        });
        let Some(function) = function else {
            self.draft.warn(
                "tool_left_out",
                at,
                format!("{name} is left out: the source of its function cannot be read"),
            );
            return;
        };
        let offer = Offer {
            name: Some(name),
            description: config["description"].as_str().filter(|text| !text.is_empty()).map(str::to_owned),
            parameters: None,
        };
        let id = python_tool(&code, function, offer, &mut self.draft);
        self.draft.give(agent, &id);
    }

    fn termination(&mut self, condition: &Value, at: &str, depth: usize, team: &mut Team) {
        if condition.is_null() || depth > DEEPEST {
            return;
        }
        let config = &condition["config"];
        match last(&condition["provider"]) {
            "TextMentionTermination" => team.end_texts.extend(config["text"].as_str().map(str::to_owned)),
            "MaxMessageTermination" => {
                // The person's message is one of them.
                let turns = config["max_messages"]
                    .as_u64()
                    .and_then(|count| u32::try_from(count).ok())
                    .map(|count| count.saturating_sub(1).max(1));
                team.max_turns = team.max_turns.or(turns);
            }
            "OrTerminationCondition" => {
                for inner in config["conditions"].as_array().into_iter().flatten() {
                    self.termination(inner, at, depth + 1, team);
                }
            }
            other => self.draft.warn(
                "termination_left_out",
                at,
                format!("{other} is left out: here a text in an answer or a number of turns ends a team"),
            ),
        }
    }

    fn hand_on(&mut self) {
        for (from, to, at) in std::mem::take(&mut self.handoffs) {
            match self.named(&to) {
                Some(to) => self.draft.hand_on(from, to),
                None => {
                    let from = self.draft.agents[from].id.clone();
                    self.draft.warn(
                        "handoff_left_out",
                        at,
                        format!("{from} passes on to {to}, who is left out or a person"),
                    );
                }
            }
        }
    }
}

/// One of `global_imports`: a module's name, an alias, or names of a module.
fn import_line(import: &Value) -> String {
    if let Some(module) = import.as_str() {
        return format!("import {module}\n");
    }
    if let (Some(name), Some(alias)) = (import["name"].as_str(), import["alias"].as_str()) {
        return format!("import {name} as {alias}\n");
    }
    let names: Vec<&str> = import["imports"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    match import["module"].as_str() {
        Some(module) if !names.is_empty() => format!("from {module} import {}\n", names.join(", ")),
        _ => String::new(),
    }
}
