//! OpenAPI documents: read from text and from addresses, and called as tools.

use std::sync::{Arc, Mutex};

use axum::extract::Request;
use axum::response::Redirect;
use axum::routing::{get, post};

use crate::support::TestApp;
use crate::support::fake_model::{FakeModel, Reply};
use crate::support::stories::*;
use gantry_domain::spec::header_secret;
use serde_json::{Value, json};

/// A service that describes itself, and keeps what it was asked.
async fn pet_store() -> (String, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let kept = asked.clone();
    let answer = move |request: Request| {
        let kept = kept.clone();
        async move {
            let (parts, body) = request.into_parts();
            let body = axum::body::to_bytes(body, 10_000).await.unwrap();
            let key = parts.headers.get("x-api-key").map_or("", |key| key.to_str().unwrap()).to_owned();
            let line = format!("{} {} {key} {}", parts.method, parts.uri, String::from_utf8_lossy(&body));
            kept.lock().unwrap().push(line);
            format!("Rex, says {key}")
        }
    };
    let yaml = "openapi: 3.1.0\ninfo: {title: Pets, version: '2'}\nservers: [{url: /v1}]\nsecurity: [{key: []}]\n\
        components: {securitySchemes: {key: {type: apiKey, in: header, name: X-Api-Key}}}\npaths:\n  /pets/{petId}:\n    get:\n      \
        operationId: getPet\n      parameters: [{name: petId, in: path, required: true, schema: {type: string}}]\n  /pets:\n    post:\n      \
        operationId: addPet\n      requestBody: {required: true, content: {application/json: {schema: {type: object, required: [name], properties: {name: {type: string}}}}}}\n  \
        /photos:\n    post:\n      requestBody: {required: true, content: {image/png: {}}}\n";
    let service = axum::Router::new()
        .route("/openapi.yaml", get(move || async move { yaml }))
        .route("/moved", get(|| async { Redirect::permanent("/openapi.yaml") }))
        .route("/away", get(|| async { Redirect::permanent("http://169.254.169.254/openapi.json") }))
        .route("/large", get(|| async { "x".repeat(6_000_000) }))
        .route("/v1/pets/elsewhere", get(|| async { Redirect::temporary("/v1/pets/7") }))
        .route("/v1/pets/{pet}", get(answer.clone()))
        .route("/v1/pets", post(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    (address, asked)
}

const DOOR: &str = "/api/v1/openapi-documents:discover";

#[tokio::test(flavor = "multi_thread")]
async fn operations_of_a_service_become_tools_that_a_run_calls() {
    let (address, asked) = pet_store().await;
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let found = admin.post(DOOR, json!({"url": format!("{address}/moved")})).await.expect(200).json();
    assert_eq!((&found["title"], &found["hasMore"]), (&json!("Pets"), &json!(false)));
    let operations = found["operations"].as_array().unwrap();
    assert_eq!(operations.len(), 3);
    let refused = operations.iter().find(|operation| operation["tool"].is_null()).unwrap();
    assert!(refused["refusal"].as_str().unwrap().contains("image/png"), "{refused}");
    let tool = |id: &str| {
        let mut tools = operations.iter().map(|operation| operation["tool"].clone());
        tools.find(|tool| tool["id"] == id).expect("the operation is offered")
    };
    let (get_pet, add_pet) = (tool("get_pet"), tool("add_pet"));
    // Relative to the address that was asked for, and not to where that was sent on to: both are this service.
    assert_eq!(get_pet["url"], format!("{address}/v1/pets/{{petId}}"));
    assert_eq!(add_pet["effect"], "write");

    let name = header_secret(get_pet["url"].as_str().unwrap(), "PETS_X_API_KEY").unwrap();
    admin.post("/api/v1/secrets", json!({"name": name, "value": "pets-canary"})).await.expect(201);
    let model = FakeModel::start(vec![
        Reply::Calls(vec![
            ("get_pet", r#"{"petId":"a/b"}"#),
            ("add_pet", r#"{"name":"Rex"}"#),
            ("add_pet", r#"{}"#),
            ("get_pet", r#"{"petId":"elsewhere"}"#),
        ]),
        Reply::Text("ok"),
    ])
    .await;
    let (run, log) = run_once(&test, &spec("react", json!([get_pet, add_pet])), &model, "dev").await;
    assert_eq!(run["state"], "done", "{run}");
    let results = results(&log);
    assert_eq!(results[0], "Rex, says [redacted]");
    assert_eq!(results[1], "Rex, says [redacted]");
    assert!(results[2].contains("do not fit"), "{}", results[2]);
    assert!(results[3].contains("which is not followed with headers"), "{}", results[3]);
    let asked = asked.lock().unwrap().clone();
    assert_eq!(asked, ["GET /v1/pets/a%2Fb pets-canary ", "POST /v1/pets pets-canary {\"name\":\"Rex\"}"]);
    let everything = format!("{}{:?}{run}", serde_json::to_string(&log).unwrap(), model.requests());
    assert!(!everything.contains("pets-canary"), "the key is told");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_pasted_or_refused_in_words() {
    let (address, _) = pet_store().await;
    let test = TestApp::sqlite().await;
    let actor = test.token(&["write"]).await;
    let pasted = json!({"openapi": "3.0.0", "paths": {"/now": {"get": {}}}}).to_string();
    let found = actor.post(DOOR, json!({"document": pasted})).await.expect(200).json();
    assert!(found["operations"][0]["refusal"].as_str().unwrap().contains("give its address"), "{found}");
    let with_server = json!({"document": pasted, "server": "https://api.example.com/v3/"});
    let found = actor.post(DOOR, with_server).await.expect(200).json();
    assert_eq!(found["operations"][0]["tool"]["url"], "https://api.example.com/v3/now");

    for (body, said) in [
        (json!({"document": "{\"a\": "}), "not valid JSON"),
        (json!({"document": "a: [b"}), "neither JSON nor YAML"),
        (json!({"document": "swagger: '2.0'"}), "Swagger 2.0"),
        (json!({"url": format!("{address}/large")}), "larger than 5000000 bytes"),
        (json!({"url": format!("{address}/gone")}), "404"),
        (json!({"url": format!("{address}/away")}), "link-local"),
        (json!({"url": "http://169.254.169.254/openapi.json"}), "link-local"),
    ] {
        let refused = actor.post(DOOR, body).await.expect(422);
        assert_eq!(refused.code(), "openapi_document_failed");
        assert!(refused.json()["detail"].as_str().unwrap().contains(said), "{} lacks {said}", refused.json());
    }
    // Nine times nine levels of the same: a bomb in YAML.
    let bomb: String = (0..9).fold("a0: &a0 [x]\n".to_owned(), |text, n| {
        format!("{text}a{}: &a{} [{}]\n", n + 1, n + 1, vec![format!("*a{n}"); 9].join(", "))
    });
    actor.post(DOOR, json!({"document": bomb})).await.expect(422);
    for (body, path) in [
        (json!({}), "/document"),
        (json!({"document": "a", "url": "https://h/"}), "/document"),
        (json!({"document": " "}), "/document"),
        (json!({"document": "x".repeat(5_000_001)}), "/document"),
        (json!({"url": "file:///etc/passwd"}), "/url"),
        (json!({"url": "https://user:word@h/"}), "/url"),
        (json!({"document": "a", "server": "here"}), "/server"),
    ] {
        let refused = actor.post(DOOR, body).await.expect(422);
        assert_eq!(refused.json()["errors"][0]["path"], path);
    }
    test.token(&["read"]).await.post(DOOR, json!({"document": pasted})).await.expect(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn gantrys_own_document_is_understood() {
    let test = TestApp::sqlite().await;
    let actor = test.token(&["write", "read"]).await;
    let document = include_str!("../../../openapi/gantry.json");
    let body = json!({"document": document, "server": "https://gantry.example.com"});
    let found = actor.post(DOOR, body).await.expect(200).json();
    let operations: &Vec<Value> = found["operations"].as_array().unwrap();
    let tools = operations.iter().filter(|operation| operation["tool"].is_object()).count();
    assert!(operations.len() > 80 && tools * 10 > operations.len() * 7, "{tools} of {}", operations.len());
    for operation in operations {
        assert!(operation["tool"].is_object() != operation["refusal"].is_string(), "{operation}");
    }
}
