//! MCP servers at addresses: asked for their tools, and called in runs by servers that behave and by some
//! that do not.

use std::process::Stdio;

use crate::support::TestApp;
use crate::support::fake_model::{FakeModel, Reply};
use crate::support::stories::*;
use gantry_domain::spec::header_secret;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fixtures/mcp_server.py");
/// What the server wants in `Authorization`, and nobody is to read.
const SECRET: &str = "Bearer mcp-canary-5a1e";

/// A server at an address, for as long as it is held.
struct AtAddress {
    _server: Child,
    address: String,
}

impl AtAddress {
    async fn start(authorization: Option<&str>) -> Self {
        let mut command = Command::new("python3");
        command.args([SCRIPT, "--http"]).stdout(Stdio::piped()).kill_on_drop(true);
        if let Some(value) = authorization {
            command.env("MCP_AUTHORIZATION", value);
        }
        let mut server = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
        Self { _server: server, address: line.trim().to_owned() }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    /// How many sessions have been begun and not ended.
    async fn sessions(&self) -> String {
        reqwest::get(self.url("/sessions")).await.unwrap().text().await.unwrap()
    }
}

fn tool(id: &str, url: &str) -> Value {
    json!({"id": id, "description": id, "effect": "read", "kind": "mcp", "url": url, "tool": id, "timeoutMs": 2_000,
           "parameters": {"type": "object"}})
}

fn calls(names: &[&'static str]) -> Vec<Reply> {
    vec![Reply::Calls(names.iter().map(|name| (*name, r#"{"a":"é"}"#)).collect()), Reply::Text("ok")]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_at_an_address_is_asked_for_its_tools() {
    let server = AtAddress::start(None).await;
    let test = TestApp::sqlite().await;
    let actor = test.token(&["write"]).await;
    let answer =
        actor.post("/api/v1/mcp-servers:discover", json!({"url": server.url("/mcp")})).await.expect(200).json();
    assert_eq!((&answer["name"], answer["tools"].as_array().unwrap().len()), (&json!("fixture"), 8));
    assert_eq!(server.sessions().await, "0", "the session outlives the question");

    for (path, said) in
        [("/moved", "it sends on to"), ("/page", "did not answer as one"), ("/nonsense", "did not answer as one")]
    {
        let refused = actor.post("/api/v1/mcp-servers:discover", json!({"url": server.url(path)})).await.expect(422);
        assert_eq!(refused.code(), "mcp_server_failed");
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(said) && detail.len() < 1_000, "{path}: {detail}");
    }
    for (body, path) in [
        (json!({}), "/command"),
        (json!({"command": ["x"], "url": "https://h/"}), "/url"),
        (json!({"command": ["x"], "headers": {"A": "B"}}), "/url"),
        (json!({"url": "file:///etc/passwd"}), "/url"),
        (json!({"url": "https://h/", "headers": {"Authorization": "Bearer abc"}}), "/headers/Authorization"),
    ] {
        let refused = actor.post("/api/v1/mcp-servers:discover", body).await.expect(422);
        assert_eq!(refused.json()["errors"][0]["path"], path, "{}", refused.json());
    }
    let metadata = json!({"url": "http://169.254.169.254/mcp"});
    let refused = actor.post("/api/v1/mcp-servers:discover", metadata).await.expect(422).json();
    assert!(refused["detail"].as_str().unwrap().contains("link-local"), "{refused}");
    let reader = test.token(&["read"]).await;
    reader.post("/api/v1/mcp-servers:discover", json!({"url": server.url("/mcp")})).await.expect(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_has_the_value_of_the_secret_for_its_host_and_nobody_reads_it() {
    let server = AtAddress::start(Some(SECRET)).await;
    let url = server.url("/mcp");
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let ask = json!({"url": url, "headers": {"Authorization": "MCP_KEY"}});
    let name = header_secret(&url, "MCP_KEY").unwrap();

    let refused = admin.post("/api/v1/mcp-servers:discover", ask.clone()).await.expect(422).json();
    assert!(refused["detail"].as_str().unwrap().contains(&name), "{refused}");
    // One of the same name for another host is not sent here.
    let elsewhere = json!({"name": "tools/mcp.example.com/MCP_KEY", "value": SECRET});
    admin.post("/api/v1/secrets", elsewhere).await.expect(201);
    admin.post("/api/v1/mcp-servers:discover", ask.clone()).await.expect(422);
    let unasked = admin.post("/api/v1/mcp-servers:discover", json!({"url": url})).await.expect(422).json();
    assert!(unasked["detail"].as_str().unwrap().contains("name a header"), "{unasked}");

    let wrong = admin.post("/api/v1/secrets", json!({"name": name, "value": "mcp-canary-wrong"})).await.expect(201);
    let refused = admin.post("/api/v1/mcp-servers:discover", ask.clone()).await.expect(422).json();
    assert!(!refused.to_string().contains("mcp-canary"), "{refused}");
    let versions = format!("/api/v1/secrets/{}/versions", wrong.json()["id"].as_str().unwrap());
    admin.post(&versions, json!({"value": SECRET})).await.expect(201);
    admin.post("/api/v1/mcp-servers:discover", ask).await.expect(200);

    let mut asking = tool("environment", &url);
    asking["headers"] = json!({"Authorization": "MCP_KEY"});
    let mut keyless = tool("keyless", &url);
    keyless["headers"] = json!({"Authorization": "OTHER_KEY"});
    let model = FakeModel::start(calls(&["environment", "keyless"])).await;
    let (run, log) = run_once(&test, &spec("react", json!([asking, keyless])), &model, "safe").await;
    assert_eq!(run["state"], "done", "{run}");
    let results = results(&log);
    // The server says back what it was sent.
    assert!(results[0].contains("[redacted]") && results[0].contains("authorization"), "{}", results[0]);
    assert!(results[1].contains("There is no secret tools/127.0.0.1/"), "{}", results[1]);
    let everything = format!("{}{:?}{run}", serde_json::to_string(&log).unwrap(), model.requests());
    assert!(!everything.contains("mcp-canary"), "the secret is told");
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_flood_hang_babble_die_or_forget_end_in_a_result() {
    let server = AtAddress::start(None).await;
    let url = server.url("/mcp");
    let names = ["echo", "environment", "fail", "flood", "babble", "stray", "hang", "die"];
    let mut tools: Vec<Value> = names.iter().map(|name| tool(name, &url)).collect();
    // Five megabytes take a while to be made.
    tools[3]["timeoutMs"] = json!(15_000);
    for (id, path) in [("moved", "/moved"), ("page", "/page"), ("nonsense", "/nonsense")] {
        tools.push(tool(id, &server.url(path)));
    }
    tools.push(tool("metadata", "http://169.254.169.254/mcp"));
    tools.push(tool("closed", "http://127.0.0.1:9/mcp"));
    // Whether a session outlives what was babbled in it is the client's affair: the call after it may fail.
    let asked = [
        "echo",
        "environment",
        "echo",
        "fail",
        "flood",
        "stray",
        "babble",
        "echo",
        "hang",
        "echo",
        "moved",
        "page",
        "nonsense",
        "metadata",
        "closed",
        "die",
        "echo",
    ];
    let model = FakeModel::start(calls(&asked)).await;
    let (run, log) = run_once(&TestApp::sqlite().await, &spec("react", json!(tools)), &model, "safe").await;
    assert_eq!((&run["state"], &run["usage"]["toolCalls"]), (&json!("done"), &json!(asked.len())), "{run}");
    let results = results(&log);
    let echoed = json!({"a": "é"});
    let is_echo = |text: &str| serde_json::from_str::<Value>(text).is_ok_and(|said| said == echoed);
    assert!(is_echo(&results[0]), "{}", results[0]);
    // The session was ended by the server: a new one is begun, and the call is made in it.
    assert!(is_echo(&results[2]), "{}", results[2]);
    assert_eq!(results[3], "Error: it went wrong");
    assert!(results[4].len() < 263_000 && results[4].ends_with("[cut off after 256 KiB]"), "{}", results[4].len());
    // What answers a question that nobody asked is left aside, or ends the session.
    let ends = ["Error: stray did not answer within 2000 ms.", "Error: The MCP server failed: Transport closed."];
    assert!(ends.contains(&results[5].as_str()), "{}", results[5]);
    assert!(results[6] == "said after all" || results[6].starts_with("Error: "), "{}", results[6]);
    assert!(is_echo(&results[7]) || results[7].starts_with("Error: "), "{}", results[7]);
    assert_eq!(results[8], "Error: hang did not answer within 2000 ms.");
    assert!(is_echo(&results[9]), "after a server hung the next call begins a new session: {}", results[9]);
    for (result, said) in results[10..].iter().zip([
        "it sends on to",
        "did not answer as one",
        "did not answer as one",
        "link-local",
        "did not answer as one",
        "The MCP server failed",
        "did not answer as one",
    ]) {
        assert!(result.starts_with("Error: ") && result.contains(said), "{result} lacks {said}");
    }
    let told = model.requests()[1].to_string().len();
    assert!(told < 1_200_000, "the model was sent {told} bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_end_with_the_run() {
    let server = AtAddress::start(None).await;
    let model = FakeModel::start(calls(&["echo"])).await;
    let tools = json!([tool("echo", &server.url("/mcp"))]);
    let (run, _) = run_once(&TestApp::sqlite().await, &spec("react", tools), &model, "safe").await;
    assert_eq!((&run["state"], server.sessions().await.as_str()), (&json!("done"), "0"), "{run}");
}
