//! What must hold for any conversation: nothing is lost on the way to this wire and back.

use std::collections::HashSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{StreamReader, answer, request};
use crate::outside::model::{ChatRequest, Message, TokenCount, ToolCall, ToolDefinition, Turn, TurnAssembly};

/// What a model says in one turn, as this wire has it: texts and calls in any order.
#[derive(Clone, Debug)]
enum Block {
    Text(String),
    Call(String, Value),
    Thought(String),
}

fn any_object() -> impl Strategy<Value = Value> {
    prop::collection::btree_map(
        "[a-zé\"\\\\ ]{0,6}",
        prop_oneof![
            any::<i64>().prop_map(|number| json!(number)),
            "\\PC{0,12}".prop_map(|text| json!(text)),
            Just(json!({"deep": [null, true]})),
        ],
        0..4,
    )
    .prop_map(|fields| json!(fields))
}

fn any_block() -> impl Strategy<Value = Block> {
    prop_oneof![
        "\\PC{1,20}".prop_map(Block::Text),
        ("[a-z_]{1,10}", any_object()).prop_map(|(name, input)| Block::Call(name, input)),
        "\\PC{0,9}".prop_map(Block::Thought),
    ]
}

/// The turn that blocks come to.
fn turn_of(blocks: &[Block]) -> Turn {
    let mut turn = Turn { tokens: Some(TokenCount { input: 17, output: 9 }), ..Turn::default() };
    for (place, block) in blocks.iter().enumerate() {
        match block {
            Block::Text(text) => turn.text.push_str(text),
            Block::Call(name, input) => turn.calls.push(ToolCall {
                id: format!("toolu_{place}"),
                name: name.clone(),
                arguments: input.to_string(),
            }),
            Block::Thought(_) => {}
        }
    }
    turn.finish_reason = if turn.calls.is_empty() { "stop" } else { "tool_calls" }.to_owned();
    turn
}

fn stop_reason(blocks: &[Block]) -> &'static str {
    if blocks.iter().any(|block| matches!(block, Block::Call(..))) { "tool_use" } else { "end_turn" }
}

/// The events that a message of these blocks is streamed in, texts and inputs cut into pieces of `size` letters.
fn events(blocks: &[Block], size: usize) -> Vec<Value> {
    let pieces = |text: &str| -> Vec<String> {
        let letters: Vec<char> = text.chars().collect();
        letters.chunks(size).map(|piece| piece.iter().collect()).collect()
    };
    let mut events = vec![
        json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "content": [],
            "model": "claude", "stop_reason": null, "usage": {"input_tokens": 10, "cache_read_input_tokens": 7, "output_tokens": 1}}}),
        json!({"type": "ping"}),
    ];
    for (index, block) in blocks.iter().enumerate() {
        let (begun, deltas): (Value, Vec<Value>) = match block {
            Block::Text(text) => (
                json!({"type": "text", "text": ""}),
                pieces(text).iter().map(|text| json!({"type": "text_delta", "text": text})).collect(),
            ),
            Block::Call(name, input) => {
                let written = if *input == json!({}) { String::new() } else { input.to_string() };
                let mut deltas = vec![json!({"type": "input_json_delta", "partial_json": ""})];
                deltas.extend(
                    pieces(&written).iter().map(|piece| json!({"type": "input_json_delta", "partial_json": piece})),
                );
                (json!({"type": "tool_use", "id": format!("toolu_{index}"), "name": name, "input": {}}), deltas)
            }
            Block::Thought(thought) => (
                json!({"type": "thinking", "thinking": "", "signature": ""}),
                vec![
                    json!({"type": "thinking_delta", "thinking": thought}),
                    json!({"type": "signature_delta", "signature": "s"}),
                ],
            ),
        };
        events.push(json!({"type": "content_block_start", "index": index, "content_block": begun}));
        events.extend(
            deltas.into_iter().map(|delta| json!({"type": "content_block_delta", "index": index, "delta": delta})),
        );
        events.push(json!({"type": "content_block_stop", "index": index}));
    }
    events.push(json!({"type": "message_delta", "delta": {"stop_reason": stop_reason(blocks), "stop_sequence": null}, "usage": {"output_tokens": 9}}));
    events.push(json!({"type": "message_stop"}));
    events
}

/// What a reader of chunks understands of these events, and whether it read the end.
fn read(events: &[Value]) -> (Turn, bool) {
    let mut reader = StreamReader::default();
    let mut assembly = TurnAssembly::default();
    let mut ended = false;
    for event in events {
        for chunk in reader.take(&event.to_string()).unwrap() {
            if chunk == "[DONE]" {
                ended = true;
            } else {
                assembly.take(&serde_json::from_str(&chunk).unwrap()).unwrap();
            }
        }
    }
    (assembly.into_turn(), ended)
}

