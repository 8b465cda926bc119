//! What exporters really send, in both forms, and what nobody should.

use std::io::Write;

use axum::http::HeaderValue;

use super::otlp::{Any, AnyValue, Event, KeyValue, Resource, ResourceSpans, Scope, ScopeSpans, Span, Status};
use super::*;

fn pair(key: &str, value: Any) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }) }
}

fn text_pair(key: &str, value: &str) -> KeyValue {
    pair(key, Any::Text(value.to_owned()))
}

fn span(attributes: Vec<KeyValue>) -> Span {
    Span {
        trace_id: vec![0xab; 16],
        span_id: vec![1, 2, 3, 4, 5, 6, 7, 8],
        parent_span_id: vec![9; 8],
        name: "chat gpt".to_owned(),
        start_time_unix_nano: 1_795_000_000_123_456_789,
        end_time_unix_nano: 1_795_000_001_000_000_000,
        attributes,
        ..Span::default()
    }
}

fn export(spans: Vec<Span>) -> ExportRequest {
    ExportRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource { attributes: vec![text_pair("service.name", "weather-bot")] }),
            scope_spans: vec![ScopeSpans { scope: Some(Scope { name: "my.library".to_owned() }), spans }],
        }],
    }
}

fn headers(kind: &'static str, encoding: Option<&'static str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    headers
}

fn only(spans: Vec<Option<ToldSpan>>) -> ToldSpan {
    assert_eq!(spans.len(), 1);
    spans.into_iter().next().flatten().expect("it has valid ids")
}

#[test]
fn both_forms_say_the_same() {
    let sent = span(vec![
        pair("gen_ai.usage.input_tokens", Any::Int(7)),
        pair("temperature", Any::Double(0.5)),
        pair("ok", Any::Bool(true)),
        text_pair("gen_ai.request.model", "gpt"),
        pair("list", Any::Array(otlp::ArrayValue { values: vec![AnyValue { value: Some(Any::Int(1)) }] })),
        pair("map", Any::Map(otlp::KeyValueList { values: vec![text_pair("a", "b")] })),
        pair("bytes", Any::Bytes(vec![1, 2])),
    ]);
    let protobuf = only(spans(Form::Protobuf, &export(vec![sent]).encode_to_vec()).unwrap());
    // As the specification's own example writes it, with a field that nobody knows.
    let json = json!({"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "weather-bot"}}]},
        "scopeSpans": [{"scope": {"name": "my.library", "version": "1"}, "brandNew": 1, "spans": [{
            "traceId": "ABABABABABABABABABABABABABABABAB", "spanId": "0102030405060708", "parentSpanId": "0909090909090909",
            "name": "chat gpt", "kind": 3, "startTimeUnixNano": "1795000000123456789", "endTimeUnixNano": 1_795_000_001_000_000_000_u64,
            "attributes": [
                {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "7"}}, {"key": "temperature", "value": {"doubleValue": 0.5}},
                {"key": "ok", "value": {"boolValue": true}}, {"key": "gen_ai.request.model", "value": {"stringValue": "gpt"}},
                {"key": "list", "value": {"arrayValue": {"values": [{"intValue": 1}]}}},
                {"key": "map", "value": {"kvlistValue": {"values": [{"key": "a", "value": {"stringValue": "b"}}]}}},
                {"key": "bytes", "value": {"bytesValue": "AQI="}},
            ], "status": {}}]}]}]});
    let read = only(spans(Form::Json, json.to_string().as_bytes()).unwrap());
    assert_eq!(read, protobuf);
    assert_eq!((read.service.as_str(), read.scope.as_str(), read.failed), ("weather-bot", "my.library", false));
    assert_eq!(
        (read.trace_id.as_str(), read.span_id.as_str()),
        ("abababababababababababababababab", "0102030405060708")
    );
    assert_eq!(read.parent_id, "0909090909090909");
    assert_eq!(read.began_at.micros(), 1_795_000_000_123_456);
    assert_eq!(
        serde_json::to_value(&read.attributes).unwrap(),
        json!({"bytes": "AQI=", "gen_ai.request.model": "gpt", "gen_ai.usage.input_tokens": 7, "list": [1],
               "map": {"a": "b"}, "ok": true, "temperature": 0.5})
    );
}

#[test]
fn a_span_is_bounded_and_says_how_much_was_left_out() {
    let mut many: Vec<KeyValue> = (0..100).map(|number| text_pair(&format!("a{number:03}"), "x")).collect();
    many.push(text_pair("gen_ai.system", "openai"));
    let mut sent = span(many);
    sent.dropped_attributes_count = 3;
    sent.name = "n".repeat(10_000);
    let read = only(spans(Form::Protobuf, &export(vec![sent]).encode_to_vec()).unwrap());
    assert_eq!((read.attributes.len(), read.left_out, read.name.len()), (64, 37 + 3, 200));
    assert_eq!(read.attributes["gen_ai.system"], "openai", "what the conventions name comes first");

    let long = |key: &str| text_pair(key, &"ü".repeat(50_000));
    let sent = span(vec![long("a"), long("b"), long("c"), long("d"), long("e")]);
    let read = only(spans(Form::Protobuf, &export(vec![sent]).encode_to_vec()).unwrap());
    assert!(read.attributes["a"].as_str().unwrap().ends_with("[cut off after 4 KiB]"));
    assert!(serde_json::to_string(&read).unwrap().len() < 20 * 1024);
    assert_eq!(read.left_out, 2);
}

