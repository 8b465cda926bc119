//! Open Agent Spec (Oracle), version 25.4: <https://oracle.github.io/agent-spec/>.
//!
//! One agent is an `Agent`; a supervisor with its agents is a `ManagerWorkers`, agents that hand over
//! are a `Swarm`, tasks in sequence are a `Flow`. What that format has no word for (tools' effects,
//! limits, the target) stands in the `metadata` of the component that it belongs to, under `gantry`,
//! so that writing and reading give the same spec again; what somebody changed in the components
//! themselves counts before it.

use std::collections::BTreeMap;

use gantry_domain::matrix::diagnose::diagnose;
use gantry_domain::matrix::{Diagnostic, Pattern, Severity};
use gantry_domain::spec::{self, Agent, Spec, Task, Tool, ToolSource, task_order};
use serde_json::{Map, Value, json};

use super::names::{identifier, slug};
use super::{Imported, remark};

/// The version of the format that needs no newer component.
const VERSION: &str = "25.4.1";
/// The version that brought `Swarm` and `ManagerWorkers`.
const VERSION_WITH_TEAMS: &str = "25.4.2";
/// The key in `metadata` that is ours.
const OURS: &str = "gantry";

/// Writes a spec as an Agent Spec document.
///
/// # Errors
///
/// The pattern, where the format has nothing like it.
pub fn export(spec: &Spec) -> Result<Value, Diagnostic> {
    let mut writer = Writer { spec, referenced: Map::new() };
    let name = spec.metadata.name.as_str();
    let mut root = match spec.target.pattern {
        Pattern::Single | Pattern::React => {
            let Some(first) = spec.agents.first() else { return Err(without_agents()) };
            let reference = writer.agent(first);
            let id = reference["$component_ref"].as_str().unwrap_or_default().to_owned();
            let mut root = writer.referenced.remove(&id).unwrap_or_default();
            // Its description is the project's.
            root["metadata"][OURS]["role"] = json!(first.role);
            root
        }
        Pattern::Supervisor | Pattern::Router => {
            let Some((first, others)) = spec.agents.split_first() else { return Err(without_agents()) };
            let workers: Vec<Value> = others.iter().map(|agent| writer.agent(agent)).collect();
            let mut root = component("ManagerWorkers", &format!("team:{name}"), name, "");
            root["inputs"] = json!([]);
            root["outputs"] = json!([]);
            root["group_manager"] = writer.agent(first);
            root["workers"] = json!(workers);
            root
        }
        Pattern::Handoff => {
            let Some(first) = spec.agents.first() else { return Err(without_agents()) };
            let first = writer.agent(first);
            let mut relationships = Vec::new();
            for agent in &spec.agents {
                let from = writer.agent(agent);
                for other in agent.handoffs.iter().filter_map(|id| spec.agents.iter().find(|other| other.id == *id)) {
                    relationships.push(json!([from, writer.agent(other)]));
                }
            }
            let mut root = component("Swarm", &format!("team:{name}"), name, "");
            root["inputs"] = json!([]);
            root["outputs"] = json!([]);
            root["first_agent"] = first;
            root["relationships"] = json!(relationships);
            root["handoff"] = json!("always");
            root
        }
        Pattern::Sequential => writer.flow(name),
        pattern @ (Pattern::Parallel | Pattern::Graph) => {
            return Err(remark(
                Severity::Error,
                "pattern_not_in_format",
                "/target/pattern",
                format!(
                    "Agent Spec has no flow that means what the pattern {} means here: tasks that get results of others, or edges that look into a result. Use the pattern sequential for this export.",
                    pattern.as_str()
                ),
            ));
        }
    };
    root["description"] = json!(spec.metadata.description);
    let version = root["component_type"]
        .as_str()
        .filter(|kind| matches!(*kind, "ManagerWorkers" | "Swarm"))
        .map_or(VERSION, |_| VERSION_WITH_TEAMS);
    let mut ours = serde_json::to_value(spec).unwrap_or_default();
    if let Some(ours) = ours.as_object_mut() {
        // Everything that the components do not say themselves.
        ours.retain(|key, _| !matches!(key.as_str(), "agents" | "tasks" | "tools" | "apiVersion" | "kind"));
        if let Some(unused) = writer.left_out() {
            ours.insert("others".to_owned(), unused);
        }
    }
    let metadata = root["metadata"].as_object_mut();
    if let Some(entry) = metadata {
        let of_component = entry.remove(OURS);
        entry.insert(OURS.to_owned(), json!({"spec": ours, "component": of_component}));
    }
    if !writer.referenced.is_empty() {
        root["$referenced_components"] = Value::Object(writer.referenced);
    }
    root["agentspec_version"] = json!(version);
    Ok(root)
}

