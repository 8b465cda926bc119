//! Reading: components as agents, tools and tasks, and what could not be carried over.

use std::collections::BTreeMap;

use gantry_domain::matrix::diagnose::diagnose;
use gantry_domain::matrix::{Diagnostic, Severity};
use gantry_domain::spec;
use serde_json::{Map, Value, json};

use super::{OURS, inputs, without_places};
use crate::exchange::names::{identifier, slug};
use crate::exchange::{Imported, remark};

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

    /// Takes over the headers whose values are named; a value itself stays out of a spec.
    fn headers(&mut self, tool: &mut Value, request: &Value, id: &str, path: &str) {
        let mut kept = serde_json::Map::new();
        let empty = serde_json::Map::new();
        let plain = request["headers"].as_object().unwrap_or(&empty);
        let sensitive = request["sensitive_headers"].as_object().unwrap_or(&empty);
        for (name, value) in plain.iter().chain(sensitive) {
            match value.as_str().and_then(|value| value.strip_prefix('$')) {
                Some(variable) => {
                    kept.insert(name.clone(), json!(variable));
                }
                None => self.found.push(remark(
                    Severity::Warning,
                    "request_simplified",
                    path,
                    format!("the header {name} of {id} is left out: name the variable that has its value"),
                )),
            }
        }
        if !kept.is_empty() {
            tool["headers"] = Value::Object(kept);
        }
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
                self.headers(&mut tool, &component, &id, path);
                if ["data", "query_params"]
                    .iter()
                    .any(|field| component[*field].as_object().is_some_and(|map| !map.is_empty()))
                {
                    self.found.push(remark(
                        Severity::Warning,
                        "request_simplified",
                        path,
                        format!("fixed data and query parameters of {id} are left out: arguments go into the address, the query or a JSON body"),
                    ));
                }
            }
            "MCPTool" => {
                let transport = self.resolve(&component["client_transport"]);
                tool["kind"] = json!("mcp");
                tool["tool"] = json!(name);
                match (transport["component_type"].as_str(), transport["command"].as_str(), transport["url"].as_str()) {
                    (Some("StreamableHTTPTransport"), _, Some(url)) => {
                        tool["url"] = json!(url);
                        self.headers(&mut tool, &transport, &id, path);
                    }
                    (_, Some(program), _) => {
                        let mut command = vec![json!(program)];
                        command.extend(list(&transport["args"]).iter().cloned());
                        tool["effect"] = json!(ours["effect"].as_str().unwrap_or("exec"));
                        tool["command"] = json!(command);
                    }
                    _ => {
                        self.found.push(remark(
                            Severity::Warning,
                            "tool_left_out",
                            path,
                            format!("{id} is left out: its server is reached over {}, and only standard input and output and streamable HTTP are known here", transport["component_type"]),
                        ));
                        return None;
                    }
                }
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
