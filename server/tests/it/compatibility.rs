//! Plans, the matrix, diagnoses, the schema of a spec and other formats, through the router.

use crate::support::fake_model::{FakeModel, Reply};
use crate::support::{Persona, TestApp, world};
use serde_json::{Value, json};

/// A document of the form that the planner asks a model for.
fn document(url: &str) -> String {
    json!({
        "name": "city-weather", "description": "Tells the weather.", "framework": "react", "pattern": "react",
        "agents": [{"id": "clerk", "role": "Clerk", "instructions": "Answer.", "tools": ["weather"], "handoffs": []}],
        "tasks": [], "start": "", "edges": [],
        "tools": [{
            "id": "weather", "kind": "http", "builtin": "", "description": "The weather of a city.", "method": "GET",
            "url": url, "effect": "network",
            "parameters": [{"name": "city", "type": "string", "description": "The city.", "required": true}],
        }],
        "questions": [], "reasons": ["One agent is enough."],
    })
    .to_string()
}

#[tokio::test]
async fn a_model_writes_the_plan_and_mends_what_was_wrong_with_it() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let bad: &'static str = document("https://invented.example/{city}").leak();
    let good: &'static str = document("https://weather.example/{city}").leak();
    let prompt = "The weather of a city from https://weather.example/";
    let asked = async |model: &FakeModel| {
        let provider = json!({"name": world::unique("planner"), "baseUrl": model.url, "defaultModel": "fake-1"});
        let provider = admin.post("/api/v1/providers", provider).await.expect(201).json();
        let body = json!({"prompt": prompt, "providerId": provider["id"]});
        admin.post("/api/v1/plans", body).await.expect(200).json()
    };

    let model = FakeModel::start(vec![Reply::Plain(bad), Reply::Plain(good)]).await;
    let plan = asked(&model).await;
    assert_eq!(plan["provenance"]["mode"], "model");
    assert_eq!(plan["spec"]["tools"][0]["url"], "https://weather.example/{city}");
    let attempts = plan["provenance"]["attempts"].as_array().unwrap();
    assert!(attempts[0]["problems"][0].as_str().unwrap().contains("the person gave no such address"));
    assert_eq!(attempts[1]["problems"], json!([]));
    let requests = model.requests();
    assert_eq!(requests[0]["response_format"]["json_schema"]["strict"], true);
    let mended = requests[1]["messages"].as_array().unwrap().last().unwrap()["content"].as_str().unwrap();
    assert!(mended.contains("tools[0].url"), "{mended}");

    // An endpoint that knows neither schemas nor forced tools is asked in words.
    let unknown = || Reply::Status(400, vec![], "{\"error\": {\"message\": \"unknown field\"}}".to_owned());
    let model = FakeModel::start(vec![unknown(), unknown(), Reply::Plain(good)]).await;
    let plan = asked(&model).await;
    let methods: Vec<&str> =
        plan["provenance"]["attempts"].as_array().unwrap().iter().map(|a| a["method"].as_str().unwrap()).collect();
    assert_eq!(methods, ["json_schema", "forced_tool", "text"]);
    assert_eq!(model.requests()[1]["tool_choice"]["function"]["name"], "agent_plan");

    // Never a sound document: after two repairs the rules make the plan, and it says why.
    let model = FakeModel::start(vec![Reply::Plain(bad)]).await;
    let plan = asked(&model).await;
    assert_eq!(model.requests().len(), 3);
    assert_eq!(plan["provenance"]["mode"], "rules");
    assert!(plan["provenance"]["fallback"].as_str().unwrap().contains("2 repairs"));
    assert_eq!(plan["spec"]["tools"][0]["url"].as_str().map(|url| url.contains("weather.example")), Some(true));

    // Nobody there.
    let provider = json!({"name": "gone", "baseUrl": "http://127.0.0.1:1/v1", "defaultModel": "m"});
    let provider = admin.post("/api/v1/providers", provider).await.expect(201).json();
    let plan =
        admin.post("/api/v1/plans", json!({"prompt": prompt, "providerId": provider["id"]})).await.expect(200).json();
    assert!(plan["provenance"]["fallback"].as_str().unwrap().contains("cannot be reached"));
    let unknown = json!({"prompt": prompt, "providerId": "00000000-0000-7000-8000-000000000000"});
    let refused = admin.post("/api/v1/plans", unknown).await.expect(422).json();
    assert_eq!(refused["errors"][0]["code"], "provider_unknown");
}