/// A conversation as the native runtime keeps it: every call is answered.
fn any_conversation() -> impl Strategy<Value = Vec<Message>> {
    let exchange = ("\\PC{0,12}", prop::collection::vec(any_block(), 0..4));
    prop::collection::vec(exchange, 1..5).prop_map(|exchanges| {
        let mut messages = vec![Message::System("Be kind.".to_owned())];
        let mut number = 0;
        for (asked, blocks) in exchanges {
            messages.push(Message::User(asked));
            let mut turn = turn_of(&blocks);
            for call in &mut turn.calls {
                number += 1;
                call.id = format!("call_{number}");
            }
            messages.push(Message::Assistant { text: turn.text.clone(), calls: turn.calls.clone() });
            let results =
                turn.calls.iter().map(|call| Message::Tool { call_id: call.id.clone(), content: call.name.clone() });
            messages.extend(results);
        }
        messages
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_streamed_message_reads_as_what_was_said(blocks in prop::collection::vec(any_block(), 0..6), size in 1_usize..7) {
        let (turn, ended) = read(&events(&blocks, size));
        prop_assert!(ended);
        prop_assert_eq!(turn, turn_of(&blocks));
    }

    #[test]
    fn a_whole_message_reads_like_a_streamed_one(blocks in prop::collection::vec(any_block(), 0..6)) {
        let content: Vec<Value> = blocks.iter().enumerate().map(|(place, block)| match block {
            Block::Text(text) => json!({"type": "text", "text": text}),
            Block::Call(name, input) => json!({"type": "tool_use", "id": format!("toolu_{place}"), "name": name, "input": input}),
            Block::Thought(thought) => json!({"type": "thinking", "thinking": thought, "signature": "s"}),
        }).collect();
        let message = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": content,
            "stop_reason": stop_reason(&blocks), "usage": {"input_tokens": 10, "cache_read_input_tokens": 7, "output_tokens": 9}});
        let mut assembly = TurnAssembly::default();
        assembly.take(&answer(&message).unwrap()).unwrap();
        prop_assert_eq!(assembly.into_turn(), turn_of(&blocks));
    }

    #[test]
    fn a_stream_that_is_cut_anywhere_is_never_taken_for_a_whole_one(blocks in prop::collection::vec(any_block(), 0..4), at in any::<prop::sample::Index>()) {
        let all = events(&blocks, 3);
        let before_the_reason = all.len() - 2;
        let (turn, ended) = read(&all[..at.index(before_the_reason)]);
        prop_assert!(!ended && turn.finish_reason.is_empty());
    }

    #[test]
    fn a_conversation_keeps_the_form_that_the_wire_requires(messages in any_conversation()) {
        let tools = vec![ToolDefinition { name: "t".to_owned(), description: String::new(), parameters: json!({}) }];
        let chat = ChatRequest { messages: messages.clone(), tools, temperature: Some(1.5) };
        let sent = request(&chat.body("claude")).unwrap();
        prop_assert_eq!(&sent["system"], "Be kind.");
        prop_assert_eq!(sent["temperature"].as_f64(), Some(1.0));
        prop_assert_eq!(&sent["tools"][0]["input_schema"]["type"], "object");
        prop_assert!(sent["max_tokens"].as_u64().is_some_and(|limit| limit > 0));
        for only_openais in ["stream_options", "n"] {
            prop_assert!(sent.get(only_openais).is_none());
        }
        let turns = sent["messages"].as_array().unwrap();
        let mut open: HashSet<String> = HashSet::new();
        let mut last = "";
        let mut answered = 0;
        for turn in turns {
            let role = turn["role"].as_str().unwrap();
            prop_assert_ne!(role, last, "sides take turns");
            last = if role == "user" { "user" } else { "assistant" };
            let content = turn["content"].as_array().unwrap();
            prop_assert!(!content.is_empty());
            let ids = |kind: &str, field: &str| -> HashSet<String> {
                content.iter().filter(|block| block["type"] == kind).map(|block| block[field].as_str().unwrap().to_owned()).collect()
            };
            if role == "user" {
                // What was called in the turn before is answered here, all of it, before anything else is said.
                let results = ids("tool_result", "tool_use_id");
                prop_assert_eq!(&results, &open);
                answered += results.len();
                prop_assert!(content.iter().take(results.len()).all(|block| block["type"] == "tool_result"));
            }
            open = ids("tool_use", "id");
            prop_assert!(content.iter().all(|block| block["type"] != "text" || !block["text"].as_str().unwrap().trim().is_empty()));
        }
        let calls = messages.iter().map(|message| match message { Message::Assistant { calls, .. } => calls.len(), _ => 0 }).sum::<usize>();
        prop_assert_eq!(answered, calls, "no call is lost");
    }
}