fn without_agents() -> Diagnostic {
    remark(Severity::Error, "agents_missing", "/agents", "expected at least one agent to export")
}

fn component(kind: &str, id: &str, name: &str, description: &str) -> Value {
    json!({"component_type": kind, "id": id, "name": name, "description": description, "metadata": {}})
}

/// `{{x}}` in a prompt is an input of the agent in that format; ours has no such thing, so the braces
/// are set apart there, and the text as it was goes with it.
fn without_places(text: &str) -> String {
    text.replace("{{", "{ {")
}

struct Writer<'a> {
    spec: &'a Spec,
    referenced: Map<String, Value>,
}

impl Writer<'_> {
    fn refer(&mut self, id: String, component: impl FnOnce(&mut Self) -> Value) -> Value {
        if !self.referenced.contains_key(&id) {
            let written = component(self);
            self.referenced.insert(id.clone(), written);
        }
        json!({"$component_ref": id})
    }

    fn agent(&mut self, agent: &Agent) -> Value {
        let id = format!("agent:{}", agent.id);
        self.refer(id.clone(), |writer| {
            let mut value = component("Agent", &id, &agent.id, &agent.role);
            value["inputs"] = json!([]);
            value["outputs"] = json!([]);
            value["llm_config"] = writer.model(&agent.model);
            value["system_prompt"] = json!(without_places(&agent.instructions));
            let tools: Vec<Value> = agent
                .tools
                .iter()
                .filter_map(|id| writer.spec.tools.iter().find(|tool| tool.id == *id))
                .map(|tool| writer.tool(tool))
                .collect();
            value["tools"] = json!(tools);
            let mut ours = json!({"model": agent.model, "maxSteps": agent.max_steps});
            if agent.instructions.contains("{{") {
                ours["instructions"] = json!(agent.instructions);
            }
            value["metadata"][OURS] = ours;
            value
        })
    }

    fn model(&mut self, key: &str) -> Value {
        let id = format!("model:{key}");
        self.refer(id.clone(), |writer| {
            let model = writer.spec.models.get(key).cloned().unwrap_or_default();
            let mut value = component("OpenAiCompatibleConfig", &id, key, "");
            value["model_id"] = json!(if model.model.is_empty() { "$MODEL_NAME" } else { &model.model });
            value["url"] = json!(format!("${}", model.base_url_variable));
            value["default_generation_parameters"] = match model.temperature {
                Some(temperature) => json!({"temperature": temperature}),
                None => Value::Null,
            };
            value
        })
    }

    fn tool(&mut self, tool: &Tool) -> Value {
        let id = format!("tool:{}", tool.id);
        self.refer(id.clone(), |_| {
            let kind = match &tool.source {
                ToolSource::Http { .. } => "RemoteTool",
                ToolSource::Mcp { .. } => "MCPTool",
                _ => "ServerTool",
            };
            // The name is what the server calls it, where there is a server.
            let name = match &tool.source {
                ToolSource::Mcp { tool, .. } => tool,
                _ => &tool.id,
            };
            let mut value = component(kind, &id, name, &tool.description);
            value["inputs"] = json!(inputs(&tool.parameters));
            value["outputs"] = json!([{"title": "result", "type": "string"}]);
            match &tool.source {
                ToolSource::Http { method, url } => {
                    // A place in an address is `{x}` here and `{{x}}` there.
                    value["url"] = json!(url.replace('{', "{{").replace('}', "}}"));
                    value["http_method"] = json!(method);
                    for field in ["data", "query_params", "headers"] {
                        value[field] = json!({});
                    }
                }
                ToolSource::Mcp { command, .. } => {
                    let mut transport = component("StdioTransport", &format!("transport:{}", tool.id), &tool.id, "");
                    transport["command"] = json!(command.first());
                    transport["args"] = json!(command.get(1..).unwrap_or_default());
                    value["client_transport"] = transport;
                }
                _ => {}
            }
            value["metadata"][OURS] = serde_json::to_value(tool).unwrap_or_default();
            value
        })
    }

    /// Tasks one after another, as nodes that each run an agent.
    fn flow(&mut self, name: &str) -> Value {
        let spec = self.spec;
        let order = task_order(&spec.tasks).unwrap_or_default();
        let mut nodes = vec![("node:start".to_owned(), {
            let mut start = component("StartNode", "node:start", "start", "");
            start["inputs"] = json!([]);
            start["outputs"] = json!([]);
            start["branches"] = json!(["next"]);
            start
        })];
        for task in order.into_iter().map(|index| &spec.tasks[index]) {
            let Some(agent) = spec.agents.iter().find(|agent| agent.id == task.agent) else { continue };
            let id = format!("node:{}", task.id);
            let mut node = component("AgentNode", &id, &task.id, &task.description);
            node["inputs"] = json!([]);
            node["outputs"] = json!([]);
            node["branches"] = json!(["next"]);
            node["agent"] = self.agent(agent);
            node["metadata"][OURS] = serde_json::to_value(task).unwrap_or_default();
            nodes.push((id, node));
        }
        nodes.push(("node:end".to_owned(), {
            let mut end = component("EndNode", "node:end", "end", "");
            end["inputs"] = json!([]);
            end["outputs"] = json!([]);
            end["branches"] = json!([]);
            end["branch_name"] = json!("next");
            end
        }));
        let edges: Vec<Value> = nodes
            .windows(2)
            .map(|pair| {
                let id = format!("edge:{}:{}", pair[0].0, pair[1].0);
                let mut edge = component("ControlFlowEdge", &id, &id, "");
                edge["from_node"] = json!({"$component_ref": pair[0].0});
                edge["from_branch"] = Value::Null;
                edge["to_node"] = json!({"$component_ref": pair[1].0});
                edge
            })
            .collect();
        let references: Vec<Value> = nodes.iter().map(|(id, _)| json!({"$component_ref": id})).collect();
        let mut root = component("Flow", &format!("flow:{name}"), name, "");
        root["inputs"] = json!([]);
        root["outputs"] = json!([]);
        root["start_node"] = json!({"$component_ref": "node:start"});
        root["nodes"] = json!(references);
        root["control_flow_connections"] = json!(edges);
        root["data_flow_connections"] = json!([]);
        self.referenced.extend(nodes);
        root
    }

    /// Agents, tools and tasks that no component stands for, because the pattern does not use them.
    fn left_out(&self) -> Option<Value> {
        let written = |prefix: &str, id: &str| self.referenced.contains_key(&format!("{prefix}:{id}"));
        let alone = matches!(self.spec.target.pattern, Pattern::Single | Pattern::React);
        let agents: Vec<&Agent> = self
            .spec
            .agents
            .iter()
            .enumerate()
            .filter(|(index, agent)| (!alone || *index > 0) && !written("agent", &agent.id))
            .map(|(_, agent)| agent)
            .collect();
        let tools: Vec<&Tool> = self.spec.tools.iter().filter(|tool| !written("tool", &tool.id)).collect();
        let has_nodes = self.spec.target.pattern == Pattern::Sequential;
        let tasks: Vec<&Task> = self.spec.tasks.iter().filter(|_| !has_nodes).collect();
        // The order of lists is part of a spec.
        let order = |ids: Vec<&String>| json!(ids);
        Some(json!({
            "agents": agents, "tools": tools, "tasks": tasks,
            "order": {
                "agents": order(self.spec.agents.iter().map(|agent| &agent.id).collect()),
                "tools": order(self.spec.tools.iter().map(|tool| &tool.id).collect()),
                "tasks": order(self.spec.tasks.iter().map(|task| &task.id).collect()),
            },
        }))
    }
}