#[tokio::test]
async fn who_waits_for_a_model_s_plan_is_told_what_is_asked() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let bad: &'static str = document("https://invented.example/{city}").leak();
    let good: &'static str = document("https://weather.example/{city}").leak();
    let model = FakeModel::start(vec![Reply::Plain(bad), Reply::Plain(good)]).await;
    let provider = json!({"name": world::unique("planner"), "baseUrl": model.url, "defaultModel": "fake-1"});
    let provider = admin.post("/api/v1/providers", provider).await.expect(201).json();
    let mut headers = admin.headers.clone();
    headers.insert("accept", "text/event-stream".parse().unwrap());
    let reader = Persona::with_headers(&test, headers);
    let events = async |body: Value| -> Vec<Value> {
        let answer = reader.post("/api/v1/plans", body).await.expect(200);
        let text = String::from_utf8(answer.bytes).unwrap();
        text.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data:")?).ok()).collect()
    };
    let prompt = "The weather of a city from https://weather.example/";
    let told = events(json!({"prompt": prompt, "providerId": provider["id"]})).await;
    let types: Vec<&str> = told.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["plan.asked", "plan.answered", "plan.asked", "plan.answered", "plan.done"]);
    assert_eq!(told[2]["number"], 2);
    assert!(told[1]["attempt"]["problems"][0].as_str().unwrap().contains("the person gave no such address"));
    assert_eq!(told[4]["plan"]["provenance"]["mode"], "model");
    let told = events(json!({"prompt": "Tell the time"})).await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["plan"]["provenance"]["mode"], "rules");
}

#[tokio::test]
async fn a_sentence_becomes_a_plan_and_its_diagnosis_agrees() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let plan =
        admin.post("/api/v1/plans", json!({"prompt": "Calculate sums and tell the time"})).await.expect(200).json();
    assert_eq!(plan["provenance"]["mode"], "rules");
    assert_eq!(plan["spec"]["tools"][0]["id"], "current_time");
    let found = admin.post("/api/v1/compatibility:diagnose", plan["spec"].clone()).await.expect(200).json();
    assert_eq!(found["diagnostics"], json!([]));

    let mut spec = plan["spec"].clone();
    spec["target"]["pattern"] = json!("router");
    let found = admin.post("/api/v1/compatibility:diagnose", spec).await.expect(200).json();
    assert_eq!(found["diagnostics"][0]["code"], "agents_too_few");
    assert!(found["diagnostics"][0]["fixes"][0]["patch"].is_object());
}

#[tokio::test]
async fn bad_bodies_are_refused_with_their_place() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let too_long = "x".repeat(10_001);
    for prompt in ["", "  \n", too_long.as_str()] {
        let refused = admin.post("/api/v1/plans", json!({"prompt": prompt})).await.expect(422).json();
        assert_eq!(refused["errors"][0]["path"], "/prompt");
    }
    let plan = admin.post("/api/v1/plans", json!({"prompt": "count words"})).await.expect(200).json();
    let changes: [(&str, Value, &str); 3] = [
        ("/target/framework", json!("bogus"), "/target/framework"),
        ("/agents/0/maxSteps", json!("many"), "/agents/0/maxSteps"),
        ("/tools/0/effect", json!("magic"), "/tools/0/effect"),
    ];
    for (place, value, path) in changes {
        let mut spec = plan["spec"].clone();
        *spec.pointer_mut(place).unwrap() = value;
        let refused = admin.post("/api/v1/compatibility:diagnose", spec).await.expect(422).json();
        assert_eq!(refused["errors"][0]["path"], path);
        assert!(refused["errors"][0]["message"].as_str().unwrap().contains("xpected"), "{refused}");
    }
}

#[tokio::test]
async fn the_matrix_and_the_schema_need_a_sign_in() {
    let test = TestApp::sqlite().await;
    test.anonymous().get("/api/v1/compatibility").await.expect(401);
    test.anonymous().post("/api/v1/plans", json!({"prompt": "x"})).await.expect(401);
    test.anonymous().get("/api/v1/schemas/agent/v1").await.expect(401);
    let admin = test.admin().await;
    let matrix = admin.get("/api/v1/compatibility").await.expect(200).json();
    assert_eq!(matrix["frameworks"][1]["id"], "langgraph");
    assert_eq!(matrix["tools"][1]["parameters"]["required"], json!(["expression"]));
    let schema = admin.get("/api/v1/schemas/agent/v1").await.expect(200).json();
    assert_eq!(schema["properties"]["apiVersion"]["type"], "string");
    assert_eq!(schema["$defs"]["Tool"]["unevaluatedProperties"], json!(false));
}

