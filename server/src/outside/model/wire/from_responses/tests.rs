//! Answers told as responses, whole and streamed, and what may be asked for.

use serde_json::{Value, json};

use super::{EventWriter, answer, request, streamed};
use crate::outside::model::Frame;

fn events(frames: &[Frame]) -> Vec<Value> {
    let events: Vec<Value> = frames.iter().map(|frame| serde_json::from_str(&frame.data).unwrap()).collect();
    for (place, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], place, "numbered through");
    }
    events
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap().trim_start_matches("response.")).collect()
}

fn chunks() -> Vec<String> {
    let delta = |delta: Value| json!({"id": "c", "model": "m", "choices": [{"index": 0, "delta": delta}]}).to_string();
    vec![
        delta(json!({"role": "assistant", "content": ""})),
        delta(json!({"content": "Let me "})),
        delta(json!({"content": "see."})),
        delta(json!({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "add", "arguments": "{\"x\""}}]})),
        delta(json!({"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}]})),
        json!({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]}).to_string(),
        json!({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}}).to_string(),
        "[DONE]".to_owned(),
    ]
}

const WHOLE: [&str; 14] = [
    "created",
    "in_progress",
    "output_item.added",
    "content_part.added",
    "output_text.delta",
    "output_text.delta",
    "output_text.done",
    "content_part.done",
    "output_item.done",
    "output_item.added",
    "function_call_arguments.delta",
    "function_call_arguments.done",
    "output_item.done",
    "completed",
];

#[test]
fn chunks_become_the_events_that_openai_sends() {
    let mut writer = EventWriter::default();
    let mut frames: Vec<Frame> = chunks().iter().flat_map(|chunk| writer.take(chunk).unwrap()).collect();
    frames.extend(writer.finish());
    let events = events(&frames);
    assert_eq!(kinds(&events), WHOLE);
    let response = &events[13]["response"];
    assert_eq!((&response["status"], &response["usage"]["total_tokens"]), (&json!("completed"), &json!(7)));
    assert_eq!(response["output"][0]["content"][0]["text"], "Let me see.");
    assert_eq!(events[6]["text"], "Let me see.");
    // Whoever puts the pieces together finds the same items under the same ids.
    assert_eq!(events[2]["item"]["id"], response["output"][0]["id"]);
    assert_eq!(events[12]["item"], response["output"][1]);
    assert_eq!((&events[12]["item"]["call_id"], &events[12]["item"]["arguments"]), (&json!("a"), &json!("{\"x\":1}")));
    assert_eq!(events[0]["response"]["id"], response["id"]);
}

#[test]
fn a_whole_completion_and_the_stream_made_of_it_say_the_same() {
    let chat = json!({"id": "c", "model": "m", "choices": [{"finish_reason": "tool_calls", "message": {"content": "Hi",
        "tool_calls": [{"id": "a", "function": {"name": "add", "arguments": "{}"}}]}}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4}});
    let response = answer(&chat).unwrap();
    assert_eq!(response["output"][1]["name"], "add");
    let told = events(&streamed(&response));
    assert_eq!(told.last().unwrap()["response"], response);
    assert_eq!(kinds(&told).len(), 13);
    let cut = answer(&json!({"choices": [{"finish_reason": "length", "message": {"content": "Hi"}}]})).unwrap();
    assert_eq!(
        (&cut["status"], &cut["incomplete_details"]["reason"]),
        (&json!("incomplete"), &json!("max_output_tokens"))
    );
    assert!(cut["usage"].is_null(), "nobody counted");
    assert_eq!(kinds(&events(&streamed(&cut))).last(), Some(&"incomplete"));
    assert!(answer(&json!({})).is_err());
}