/// Properties as the format lists them: JSON Schemas with a title.
fn inputs(parameters: &Value) -> Vec<Value> {
    let required = |name: &str| {
        parameters["required"].as_array().into_iter().flatten().any(|required| required.as_str() == Some(name))
    };
    let mut inputs = Vec::new();
    for (name, _) in spec::argument_names(parameters) {
        let mut property = parameters["properties"][name].clone();
        if !property.is_object() {
            property = json!({});
        }
        property["title"] = json!(name);
        if property.get("type").is_none() && property.get("anyOf").is_none() {
            property["type"] = json!("string");
        }
        if !required(name) && property.get("default").is_none() {
            property["default"] = Value::Null;
            property["anyOf"] = match property.as_object_mut().and_then(|property| property.remove("type")) {
                Some(kind) => json!([{"type": kind}, {"type": "null"}]),
                None => property["anyOf"].take(),
            };
        }
        inputs.push(property);
    }
    inputs
}

/// Reads an Agent Spec document.
///
/// # Errors
///
/// What the document is not, or has that no spec can say.
pub fn import(document: &Value) -> Result<Imported, Vec<Diagnostic>> {
    if document.get("agentspec_version").is_none() && document.get("component_type").is_none() {
        return Err(vec![remark(
            Severity::Error,
            "format_unknown",
            "",
            "expected an Agent Spec document: an object with component_type and agentspec_version",
        )]);
    }
    let mut reader = Reader {
        document,
        found: Vec::new(),
        agents: Vec::new(),
        tools: Vec::new(),
        models: BTreeMap::new(),
        ids: BTreeMap::new(),
    };
    let ours = &document["metadata"][OURS];
    let carried = &ours["spec"];
    let kind = document["component_type"].as_str().unwrap_or_default();
    let mut tasks: Vec<Value> = Vec::new();
    let pattern = match kind {
        "Agent" => {
            let mut root = document.clone();
            root["metadata"][OURS] = ours["component"].clone();
            let id = reader.agent(&root, "");
            let has_tools = reader
                .agents
                .iter()
                .any(|agent| agent["id"] == id && !agent["tools"].as_array().is_none_or(Vec::is_empty));
            if has_tools || carried["target"]["pattern"] == "react" { "react" } else { "single" }
        }
        "ManagerWorkers" => {
            reader.agent(&document["group_manager"], "/group_manager");
            for (index, worker) in list(&document["workers"]).iter().enumerate() {
                reader.agent(worker, &format!("/workers/{index}"));
            }
            if carried["target"]["pattern"] == "router" { "router" } else { "supervisor" }
        }
        "Swarm" => {
            reader.agent(&document["first_agent"], "/first_agent");
            for (index, pair) in list(&document["relationships"]).iter().enumerate() {
                let from = reader.agent(&pair[0], &format!("/relationships/{index}/0"));
                let to = reader.agent(&pair[1], &format!("/relationships/{index}/1"));
                if let Some(agent) = reader.agents.iter_mut().find(|agent| agent["id"] == from) {
                    match agent["handoffs"].as_array_mut() {
                        Some(handoffs) => handoffs.push(json!(to)),
                        None => agent["handoffs"] = json!([to]),
                    }
                }
            }
            if document["handoff"].as_str().is_some_and(|mode| mode != "always") || document["handoff"] == false {
                reader.found.push(remark(
                    Severity::Warning,
                    "handoff_mode",
                    "/agents",
                    "the swarm's agents may ask one another without passing the conversation on; here they pass it on",
                ));
            }
            "handoff"
        }
        "Flow" => {
            tasks = reader.flow();
            "sequential"
        }
        other => {
            return Err(vec![remark(
                Severity::Error,
                "component_unknown",
                "/component_type",
                format!("expected Agent, ManagerWorkers, Swarm or Flow; {other:?} cannot become a spec"),
            )]);
        }
    };
    if reader.found.iter().any(|found| found.severity == Severity::Error) {
        return Err(reader.found);
    }
    let (value, found) = reader.into_value(carried, pattern, tasks);
    let spec = spec::from_value(value).map_err(|problems| {
        problems
            .into_iter()
            .map(|problem| remark(Severity::Error, &problem.code, problem.path, problem.message))
            .collect::<Vec<_>>()
    })?;
    let mut diagnostics = found;
    diagnostics.extend(diagnose(&spec));
    Ok(Imported { spec, diagnostics })
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

struct Reader<'a> {
    document: &'a Value,
    found: Vec<Diagnostic>,
    agents: Vec<Value>,
    tools: Vec<Value>,
    models: BTreeMap<String, Value>,
    /// The id here of a component, by its id there.
    ids: BTreeMap<String, String>,
}

