//! A plan as a model writes it: a flat document that every endpoint with structured output can keep
//! to, and how it becomes a spec.
//!
//! The document is the strict subset that endpoints ask for: every field required, nothing beside
//! them, no recursion, no choice of types. Empty texts and lists stand for nothing. What it says is
//! trusted with nothing: a tool may only call an address that the person gave, and the whole spec is
//! diagnosed like one that a person wrote.

use gantry_domain::api::plan::{Plan, PlanConstraints, PlanMode, PlanProvenance, PlanRequest};
use gantry_domain::matrix::diagnose::{diagnose, is_sound};
use gantry_domain::matrix::{Framework, Pattern, Severity, Support, generated, support};
use gantry_domain::spec::{self, Builtin};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{MOST_QUESTIONS, plan};

/// What a model fills in.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Draft {
    name: String,
    description: String,
    framework: Framework,
    pattern: Pattern,
    agents: Vec<DraftAgent>,
    tasks: Vec<DraftTask>,
    start: String,
    edges: Vec<DraftEdge>,
    tools: Vec<DraftTool>,
    questions: Vec<String>,
    reasons: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DraftAgent {
    id: String,
    role: String,
    instructions: String,
    tools: Vec<String>,
    handoffs: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DraftTask {
    id: String,
    agent: String,
    description: String,
    expected_output: String,
    depends_on: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DraftEdge {
    from: String,
    to: String,
    contains: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DraftTool {
    id: String,
    kind: String,
    builtin: String,
    description: String,
    method: String,
    url: String,
    effect: String,
    parameters: Vec<DraftParameter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DraftParameter {
    name: String,
    r#type: String,
    description: String,
    required: bool,
}

/// The JSON Schema of the document, with what there is to choose from filled in.
pub fn draft_schema(constraints: &PlanConstraints) -> Value {
    let text = json!({"type": "string"});
    let list = |items: Value| json!({"type": "array", "items": items});
    let choice = |words: Vec<&str>| json!({"type": "string", "enum": words});
    let frameworks: Vec<&str> = match constraints.framework {
        Some(framework) => vec![framework.as_str()],
        None => generated().map(Framework::as_str).collect(),
    };
    let patterns: Vec<&str> = match constraints.pattern {
        Some(pattern) => vec![pattern.as_str()],
        None => Pattern::ALL
            .into_iter()
            .filter(|pattern| {
                generated().any(|framework| {
                    constraints.framework.is_none_or(|chosen| chosen == framework)
                        && support(framework, *pattern).is_some_and(|cell| cell.support != Support::Unsupported)
                })
            })
            .map(Pattern::as_str)
            .collect(),
    };
    let mut builtins: Vec<&str> = Builtin::ALL.iter().map(|builtin| builtin.as_str()).collect();
    builtins.push("");
    let parameter = object(&[
        ("name", text.clone()),
        ("type", choice(vec!["string", "number", "integer", "boolean"])),
        ("description", text.clone()),
        ("required", json!({"type": "boolean"})),
    ]);
    object(&[
        ("name", text.clone()),
        ("description", text.clone()),
        ("framework", choice(frameworks)),
        ("pattern", choice(patterns)),
        (
            "agents",
            list(object(&[
                ("id", text.clone()),
                ("role", text.clone()),
                ("instructions", text.clone()),
                ("tools", list(text.clone())),
                ("handoffs", list(text.clone())),
            ])),
        ),
        (
            "tasks",
            list(object(&[
                ("id", text.clone()),
                ("agent", text.clone()),
                ("description", text.clone()),
                ("expectedOutput", text.clone()),
                ("dependsOn", list(text.clone())),
            ])),
        ),
        ("start", text.clone()),
        ("edges", list(object(&[("from", text.clone()), ("to", text.clone()), ("contains", text.clone())]))),
        (
            "tools",
            list(object(&[
                ("id", text.clone()),
                ("kind", choice(vec!["builtin", "http"])),
                ("builtin", choice(builtins)),
                ("description", text.clone()),
                ("method", choice(vec!["GET", "POST", "PUT", "PATCH", "DELETE"])),
                ("url", text.clone()),
                ("effect", choice(vec!["read", "write", "exec", "network"])),
                ("parameters", list(parameter)),
            ])),
        ),
        ("questions", list(text.clone())),
        ("reasons", list(text)),
    ])
}

fn object(fields: &[(&str, Value)]) -> Value {
    let properties: Map<String, Value> =
        fields.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    let required: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

/// What the model is told.
pub fn draft_task(request: &PlanRequest) -> String {
    let builtins: Vec<&str> = Builtin::ALL.iter().map(|builtin| builtin.as_str()).collect();
    let mut text = format!(
        "You plan an AI agent. Answer with one document of the given form and nothing else.\n\
         - `name`: lower-case letters, digits and hyphens. Ids: lower-case letters, digits and underscores.\n\
         - `pattern`: single (one answer, no tools), react (one agent with tools), sequential (tasks in order), parallel (tasks at once, then one that depends on them and joins), \
         router (the first agent chooses one of at least two others and has no tools), supervisor (the first agent gives work to the others), \
         handoff (agents pass the conversation on to those in `handoffs`), graph (tasks with `edges` from `start`; an edge with a text in `contains` is followed only if the result has that text; `to` may be `end`).\n\
         - Choose the simplest pattern that does it. Lists that the pattern does not need are empty, `start` too.\n\
         - Tools: builtin ({}), with `builtin` set and everything else empty but `id` and `description`; or http, with an address that the person gave. {{name}} in the address stands for the parameter of that name. Never invent an address: ask for it in `questions` instead.\n\
         - `instructions` tell the agent what to do, in full sentences, in the language of the person.\n\
         - `questions`: at most three, only what decides and is not said. `reasons`: one sentence for each choice.",
        builtins.join(", ")
    );
    let constraints = &request.constraints;
    for (what, decided) in [
        ("name", constraints.name.clone()),
        ("framework", constraints.framework.map(|framework| framework.as_str().to_owned())),
        ("pattern", constraints.pattern.map(|pattern| pattern.as_str().to_owned())),
    ] {
        if let Some(decided) = decided {
            text.push_str(&format!("\n- The person has decided: {what} is {decided}."));
        }
    }
    text
}

/// The plan that a model's document describes.
///
/// # Errors
///
/// Everything that is wrong with the document, each with its path, for the model to mend.
pub fn lower(document: Value, request: &PlanRequest, model: &str) -> Result<Plan, Vec<String>> {
    let draft: Draft = serde_path_to_error::deserialize(document)
        .map_err(|error| vec![format!("{}: {}", error.path(), error.inner())])?;
    let mut problems = Vec::new();
    let mut tools = Vec::new();
    for (index, tool) in draft.tools.iter().enumerate() {
        match tool_value(tool, &request.prompt) {
            Ok(value) => tools.push(value),
            Err(problem) => problems.push(format!("tools[{index}]{problem}")),
        }
    }
    for (decided, given, what) in [
        (request.constraints.framework.map(Framework::as_str), draft.framework.as_str(), "framework"),
        (request.constraints.pattern.map(Pattern::as_str), draft.pattern.as_str(), "pattern"),
    ] {
        if let Some(decided) = decided.filter(|decided| *decided != given) {
            problems.push(format!("{what}: the person has decided on {decided}"));
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    // What the model does not decide comes from the rules: the name as the person gave it, the models.
    let rules = plan(request);
    let name = match request.constraints.name {
        Some(_) => rules.spec.metadata.name.to_string(),
        None => draft.name.clone(),
    };
    let agents: Vec<Value> = draft
        .agents
        .iter()
        .map(|agent| {
            let mut value = json!({
                "id": agent.id, "role": agent.role, "instructions": agent.instructions, "tools": agent.tools,
            });
            if draft.pattern == Pattern::Handoff {
                value["handoffs"] = json!(agent.handoffs);
            }
            value
        })
        .collect();
    let has_tasks = matches!(draft.pattern, Pattern::Sequential | Pattern::Parallel | Pattern::Graph);
    let tasks: Vec<Value> = draft
        .tasks
        .iter()
        .filter(|_| has_tasks)
        .map(|task| {
            let depends_on = if draft.pattern == Pattern::Graph { &Vec::new() } else { &task.depends_on };
            json!({
                "id": task.id, "agent": task.agent, "description": task.description,
                "expectedOutput": task.expected_output, "dependsOn": depends_on,
            })
        })
        .collect();
    let language = draft.framework.language();
    let mut document = json!({
        "apiVersion": spec::API_VERSION,
        "kind": "Agent",
        "metadata": {"name": name, "version": "0.1.0", "description": rules.spec.metadata.description},
        "target": {"framework": draft.framework, "language": language, "pattern": draft.pattern},
        "models": rules.spec.models,
        "agents": agents,
        "tasks": tasks,
        "tools": tools,
        "build": spec::BuildOptions::of(language),
    });
    if document["metadata"]["description"].as_str().is_none_or(str::is_empty) {
        document["metadata"]["description"] = json!(draft.description);
    }
    if draft.pattern == Pattern::Graph {
        let edges: Vec<Value> = draft
            .edges
            .iter()
            .map(|edge| match edge.contains.trim() {
                "" => json!({"from": edge.from, "to": edge.to}),
                text => json!({"from": edge.from, "to": edge.to, "when": {"contains": text}}),
            })
            .collect();
        document["graph"] = json!({"start": draft.start, "edges": edges});
    }
    let spec = spec::from_value(document).map_err(|found| {
        found.into_iter().map(|problem| format!("{}: {}", problem.path, problem.message)).collect::<Vec<_>>()
    })?;
    let diagnostics = diagnose(&spec);
    if !is_sound(&diagnostics) {
        return Err(diagnostics
            .iter()
            .filter(|found| found.severity == Severity::Error)
            .map(|found| format!("{}: {}", found.path, found.message))
            .collect());
    }
    let mut questions: Vec<String> =
        draft.questions.into_iter().filter(|question| !question.trim().is_empty()).collect();
    questions.truncate(MOST_QUESTIONS);
    Ok(Plan {
        spec,
        diagnostics,
        questions,
        provenance: PlanProvenance {
            mode: PlanMode::Model,
            prompt_sha256: hex::encode(Sha256::digest(request.prompt.as_bytes())),
            reasons: draft.reasons,
            model: Some(model.to_owned()),
            attempts: Vec::new(),
            fallback: None,
        },
    })
}

fn tool_value(tool: &DraftTool, prompt: &str) -> Result<Value, String> {
    if tool.kind == "builtin" {
        let builtin = Builtin::ALL.iter().find(|builtin| builtin.as_str() == tool.builtin).ok_or_else(|| {
            let known: Vec<&str> = Builtin::ALL.iter().map(|builtin| builtin.as_str()).collect();
            format!(".builtin: expected one of {}", known.join(", "))
        })?;
        let mut value = serde_json::to_value(builtin.tool()).unwrap_or_default();
        value["id"] = json!(tool.id);
        return Ok(value);
    }
    let host = |address: &str| {
        address.split_once("://").map(|(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default().to_lowercase())
    };
    let is_given = host(&tool.url).is_some_and(|host| !host.is_empty() && prompt.to_lowercase().contains(&host));
    if !is_given {
        return Err(format!(
            ".url: the person gave no such address as {:?}: leave the tool out and ask for the address in questions",
            tool.url
        ));
    }
    let properties: Map<String, Value> = tool
        .parameters
        .iter()
        .map(|parameter| {
            (parameter.name.clone(), json!({"type": parameter.r#type, "description": parameter.description}))
        })
        .collect();
    let required: Vec<&str> = tool
        .parameters
        .iter()
        .filter(|parameter| parameter.required)
        .map(|parameter| parameter.name.as_str())
        .collect();
    Ok(json!({
        "id": tool.id, "kind": "http", "description": tool.description, "effect": tool.effect,
        "method": tool.method, "url": tool.url,
        "parameters": {"type": "object", "properties": properties, "required": required, "additionalProperties": false},
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(prompt: &str) -> PlanRequest {
        PlanRequest { prompt: prompt.to_owned(), ..PlanRequest::default() }
    }

    fn draft() -> Value {
        json!({
            "name": "weather-desk", "description": "d", "framework": "react", "pattern": "react",
            "agents": [{"id": "clerk", "role": "Clerk", "instructions": "Answer.", "tools": ["weather", "sums"], "handoffs": []}],
            "tasks": [], "start": "", "edges": [],
            "tools": [
                {"id": "weather", "kind": "http", "builtin": "", "description": "Weather of a city.", "method": "GET",
                 "url": "https://wttr.in/{city}", "effect": "network",
                 "parameters": [{"name": "city", "type": "string", "description": "The city.", "required": true}]},
                {"id": "sums", "kind": "builtin", "builtin": "calculator", "description": "Sums.", "method": "GET",
                 "url": "", "effect": "read", "parameters": []},
            ],
            "questions": ["a?", "b?", "", "c?", "d?"], "reasons": ["One agent is enough."],
        })
    }

    #[test]
    fn a_document_becomes_a_sound_plan() {
        let plan = lower(draft(), &request("Weather from https://wttr.in/ please"), "m").unwrap();
        assert_eq!(plan.provenance.mode, PlanMode::Model);
        assert_eq!(plan.spec.metadata.name.as_str(), "weather-desk");
        assert_eq!(plan.spec.agents[0].tools, ["weather", "sums"]);
        assert_eq!(plan.questions, ["a?", "b?", "c?"]);
        assert!(is_sound(&plan.diagnostics));
    }

    #[test]
    fn an_invented_address_and_a_broken_reference_are_named() {
        let problems = lower(draft(), &request("Weather please"), "m").unwrap_err();
        assert_eq!(problems.len(), 1);
        assert!(problems[0].starts_with("tools[0].url: the person gave no such address"), "{problems:?}");
        let mut broken = draft();
        broken["agents"][0]["tools"] = json!(["nothing"]);
        let problems = lower(broken, &request("https://wttr.in/"), "m").unwrap_err();
        assert!(problems.iter().any(|problem| problem.starts_with("/agents/0/tools/0: ")), "{problems:?}");
        let mut missing = draft();
        missing.as_object_mut().unwrap().remove("edges");
        let problems = lower(missing, &request("https://wttr.in/"), "m").unwrap_err();
        assert!(problems[0].contains("edges"), "{problems:?}");
    }

    #[test]
    fn what_the_person_decided_stays_decided() {
        let mut asked = request("https://wttr.in/");
        asked.constraints.pattern = Some(Pattern::Single);
        let problems = lower(draft(), &asked, "m").unwrap_err();
        assert_eq!(problems, ["pattern: the person has decided on single"]);
        assert_eq!(draft_schema(&asked.constraints)["properties"]["pattern"]["enum"], json!(["single"]));
    }

    #[test]
    fn the_schema_is_strict_everywhere() {
        fn check(schema: &Value) {
            if schema["type"] == "object" {
                assert_eq!(schema["additionalProperties"], false);
                let names: Vec<&str> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
                let required: Vec<&str> =
                    schema["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
                assert!(names.iter().all(|name| required.contains(name)) && names.len() == required.len());
                schema["properties"].as_object().unwrap().values().for_each(check);
            }
            if schema["type"] == "array" {
                check(&schema["items"]);
            }
        }
        check(&draft_schema(&PlanConstraints::default()));
    }
}
