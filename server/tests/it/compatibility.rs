//! Plans, the matrix, diagnoses and the schema of a spec, through the router.

use crate::support::TestApp;
use serde_json::{Value, json};

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
