//! Documents as services have them, and documents as nobody should have them.

use gantry_domain::spec::{Effect, ToolSource};
use serde_json::{Value, json};

use super::read;

fn document(paths: Value) -> Value {
    json!({"openapi": "3.0.3", "info": {"title": "Pet store", "version": "1"},
    "servers": [{"url": "https://{region}.example.com/v1/", "variables": {"region": {"default": "eu"}}}],
    "paths": paths,
    "components": {
        "schemas": {
            "Pet": {"type": "object", "required": ["name", "id"], "properties": {
                "id": {"type": "integer", "readOnly": true},
                "name": {"type": "string", "nullable": true, "example": "Rex", "xml": {"name": "n"}},
                "weight": {"type": "number", "minimum": 0, "exclusiveMinimum": true},
                "owner": {"$ref": "#/components/schemas/Owner"}}},
            "Owner": {"type": "object", "properties": {"pets": {"type": "array", "items": {"$ref": "#/components/schemas/Pet"}}}},
            "Endless": {"$ref": "#/components/schemas/Endless"},
        },
        "securitySchemes": {
            "token": {"type": "http", "scheme": "bearer"},
            "key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
            "query": {"type": "apiKey", "in": "query", "name": "api_key"},
        },
    }})
}

fn parameter(place: &str, name: &str, is_required: bool) -> Value {
    json!({"in": place, "name": name, "required": is_required, "schema": {"type": "string"}})
}

/// The one operation of a document, as JSON.
fn one(method: &str, path: &str, operation: Value) -> Value {
    let found = read(&document(json!({path: {method: operation}})), None, None).unwrap();
    assert_eq!(found.operations.len(), 1);
    serde_json::to_value(&found.operations[0]).unwrap()
}

fn body(kind: &str, schema: Value) -> Value {
    json!({"required": true, "content": {kind: {"schema": schema}}})
}

#[test]
fn an_operation_becomes_an_http_tool() {
    let found = read(
        &document(json!({"/pets/{petId}": {
            "parameters": [parameter("path", "petId", true), parameter("query", "overridden", true)],
            "get": {"operationId": "getPet", "summary": "One pet.", "description": "With all that is known.",
                    "parameters": [parameter("query", "overridden", false), parameter("query", "page-size", true),
                                   parameter("query", "filter[x]", false), parameter("header", "X-Trace", false)],
                    "security": [{"query": []}, {"token": [], "key": []}]}}})),
        None,
        None,
    )
    .unwrap();
    assert_eq!((found.title.as_str(), found.operations[0].name.as_str()), ("Pet store", "GET /pets/{petId}"));
    let tool = found.operations[0].tool.clone().unwrap();
    assert_eq!((tool.id.as_str(), tool.effect), ("get_pet", Effect::Network));
    assert_eq!(tool.description, "One pet.\nWith all that is known.");
    let ToolSource::Http { method, url, headers } = &tool.source else { panic!("{tool:?}") };
    assert_eq!(method, "GET");
    assert_eq!(url, "https://eu.example.com/v1/pets/{petId}?page-size={page_size}");
    assert_eq!(headers["Authorization"], "PET_STORE_AUTHORIZATION");
    assert_eq!(headers["X-Api-Key"], "PET_STORE_X_API_KEY");
    let names: Vec<&String> = tool.parameters["properties"].as_object().unwrap().keys().collect();
    assert_eq!(names.len(), 3, "{names:?}");
    let required = tool.parameters["required"].as_array().unwrap();
    assert!(required.contains(&json!("petId")) && required.contains(&json!("page_size")), "{required:?}");
    assert!(!required.contains(&json!("overridden")), "{required:?}");
    let notes = found.operations[0].notes.join(" ");
    for said in ["filter[x]", "X-Trace", "Bearer and the token"] {
        assert!(notes.contains(said), "{notes} lacks {said}");
    }
}

#[test]
fn the_fields_of_a_json_body_are_arguments() {
    let found = one(
        "put",
        "/pets/{name}",
        json!({"requestBody": body("application/json", json!({"allOf": [
            {"$ref": "#/components/schemas/Pet"},
            {"type": "object", "required": ["tags"], "properties": {"tags": {"type": "array", "items": {"type": "string"}}, "x-y": {}}}]})),
            "parameters": [parameter("query", "dry", true), parameter("query", "more", false)]}),
    );
    let tool = &found["tool"];
    assert_eq!((&tool["effect"], &tool["id"]), (&json!("write"), &json!("put_pets_name")));
    assert_eq!(tool["url"], "https://eu.example.com/v1/pets/{name_2}?dry={dry}");
    let properties = tool["parameters"]["properties"].as_object().unwrap();
    assert!(!properties.contains_key("id") && !properties.contains_key("x-y"), "{properties:?}");
    assert_eq!(properties["name"], json!({"type": ["string", "null"]}));
    assert_eq!(properties["weight"], json!({"type": "number", "exclusiveMinimum": 0}));
    // An owner has pets, which have owners: there anything is taken.
    assert_eq!(properties["owner"]["properties"]["pets"]["items"], json!({}));
    let notes = found["notes"].to_string();
    for said in ["x-y of its body is left out", "more of its query is left out", "contains itself"] {
        assert!(notes.contains(said), "{notes} lacks {said}");
    }
}

