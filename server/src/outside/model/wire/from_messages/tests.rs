//! Arbitrary answers, told as messages: nothing is lost on the way to this wire, and what reads Anthropic's
//! wire reads it.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{EventWriter, answer, request, streamed};
use crate::outside::model::wire::anthropic::{self, StreamReader};
use crate::outside::model::{Frame, TokenCount, ToolCall, Turn, TurnAssembly};

fn any_turn() -> impl Strategy<Value = Turn> {
    let arguments = prop_oneof![
        Just(r#"{"x":1}"#.to_owned()),
        Just("{}".to_owned()),
        Just(r#"{"x":"#.to_owned()),
        Just("[1]".to_owned()),
        "\\PC{1,9}",
    ];
    let call = ("[a-z_]{1,8}", arguments);
    ("\\PC{0,20}", prop::collection::vec(call, 0..4)).prop_map(|(text, calls)| {
        let calls: Vec<ToolCall> = calls
            .into_iter()
            .enumerate()
            .map(|(place, (name, arguments))| ToolCall { id: format!("call_{place}"), name, arguments })
            .collect();
        let finish_reason = if calls.is_empty() { "stop" } else { "tool_calls" }.to_owned();
        Turn { text, calls, tokens: Some(TokenCount { input: 17, output: 9 }), finish_reason }
    })
}

fn usage() -> Value {
    json!({"prompt_tokens": 17, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 5}})
}

/// The completion that a turn is.
fn completion(turn: &Turn) -> Value {
    let calls: Vec<Value> = turn
        .calls
        .iter()
        .map(|call| json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}))
        .collect();
    json!({"id": "c1", "model": "m", "choices": [{"index": 0, "finish_reason": turn.finish_reason,
        "message": {"role": "assistant", "content": turn.text, "tool_calls": calls}}], "usage": usage()})
}

