//! Writing: agents, tools and tasks as components that refer to one another.

use std::collections::BTreeMap;

use gantry_domain::matrix::{Diagnostic, Pattern, Severity};
use gantry_domain::spec::{Agent, Spec, Task, Tool, ToolSource, task_order};
use serde_json::{Map, Value, json};

use super::{OURS, inputs, without_places};
use crate::exchange::remark;

/// The version of the format that needs no newer component.
const VERSION: &str = "25.4.1";
/// The version that brought `Swarm` and `ManagerWorkers`.
const VERSION_WITH_TEAMS: &str = "25.4.2";
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
                ToolSource::Mcp { .. } | ToolSource::McpOverHttp { .. } => "MCPTool",
                _ => "ServerTool",
            };
            // The name is what the server calls it, where there is a server.
            let name = match &tool.source {
                ToolSource::Mcp { tool, .. } | ToolSource::McpOverHttp { tool, .. } => tool,
                _ => &tool.id,
            };
            let mut value = component(kind, &id, name, &tool.description);
            value["inputs"] = json!(inputs(&tool.parameters));
            value["outputs"] = json!([{"title": "result", "type": "string"}]);
            match &tool.source {
                ToolSource::Http { method, url, headers } => {
                    // A place in an address is `{x}` here and `{{x}}` there.
                    value["url"] = json!(url.replace('{', "{{").replace('}', "}}"));
                    value["http_method"] = json!(method);
                    for field in ["data", "query_params"] {
                        value[field] = json!({});
                    }
                    value["headers"] = with_variables(headers);
                }
                ToolSource::Mcp { command, .. } => {
                    let mut transport = component("StdioTransport", &format!("transport:{}", tool.id), &tool.id, "");
                    transport["command"] = json!(command.first());
                    transport["args"] = json!(command.get(1..).unwrap_or_default());
                    value["client_transport"] = transport;
                }
                ToolSource::McpOverHttp { url, headers, .. } => {
                    let id = format!("transport:{}", tool.id);
                    let mut transport = component("StreamableHTTPTransport", &id, &tool.id, "");
                    transport["url"] = json!(url);
                    transport["headers"] = with_variables(headers);
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

/// Headers as the format has them. Whoever runs it fills in what the variables hold, as for the models'
/// addresses.
fn with_variables(headers: &BTreeMap<String, String>) -> Value {
    headers.iter().map(|(name, variable)| (name.clone(), json!(format!("${variable}")))).collect::<Map<_, _>>().into()
}