impl<'a> Reader<'a> {
    /// A component itself, whether it stands there or is referred to.
    fn resolve(&self, value: &Value) -> Value {
        match value["$component_ref"].as_str() {
            Some(id) => self.document["$referenced_components"][id].clone(),
            None => value.clone(),
        }
    }

    /// Reads an agent once; gives its id here.
    fn agent(&mut self, value: &Value, path: &str) -> String {
        let component = self.resolve(value);
        let key = component["id"].as_str().unwrap_or(path).to_owned();
        if let Some(id) = self.ids.get(&key) {
            return id.clone();
        }
        let name = component["name"].as_str().unwrap_or("agent");
        let taken: Vec<String> =
            self.agents.iter().filter_map(|agent| agent["id"].as_str().map(str::to_owned)).collect();
        let id = identifier(name, &taken);
        self.ids.insert(key, id.clone());
        if component["component_type"] != "Agent" {
            self.found.push(remark(
                Severity::Error,
                "component_unknown",
                path,
                format!("expected an Agent, not {}", component["component_type"]),
            ));
            return id;
        }
        let ours = component["metadata"][OURS].clone();
        let said = component["system_prompt"].as_str().unwrap_or_default();
        let instructions = match ours["instructions"].as_str() {
            Some(original) if without_places(original) == said => original.to_owned(),
            _ => said.to_owned(),
        };
        let tools: Vec<String> = list(&component["tools"])
            .iter()
            .enumerate()
            .filter_map(|(index, tool)| self.tool(tool, &format!("{path}/tools/{index}")))
            .collect();
        if !list(&component["toolboxes"]).is_empty() {
            self.found.push(remark(
                Severity::Warning,
                "toolbox_left_out",
                format!("{path}/toolboxes"),
                format!("the toolboxes of {id} are left out: add the tools that it needs one by one"),
            ));
        }
        let model = self.model(&component["llm_config"], ours["model"].as_str());
        let described = ours["role"].as_str().or(component["description"].as_str());
        let role: String = described.filter(|role| !role.trim().is_empty()).unwrap_or(name).chars().take(200).collect();
        let mut agent = json!({
            "id": id, "role": role, "model": model, "tools": tools,
            "instructions": if instructions.trim().is_empty() { format!("You are {role}.") } else { instructions },
        });
        if let Some(steps) = ours["maxSteps"].as_u64() {
            agent["maxSteps"] = json!(steps);
        }
        self.agents.push(agent);
        id
    }