/// The chunks that a turn comes in, calls mixed as some endpoints mix them.
fn chunks(turn: &Turn, size: usize) -> Vec<String> {
    let delta = |delta: Value| json!({"id": "c1", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": null}]});
    let letters: Vec<char> = turn.text.chars().collect();
    let texts = letters.chunks(size).map(|piece| delta(json!({"content": piece.iter().collect::<String>()})));
    let mut chunks: Vec<Value> = vec![delta(json!({"role": "assistant", "content": ""}))];
    chunks.extend(texts);
    for (index, call) in turn.calls.iter().enumerate() {
        let function = json!({"name": call.name, "arguments": ""});
        chunks.push(delta(
            json!({"tool_calls": [{"index": index, "id": call.id, "type": "function", "function": function}]}),
        ));
    }
    for (index, call) in turn.calls.iter().enumerate() {
        chunks.push(delta(json!({"tool_calls": [{"index": index, "function": {"arguments": call.arguments}}]})));
    }
    chunks.push(json!({"choices": [{"delta": {}, "finish_reason": turn.finish_reason}]}));
    chunks.push(json!({"choices": [], "usage": usage()}));
    chunks.iter().map(Value::to_string).chain(["[DONE]".to_owned()]).collect()
}

fn written(chunks: &[String]) -> Vec<Frame> {
    let mut writer = EventWriter::default();
    let mut frames: Vec<Frame> = chunks.iter().flat_map(|chunk| writer.take(chunk).unwrap()).collect();
    frames.extend(writer.finish());
    frames
}

/// What a reader of Anthropic's wire understands, and whether it read the end.
fn read(frames: &[Frame]) -> (Turn, bool) {
    let mut reader = StreamReader::default();
    let mut assembly = TurnAssembly::default();
    let mut ended = false;
    for frame in frames {
        for chunk in reader.take(&frame.data).unwrap() {
            if chunk == "[DONE]" {
                ended = true;
            } else {
                assembly.take(&serde_json::from_str(&chunk).unwrap()).unwrap();
            }
        }
    }
    (assembly.into_turn(), ended)
}

/// A turn whose calls carry what Anthropic's wire carries: objects, and what is none hidden in one.
fn carried(mut turn: Turn) -> Turn {
    for call in &mut turn.calls {
        call.arguments = anthropic::input(&json!(call.arguments)).to_string();
    }
    turn
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_whole_completion_comes_back_as_it_was(turn in any_turn()) {
        let message = answer(&completion(&turn)).unwrap();
        for block in message["content"].as_array().unwrap() {
            prop_assert!(block["type"] == "text" || block["input"].is_object());
        }
        prop_assert_eq!(&message["usage"]["input_tokens"], 12);
        let mut assembly = TurnAssembly::default();
        assembly.take(&anthropic::answer(&message).unwrap()).unwrap();
        let mut expected = turn.clone();
        for call in &mut expected.calls {
            call.arguments = anthropic::arguments(&anthropic::input(&json!(call.arguments)));
        }
        prop_assert_eq!(assembly.into_turn(), expected);
    }

    #[test]
    fn a_streamed_completion_reads_as_what_was_said(turn in any_turn(), size in 1_usize..7) {
        let frames = written(&chunks(&turn, size));
        let (understood, ended) = read(&frames);
        prop_assert!(ended);
        prop_assert_eq!(understood, carried(turn));
        // The blocks come one after the other, as the clients of this wire expect it.
        let mut open = None;
        for frame in &frames {
            let event: Value = serde_json::from_str(&frame.data).unwrap();
            match event["type"].as_str().unwrap() {
                "content_block_start" => {
                    prop_assert!(open.is_none());
                    open = event["index"].as_u64();
                }
                "content_block_delta" => prop_assert_eq!(open, event["index"].as_u64()),
                "content_block_stop" => prop_assert_eq!(open.take(), event["index"].as_u64()),
                _ => prop_assert!(open.is_none()),
            }
        }
    }

    #[test]
    fn a_message_and_the_stream_made_of_it_say_the_same(turn in any_turn()) {
        let message = answer(&completion(&turn)).unwrap();
        let (understood, ended) = read(&streamed(&message));
        prop_assert!(ended);
        prop_assert_eq!(understood, carried(turn));
    }

    #[test]
    fn a_stream_that_is_cut_is_never_taken_for_a_whole_one(turn in any_turn(), at in any::<prop::sample::Index>()) {
        let all = chunks(&turn, 3);
        let before_the_reason = all.len() - 3;
        let frames = written(&all[..at.index(before_the_reason)]);
        prop_assert!(frames.iter().all(|frame| !frame.data.contains("message_stop")));
    }
}

#[test]
fn an_endpoint_may_leave_the_last_word_and_the_count_out() {
    let mut turn = Turn { text: "Hi".to_owned(), finish_reason: "stop".to_owned(), ..Turn::default() };
    let mut said = chunks(&turn, 9);
    said.truncate(said.len() - 2);
    let frames = written(&said);
    turn.tokens = Some(TokenCount::default());
    assert_eq!(read(&frames), (turn, true));
    assert!(frames.last().unwrap().data.contains("message_stop"));
    let mut writer = EventWriter::default();
    assert_eq!(writer.take(r#"{"error": {"message": "overloaded"}}"#).unwrap_err(), "overloaded");
    assert!(writer.take("{not json").is_err());
}

#[test]
fn what_a_project_may_ask_for_has_its_counterpart() {
    let asked = request(
        &json!({
            "model": "m", "stream": true, "max_tokens": 77, "stop_sequences": ["END"], "temperature": 0.5, "top_k": 4,
            "metadata": {"user_id": "ada"}, "thinking": {"type": "enabled", "budget_tokens": 1024}, "seed": 1,
            "system": [{"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}}],
            "tools": [{"name": "add", "description": "Adds.", "input_schema": {"type": "object"}, "cache_control": {"type": "ephemeral"}}],
            "tool_choice": {"type": "tool", "name": "add", "disable_parallel_tool_use": true},
            "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {"type": "object"}}},
            "messages": [
                {"role": "user", "content": [
                    {"type": "text", "text": "Look"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
                    {"type": "document", "title": "a.pdf", "source": {"type": "base64", "media_type": "application/pdf", "data": "BBBB"}},
                ]},
                {"role": "assistant", "content": [
                    {"type": "thinking", "thinking": "Hm.", "signature": "s"},
                    {"type": "text", "text": "Adding."},
                    {"type": "tool_use", "id": "a", "name": "add", "input": {"x": 1}},
                    {"type": "tool_use", "id": "b", "name": "add", "input": {}},
                ]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "a", "content": "2"},
                    {"type": "tool_result", "tool_use_id": "b", "is_error": true, "content": [
                        {"type": "text", "text": "nothing to add"},
                        {"type": "image", "source": {"type": "url", "url": "https://a.example/b.png"}},
                    ]},
                    {"type": "text", "text": "Go on."},
                ]},
                {"role": "assistant", "content": "Done."},
            ],
        }),
        "max_tokens",
    )
    .unwrap();
    let call = |id: &str, arguments: &str| json!({"id": id, "type": "function", "function": {"name": "add", "arguments": arguments}});
    assert_eq!(
        asked,
        json!({
            "model": "m", "stream": true, "stream_options": {"include_usage": true}, "max_tokens": 77, "stop": ["END"],
            "temperature": 0.5, "user": "ada", "seed": 1,
            "tools": [{"type": "function", "function": {"name": "add", "description": "Adds.", "parameters": {"type": "object"}}}],
            "tool_choice": {"type": "function", "function": {"name": "add"}}, "parallel_tool_calls": false,
            "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": true}},
            "messages": [
                {"role": "system", "content": "Be kind."},
                {"role": "user", "content": [
                    {"type": "text", "text": "Look"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                    {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,BBBB"}},
                ]},
                {"role": "assistant", "content": "Adding.", "tool_calls": [call("a", r#"{"x":1}"#), call("b", "{}")]},
                {"role": "tool", "tool_call_id": "a", "content": "2"},
                {"role": "tool", "tool_call_id": "b", "content": "Error: nothing to add"},
                {"role": "user", "content": [
                    {"type": "image_url", "image_url": {"url": "https://a.example/b.png"}},
                    {"type": "text", "text": "Go on."},
                ]},
                {"role": "assistant", "content": "Done."},
            ],
        })
    );
    let limit = request(&json!({"max_tokens": 5, "messages": []}), "max_completion_tokens").unwrap();
    assert_eq!(limit["max_completion_tokens"], 5);
    for (choice, expected) in [("auto", json!("auto")), ("any", json!("required")), ("none", json!("none"))] {
        let tools = json!([{"name": "a", "input_schema": {}}]);
        let asked = request(&json!({"messages": [], "tools": tools, "tool_choice": {"type": choice}}), "x").unwrap();
        assert_eq!(asked["tool_choice"], expected);
    }
}

#[test]
fn what_has_no_counterpart_is_refused_with_what_to_do() {
    for (asked, word) in [
        (
            json!({"messages": [], "tools": [{"type": "web_search_20250305", "name": "web_search"}]}),
            "web_search_20250305",
        ),
        (json!({"messages": [], "mcp_servers": [{"url": "https://a.example"}]}), "mcp_servers"),
        (
            json!({"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "file", "file_id": "f"}}]}]}),
            "file",
        ),
        (json!({"messages": [{"role": "user", "content": [{"type": "container_upload"}]}]}), "container_upload"),
        (json!([]), "object"),
    ] {
        let refused = request(&asked, "max_tokens").unwrap_err();
        assert!(refused.contains(word), "{refused}");
    }
    assert!(request(&json!({"messages": [], "mcp_servers": []}), "max_tokens").is_ok());
}

#[test]
fn reasons_to_stop_and_counts_have_their_counterparts() {
    for (theirs, calls, ours) in [
        ("stop", 0, "end_turn"),
        ("stop", 1, "tool_use"),
        ("tool_calls", 1, "tool_use"),
        ("length", 0, "max_tokens"),
        ("length", 1, "max_tokens"),
        ("content_filter", 0, "refusal"),
    ] {
        let calls = vec![ToolCall { name: "f".to_owned(), ..ToolCall::default() }; calls];
        let turn = Turn { finish_reason: theirs.to_owned(), calls, ..Turn::default() };
        assert_eq!(answer(&completion(&turn)).unwrap()["stop_reason"], ours, "{theirs}");
    }
    assert!(answer(&json!({"id": "x"})).is_err());
    assert_eq!(answer(&json!({"error": {"message": "no"}})).unwrap_err(), "no");
    let uncounted = answer(&json!({"choices": [{"message": {"content": "hi"}}]})).unwrap();
    assert_eq!((&uncounted["usage"]["input_tokens"], &uncounted["stop_reason"]), (&json!(0), &json!("end_turn")));
    assert!(uncounted["id"].as_str().unwrap().starts_with("msg_"));
}