#[tokio::test]
async fn a_project_goes_out_as_agent_spec_and_comes_back_the_same() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let plan =
        admin.post("/api/v1/plans", json!({"prompt": "Calculate sums and tell the time"})).await.expect(200).json();
    let project = admin.post("/api/v1/projects", json!({"spec": plan["spec"]})).await.expect(201).json();
    let address = format!("/api/v1/projects/{}/exports/agent_spec", project["id"].as_str().unwrap());
    let document = admin.get(&address).await.expect(200).json();
    assert_eq!(document["component_type"], "Agent");
    for sent in [document.clone(), json!(document.to_string())] {
        let import = admin.post("/api/v1/imports", json!({"document": sent})).await.expect(200).json();
        assert_eq!(import["format"], "agent_spec");
        assert_eq!(import["spec"], project["spec"]);
    }
    for (document, path) in [
        (json!({"a": 1}), "/document"),
        (json!("a: [1"), "/document"),
        (json!({"component_type": "Tool"}), "/document/component_type"),
    ] {
        let refused = admin.post("/api/v1/imports", json!({"document": document})).await.expect(422).json();
        assert_eq!(refused["code"], "document_refused");
        assert_eq!(refused["errors"][0]["path"], path);
    }
}

#[tokio::test]
async fn what_never_changes_is_sent_once_and_packed_for_whoever_takes_that() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    for path in ["/api/v1/compatibility", "/api/v1/schemas/agent/v1", "/api/v1/openapi.json"] {
        let first = admin.get(path).await.expect(200);
        assert_eq!(first.headers["cache-control"], "private, no-cache");
        let mut headers = admin.headers.clone();
        headers.insert("if-none-match", first.headers["etag"].clone());
        let again = Persona::with_headers(&test, headers).get(path).await.expect(304);
        assert!(again.bytes.is_empty());
        let mut headers = admin.headers.clone();
        headers.insert("accept-encoding", "gzip, br".parse().unwrap());
        let packed = Persona::with_headers(&test, headers).get(path).await.expect(200);
        assert_eq!(packed.headers["content-encoding"], "gzip");
        assert!(packed.bytes.len() < first.bytes.len() / 2, "{path}: {} bytes", packed.bytes.len());
    }
}

#[tokio::test]
async fn a_long_problem_can_be_read_by_whoever_takes_packed_answers() {
    let test = TestApp::sqlite().await;
    let mut headers = test.admin().await.headers.clone();
    headers.insert("accept-encoding", "gzip, br".parse().unwrap());
    let admin = Persona::with_headers(&test, headers);
    let document = json!({"format": "openai_agents", "document": "print('no agent here')"});
    let refused = admin.post("/api/v1/imports", document).await.expect(422);
    assert!(refused.bytes.len() > 512, "long enough to be packed: {} bytes", refused.bytes.len());
    assert!(!refused.headers.contains_key("content-encoding"));
    assert_eq!(refused.json()["requestId"], refused.headers["x-request-id"].to_str().unwrap());
}

#[tokio::test]
async fn what_an_instance_does_not_allow_is_refused_on_write() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let plan = admin.post("/api/v1/plans", json!({"prompt": "Tell the time"})).await.expect(200).json();
    let text = "[[restrictions]]\nframework = 'react'\nreason = 'Ask the platform team.'\n";
    std::fs::write(test.app.config.data.join("compatibility.toml"), text).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    let matrix = admin.get("/api/v1/compatibility").await.expect(200).json();
    assert_eq!(matrix["restrictions"][0]["framework"], "react");
    let diagnosis = admin.post("/api/v1/compatibility:diagnose", plan["spec"].clone()).await.expect(200).json();
    assert_eq!(diagnosis["diagnostics"][0]["code"], "not_allowed_here");
    let refused = admin.post("/api/v1/projects", json!({"spec": plan["spec"]})).await.expect(422).json();
    assert!(refused["errors"][0]["message"].as_str().unwrap().contains("Ask the platform team."), "{refused}");
}
