//! Every rule of a spec, broken once: the code, the path and the fix that follow.

use serde_json::{Value, json};

use super::*;
use crate::spec::from_value;

fn spec(change: impl FnOnce(&mut Value)) -> Spec {
    from_value(written(change)).unwrap()
}

fn written(change: impl FnOnce(&mut Value)) -> Value {
    let mut value = json!({
        "apiVersion": "gantry/v1", "kind": "Agent",
        "metadata": {"name": "a", "version": "0.1.0"},
        "target": {"framework": "react", "language": "python", "pattern": "react"},
        "models": {"default": {}},
        "agents": [{"id": "main", "role": "r", "instructions": "i", "tools": ["t"]}],
        "tools": [{"id": "t", "description": "d", "effect": "network", "kind": "http", "method": "GET",
                   "url": "https://example.com/{city}",
                   "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}],
    });
    change(&mut value);
    value
}

/// Code and path of what is found.
fn found(change: impl FnOnce(&mut Value)) -> Vec<(String, String)> {
    check(&spec(change)).into_iter().map(|found| (found.code, found.path)).collect()
}

fn one(code: &str, path: &str) -> Vec<(String, String)> {
    vec![(code.to_owned(), path.to_owned())]
}

#[test]
fn a_sound_spec_has_no_faults() {
    assert_eq!(check(&spec(|_| {})), []);
}

/// A tool of an MCP server at an address.
fn at(url: &str, headers: Value) -> Value {
    json!({"id": "t", "kind": "mcp", "url": url, "headers": headers, "tool": "search", "description": "d",
           "effect": "network", "parameters": {"type": "object"}})
}

#[test]
fn a_tool_of_an_mcp_server_has_a_program_or_an_address() {
    let with = |fields: Value| {
        written(|v| {
            let mut tool = at("https://h/mcp", json!({}));
            let tool_fields = tool.as_object_mut().unwrap();
            tool_fields.retain(|name, _| !matches!(name.as_str(), "url" | "headers"));
            tool_fields.extend(fields.as_object().unwrap().clone());
            v["tools"][0] = tool;
        })
    };
    for (fields, said) in [
        (json!({}), "either `command` or `url`"),
        (json!({"command": ["x"], "url": "https://h/"}), "either `command` or `url`"),
        (json!({"command": ["x"], "headers": {"A": "B"}}), "`headers` are sent to a `url`"),
        (json!({"url": "https://h/", "method": "GET"}), "unknown field `method`"),
    ] {
        let faults = from_value(with(fields)).unwrap_err();
        assert!(faults[0].path.starts_with("/tools/0") && faults[0].message.contains(said), "{faults:?}");
    }
    let sound = from_value(with(json!({"url": "https://h/mcp", "headers": {"Authorization": "CRM_KEY"}}))).unwrap();
    assert_eq!(check(&sound), []);
    let tool = serde_json::to_value(&sound.tools[0]).unwrap();
    assert_eq!((&tool["kind"], &tool["headers"]["Authorization"]), (&json!("mcp"), &json!("CRM_KEY")));
    assert_eq!(from_value(written(|v| v["tools"][0] = tool)).unwrap(), sound);
}

/// How a sound spec is broken, and the code and path that say so.
type Case = (fn(&mut Value), &'static str, &'static str);

#[test]
fn every_rule_names_its_place() {
    let cases: Vec<Case> = vec![
        (|v| v["kind"] = json!("Workflow"), "kind_unknown", "/kind"),
        (|v| v["apiVersion"] = json!("gantry.dev/v1"), "api_version_unknown", "/apiVersion"),
        (|v| v["metadata"]["version"] = json!("1.0"), "version_invalid", "/metadata/version"),
        (
            |v| v["models"]["default"]["temperature"] = json!(3),
            "temperature_out_of_range",
            "/models/default/temperature",
        ),
        (
            |v| v["models"]["default"]["keyVariable"] = json!("sk-123"),
            "environment_variable_invalid",
            "/models/default/keyVariable",
        ),
        (|v| v["agents"][0]["id"] = json!("my-agent"), "identifier_invalid", "/agents/0/id"),
        (|v| v["agents"][0]["id"] = json!("class"), "identifier_invalid", "/agents/0/id"),
        (|v| v["agents"][0]["model"] = json!("gone"), "model_unknown", "/agents/0/model"),
        (|v| v["agents"][0]["tools"] = json!(["t", "t"]), "tool_listed_twice", "/agents/0/tools/1"),
        (|v| v["agents"][0]["tools"] = json!(["gone"]), "tool_unknown", "/agents/0/tools/0"),
        (|v| v["agents"][0]["maxSteps"] = json!(0), "limit_out_of_range", "/agents/0/maxSteps"),
        (|v| v["agents"][0]["instructions"] = json!(" "), "instructions_invalid", "/agents/0/instructions"),
        (|v| v["tools"][0]["timeoutMs"] = json!(1), "limit_out_of_range", "/tools/0/timeoutMs"),
        (|v| v["tools"][0]["method"] = json!("get"), "method_unknown", "/tools/0/method"),
        (|v| v["tools"][0]["url"] = json!("ftp://example.com/{city}"), "url_invalid", "/tools/0/url"),
        (|v| v["tools"][0]["url"] = json!("https://user:secret@example.com/{city}"), "url_invalid", "/tools/0/url"),
        (|v| v["tools"][0]["url"] = json!("https://{city}.example.com/"), "url_invalid", "/tools/0/url"),
        (|v| v["tools"][0]["url"] = json!("https://example.com/{town}"), "url_placeholder_unknown", "/tools/0/url"),
        (|v| v["tools"][0]["url"] = json!("https://example.com/{city"), "url_invalid", "/tools/0/url"),
        (|v| v["tools"][0] = at("ftp://h/", json!({})), "url_invalid", "/tools/0/url"),
        (|v| v["tools"][0] = at("https://user:secret@h/mcp", json!({})), "url_invalid", "/tools/0/url"),
        (|v| v["tools"][0] = at("https://h/{city}", json!({})), "url_invalid", "/tools/0/url"),
        (|v| v["tools"][0] = at("https://h/mcp", json!({"A b": "KEY"})), "header_invalid", "/tools/0/headers/A b"),
        (|v| v["tools"][0] = at("https://h/mcp", json!({"Host": "KEY"})), "header_invalid", "/tools/0/headers/Host"),
        (
            |v| v["tools"][0] = at("https://h/mcp", json!({"Mcp-Session-Id": "KEY"})),
            "header_invalid",
            "/tools/0/headers/Mcp-Session-Id",
        ),
        (
            |v| v["tools"][0] = at("https://h/mcp", json!({"X-Key": "KEY", "x-key": "KEY"})),
            "header_invalid",
            "/tools/0/headers/x-key",
        ),
        (
            |v| v["tools"][0] = at("https://h/mcp", json!({"Authorization": "Bearer sk-123"})),
            "environment_variable_invalid",
            "/tools/0/headers/Authorization",
        ),
        (
            |v| v["tools"][0]["parameters"]["required"] = json!([]),
            "url_placeholder_optional",
            "/tools/0/parameters/required",
        ),
        (
            |v| v["tools"][0]["parameters"]["properties"]["city"]["type"] = json!("text"),
            "schema_invalid",
            "/tools/0/parameters/properties/city/type",
        ),
        (
            |v| v["tools"][0]["parameters"]["properties"]["user-id"] = json!({}),
            "argument_name_invalid",
            "/tools/0/parameters/properties/user-id",
        ),
        (|v| v["tools"][0]["effect"] = json!("exec"), "", ""),
        (|v| v["guardrails"] = json!({"deny": ["gone"]}), "tool_unknown", "/guardrails/deny/0"),
        (|v| v["guardrails"] = json!({"maxSeconds": 0}), "limit_out_of_range", "/guardrails/maxSeconds"),
        (|v| v["guardrails"] = json!({"maxCostMicros": 0}), "limit_out_of_range", "/guardrails/maxCostMicros"),
        (|v| v["evals"] = json!({"cases": "../cases.yaml"}), "path_invalid", "/evals/cases"),
        (|v| v["evals"] = json!({"cases": "/etc/cases.yaml"}), "path_invalid", "/evals/cases"),
        (|v| v["build"] = json!({"base": "python:3.12\nRUN evil"}), "image_reference_invalid", "/build/base"),
        (|v| v["build"] = json!({"base": "localhost:5000/Team/python"}), "image_reference_invalid", "/build/base"),
        (|v| v["build"] = json!({"base": "localhost:5000/team/python:3.12-slim"}), "", ""),
        (|v| v["agents"][0]["role"] = json!("a\u{0}b"), "text_has_nul", "/agents/0/role"),
    ];
    for (index, (change, code, path)) in cases.into_iter().enumerate() {
        let expected = if code.is_empty() { Vec::new() } else { one(code, path) };
        assert_eq!(found(change), expected, "case {index}");
    }
}

#[test]
fn names_may_not_clash_even_in_case_and_not_hide_what_generated_code_needs() {
    let twice = found(|v| {
        let mut second = v["tools"][0].clone();
        second["id"] = json!("T");
        v["tools"].as_array_mut().unwrap().push(second);
    });
    assert_eq!(twice, one("identifier_duplicate", "/tools/1/id"));

    let reserved = check(&spec(|v| {
        v["tools"][0]["id"] = json!("json");
        v["agents"][0]["tools"] = json!(["json"]);
    }));
    assert_eq!(reserved[0].code, "identifier_reserved");
    assert_eq!(reserved[0].fixes[0].patch["agents"][0]["tools"], json!(["json_tool"]));
    assert_eq!(reserved[0].fixes[0].patch["tools"][0]["id"], "json_tool");
}

#[test]
fn a_circle_of_tasks_is_named_and_its_fix_breaks_it() {
    let tasks = json!([
        {"id": "start", "agent": "main", "description": "d"},
        {"id": "a", "agent": "main", "description": "d", "dependsOn": ["c", "start"]},
        {"id": "b", "agent": "main", "description": "d", "dependsOn": ["a"]},
        {"id": "c", "agent": "main", "description": "d", "dependsOn": ["b"]},
    ]);
    let cyclic = spec(|v| v["tasks"] = tasks);
    let found = check(&cyclic);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].code, "tasks_cyclic");
    let mended = mend(&cyclic, &found[0].fixes[0].patch);
    assert_eq!(check(&mended), []);
    assert_eq!(super::tasks::order(&mended.tasks).unwrap().len(), 4);

    let itself = spec(|v| v["tasks"] = json!([{"id": "a", "agent": "main", "description": "d", "dependsOn": ["a"]}]));
    assert_eq!(check(&itself)[0].code, "tasks_cyclic");
}

