//! What passes: tokens while their run is under way, bytes as they came, counted and told once.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::fake_model::{FakeModel, Reply};
use crate::support::stories::{agui, calculator, log, of_kind, provider, spec, wait_for_end, wait_for_event, writer};
use crate::support::{TestApp, for_both};

use super::{Run, ask, calls, conversation, events, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_the_gateway_from_its_runs_start_to_its_end_and_nothing_else() {
    for_both(|test| async move {
        let admin = test.admin().await;
        let run = Run::start(&test, &admin, &spec("react", json!([calculator()])), json!({"input": "go"})).await;
        let models = |token: String| {
            let request =
                axum::http::Request::get("/gateway/v1/models").header("authorization", format!("Bearer {token}"));
            request.body(axum::body::Body::empty()).unwrap()
        };
        let listed = test.anonymous().raw(models(run.token.clone())).await.expect(200).json();
        assert_eq!(listed["data"][0]["id"], "rehearsal");
        let mut wrong = run.token.clone();
        wrong.pop();
        for token in [wrong, "sk-nothing".to_owned(), String::new()] {
            let refused = test.anonymous().raw(models(token)).await.expect(401).json();
            assert_eq!(refused["error"]["code"], "gateway_token_invalid");
        }
        // Neither a login nor an API token opens it, and the run's token opens nothing else.
        admin.get("/gateway/v1/models").await.expect(401);
        test.token(&["read"]).await.get("/gateway/v1/models").await.expect(401);
        let request =
            axum::http::Request::get("/api/v1/projects").header("authorization", format!("Bearer {}", run.token));
        test.anonymous().raw(request.body(axum::body::Body::empty()).unwrap()).await.expect(401);
        let elsewhere = ask(&test, &run.token, "images/generations", "{}".to_owned()).await.expect(404);
        assert_eq!(elsewhere.json()["error"]["code"], "gateway_route_unknown");

        let kept: Vec<(Vec<u8>,)> = test.app.db.sql("SELECT token_hash FROM gateway_access").all().await.unwrap();
        assert_eq!(kept[0].0.len(), 32, "a hash and not the token");
        assert!(!kept[0].0.windows(8).any(|part| run.token.as_bytes().windows(8).any(|known| known == part)));

        test.app.db.sql("UPDATE gateway_access SET expires_at = 1").execute().await.unwrap();
        test.anonymous().raw(models(run.token.clone())).await.expect(401);
        test.app.db.sql("UPDATE gateway_access SET expires_at = $1").bind(i64::MAX).execute().await.unwrap();
        test.anonymous().raw(models(run.token.clone())).await.expect(200);
        run.leave.notify_one();
        wait_for_end(&admin, run.id).await;
        test.anonymous().raw(models(run.token.clone())).await.expect(401);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_pass_as_they_came_but_for_the_model_and_the_key() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let answer = r#"{ "choices": [ {"message":{"role":"assistant","content":"ok","new_field":1.50}, "finish_reason":"stop"} ], "usage":{"prompt_tokens":5,"completion_tokens":7,"more":{}} }"#;
    let model = FakeModel::start(vec![Reply::Raw("application/json", answer)]).await;
    let at = provider(&admin, &model.url).await;
    let run = Run::start(&test, &admin, &spec("react", json!([])), json!({"input": "go", "providerId": at})).await;
    let body = r#"{"model":"theirs" , "messages":[{"role":"user","content":"hi","cache_control":{"x":1}}],"brand_new":[1.50,null]}"#;
    let said = ask(&test, &run.token, "chat/completions", body.to_owned()).await.expect(200);
    assert_eq!(said.text(), answer);
    let expected: Value = serde_json::from_str(&body.replace("theirs", "fake-1")).unwrap();
    assert_eq!(model.requests(), [expected]);
    assert_eq!(model.keys(), ["Bearer sk-secret-key"], "the provider's key and not the run's token");

    let seen = log(&test.app, run.job).await;
    assert_eq!(of_kind(&seen, "TEXT_MESSAGE_CONTENT")[0]["delta"], "ok");
    let found = admin.get(&format!("/api/v1/runs/{}", run.id)).await.json();
    let usage = &found["usage"];
    assert_eq!(
        (&usage["inputTokens"], &usage["outputTokens"], &usage["modelCalls"]),
        (&json!(5), &json!(7), &json!(1))
    );
    assert_eq!(usage["costMicros"], 5 + 14);
    let everything = format!("{seen:?}{found}");
    assert!(!everything.contains("sk-secret-key") && !everything.contains(&run.token));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_flows_is_counted_and_has_the_counting_chunk_only_when_it_was_asked_for() {
    for_both(|test| async move {
        let admin = test.admin().await;
        let pause = Duration::from_millis(150);
        let model = FakeModel::start(vec![Reply::Slow(vec!["Hello ", "there"], pause), Reply::Text("Again.")]).await;
        let at = provider(&admin, &model.url).await;
        let run = Run::start(&test, &admin, &spec("react", json!([])), json!({"input": "go", "providerId": at})).await;
        let first = tokio::spawn({
            let (router, token) = (test.router.clone(), run.token.clone());
            async move {
                use tower::ServiceExt;
                let request = axum::http::Request::post("/gateway/v1/chat/completions")
                    .header("authorization", format!("Bearer {token}"))
                    .body(axum::body::Body::from(conversation(&[], true).to_string()))
                    .unwrap();
                let response = router.oneshot(request).await.unwrap();
                assert_eq!(response.headers()["content-type"], "text/event-stream");
                let began = std::time::Instant::now();
                let mut body = response.into_body().into_data_stream();
                let piece = futures::StreamExt::next(&mut body).await.unwrap().unwrap();
                assert!(String::from_utf8_lossy(&piece).contains("Hello"));
                assert!(began.elapsed() < pause * 2, "the first piece waits for no other: {:?}", began.elapsed());
                let mut rest = String::new();
                while let Some(piece) = futures::StreamExt::next(&mut body).await {
                    rest.push_str(&String::from_utf8_lossy(&piece.unwrap()));
                }
                rest
            }
        });
        // The log hears of it while it flows.
        wait_for_event(&test.app, run.job, |event| event["event"]["delta"] == "Hello ").await;
        let rest = first.await.unwrap();
        assert!(rest.contains("there") && rest.trim_end().ends_with("data: [DONE]"), "{rest}");
        assert!(!rest.contains("prompt_tokens"), "nobody asked for it: {rest}");
        assert_eq!(model.requests()[0]["stream_options"]["include_usage"], true);

        let mut body = conversation(&[], true);
        body["stream_options"] = json!({"include_usage": true});
        let second = run.ask(&test, "chat/completions", body).await.expect(200);
        assert_eq!(
            (text(&second).as_str(), events(&second).last().unwrap()["usage"]["prompt_tokens"].as_i64()),
            ("Again.", Some(11))
        );

        let seen = log(&test.app, run.job).await;
        let said: String = of_kind(&seen, "TEXT_MESSAGE_CONTENT")
            .iter()
            .map(|event| event["delta"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(said, "Hello thereAgain.");
        assert_eq!(of_kind(&seen, "TEXT_MESSAGE_START").len(), 2);
        assert_eq!(of_kind(&seen, "TEXT_MESSAGE_END").len(), 2);
        let usage = &admin.get(&format!("/api/v1/runs/{}", run.id)).await.json()["usage"];
        assert_eq!(
            (&usage["inputTokens"], &usage["outputTokens"], &usage["modelCalls"]),
            (&json!(22), &json!(14), &json!(2))
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_and_their_results_are_told_once_however_often_the_conversation_repeats_them() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let call = || Reply::Calls(vec![("calculator", r#"{"expression":"1"}"#)]);
    let model = FakeModel::start(vec![call(), call(), Reply::Text("Done.")]).await;
    let at = provider(&admin, &model.url).await;
    let run =
        Run::start(&test, &admin, &spec("react", json!([calculator()])), json!({"input": "go", "providerId": at}))
            .await;
    let mut body = conversation(&["calculator"], true);
    let mut ids = Vec::new();
    for round in 0..2 {
        let answer = run.ask(&test, "chat/completions", body.clone()).await.expect(200);
        let (id, name, arguments) = calls(&answer).remove(0);
        assert_eq!((name.as_str(), arguments.as_str()), ("calculator", r#"{"expression":"1"}"#));
        let messages = body["messages"].as_array_mut().unwrap();
        messages.push(json!({"role": "assistant", "content": null, "tool_calls": [
            {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}]}));
        messages.push(json!({"role": "tool", "tool_call_id": id, "content": format!("result {round}")}));
        ids.push(id);
    }
    assert_ne!(ids[0], ids[1], "an id that comes again gets another");
    for _ in 0..2 {
        assert_eq!(text(&run.ask(&test, "chat/completions", body.clone()).await.expect(200)), "Done.");
    }
    let seen = log(&test.app, run.job).await;
    let told: Vec<String> = agui(&seen)
        .iter()
        .filter(|event| event["type"].as_str().unwrap().starts_with("TOOL_CALL"))
        .map(|event| format!("{} {}", event["type"].as_str().unwrap(), event["toolCallId"].as_str().unwrap()))
        .collect();
    let expected: Vec<String> = ids
        .iter()
        .flat_map(|id| ["START", "ARGS", "END", "RESULT"].map(|kind| format!("TOOL_CALL_{kind} {id}")))
        .collect();
    assert_eq!(told, expected);
    assert_eq!(admin.get(&format!("/api/v1/runs/{}", run.id)).await.json()["usage"]["toolCalls"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_ignores_stream_is_streamed_and_the_rehearsal_model_answers_on_both_wires() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let model = FakeModel::start(vec![Reply::Plain("All at once.")]).await;
    let at = provider(&admin, &model.url).await;
    let run = Run::start(&test, &admin, &spec("react", json!([])), json!({"input": "go", "providerId": at})).await;
    let answer = run.chat(&test, &[], true).await.expect(200);
    assert_eq!(answer.headers["content-type"], "text/event-stream");
    assert_eq!(text(&answer), "All at once.");
    assert_eq!(events(&answer)[0]["object"], "chat.completion.chunk");
    assert!(answer.text().trim_end().ends_with("data: [DONE]"));
    run.leave.notify_one();
    wait_for_end(&admin, run.id).await;

    let other = TestApp::sqlite().await;
    let admin = other.admin().await;
    let run = Run::start(&other, &admin, &spec("react", json!([calculator()])), json!({"input": "2 + 3"})).await;
    let answer = run.chat(&other, &["calculator"], false).await.expect(200).json();
    let call = &answer["choices"][0]["message"]["tool_calls"][0];
    assert_eq!(call["function"]["arguments"], r#"{"expression":"2 + 3"}"#);
    let tools = json!([{"type": "function", "name": "calculator", "parameters": {"type": "object"}}]);
    let body = json!({"model": "rehearsal", "input": "2 + 3", "tools": tools, "stream": true});
    let answer = run.ask(&other, "responses", body).await.expect(200);
    let last = events(&answer).pop().unwrap();
    assert_eq!(last["type"], "response.completed");
    let output = &last["response"]["output"];
    assert_eq!((&output[1]["type"], &output[1]["name"]), (&json!("function_call"), &json!("calculator")));
    let found = admin.get(&format!("/api/v1/runs/{}", run.id)).await.json();
    assert_eq!((&found["usage"]["modelCalls"], &found["usage"]["inputTokens"]), (&json!(2), &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_told_in_openais_shape_with_the_key_hidden_and_busy_endpoints_are_asked_again() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let busy = || Reply::Status(429, vec![("retry-after", "0")], "{}".to_owned());
    let quoting = r#"{"error":{"message":"no such thing for sk-secret-key","code":"bad_thing"}}"#.to_owned();
    let model = FakeModel::start(vec![
        busy(),
        busy(),
        Reply::Text("At last."),
        Reply::Status(400, vec![("content-type", "application/json")], quoting),
        Reply::Status(401, vec![], "wrong key sk-secret-key".to_owned()),
        Reply::Truncated("cut off he"),
    ])
    .await;
    let at = provider(&admin, &model.url).await;
    let run = Run::start(&test, &admin, &spec("react", json!([])), json!({"input": "go", "providerId": at})).await;
    assert_eq!(text(&run.chat(&test, &[], true).await.expect(200)), "At last.");
    assert_eq!(model.requests().len(), 3);

    let refused = run.chat(&test, &[], true).await.expect(400).json();
    assert_eq!(
        (&refused["error"]["code"], &refused["error"]["message"]),
        (&json!("bad_thing"), &json!("no such thing for [key]"))
    );
    let refused = run.chat(&test, &[], false).await.expect(502).json();
    assert_eq!(refused["error"]["code"], "model_unauthorized");
    let cut = run.chat(&test, &[], true).await.expect(200);
    assert_eq!(events(&cut).last().unwrap()["error"]["code"], "model_stream_truncated", "{}", cut.text());
    assert!(!cut.text().contains("[DONE]"));

    for (body, code) in [
        (json!({"n": 2}), "choices_unsupported"),
        (json!({"functions": [{"name": "x"}]}), "functions_unsupported"),
        (json!({"tools": [{"type": "web_search"}]}), "tool_kind_unsupported"),
        (json!([1]), "malformed_json"),
    ] {
        let refused = run.ask(&test, "chat/completions", body).await.expect(400).json();
        assert_eq!(refused["error"]["code"], code);
    }
    assert_eq!(model.requests().len(), 6, "what is refused is not sent");
    let seen = format!("{:?}", log(&test.app, run.job).await);
    assert!(!seen.contains("sk-secret-key") && seen.contains("[key]"), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limits_of_the_guardrails_are_kept() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let model =
        FakeModel::start(vec![Reply::Text("One."), Reply::Slow(vec!["a "; 100], Duration::from_millis(100))]).await;
    let at = provider(&admin, &model.url).await;
    let body = json!({"input": "go", "providerId": at});
    let mut limited = spec("react", json!([writer()]));
    limited["guardrails"] = json!({"maxTokens": 18});
    let run = Run::start(&test, &admin, &limited, body.clone()).await;
    run.chat(&test, &[], true).await.expect(200);
    assert_eq!(run.chat(&test, &[], true).await.expect(403).json()["error"]["code"], "token_budget");
    assert_eq!(model.requests().len(), 1);
    run.leave.notify_one();
    wait_for_end(&admin, run.id).await;

    let other = TestApp::sqlite().await;
    let admin = other.admin().await;
    let mut limited = spec("react", json!([]));
    // One turn of the stand-in costs 25.
    limited["guardrails"] = json!({"maxCostMicros": 20});
    let cheap = FakeModel::start(vec![Reply::Text("One.")]).await;
    let dear = provider(&admin, &cheap.url).await;
    let run = Run::start(&other, &admin, &limited, json!({"input": "go", "providerId": dear})).await;
    run.chat(&other, &[], true).await.expect(200);
    assert_eq!(run.chat(&other, &[], true).await.expect(403).json()["error"]["code"], "cost_budget");
    run.leave.notify_one();
    wait_for_end(&admin, run.id).await;

    let third = TestApp::sqlite().await;
    let admin = third.admin().await;
    let at = provider(&admin, &model.url).await;
    let mut limited = spec("react", json!([]));
    limited["guardrails"] = json!({"maxSeconds": 1});
    let run = Run::start(&third, &admin, &limited, json!({"input": "go", "providerId": at})).await;
    let began = std::time::Instant::now();
    let cut = run.chat(&third, &[], true).await.expect(200);
    assert_eq!(events(&cut).last().unwrap()["error"]["code"], "time_budget");
    assert!(began.elapsed() < Duration::from_secs(3));
    assert_eq!(run.chat(&third, &[], true).await.expect(403).json()["error"]["code"], "time_budget");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_run_ends_its_streams_within_a_second_or_two() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let model = FakeModel::start(vec![Reply::Slow(vec!["a "; 300], Duration::from_millis(50))]).await;
    let at = provider(&admin, &model.url).await;
    let run = Run::start(&test, &admin, &spec("react", json!([])), json!({"input": "go", "providerId": at})).await;
    let (asked, ()) = tokio::join!(run.chat(&test, &[], true), async {
        wait_for_event(&test.app, run.job, |event| event["event"]["type"] == "TEXT_MESSAGE_CONTENT").await;
        admin.post(&format!("/api/v1/runs/{}:cancel", run.id), json!({})).await.expect(202);
    });
    assert_eq!(events(&asked).last().unwrap()["error"]["code"], "gateway_token_invalid");
    run.chat(&test, &[], true).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn embeddings_pass_with_the_name_that_was_asked_for() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let answer = r#"{"data":[{"embedding":[0.5,1.0]}],"usage":{"prompt_tokens":4,"total_tokens":4}}"#;
    let model = FakeModel::start(vec![Reply::Raw("application/json", answer)]).await;
    let at = provider(&admin, &model.url).await;
    let run = Run::start(&test, &admin, &spec("react", json!([])), json!({"input": "go", "providerId": at})).await;
    let said = run.ask(&test, "embeddings", json!({"model": "embed-1", "input": ["a"]})).await.expect(200);
    assert_eq!((said.text().as_str(), &model.requests()[0]["model"]), (answer, &json!("embed-1")));
    assert_eq!(admin.get(&format!("/api/v1/runs/{}", run.id)).await.json()["usage"]["inputTokens"], 4);
}