#[test]
fn a_stream_that_is_cut_has_no_end() {
    let all = chunks();
    for end in 0..5 {
        let mut writer = EventWriter::default();
        let mut frames: Vec<Frame> = all[..end].iter().flat_map(|chunk| writer.take(chunk).unwrap()).collect();
        frames.extend(writer.finish());
        assert!(frames.iter().all(|frame| !frame.data.contains("response.completed")), "{end}");
    }
    // Without the last word, when the reason was said.
    let mut writer = EventWriter::default();
    for chunk in &all[..6] {
        writer.take(chunk).unwrap();
    }
    assert!(writer.finish().last().unwrap().data.contains("response.completed"));
    assert!(writer.finish().is_empty(), "once");
}

#[test]
fn what_a_project_may_ask_for_has_its_counterpart() {
    let asked = request(&json!({
        "model": "m", "stream": true, "instructions": "Be kind.", "max_output_tokens": 77, "temperature": 0.5,
        "store": false, "include": ["reasoning.encrypted_content"], "previous_response_id": null, "background": false,
        "reasoning": {"effort": "low", "summary": "auto"},
        "text": {"verbosity": "low", "format": {"type": "json_schema", "name": "x", "schema": {"type": "object"}, "strict": true}},
        "tools": [{"type": "function", "name": "add", "description": "Adds.", "parameters": {"type": "object"}, "strict": null}],
        "tool_choice": {"type": "function", "name": "add"}, "parallel_tool_calls": false,
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "Look"},
                {"type": "input_image", "image_url": "https://a.example/b.png", "detail": "low"},
                {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,BB"}]},
            {"type": "reasoning", "id": "rs_1", "summary": []},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Adding.", "annotations": []}]},
            {"type": "function_call", "call_id": "a", "name": "add", "arguments": "{}"},
            {"type": "function_call", "call_id": "b", "name": "add", "arguments": "{\"x\":1}"},
            {"type": "function_call_output", "call_id": "a", "output": "1"},
            {"type": "function_call_output", "call_id": "b", "output": [{"type": "input_text", "text": "2"}]},
        ],
    }))
    .unwrap();
    let call = |id: &str, arguments: &str| json!({"id": id, "type": "function", "function": {"name": "add", "arguments": arguments}});
    assert_eq!(
        asked,
        json!({
            "model": "m", "stream": true, "stream_options": {"include_usage": true}, "max_completion_tokens": 77,
            "temperature": 0.5, "reasoning_effort": "low", "verbosity": "low", "parallel_tool_calls": false,
            "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}, "strict": true}},
            "tools": [{"type": "function", "function": {"name": "add", "description": "Adds.", "parameters": {"type": "object"}}}],
            "tool_choice": {"type": "function", "function": {"name": "add"}},
            "messages": [
                {"role": "system", "content": "Be kind."},
                {"role": "user", "content": [{"type": "text", "text": "Look"},
                    {"type": "image_url", "image_url": {"url": "https://a.example/b.png", "detail": "low"}},
                    {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,BB"}}]},
                {"role": "assistant", "content": "Adding.", "tool_calls": [call("a", "{}"), call("b", "{\"x\":1}")]},
                {"role": "tool", "tool_call_id": "a", "content": "1"},
                {"role": "tool", "tool_call_id": "b", "content": "2"},
            ],
        })
    );
    let simple = request(&json!({"model": "m", "input": "Hi"})).unwrap();
    assert_eq!(simple, json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}]}));
}

#[test]
fn what_is_kept_or_runs_at_openai_is_refused() {
    for (asked, word) in [
        (json!({"input": "x", "previous_response_id": "resp_1"}), "previous_response_id"),
        (json!({"input": "x", "conversation": "conv_1"}), "conversation"),
        (json!({"input": "x", "background": true}), "background"),
        (json!({"input": "x", "tools": [{"type": "web_search"}]}), "web_search"),
        (json!({"input": [{"type": "item_reference", "id": "m"}]}), "item_reference"),
        (json!({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]}), "input_file"),
        (json!(7), "object"),
    ] {
        let refused = request(&asked).unwrap_err();
        assert!(refused.contains(word), "{refused}");
    }
}