#[test]
fn what_a_project_may_ask_for_has_its_counterpart() {
    let function =
        |name: &str| json!({"type": "function", "function": {"name": name, "parameters": {"properties": {}}}});
    for (choice, expected) in [
        (json!("auto"), json!({"type": "auto"})),
        (json!("required"), json!({"type": "any"})),
        (json!("none"), json!({"type": "none"})),
        (json!({"type": "function", "function": {"name": "a"}}), json!({"type": "tool", "name": "a"})),
    ] {
        let sent =
            request(&json!({"model": "m", "messages": [], "tools": [function("a")], "tool_choice": choice})).unwrap();
        assert_eq!(sent["tool_choice"], expected);
    }
    let sent = request(&json!({
        "model": "m", "stream": true, "stop": "END", "max_completion_tokens": 77, "max_tokens": 5, "user": "ada",
        "parallel_tool_calls": false, "tools": [function("a"), {"type": "web_search_20250305", "name": "web_search"}],
        "top_k": 4, "thinking": {"type": "enabled", "budget_tokens": 1024}, "seed": 1, "response_format": {"type": "text"},
        "messages": [
            {"role": "developer", "content": [{"type": "text", "text": "One."}]},
            {"role": "user", "content": [
                {"type": "text", "text": "Look", "cache_control": {"type": "ephemeral"}},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                {"type": "image_url", "image_url": {"url": "https://a.example/b.png"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,BBBB"}},
            ]},
            {"role": "system", "content": "Two."},
        ],
    }))
    .unwrap();
    assert_eq!(
        sent,
        json!({
            "model": "m", "stream": true, "stop_sequences": ["END"], "max_tokens": 77, "metadata": {"user_id": "ada"},
            "system": "One.\n\nTwo.", "top_k": 4, "thinking": {"type": "enabled", "budget_tokens": 1024},
            "tools": [
                {"name": "a", "input_schema": {"type": "object", "properties": {}}},
                {"type": "web_search_20250305", "name": "web_search"},
            ],
            "tool_choice": {"type": "auto", "disable_parallel_tool_use": true},
            "messages": [{"role": "user", "content": [
                {"type": "text", "text": "Look", "cache_control": {"type": "ephemeral"}},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
                {"type": "image", "source": {"type": "url", "url": "https://a.example/b.png"}},
                {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "BBBB"}},
            ]}],
        })
    );
}

#[test]
fn what_has_no_counterpart_is_refused_and_what_a_model_wrote_wrongly_is_kept() {
    let asked = |format: Value| {
        request(&json!({"messages": [], "response_format": format, "output_config": {"effort": "low"}}))
    };
    let schema = json!({"type": "object", "additionalProperties": false});
    let sent =
        asked(json!({"type": "json_schema", "json_schema": {"name": "x", "strict": true, "schema": schema}})).unwrap();
    assert_eq!(sent["output_config"], json!({"effort": "low", "format": {"type": "json_schema", "schema": schema}}));
    assert!(sent.get("response_format").is_none());
    assert_eq!(asked(json!({"type": "text"})).unwrap()["output_config"], json!({"effort": "low"}));
    for formless in [json!({"type": "json_object"}), json!({"type": "json_schema"})] {
        assert!(asked(formless).unwrap_err().contains("response_format"));
    }
    let sound = json!({"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]});
    assert!(request(&json!({"messages": [sound]})).unwrap_err().contains("input_audio"));
    let call = |arguments: &str| {
        let call = json!({"id": "c", "function": {"name": "f", "arguments": arguments}});
        let sent =
            request(&json!({"messages": [{"role": "assistant", "content": null, "tool_calls": [call]}]})).unwrap();
        sent["messages"][0]["content"][0]["input"].clone()
    };
    assert_eq!(call("{\"a\":1}"), json!({"a": 1}));
    assert_eq!(call(""), json!({}));
    assert_eq!(call("{\"a\":"), json!({"malformed_arguments": "{\"a\":"}));
    assert_eq!(call("[1]"), json!({"malformed_arguments": "[1]"}));
}

#[test]
fn reasons_to_stop_and_errors_have_their_counterparts() {
    for (theirs, ours) in [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        ("pause_turn", "stop"),
    ] {
        let message = json!({"type": "message", "content": [], "stop_reason": theirs});
        assert_eq!(answer(&message).unwrap()["choices"][0]["finish_reason"], ours, "{theirs}");
    }
    let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    assert_eq!(answer(&error).unwrap_err(), "Overloaded");
    assert!(answer(&json!({"id": "x"})).is_err());
    let mut reader = StreamReader::default();
    let told: Value = serde_json::from_str(&reader.take(&error.to_string()).unwrap()[0]).unwrap();
    assert_eq!(told["error"]["message"], "Overloaded");
    assert!(reader.take("{not json").is_err());
    assert!(reader.take(r#"{"type":"something_new","index":3}"#).unwrap().is_empty());
}