#[test]
fn what_a_tool_cannot_express_is_said() {
    let array = json!({"type": "array", "items": {"type": "string"}});
    for (method, operation, said) in [
        ("head", json!({}), "HEAD"),
        ("post", json!({"requestBody": body("multipart/form-data", json!({}))}), "multipart/form-data"),
        ("post", json!({"requestBody": body("application/json", array.clone())}), "no JSON object"),
        (
            "post",
            json!({"requestBody": body("application/json", json!({"oneOf": [{"type": "object"}]}))}),
            "several forms",
        ),
        ("post", json!({"requestBody": body("application/json", json!({"type": "object"}))}), "of any form"),
        ("post", json!({"requestBody": body("application/json", json!({"$ref": "other.yaml#/a"}))}), "not fetched"),
        ("post", json!({"requestBody": body("application/json", json!({"$ref": "#/gone"}))}), "not in the document"),
        ("get", json!({"requestBody": body("application/json", json!({"type": "object"}))}), "wants a body"),
        ("get", json!({"parameters": [{"in": "query", "name": "ids", "required": true, "schema": array}]}), "a list"),
        ("get", json!({"parameters": [parameter("header", "X-Tenant", true)]}), "header X-Tenant"),
        ("get", json!({"parameters": [{"$ref": "https://example.com/p.json"}]}), "not fetched"),
        ("get", json!({"security": [{"query": []}]}), "a key in the query"),
        ("get", json!({"security": [{"unknown": []}]}), "headers cannot say"),
    ] {
        let found = one(method, "/things", operation);
        let refusal = found["refusal"].as_str().unwrap_or_default();
        assert!(found["tool"].is_null() && refusal.contains(said), "{method}: {found} lacks {said}");
    }
}

#[test]
fn where_the_service_is_follows_from_the_document_or_from_where_it_was() {
    let at = |servers: Value, from: Option<&str>, server: Option<&str>| {
        let document = json!({"openapi": "3.1.0", "servers": servers, "paths": {"/a": {"get": {}}}});
        let found = read(&document, from, server).unwrap().operations.remove(0);
        match found.tool.map(|tool| tool.source) {
            Some(ToolSource::Http { url, .. }) => url,
            _ => found.refusal.unwrap(),
        }
    };
    let from = Some("https://h:8443/api/openapi.yaml?x=1");
    assert_eq!(at(json!([{"url": "http://other/"}]), from, None), "http://other/a");
    assert_eq!(at(json!([{"url": "/v2"}]), from, None), "https://h:8443/v2/a");
    assert_eq!(at(json!([{"url": "./v2"}]), from, None), "https://h:8443/api/v2/a");
    assert_eq!(at(json!([{"url": "//other/v2"}]), from, None), "https://other/v2/a");
    assert_eq!(at(Value::Null, from, None), "https://h:8443/a");
    assert_eq!(at(Value::Null, None, Some("https://mine/base/")), "https://mine/base/a");
    assert!(at(Value::Null, None, None).contains("give its address"));
    assert!(at(json!([{"url": "ftp://h"}]), None, None).contains("give its address"));
    assert!(at(json!([{"url": "https://user:word@h"}]), None, None).contains("no tool"));
}

#[test]
fn hostile_documents_end() {
    let wide: serde_json::Map<String, Value> = (0..9)
        .map(|n| {
            (
                format!("S{n}"),
                json!({"type": "object", "properties": (0..9).map(|p| (format!("p{p}"),
            json!({"$ref": format!("#/components/schemas/S{}", n + 1)}))).collect::<serde_json::Map<_, _>>()}),
            )
        })
        .collect();
    let mut doubling = document(
        json!({"/a": {"post": {"requestBody": body("application/json", json!({"$ref": "#/components/schemas/S0"}))}}}),
    );
    doubling["components"]["schemas"] = Value::Object(wide);
    doubling["components"]["schemas"]["S9"] = json!({"type": "string"});
    let found = read(&doubling, None, None).unwrap();
    assert!(found.operations[0].refusal.as_deref().unwrap().contains("too large"), "{found:?}");

    let endless = one(
        "post",
        "/a",
        json!({"requestBody": body("application/json", json!({"$ref": "#/components/schemas/Endless"}))}),
    );
    assert!(endless["tool"].is_null(), "{endless}");
    let many: serde_json::Map<String, Value> = (0..600).map(|n| (format!("/{n}"), json!({"get": {}}))).collect();
    let found = read(&document(Value::Object(many)), None, None).unwrap();
    assert_eq!((found.operations.len(), found.has_more), (500, true));
    for odd in [
        json!({"/a": null}),
        json!({"/a": {"get": 1}}),
        json!([]),
        json!({"/a": {"get": {"parameters": [1, null, {"in": 1}]}}}),
    ] {
        read(&document(odd), None, None).unwrap();
    }
    for (none, said) in [
        (json!({"swagger": "2.0"}), "Swagger 2.0"),
        (json!({"openapi": "4.0.0"}), "says 4.0.0"),
        (json!([1]), "Expected an OpenAPI document"),
    ] {
        assert!(read(&none, None, None).unwrap_err().contains(said));
    }
}
