//! Spans of a project, by OTLP: as JSON from here, and from OpenTelemetry's own exporter.

use axum::body::Body;
use axum::http::Request;
use gantry_domain::event::Event;
use gantry_domain::trace::{Span, SpanKind, SpanState, Trace};
use gantry_server::gateway;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::Run;
use super::clients::{play, served};
use crate::support::stories::{calculator, log, of_kind, spec, wait_for_end};
use crate::support::{Answer, TestApp, for_both, python};

/// An export of spans with these numbers, each in the one before it.
fn export(numbers: std::ops::Range<u32>) -> Value {
    let spans: Vec<Value> = numbers
        .map(|number| {
            json!({"traceId": "5b8efff798038103d269b633813fc60c", "spanId": format!("{:016x}", number + 1),
                   "parentSpanId": if number == 0 { String::new() } else { format!("{number:016x}") },
                   "name": format!("span {number}"), "startTimeUnixNano": "1795000000000000000", "endTimeUnixNano": "1795000001000000000"})
        })
        .collect();
    json!({"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "bot"}}]},
                              "scopeSpans": [{"scope": {"name": "library"}, "spans": spans}]}]})
}

async fn tell(test: &TestApp, token: &str, kind: &str, body: String) -> Answer {
    let request = Request::post("/gateway/v1/traces")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", kind)
        .body(Body::from(body))
        .unwrap();
    test.anonymous().raw(request).await
}

fn trace(seen: &[Value]) -> Trace {
    let events: Vec<Event> = seen.iter().map(|event| serde_json::from_value(event.clone()).unwrap()).collect();
    Trace::of(&events)
}

/// The project's spans as the run page shows them.
fn told(seen: &[Value]) -> Vec<Span> {
    trace(seen).spans().iter().filter(|span| span.kind == SpanKind::Project).cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_are_told_once_within_bounds_and_only_while_the_run_is_under_way() {
    for_both(|test| async move {
        let admin = test.admin().await;
        let run = Run::start(&test, &admin, &spec("react", json!([calculator()])), json!({"input": "go"})).await;
        let json = "application/json";
        // An exporter that got no answer repeats itself.
        for _ in 0..2 {
            let answer = tell(&test, &run.token, json, export(0..3).to_string()).await.expect(200);
            assert_eq!((answer.json(), answer.headers["content-type"].to_str().unwrap()), (json!({}), json));
        }
        let seen = log(&test.app, run.job).await;
        let spans = told(&seen);
        assert_eq!(spans.iter().map(|span| span.name.as_str()).collect::<Vec<_>>(), ["span 0", "span 1", "span 2"]);
        assert_eq!(spans[0].told.as_ref().unwrap().service, "bot");

        let mut unnamed = export(3..4);
        unnamed["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["spanId"] = json!("");
        let partial = tell(&test, &run.token, json, unnamed.to_string()).await.expect(200).json();
        assert_eq!(partial["partialSuccess"]["rejectedSpans"], "1", "{partial}");
        assert!(partial["partialSuccess"]["errorMessage"].as_str().unwrap().contains("ids"), "{partial}");

        let many = tell(&test, &run.token, json, export(0..2_010).to_string()).await.expect(200).json();
        assert_eq!(many["partialSuccess"]["rejectedSpans"], "10", "{many}");
        assert!(many["partialSuccess"]["errorMessage"].as_str().unwrap().contains("2000"), "{many}");
        let seen = log(&test.app, run.job).await;
        assert_eq!(of_kind(&seen, "CUSTOM").iter().filter(|event| event["name"] == "gantry.span").count(), 2_000);
        let notices: Vec<Value> =
            of_kind(&seen, "CUSTOM").into_iter().filter(|event| event["value"]["code"] == "spans_left_out").collect();
        assert_eq!(notices.len(), 1, "the person is told, once");

        let nonsense = tell(&test, &run.token, json, "{".to_owned()).await.expect(400).json();
        assert_eq!(nonsense["code"], 3);
        assert!(nonsense["message"].as_str().unwrap().starts_with("spans_unreadable"), "{nonsense}");
        tell(&test, &run.token, "application/x-protobuf", "nonsense".to_owned()).await.expect(400);
        tell(&test, &run.token, "text/plain", String::new()).await.expect(415);
        let stranger = tell(&test, "sk-nothing", json, export(0..1).to_string()).await.expect(401).json();
        assert_eq!(stranger["code"], 16);
        run.leave.notify_one();
        wait_for_end(&admin, run.id).await;
        tell(&test, &run.token, json, export(3_000..3_001).to_string()).await.expect(401);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_with_opentelemetrys_own_sdk_needs_nothing_but_its_environment() {
    let packages = ["opentelemetry-sdk==1.45.2", "opentelemetry-exporter-otlp-proto-http==1.45.2"];
    let Some(python) = python::with_packages("spans", &packages) else { return };
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let run = Run::start(&test, &admin, &spec("react", json!([])), json!({"input": "go"})).await;
    let environment =
        gateway::environment(&served(&test).await, "weather-bot", &SecretString::from(run.token.as_str()));
    for packed in [vec![], vec!["gzip".to_owned()]] {
        play(python.clone(), "tell_spans.py", packed, environment.clone()).await;
    }
    let seen = log(&test.app, run.job).await;
    let spans = told(&seen);
    assert_eq!(spans.len(), 6, "{spans:?}");
    let trace = trace(&seen);
    let agent = spans.iter().find(|span| span.name == "invoke_agent weather").unwrap();
    let chat = spans.iter().find(|span| span.name == "chat gpt").unwrap();
    let tool = spans.iter().find(|span| span.name == "execute_tool forecast").unwrap();
    assert_eq!(trace.spans()[chat.parent.unwrap()].key, agent.key, "the parent is told of later and found");
    assert_eq!(agent.parent, Some(0), "the outermost is in the run");
    assert_eq!((chat.input_tokens, chat.output_tokens, chat.state), (11, 7, SpanState::Done));
    let said = chat.told.as_ref().unwrap();
    assert_eq!((said.service.as_str(), said.scope.as_str()), ("weather-bot", "story.library"));
    assert_eq!(said.attributes["gen_ai.provider.name"], "openai");
    assert_eq!(said.attributes["gen_ai.response.finish_reasons"], json!(["stop"]));
    assert_eq!((tool.state, tool.input.as_str()), (SpanState::Failed, r#"{"city": "Genoa"}"#));
    assert!(tool.note.contains("no such city"), "{}", tool.note);
    assert!(chat.note.is_empty(), "its clock is ours: {}", chat.note);
    let text = format!("{seen:?}");
    assert!(!text.contains("Bearer something") && !text.contains(&run.token));
}
