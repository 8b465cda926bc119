//! Open Agent Spec (Oracle), version 25.4: <https://oracle.github.io/agent-spec/>.
//!
//! One agent is an `Agent`; a supervisor with its agents is a `ManagerWorkers`, agents that hand over
//! are a `Swarm`, tasks in sequence are a `Flow`. What that format has no word for (tools' effects,
//! limits, the target) stands in the `metadata` of the component that it belongs to, under `gantry`,
//! so that writing and reading give the same spec again; what somebody changed in the components
//! themselves counts before it.

mod export;
mod import;

use gantry_domain::spec;
use serde_json::{Value, json};

pub use export::export;
pub use import::import;

/// The key in `metadata` that is ours.
const OURS: &str = "gantry";

/// `{{x}}` in a prompt is an input of the agent in that format; ours has no such thing, so the braces
/// are set apart there, and the text as it was goes with it.
fn without_places(text: &str) -> String {
    text.replace("{{", "{ {")
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

#[cfg(test)]
mod tests {
    use gantry_domain::api::plan::{PlanConstraints, PlanRequest};

    use gantry_domain::matrix::Pattern;
    use gantry_domain::spec::{Spec, ToolSource};

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
                 "http_method": "get", "inputs": [{"title": "page", "type": "string"}], "headers": {"a": "b", "X-Key": "$PAGE_KEY"}},
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
            ToolSource::Http {
                method: "GET".to_owned(),
                url: "https://x.example/{page}".to_owned(),
                headers: std::collections::BTreeMap::from([("X-Key".to_owned(), "PAGE_KEY".to_owned())]),
            }
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