    fn model(&mut self, value: &Value, ours: Option<&str>) -> String {
        let component = self.resolve(value);
        let name = component["name"].as_str().unwrap_or("default");
        let key = match ours {
            Some(key) => key.to_owned(),
            None if self.models.is_empty() => "default".to_owned(),
            None => {
                let model_id = &component["model_id"];
                match self.models.iter().find(|(_, known)| known["model"] == *model_id) {
                    Some((key, _)) => key.clone(),
                    None => identifier(name, &self.models.keys().cloned().collect::<Vec<_>>()),
                }
            }
        };
        if self.models.contains_key(&key) {
            return key;
        }
        let mut model = json!({});
        if let Some(id) = component["model_id"].as_str().filter(|id| *id != "$MODEL_NAME") {
            model["model"] = json!(id);
        }
        let url = component["url"].as_str().unwrap_or_default();
        match url.strip_prefix('$') {
            Some(variable) => model["baseUrlVariable"] = json!(variable),
            None if url.is_empty() => {}
            None => self.found.push(remark(
                Severity::Info,
                "address_from_environment",
                format!("/models/{key}/baseUrlVariable"),
                format!("the address {url} is not kept in the spec: set it in the environment, or as a provider's"),
            )),
        }
        if component["api_key"].is_string() {
            self.found.push(remark(
                Severity::Warning,
                "key_left_out",
                format!("/models/{key}/keyVariable"),
                "the document has a key in it; it was left out: keep it as a secret",
            ));
        }
        let temperature = &component["default_generation_parameters"]["temperature"];
        if temperature.is_number() {
            model["temperature"] = temperature.clone();
        }
        self.models.insert(key.clone(), model);
        key
    }

