//! The gateway by Anthropic's Messages: as they came where the provider speaks them, translated where it speaks
//! OpenAI's wire, and held, counted, told and refused like anything else.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use super::hold::{decide, held, open};
use super::{Run, events};
use crate::support::fake_anthropic::{FakeAnthropic, KEY, MODEL, Saying};
use crate::support::fake_model::{FakeModel, Reply};
use crate::support::stories::{calculator, log, of_kind, provider, results, said, spec, writer};
use crate::support::world::unique;
use crate::support::{Answer, Persona, TestApp, for_both};

/// A request with one message and these tools.
fn asking(tools: &[&str], stream: bool) -> Value {
    let tools: Vec<Value> =
        tools.iter().map(|name| json!({"name": name, "input_schema": {"type": "object"}})).collect();
    json!({"model": "theirs", "max_tokens": 99, "messages": [{"role": "user", "content": "go"}], "tools": tools, "stream": stream})
}

/// A run whose model is behind this double.
pub(super) async fn at_anthropic(
    test: &TestApp,
    admin: &Persona<'_>,
    double: &FakeAnthropic,
    spec: &Value,
    mode: &str,
) -> Run {
    let more = json!({"name": unique("claude"), "kind": "anthropic", "baseUrl": double.url, "defaultModel": MODEL, "key": KEY,
                      "inputPriceMicros": 3_000_000, "outputPriceMicros": 15_000_000});
    let provider = admin.post("/api/v1/providers", more).await.expect(201).json()["id"].clone();
    let body = json!({"input": "go", "mode": mode, "providerId": provider});
    Run::start(test, admin, spec, body).await
}

fn both_tools() -> Value {
    spec("react", json!([calculator(), writer()]))
}