#[test]
fn every_fix_mends_what_it_is_offered_for() {
    let broken: Vec<fn(&mut Value)> = vec![
        |v| v["kind"] = json!("Workflow"),
        |v| v["apiVersion"] = json!("gantry.dev/v1"),
        |v| v["metadata"]["version"] = json!("v1"),
        |v| v["models"] = json!({}),
        |v| v["models"]["default"]["temperature"] = json!(-1),
        |v| v["models"]["default"]["baseUrlVariable"] = json!("http://x"),
        |v| v["agents"][0]["model"] = json!("gone"),
        |v| v["agents"][0]["tools"] = json!(["t", "t", "gone"]),
        |v| v["agents"][0]["maxSteps"] = json!(1000),
        |v| v["agents"] = json!([]),
        |v| v["tools"][0]["method"] = json!("get"),
        |v| v["tools"][0]["parameters"]["required"] = json!([]),
        |v| v["tools"][0]["id"] = json!("print"),
        |v| v["tools"][0]["timeoutMs"] = json!(0),
        |v| v["guardrails"] = json!({"maxTokens": 0, "maxSeconds": 0, "deny": ["gone", "t"]}),
        |v| v["evals"] = json!({"cases": "x"}),
        |v| v["build"] = json!({"base": ""}),
        |v| {
            v["tools"][0] = json!({"id": "t", "description": "d", "effect": "read", "kind": "builtin",
                                   "name": "calculator", "parameters": {"type": "object"}})
        },
    ];
    for (index, change) in broken.into_iter().enumerate() {
        let mut spec = spec(change);
        let mut rounds = 0;
        while let Some(finding) = check(&spec).into_iter().find(|finding| !finding.fixes.is_empty()) {
            spec = mend(&spec, &finding.fixes[0].patch);
            rounds += 1;
            assert!(rounds < 10, "case {index}: {finding:?} is not mended by its fix");
        }
        assert!(rounds > 0, "case {index}");
        let left: Vec<_> = check(&spec).into_iter().filter(|finding| finding.code != "tool_unknown").collect();
        assert_eq!(left, [], "case {index}");
    }
}

fn mend(spec: &Spec, patch: &Value) -> Spec {
    let mut value = serde_json::to_value(spec).unwrap();
    crate::spec::merge_patch(&mut value, patch);
    from_value(value).unwrap()
}