    /// Reads a tool once; gives its id here, or none if it cannot be carried over.
    fn tool(&mut self, value: &Value, path: &str) -> Option<String> {
        let component = self.resolve(value);
        let key = component["id"].as_str().unwrap_or(path).to_owned();
        if let Some(id) = self.ids.get(&key) {
            return Some(id.clone());
        }
        let ours = &component["metadata"][OURS];
        let name = component["name"].as_str().unwrap_or("tool");
        let taken: Vec<String> = self.tools.iter().filter_map(|tool| tool["id"].as_str().map(str::to_owned)).collect();
        let id = match ours["id"].as_str() {
            Some(id) if !taken.iter().any(|taken| taken == id) => id.to_owned(),
            _ => identifier(name, &taken),
        };
        let description = component["description"].as_str().filter(|text| !text.trim().is_empty()).unwrap_or(name);
        let parameters = if ours["parameters"].is_object() && inputs(&ours["parameters"]) == list(&component["inputs"])
        {
            ours["parameters"].clone()
        } else {
            parameters(list(&component["inputs"]))
        };
        let mut tool = json!({
            "id": id, "description": description, "parameters": parameters,
            "effect": ours["effect"].as_str().unwrap_or("network"),
        });
        if let Some(timeout) = ours["timeoutMs"].as_u64() {
            tool["timeoutMs"] = json!(timeout);
        }
        match component["component_type"].as_str().unwrap_or_default() {
            "RemoteTool" => {
                tool["kind"] = json!("http");
                tool["method"] = json!(component["http_method"].as_str().unwrap_or("GET").to_uppercase());
                tool["url"] =
                    json!(component["url"].as_str().unwrap_or_default().replace("{{", "{").replace("}}", "}"));
                if ["data", "headers", "query_params"]
                    .iter()
                    .any(|field| component[*field].as_object().is_some_and(|map| !map.is_empty()))
                {
                    self.found.push(remark(
                        Severity::Warning,
                        "request_simplified",
                        path,
                        format!("fixed data, headers and query parameters of {id} are left out: arguments go into the address, the query or a JSON body"),
                    ));
                }
            }
            "MCPTool" => {
                let transport = self.resolve(&component["client_transport"]);
                let Some(program) = transport["command"].as_str() else {
                    self.found.push(remark(
                        Severity::Warning,
                        "tool_left_out",
                        path,
                        format!("{id} is left out: its server is reached over {}, and only standard input and output are known here", transport["component_type"]),
                    ));
                    return None;
                };
                let mut command = vec![json!(program)];
                command.extend(list(&transport["args"]).iter().cloned());
                tool["kind"] = json!("mcp");
                tool["effect"] = json!(ours["effect"].as_str().unwrap_or("exec"));
                tool["command"] = json!(command);
                tool["tool"] = json!(name);
            }
            "ServerTool" | "ClientTool" | "BuiltinTool" => match ours["kind"].as_str() {
                Some(kind) => {
                    tool["kind"] = json!(kind);
                    for field in ["name", "body"] {
                        if !ours[field].is_null() {
                            tool[field] = ours[field].clone();
                        }
                    }
                }
                None => {
                    tool["kind"] = json!("python");
                    tool["effect"] = json!("exec");
                    tool["body"] = json!(format!("raise NotImplementedError(\"write what {id} does\")"));
                    self.found.push(remark(
                        Severity::Warning,
                        "tool_without_body",
                        path,
                        format!("the document does not say what {id} does: write its function before it is called"),
                    ));
                }
            },
            other => {
                self.found.push(remark(
                    Severity::Warning,
                    "tool_left_out",
                    path,
                    format!("{id} is left out: a {other} has no counterpart here"),
                ));
                return None;
            }
        }
        self.ids.insert(key, id.clone());
        self.tools.push(tool);
        Some(id)
    }

