//! Anthropic: tested, chatted with natively, planned by, and asked through the gateway on OpenAI's wire.

use serde_json::{Value, json};

use super::{add, tested};
use crate::gateway::{Run, calls, conversation, events, text};
use crate::support::fake_anthropic::{FakeAnthropic, KEY, MODEL, Saying};
use crate::support::stories::{
    assert_sound, calculator, log, of_kind, project, results, said, spec, start, wait_for_end,
};
use crate::support::{TestApp, for_both};

async fn provider(admin: &crate::support::Persona<'_>, double: &FakeAnthropic) -> Value {
    let more = json!({"key": KEY, "inputPriceMicros": 3_000_000, "outputPriceMicros": 15_000_000});
    add(admin, "anthropic", &double.url, MODEL, more).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_calls_its_tool_and_answers_over_the_messages_wire() {
    for_both(|test| async move {
        let double = FakeAnthropic::start(vec![
            Saying::Text("yes"),
            Saying::Calls("Let me see.", vec![("calculator", json!({"expression": "6 * 7"}))]),
            Saying::Text("It is 42."),
        ])
        .await;
        let admin = test.admin().await;
        let provider = provider(&admin, &double).await;
        let found = tested(&admin, &provider).await;
        assert_eq!((&found["ok"], &found["code"], &found["models"]), (&json!(true), &json!("works"), &json!([MODEL])));

        let project = project(&test.app, &spec("react", json!([calculator()]))).await;
        let body = json!({"input": "What is 6 * 7?", "providerId": provider});
        let (run, job) = start(&admin, project, body).await;
        test.start_workers().await;
        let run = wait_for_end(&admin, run).await;
        assert_eq!((&run["state"], &run["output"]), (&json!("done"), &json!("It is 42.")), "{run}");
        // What was read from a cache was sent, too.
        assert_eq!((&run["usage"]["inputTokens"], &run["usage"]["outputTokens"]), (&json!(50), &json!(18)));
        assert_eq!(run["usage"]["costMicros"], 50 * 3 + 18 * 15);
        let log = log(&test.app, job).await;
        assert_sound(&log);
        assert_eq!((said(&log).as_str(), results(&log)), ("Let me see.It is 42.", vec!["42".to_owned()]));
        assert!(!serde_json::to_string(&log).unwrap().contains(KEY));

        let asked = double.requests();
        assert_eq!(asked[1]["system"], "Help.");
        assert_eq!(asked[1]["tools"][0]["name"], "calculator");
        let turns = asked[2]["messages"].as_array().unwrap();
        assert_eq!(turns[1]["content"][1]["input"], json!({"expression": "6 * 7"}));
        let answered = json!([{"type": "tool_result", "tool_use_id": turns[1]["content"][1]["id"], "content": "42"}]);
        assert_eq!(turns[2]["content"], answered);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_speaks_openais_wire_whatever_is_behind_it() {
    for_both(|test| async move {
        let call =
            || Saying::Calls("Computing.", vec![("calculator", json!({"expression": "1"})), ("clock", json!({}))]);
        let double = FakeAnthropic::start(vec![call(), call(), Saying::Text("Done.")]).await;
        let admin = test.admin().await;
        let at = provider(&admin, &double).await;
        let body = json!({"input": "go", "mode": "dev", "providerId": at});
        let run = Run::start(&test, &admin, &spec("react", json!([calculator()])), body).await;

        let streamed = run.chat(&test, &["calculator", "clock"], true).await.expect(200);
        assert_eq!(text(&streamed), "Computing.");
        let expected = [("calculator", r#"{"expression":"1"}"#), ("clock", "{}")];
        let called = calls(&streamed);
        let told: Vec<(&str, &str)> =
            called.iter().map(|(_, name, arguments)| (name.as_str(), arguments.as_str())).collect();
        assert_eq!(told, expected);
        assert!(streamed.text().trim_end().ends_with("data: [DONE]") && !streamed.text().contains("prompt_tokens"));

        let whole = run.chat(&test, &["calculator", "clock"], false).await.expect(200).json();
        assert_eq!(
            (&whole["object"], &whole["choices"][0]["finish_reason"]),
            (&json!("chat.completion"), &json!("tool_calls"))
        );
        assert_eq!(whole["usage"]["prompt_tokens"], 25);
        let calls = whole["choices"][0]["message"]["tool_calls"].clone();
        let mut next = conversation(&["calculator", "clock"], false);
        next["temperature"] = json!(1.7);
        let results = calls
            .as_array()
            .unwrap()
            .iter()
            .map(|call| json!({"role": "tool", "tool_call_id": call["id"], "content": "1"}));
        let messages = next["messages"].as_array_mut().unwrap();
        messages.push(json!({"role": "assistant", "content": null, "tool_calls": calls}));
        messages.extend(results);
        let last = run.ask(&test, "chat/completions", next).await.expect(200).json();
        assert_eq!(last["choices"][0]["message"]["content"], "Done.");
        let asked = double.requests();
        assert_eq!(
            (asked[2]["temperature"].as_f64(), asked[2]["messages"][2]["content"].as_array().unwrap().len()),
            (Some(1.0), 2)
        );

        let seen = log(&test.app, run.job).await;
        assert_eq!(of_kind(&seen, "TOOL_CALL_START").len(), 4, "each turn's calls have ids of their own");
        let usage = &admin.get(&format!("/api/v1/runs/{}", run.id)).await.json()["usage"];
        assert_eq!((&usage["inputTokens"], &usage["outputTokens"]), (&json!(75), &json!(27)));
        assert!(!format!("{seen:?}{}", streamed.text()).contains(KEY));

        let refused = run.ask(&test, "embeddings", json!({"model": "x", "input": "hello"})).await.expect(400).json();
        assert_eq!(refused["error"]["code"], "model_request_unsupported");
        assert!(refused["error"]["message"].as_str().unwrap().contains("such as OpenAI or Ollama"), "{refused}");
        let mut shaped = conversation(&[], false);
        shaped["response_format"] = json!({"type": "json_object"});
        let refused = run.ask(&test, "chat/completions", shaped.clone()).await.expect(400).json();
        assert!(refused["error"]["message"].as_str().unwrap().contains("response_format"), "{refused}");
        let schema = json!({"type": "object", "additionalProperties": false});
        shaped["response_format"] = json!({"type": "json_schema", "json_schema": {"name": "x", "schema": schema}});
        run.ask(&test, "chat/completions", shaped).await.expect(200);
        let asked = double.requests().pop().unwrap();
        assert_eq!(asked["output_config"]["format"], json!({"type": "json_schema", "schema": schema}));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn openais_responses_are_answered_by_a_model_on_anthropics_wire() {
    for_both(|test| async move {
        let call = || Saying::Calls("Computing.", vec![("calculator", json!({"expression": "1"}))]);
        let double =
            FakeAnthropic::start(vec![call(), call(), Saying::Text("It is 1."), Saying::Cut("half of an")]).await;
        let admin = test.admin().await;
        let at = provider(&admin, &double).await;
        let body = json!({"input": "go", "providerId": at});
        let run = Run::start(&test, &admin, &spec("react", json!([calculator()])), body).await;
        let asking = |stream: bool, more: Vec<Value>| {
            let mut input = vec![json!({"role": "user", "content": "go"})];
            input.extend(more);
            json!({"model": "theirs", "instructions": "Be exact.", "input": input, "stream": stream,
                   "tools": [{"type": "function", "name": "calculator", "parameters": {"type": "object"}}]})
        };
        let whole = run.ask(&test, "responses", asking(false, vec![])).await.expect(200).json();
        assert_eq!((&whole["object"], &whole["status"]), (&json!("response"), &json!("completed")));
        assert_eq!(
            (&whole["output"][0]["content"][0]["text"], &whole["usage"]["input_tokens"]),
            (&json!("Computing."), &json!(25))
        );
        let streamed = run.ask(&test, "responses", asking(true, vec![])).await.expect(200);
        let told = events(&streamed);
        let kinds: Vec<&str> = told.iter().map(|event| event["type"].as_str().unwrap()).collect();
        assert_eq!((kinds[0], *kinds.last().unwrap()), ("response.created", "response.completed"));
        assert!(
            kinds.iter().filter(|kind| **kind == "response.output_text.delta").count() > 1,
            "text flows: {kinds:?}"
        );
        let call = told.last().unwrap()["response"]["output"][1].clone();
        assert_eq!((&call["name"], &call["arguments"]), (&json!("calculator"), &json!(r#"{"expression":"1"}"#)));

        let result = json!({"type": "function_call_output", "call_id": call["call_id"], "output": "1"});
        let last = run.ask(&test, "responses", asking(true, vec![call, result])).await.expect(200);
        let output = events(&last).pop().unwrap()["response"]["output"].clone();
        assert_eq!(output[0]["content"][0]["text"], "It is 1.");
        let asked = &double.requests()[2];
        assert_eq!(
            (&asked["system"], &asked["messages"][2]["content"][0]["type"]),
            (&json!("Be exact."), &json!("tool_result"))
        );
        let cut = run.ask(&test, "responses", asking(true, vec![])).await.expect(200);
        let end = events(&cut).pop().unwrap();
        assert_eq!((&end["type"], &end["code"]), (&json!("error"), &json!("model_stream_truncated")));

        let mut kept = asking(false, vec![]);
        kept["previous_response_id"] = json!("resp_1");
        let refused = run.ask(&test, "responses", kept).await.expect(400).json();
        assert!(refused["error"]["message"].as_str().unwrap().contains("previous_response_id"), "{refused}");
        let seen = log(&test.app, run.job).await;
        assert_eq!(of_kind(&seen, "TOOL_CALL_START").len(), 2);
        let usage = &admin.get(&format!("/api/v1/runs/{}", run.id)).await.json()["usage"];
        assert_eq!((&usage["inputTokens"], &usage["modelCalls"]), (&json!(75), &json!(3)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_there_reads_like_anywhere_else() {
    for (saying, code, words) in [
        (Saying::Refuses(529, "overloaded_error"), "model_unreachable", "not available"),
        (Saying::Refuses(429, "rate_limit_error"), "model_rate_limited", "too many requests"),
        (Saying::Refuses(400, "invalid_request_error"), "model_bad_response", "Said by the double."),
        (Saying::Overloaded("half of an"), "model_unreachable", "too much to do"),
        (Saying::Cut("half of an"), "model_stream_truncated", "broke off"),
    ] {
        let test = TestApp::sqlite().await;
        let admin = test.admin().await;
        let double = FakeAnthropic::start(vec![saying.clone()]).await;
        let provider = provider(&admin, &double).await;
        let project = project(&test.app, &spec("single", json!([]))).await;
        let (run, _) = start(&admin, project, json!({"input": "go", "providerId": provider})).await;
        test.start_workers().await;
        let run = wait_for_end(&admin, run).await;
        assert_eq!((&run["state"], &run["reason"]["code"]), (&json!("failed"), &json!(code)), "{saying:?}: {run}");
        assert!(run["reason"]["message"].as_str().unwrap().contains(words), "{run}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_reaches_a_project_in_the_form_that_it_reads() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let double = FakeAnthropic::start(vec![Saying::Refuses(529, "overloaded_error")]).await;
    let at = provider(&admin, &double).await;
    let run = Run::start(&test, &admin, &spec("react", json!([])), json!({"input": "go", "providerId": at})).await;
    let refused = run.chat(&test, &[], true).await.expect(529).json();
    assert_eq!(
        (&refused["error"]["type"], &refused["error"]["message"]),
        (&json!("overloaded_error"), &json!("Said by the double."))
    );
    assert_eq!(double.requests().len(), 4, "it is asked again a few times");
    let seen = log(&test.app, run.job).await;
    assert!(of_kind(&seen, "CUSTOM").iter().any(|event| event["value"]["code"] == "model_refused"), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_asked_for_by_a_tool_where_a_model_knows_no_schema() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    // An older model, which knows no schema for its answer.
    let double = FakeAnthropic::start(vec![
        Saying::Refuses(400, "invalid_request_error"),
        Saying::Calls("", vec![("agent_plan", json!({"nothing": "of use"}))]),
    ])
    .await;
    let provider = provider(&admin, &double).await;
    let body = json!({"prompt": "Answer questions about a library.", "providerId": provider});
    let plan = admin.post("/api/v1/plans", body).await.expect(200).json();
    let attempts = plan["provenance"]["attempts"].as_array().unwrap();
    assert_eq!(attempts[0]["method"], "json_schema", "{attempts:?}");
    assert!(attempts[0]["problems"][0].as_str().unwrap().contains("Said by the double."), "{attempts:?}");
    assert_eq!(attempts[1]["method"], "forced_tool", "{attempts:?}");
    assert_eq!(double.requests()[0]["output_config"]["format"]["type"], "json_schema");
    assert_eq!(double.requests()[1]["tool_choice"], json!({"type": "tool", "name": "agent_plan"}));
}