/// What the events of a message come to, as Anthropic's clients put them together.
fn message(answer: &Answer) -> Value {
    let mut blocks: Vec<Value> = Vec::new();
    let mut message = Value::Null;
    let mut written = String::new();
    for event in events(answer) {
        let index = event["index"].as_u64().unwrap_or(0) as usize;
        match event["type"].as_str().unwrap() {
            "message_start" => {
                assert!(message.is_null(), "once");
                message = event["message"].clone();
            }
            "content_block_start" => {
                assert_eq!(index, blocks.len(), "one after the other");
                blocks.push(event["content_block"].clone());
                written.clear();
            }
            "content_block_delta" => {
                let delta = &event["delta"];
                for (kind, field) in [("text_delta", "text"), ("thinking_delta", "thinking")] {
                    if delta["type"] == kind {
                        let known = blocks[index][field].as_str().unwrap().to_owned();
                        blocks[index][field] = json!(known + delta[field].as_str().unwrap());
                    }
                }
                if delta["type"] == "signature_delta" {
                    blocks[index]["signature"] = delta["signature"].clone();
                }
                written.push_str(delta["partial_json"].as_str().unwrap_or_default());
            }
            "content_block_stop" if blocks[index]["type"] == "tool_use" && !written.is_empty() => {
                blocks[index]["input"] = serde_json::from_str(&written).unwrap();
            }
            "message_delta" => {
                message["stop_reason"] = event["delta"]["stop_reason"].clone();
                for (name, count) in event["usage"].as_object().unwrap() {
                    message["usage"][name] = count.clone();
                }
            }
            "message_stop" => message["whole"] = json!(true),
            _ => {}
        }
    }
    message["content"] = blocks.into();
    message
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_for_anthropic_pass_as_they_came_with_the_headers_of_its_wire() {
    for_both(|test| async move {
        let admin = test.admin().await;
        let double = FakeAnthropic::start(vec![
            Saying::Thinks("Computing.", vec![("calculator", json!({"expression": "1"}))]),
            Saying::Text("Done."),
        ])
        .await;
        let run = at_anthropic(&test, &admin, &double, &both_tools(), "ask").await;
        let body = r#"{"model":"theirs" , "max_tokens":99,"thinking":{"type":"enabled","budget_tokens":1.0e3},"messages":[{"role":"user","content":"hi"}],"brand_new":[1.50,null]}"#;
        let request = Request::post("/gateway/v1/messages?beta=true")
            .header("x-api-key", &run.token)
            .header("anthropic-version", "2023-06-01")
            .header("anthropic-beta", "interleaved-thinking-2025-05-14,brand-new")
            .body(Body::from(body))
            .unwrap();
        let said_there = test.anonymous().raw(request).await.expect(200).json();
        assert_eq!(said_there["content"][0], json!({"type": "thinking", "thinking": "Hm, let me think.", "signature": "signed"}));
        assert_eq!(said_there["content"][2]["name"], "calculator");
        let expected: Value = serde_json::from_str(&body.replace("theirs", MODEL)).unwrap();
        assert_eq!(double.requests(), [expected]);
        let head = &double.heads()[0];
        assert_eq!(head["x-api-key"], KEY);
        assert_eq!(head["anthropic-beta"], "interleaved-thinking-2025-05-14,brand-new");
        assert!(!head.contains_key("authorization"));

        // The other header that Anthropic's clients show a token in, and a stream.
        let mut next = asking(&["calculator"], true);
        next["messages"].as_array_mut().unwrap().extend([
            json!({"role": "assistant", "content": said_there["content"]}),
            json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": said_there["content"][2]["id"], "content": "1"}]}),
        ]);
        let streamed = run.ask(&test, "messages", next).await.expect(200);
        assert_eq!(streamed.headers["content-type"], "text/event-stream");
        let whole = message(&streamed);
        assert_eq!((&whole["content"][0]["text"], &whole["whole"], &whole["stop_reason"]), (&json!("Done."), &json!(true), &json!("end_turn")));
        assert_eq!(double.heads()[1]["anthropic-version"], "2023-06-01", "where the client says none");

        let seen = log(&test.app, run.job).await;
        assert_eq!((said(&seen).as_str(), results(&seen)), ("Computing.Done.", vec!["1".to_owned()]));
        let usage = &admin.get(&format!("/api/v1/runs/{}", run.id)).await.json()["usage"];
        assert_eq!((&usage["inputTokens"], &usage["outputTokens"], &usage["toolCalls"]), (&json!(50), &json!(18), &json!(1)));
        assert_eq!(usage["costMicros"], 50 * 3 + 18 * 15);
        assert!(!format!("{seen:?}{}", streamed.text()).contains(KEY));

        let counted = run.ask(&test, "messages/count_tokens", asking(&[], false)).await.expect(200).json();
        assert!(counted["input_tokens"].as_u64().unwrap() > 10);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_on_openais_wire_answers_in_messages() {
    for_both(|test| async move {
        let admin = test.admin().await;
        let call = || Reply::Calls(vec![("calculator", r#"{"expression":"1"}"#), ("clock", "")]);
        let model = FakeModel::start(vec![call(), call(), Reply::Text("All done."), Reply::Plain("At once.")]).await;
        let at = provider(&admin, &model.url).await;
        let body = json!({"input": "go", "mode": "dev", "providerId": at});
        let run = Run::start(&test, &admin, &spec("react", json!([calculator()])), body).await;

        let first = message(&run.ask(&test, "messages", asking(&["calculator", "clock"], true)).await.expect(200));
        assert_eq!((&first["type"], &first["role"], &first["stop_reason"]), (&json!("message"), &json!("assistant"), &json!("tool_use")));
        assert_eq!((&first["content"][0]["input"], &first["content"][1]["input"]), (&json!({"expression": "1"}), &json!({})));
        assert_eq!((&first["usage"]["input_tokens"], &first["usage"]["output_tokens"]), (&json!(11), &json!(7)));
        let second = run.ask(&test, "messages", asking(&["calculator", "clock"], false)).await.expect(200).json();
        assert_eq!((&second["stop_reason"], &second["content"][0]["name"]), (&json!("tool_use"), &json!("calculator")));
        assert_ne!(first["content"][0]["id"], second["content"][0]["id"], "an id that comes again gets another");

        let mut next = asking(&["calculator", "clock"], true);
        let answered = |place: usize| json!({"type": "tool_result", "tool_use_id": second["content"][place]["id"], "content": "1"});
        next["messages"].as_array_mut().unwrap().extend([
            json!({"role": "assistant", "content": second["content"]}),
            json!({"role": "user", "content": [answered(0), answered(1)]}),
        ]);
        let last = run.ask(&test, "messages", next).await.expect(200);
        assert!(events(&last).iter().filter(|event| event["delta"]["type"] == "text_delta").count() > 1, "text flows");
        assert_eq!(message(&last)["content"], json!([{"type": "text", "text": "All done."}]));
        let asked = &model.requests()[2];
        assert_eq!((&asked["model"], &asked["max_tokens"], &asked["stream_options"]["include_usage"]), (&json!("fake-1"), &json!(99), &json!(true)));
        let roles: Vec<&Value> = asked["messages"].as_array().unwrap().iter().map(|message| &message["role"]).collect();
        assert_eq!(roles, ["user", "assistant", "tool", "tool"]);
        assert_eq!(asked["tools"][1]["function"]["name"], "clock");

        // An endpoint that ignores `stream`.
        let at_once = message(&run.ask(&test, "messages", asking(&[], true)).await.expect(200));
        assert_eq!((&at_once["content"][0]["text"], &at_once["whole"]), (&json!("At once."), &json!(true)));

        let seen = log(&test.app, run.job).await;
        assert_eq!(of_kind(&seen, "TOOL_CALL_START").len(), 4);
        assert_eq!(results(&seen), ["1", "1"]);
        let usage = &admin.get(&format!("/api/v1/runs/{}", run.id)).await.json()["usage"];
        assert_eq!((&usage["modelCalls"], &usage["inputTokens"]), (&json!(4), &json!(11 + 11 + 3)));
        let refused = run.ask(&test, "messages/count_tokens", asking(&[], false)).await.expect(400).json();
        assert_eq!((&refused["type"], &refused["error"]["code"]), (&json!("error"), &json!("model_request_unsupported")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_in_messages_are_approved_edited_and_denied_by_people() {
    for_both(|test| async move {
        let admin = test.admin().await;
        let write = || Saying::Thinks("Writing.", vec![("writer", json!({"text": "hello"}))]);
        let both = Saying::Calls("", vec![("calculator", json!({"expression": "1"})), ("writer", json!({"text": "no"}))]);
        let double = FakeAnthropic::start(vec![write(), write(), Saying::Text("Then not."), both, Saying::Text("Done.")]).await;
        let run = at_anthropic(&test, &admin, &double, &both_tools(), "ask").await;
        let mut asked = asking(&["writer", "calculator"], true);
        asked["thinking"] = json!({"type": "enabled", "budget_tokens": 1024});

        let (answer, ()) = tokio::join!(run.ask(&test, "messages", asked.clone()), async {
            let approval = held(&test, &run).await;
            assert_eq!((&approval["tool"], &approval["arguments"]), (&json!("writer"), &json!({"text": "hello"})));
            decide(&admin, &approval, json!({"approve": true, "arguments": {"text": "edited"}})).await.expect(200);
        });
        let released = message(&answer.expect(200));
        assert_eq!((&released["content"][2]["input"], &released["stop_reason"]), (&json!({"text": "edited"}), &json!("tool_use")));
        assert_eq!(released["content"][0]["signature"], "signed", "thoughts come as they came");

        let (answer, ()) = tokio::join!(run.ask(&test, "messages", asked.clone()), async {
            let approval = next_held(&test, &run, 2).await;
            decide(&admin, &approval, json!({"approve": false})).await.expect(200);
        });
        let denied = message(&answer.expect(200));
        assert_eq!(denied["content"].as_array().unwrap().len(), 3, "{denied}");
        assert_eq!((&denied["content"][2]["text"], &denied["stop_reason"]), (&json!("Then not."), &json!("end_turn")));
        let again = &double.requests()[2]["messages"];
        assert_eq!(again[1]["content"][0]["signature"], "signed", "the model gets its thoughts back");
        assert!(again[2]["content"][0]["content"].as_str().unwrap().starts_with("Denied: Ada did not allow"), "{again}");

        // Of a mixed turn the project sees the rest, and the model hears of both.
        let (answer, ()) = tokio::join!(run.ask(&test, "messages", asking(&["writer", "calculator"], false)), async {
            let approval = next_held(&test, &run, 3).await;
            decide(&admin, &approval, json!({"approve": false})).await.expect(200);
        });
        let mixed = answer.expect(200).json();
        assert_eq!(mixed["content"].as_array().unwrap().len(), 1, "{mixed}");
        let mut next = asking(&["writer", "calculator"], false);
        next["messages"].as_array_mut().unwrap().extend([
            json!({"role": "assistant", "content": mixed["content"]}),
            json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": mixed["content"][0]["id"], "content": "1"}]}),
        ]);
        run.ask(&test, "messages", next).await.expect(200);
        let told = double.requests()[4]["messages"].clone();
        assert_eq!((&told[1]["content"][1]["name"], &told[2]["content"][1]["type"]), (&json!("writer"), &json!("tool_result")));
        assert_eq!(of_kind(&log(&test.app, run.job).await, "TOOL_CALL_START").len(), 4);
    })
    .await;
}

/// The newest call that is held, when this many were asked about.
async fn next_held(test: &TestApp, run: &Run, count: usize) -> Value {
    loop {
        let seen = log(&test.app, run.job).await;
        let mut asked: Vec<&Value> = seen.iter().filter(|event| event["type"] == "approval.requested").collect();
        if asked.len() == count {
            return asked.pop().unwrap()["approval"].clone();
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_arguments_are_read_by_the_model_and_by_nobody_else() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let (model, run) =
        open(&test, &admin, vec![Reply::Calls(vec![("writer", "{\"text\":")]), Reply::Text("Sorry.")], "ask").await;
    let answer = message(&run.ask(&test, "messages", asking(&["writer"], true)).await.expect(200));
    assert_eq!(answer["content"], json!([{"type": "text", "text": "Sorry."}]));
    let again = &model.requests()[1]["messages"];
    assert_eq!(again[1]["tool_calls"][0]["function"]["arguments"], "{\"text\":", "the model sees what it wrote");
    assert!(again[2]["content"].as_str().unwrap().contains("not JSON"), "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_told_in_anthropics_shape() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let anonymous =
        Request::post("/gateway/v1/messages").header("x-api-key", "sk-nothing").body(Body::from("{}")).unwrap();
    let refused = test.anonymous().raw(anonymous).await.expect(401).json();
    assert_eq!((&refused["type"], &refused["error"]["type"]), (&json!("error"), &json!("authentication_error")));
    assert_eq!(refused["error"]["code"], "gateway_token_invalid");

    let double = FakeAnthropic::start(vec![
        Saying::Refuses(400, "invalid_request_error"),
        Saying::Refuses(401, "authentication_error"),
        Saying::Cut("half of an"),
        Saying::Overloaded("half of an"),
        Saying::Plain("All at once."),
        Saying::Refuses(429, "rate_limit_error"),
    ])
    .await;
    let run = at_anthropic(&test, &admin, &double, &both_tools(), "ask").await;
    let words = run.ask(&test, "messages", asking(&[], true)).await.expect(400).json();
    assert_eq!(
        words["error"],
        json!({"type": "invalid_request_error", "message": "Said by the double."}),
        "its own words"
    );
    let key = run.ask(&test, "messages", asking(&[], false)).await.expect(502).json();
    assert_eq!((&key["error"]["type"], &key["error"]["code"]), (&json!("api_error"), &json!("model_unauthorized")));
    for code in ["model_stream_truncated", "model_bad_response"] {
        let cut = run.ask(&test, "messages", asking(&[], true)).await.expect(200);
        let last = events(&cut).pop().unwrap();
        assert_eq!((&last["type"], &last["error"]["code"]), (&json!("error"), &json!(code)), "{}", cut.text());
        assert!(!cut.text().contains("message_stop"));
    }
    let at_once = message(&run.ask(&test, "messages", asking(&[], true)).await.expect(200));
    assert_eq!((&at_once["content"][0]["text"], &at_once["whole"]), (&json!("All at once."), &json!(true)));
    let before = double.requests().len();
    let storm = run.ask(&test, "messages", asking(&[], true)).await.expect(429).json();
    assert_eq!((&storm["error"]["type"], double.requests().len() - before), (&json!("rate_limit_error"), 4));

    for (body, code) in [
        (json!({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}), "tool_kind_unsupported"),
        (json!({"mcp_servers": [{"type": "url", "url": "https://a.example"}]}), "tool_kind_unsupported"),
        (json!([1]), "malformed_json"),
    ] {
        let refused = run.ask(&test, "messages", body).await.expect(400).json();
        assert_eq!(
            (&refused["error"]["type"], &refused["error"]["code"]),
            (&json!("invalid_request_error"), &json!(code))
        );
    }
    let seen = format!("{:?}", log(&test.app, run.job).await);
    assert!(!seen.contains(KEY) && !seen.contains(&run.token));

    let other = TestApp::sqlite().await;
    let admin = other.admin().await;
    let model = FakeModel::start(vec![Reply::Status(
        429,
        vec![("retry-after", "0")],
        r#"{"error":{"message":"slow down, sk-secret-key"}}"#.to_owned(),
    )])
    .await;
    let at = provider(&admin, &model.url).await;
    let run = Run::start(&other, &admin, &spec("react", json!([])), json!({"input": "go", "providerId": at})).await;
    let refused = run.ask(&other, "messages", asking(&[], false)).await.expect(429).json();
    assert_eq!(
        (&refused["error"]["type"], &refused["error"]["message"]),
        (&json!("rate_limit_error"), &json!("slow down, [key]"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rehearsal_model_answers_in_messages_too() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let run = Run::start(&test, &admin, &spec("react", json!([calculator()])), json!({"input": "2 + 3"})).await;
    let mut body = asking(&["calculator"], true);
    body["messages"][0]["content"] = json!("2 + 3");
    let answer = message(&run.ask(&test, "messages", body).await.expect(200));
    let call = answer["content"].as_array().unwrap().last().unwrap();
    assert_eq!((&call["name"], &call["input"]), (&json!("calculator"), &json!({"expression": "2 + 3"})));
    let refused = run.ask(&test, "messages/count_tokens", asking(&[], false)).await.expect(400).json();
    assert_eq!(refused["error"]["code"], "model_request_unsupported");
}