    /// The tasks of a flow that goes straight on.
    fn flow(&mut self) -> Vec<Value> {
        let document = self.document;
        let edges = list(&document["control_flow_connections"]);
        let id_of = |value: &Value| {
            value["$component_ref"].as_str().or_else(|| value["id"].as_str()).unwrap_or_default().to_owned()
        };
        let mut at = id_of(&document["start_node"]);
        let mut tasks: Vec<Value> = Vec::new();
        for _ in 0..=list(&document["nodes"]).len() {
            let next: Vec<String> = edges
                .iter()
                .filter(|edge| id_of(&edge["from_node"]) == at)
                .map(|edge| id_of(&edge["to_node"]))
                .collect();
            let [next] = next.as_slice() else {
                if !next.is_empty() {
                    self.found.push(remark(
                        Severity::Error,
                        "flow_branches",
                        "/control_flow_connections",
                        format!("expected a flow that goes straight on; it branches after {at}"),
                    ));
                }
                break;
            };
            at.clone_from(next);
            let node = list(&document["nodes"])
                .iter()
                .find(|node| id_of(node) == at)
                .map(|node| self.resolve(node))
                .unwrap_or_default();
            match node["component_type"].as_str().unwrap_or_default() {
                "AgentNode" => {
                    let agent = self.agent(&node["agent"], &format!("/nodes/{at}/agent"));
                    let ours = node["metadata"][OURS].clone();
                    let mut task = if ours["id"].is_string() { ours } else { json!({}) };
                    let taken: Vec<String> =
                        tasks.iter().filter_map(|task| task["id"].as_str().map(str::to_owned)).collect();
                    if !task["id"].is_string() {
                        task["id"] = json!(identifier(node["name"].as_str().unwrap_or("task"), &taken));
                        task["dependsOn"] = json!(taken.last().map(|last| vec![last]).unwrap_or_default());
                    }
                    task["agent"] = json!(agent);
                    let said = node["description"].as_str().filter(|text| !text.trim().is_empty());
                    task["description"] = json!(said.unwrap_or("Do your part of what the person asked for."));
                    tasks.push(task);
                }
                "EndNode" => break,
                other => {
                    self.found.push(remark(
                        Severity::Error,
                        "node_unknown",
                        format!("/nodes/{at}"),
                        format!("expected nodes that run an agent; a {other} has no counterpart here"),
                    ));
                    break;
                }
            }
        }
        tasks
    }

    /// The whole spec as a value, and what was found on the way.
    fn into_value(self, carried: &Value, pattern: &str, tasks: Vec<Value>) -> (Value, Vec<Diagnostic>) {
        let (mut agents, mut tools, mut tasks) = (self.agents, self.tools, tasks);
        let others = &carried["others"];
        agents.extend(list(&others["agents"]).iter().cloned());
        tools.extend(list(&others["tools"]).iter().cloned());
        tasks.extend(list(&others["tasks"]).iter().cloned());
        for (list, name) in [(&mut agents, "agents"), (&mut tools, "tools"), (&mut tasks, "tasks")] {
            let order: Vec<&str> =
                others["order"][name].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            list.sort_by_key(|entry| {
                order.iter().position(|id| entry["id"].as_str() == Some(*id)).unwrap_or(order.len())
            });
        }
        let mut value = json!({
            "apiVersion": spec::API_VERSION, "kind": "Agent",
            "metadata": {
                "name": slug(self.document["name"].as_str().unwrap_or("agent")),
                "version": "0.1.0",
                "description": self.document["description"].as_str().unwrap_or_default(),
            },
            "target": {"framework": "langgraph", "language": "python"},
            "models": self.models,
        });
        if let (Some(value), Some(carried)) = (value.as_object_mut(), carried.as_object()) {
            for (key, entry) in carried.iter().filter(|(key, _)| !matches!(key.as_str(), "others" | "models")) {
                value.insert(key.clone(), entry.clone());
            }
        }
        // What the components do not say of a model: its variables, and models that no agent uses.
        for (key, entry) in carried["models"].as_object().into_iter().flatten() {
            let mut model = entry.clone();
            for field in ["model", "baseUrlVariable", "temperature"] {
                let read = value["models"][key][field].clone();
                if !read.is_null() {
                    model[field] = read;
                }
            }
            value["models"][key] = model;
        }
        if value["models"].as_object().is_none_or(|models| !models.contains_key("default")) {
            value["models"]["default"] = json!({});
        }
        value["metadata"]["description"] = json!(self.document["description"].as_str().unwrap_or_default());
        value["target"]["pattern"] = json!(pattern);
        value["agents"] = json!(agents);
        value["tools"] = json!(tools);
        value["tasks"] = json!(tasks);
        (value, self.found)
    }
}

/// A JSON Schema of the properties that the format lists.
fn parameters(inputs: &[Value]) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for input in inputs {
        let Some(name) = input["title"].as_str() else { continue };
        let mut property = input.as_object().cloned().unwrap_or_default();
        property.remove("title");
        if property.remove("default").is_none() {
            required.push(json!(name));
        }
        if let Some(first) = property.get("anyOf").and_then(|kinds| kinds.get(0)).cloned() {
            property.remove("anyOf");
            if let Some(first) = first.as_object() {
                property.extend(first.clone());
            }
        }
        properties.insert(name.to_owned(), Value::Object(property));
    }
    json!({"type": "object", "properties": properties, "required": required})
}