#[test]
fn secrets_and_nul_do_not_reach_the_log() {
    let sent = span(vec![
        text_pair("http.request.header.authorization", "Bearer abc"),
        text_pair("db.password", "hunter2"),
        text_pair("access_token", "abc"),
        pair("gen_ai.usage.output_tokens", Any::Int(5)),
        text_pair("url.full", "http://x/?key=gantry_run_aB-_9&next=1"),
        text_pair("nul", "a\0b"),
        pair("nested", Any::Map(otlp::KeyValueList { values: vec![text_pair("api_key", "sk-1")] })),
    ]);
    let read = only(spans(Form::Protobuf, &export(vec![sent]).encode_to_vec()).unwrap());
    let text = serde_json::to_string(&read).unwrap();
    for secret in ["Bearer abc", "hunter2", "gantry_run_", "aB-_9", "sk-1", "\\u0000"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    assert_eq!(read.attributes["url.full"], "http://x/?key=[hidden]&next=1");
    assert_eq!(read.attributes["gen_ai.usage.output_tokens"], 5);
    assert_eq!(read.attributes["access_token"], "[hidden]");
}

#[test]
fn a_span_that_failed_says_why() {
    let failed = |message: &str, events: Vec<Event>| {
        let status = Some(Status { code: 2, message: message.to_owned() });
        only(spans(Form::Protobuf, &export(vec![Span { status, events, ..span(Vec::new()) }]).encode_to_vec()).unwrap())
    };
    let exception = Event {
        name: "exception".to_owned(),
        attributes: vec![text_pair("exception.type", "ValueError"), text_pair("exception.message", "no such city")],
    };
    assert_eq!(failed("it broke", vec![exception.clone()]).message, "it broke");
    let read = failed("", vec![exception]);
    assert!(read.failed);
    assert_eq!(read.message, "ValueError: no such city");
    assert_eq!(failed("", Vec::new()).message, "");
}

#[test]
fn what_is_no_span_is_told_apart_and_what_is_no_export_is_refused() {
    let unnamed = [
        Span { trace_id: vec![0; 16], ..span(Vec::new()) },
        Span { span_id: vec![1; 7], ..span(Vec::new()) },
        Span { span_id: Vec::new(), ..span(Vec::new()) },
    ];
    let read = spans(Form::Protobuf, &export(unnamed.to_vec()).encode_to_vec()).unwrap();
    assert_eq!(read, [None, None, None]);
    let far = only(
        spans(Form::Protobuf, &export(vec![Span { end_time_unix_nano: u64::MAX, ..span(Vec::new()) }]).encode_to_vec())
            .unwrap(),
    );
    assert!(serde_json::to_value(&far).unwrap()["endedAt"].as_str().unwrap().starts_with("2554-"), "a date can say it");
    assert!(spans(Form::Protobuf, b"").unwrap().is_empty(), "an export may be empty");
    for (form, bytes) in [
        (Form::Protobuf, b"\x0a\xff".as_slice()),
        (Form::Protobuf, b"not protobuf at all".as_slice()),
        (Form::Json, b"{".as_slice()),
        (Form::Json, br#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"xyz"}]}]}]}"#.as_slice()),
        (Form::Json, br#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":"soon"}]}]}]}"#.as_slice()),
    ] {
        let refusal = spans(form, bytes).unwrap_err();
        assert_eq!((refusal.status, refusal.code), (StatusCode::BAD_REQUEST, "spans_unreadable"));
    }
}

#[test]
fn an_export_may_be_packed_and_is_never_larger_than_it_may_be() {
    let packed = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let gzip = headers("application/x-protobuf", Some("gzip"));
    assert_eq!(unpacked(&gzip, &packed(b"spans")).unwrap(), b"spans");
    // A few kilobytes that would become sixty-four megabytes.
    let bomb = packed(&vec![0; 64 * 1024 * 1024]);
    assert!(bomb.len() < 1024 * 1024);
    assert_eq!(unpacked(&gzip, &bomb).unwrap_err().status, StatusCode::PAYLOAD_TOO_LARGE);
    let plain = headers("application/json", None);
    assert_eq!(unpacked(&plain, &vec![b' '; LARGEST_EXPORT + 1]).unwrap_err().code, "spans_too_large");
    assert_eq!(unpacked(&gzip, b"no gzip").unwrap_err().status, StatusCode::BAD_REQUEST);
    let cut = &packed(b"spans")[..12];
    assert_eq!(unpacked(&gzip, cut).unwrap_err().status, StatusCode::BAD_REQUEST);
    assert_eq!(
        unpacked(&headers("application/json", Some("br")), b"x").unwrap_err().status,
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    );
    assert_eq!(form(&headers("application/json; charset=utf-8", None)).unwrap(), Form::Json);
    assert!(form(&headers("text/plain", None)).is_err());
}