#[cfg(test)]
mod tests {
    use gantry_domain::api::plan::{PlanConstraints, PlanRequest};

    use super::*;

    fn planned(pattern: Pattern, prompt: &str) -> Spec {
        let constraints = PlanConstraints { pattern: Some(pattern), ..PlanConstraints::default() };
        crate::plan(&PlanRequest { prompt: prompt.to_owned(), constraints, ..PlanRequest::default() }).spec
    }

    #[test]
    fn what_is_written_is_read_back_the_same() {
        let prompts = [
            "Research {{topic}} at https://example.com/{topic}, then calculate it, then write it.",
            "Answer \"questions\" \u{1F600} with the time",
        ];
        for prompt in prompts {
            for pattern in Pattern::ALL {
                let mut spec = planned(pattern, prompt);
                spec.models.entry("default".to_owned()).or_default().temperature = Some(0.5);
                spec.guardrails.max_seconds = Some(60);
                match export(&spec) {
                    Ok(document) => {
                        let read = serde_json::to_value(import(&document).unwrap().spec).unwrap();
                        let written = serde_json::to_value(&spec).unwrap();
                        for (key, value) in written.as_object().unwrap() {
                            assert_eq!(read[key], *value, "{key} {}", pattern.as_str());
                        }
                        assert_eq!(read, written);
                    }
                    Err(refused) => assert_eq!(refused.code, "pattern_not_in_format"),
                }
            }
        }
    }

    #[test]
    fn what_was_changed_in_the_components_counts() {
        let spec = planned(Pattern::React, "The time, please");
        let mut document = export(&spec).unwrap();
        document["system_prompt"] = json!("Be brief.");
        document["description"] = json!("Another.");
        let read = import(&document).unwrap().spec;
        assert_eq!(read.agents[0].instructions, "Be brief.");
        assert_eq!(read.metadata.description, "Another.");
        assert_eq!(read.tools, spec.tools);
    }

    #[test]
    fn a_document_of_somebody_else_becomes_a_spec_with_remarks() {
        let document = json!({
            "component_type": "Agent", "id": "1", "name": "Weather Agent", "description": null, "agentspec_version": "25.4.1",
            "llm_config": {"component_type": "VllmConfig", "id": "2", "name": "m", "model_id": "granite", "url": "http://10.0.0.1/v1"},
            "system_prompt": "Use the tools.",
            "tools": [
                {"component_type": "ServerTool", "id": "3", "name": "getWeather", "description": "w",
                 "inputs": [{"title": "city", "type": "string"}, {"title": "days", "type": "integer", "default": 1}]},
                {"component_type": "RemoteTool", "id": "4", "name": "fetch", "description": "f", "url": "https://x.example/{{page}}",
                 "http_method": "get", "inputs": [{"title": "page", "type": "string"}], "headers": {"a": "b"}},
            ],
        });
        let imported = import(&document).unwrap();
        let spec = imported.spec;
        assert_eq!(spec.metadata.name.as_str(), "weather-agent");
        assert_eq!(spec.models["default"].model, "granite");
        assert_eq!(spec.agents[0].tools, ["get_weather", "fetch"]);
        assert_eq!(spec.tools[0].parameters["required"], json!(["city"]));
        assert_eq!(
            spec.tools[1].source,
            ToolSource::Http { method: "GET".to_owned(), url: "https://x.example/{page}".to_owned() }
        );
        let codes: Vec<&str> = imported.diagnostics.iter().map(|found| found.code.as_str()).collect();
        for code in ["address_from_environment", "tool_without_body", "request_simplified"] {
            assert!(codes.contains(&code), "{codes:?}");
        }
    }

    #[test]
    fn what_is_no_such_document_is_refused_with_its_place() {
        assert_eq!(import(&json!({"a": 1})).unwrap_err()[0].code, "format_unknown");
        assert_eq!(import(&json!({"component_type": "Tool"})).unwrap_err()[0].path, "/component_type");
        let branches = json!({"component_type": "Flow", "name": "f", "start_node": {"$component_ref": "s"}, "nodes": [],
            "control_flow_connections": [
                {"from_node": {"$component_ref": "s"}, "to_node": {"$component_ref": "a"}},
                {"from_node": {"$component_ref": "s"}, "to_node": {"$component_ref": "b"}}]});
        assert_eq!(import(&branches).unwrap_err()[0].code, "flow_branches");
    }
}
