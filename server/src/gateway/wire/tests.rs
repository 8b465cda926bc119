//! What is not changed stays; what is changed is changed everywhere.

use serde_json::{Value, json};

use super::*;

fn chunk(delta: Value, reason: Value) -> Frame {
    Frame::of(
        None,
        &json!({"id": "x", "extra": 1, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}).to_string(),
    )
}

fn call(index: u64, id: &str, name: &str, arguments: &str) -> Value {
    json!({"tool_calls": [{"index": index, "id": id, "type": "function", "extra_content": {"sign": id},
                           "function": {"name": name, "arguments": arguments}}]})
}

fn read(api: Api, frames: Vec<Frame>) -> (Reader, String) {
    let mut reader = api.reader(false);
    let mut forwarded = String::new();
    for frame in frames {
        if let Some(bytes) = reader.take(frame).unwrap().forward {
            forwarded.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
    (reader, forwarded)
}

fn released(id: &str, arguments: &str) -> Settled {
    Settled::Released { id: id.to_owned(), arguments: arguments.to_owned() }
}

fn denied(id: &str) -> Settled {
    Settled::Denied { id: id.to_owned(), answer: "no".to_owned() }
}

fn data(frames: &[Bytes]) -> Vec<Value> {
    let texts = frames.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    texts
        .filter_map(|text| serde_json::from_str(text.lines().find_map(|line| line.strip_prefix("data: "))?).ok())
        .collect()
}

fn two_calls() -> Vec<Frame> {
    vec![
        chunk(json!({"role": "assistant", "content": "Hm. "}), Value::Null),
        chunk(call(0, "a", "look", ""), Value::Null),
        chunk(json!({"tool_calls": [{"index": 0, "function": {"arguments": "{\"x\":1}"}}]}), Value::Null),
        chunk(json!({"content": "And so."}), Value::Null),
        chunk(call(1, "b", "save", "{}"), Value::Null),
        chunk(json!({}), json!("tool_calls")),
        Frame::of(None, &json!({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}).to_string()),
        Frame::of(None, "[DONE]"),
    ]
}

#[test]
fn text_flows_calls_are_kept_and_come_out_as_they_came() {
    let frames = two_calls();
    let came: Vec<Bytes> = [1, 2, 4, 5, 7].iter().map(|place| frames[*place].raw.clone()).collect();
    let (reader, forwarded) = read(Api::Chat, frames);
    assert!(forwarded.contains("Hm. ") && forwarded.contains("And so."), "{forwarded}");
    assert!(
        !forwarded.contains("look") && !forwarded.contains("save") && !forwarded.contains("tool_calls"),
        "{forwarded}"
    );
    let said = reader.said();
    assert_eq!((said.text.as_str(), said.calls.len(), said.complete), ("Hm. And so.", 2, true));
    assert_eq!(said.tokens, Some(TokenCount { input: 3, output: 2 }));
    // Without the chunk that counts, which nobody asked for.
    assert_eq!(reader.release(&[released("a", "{\"x\":1}"), released("b", "{}")]), came);
}

#[test]
fn a_denied_call_is_not_there_and_an_edited_one_is_edited() {
    let (reader, _) = read(Api::Chat, two_calls());
    let told = data(&reader.release(&[denied("a"), released("b2", "{\"y\":2}")]));
    let text = json!(told).to_string();
    assert!(!text.contains("look") && !text.contains("\"x\\\""), "{text}");
    assert_eq!(told[0]["choices"][0]["delta"]["tool_calls"][0]["index"], 0);
    let call = &told[0]["choices"][0]["delta"]["tool_calls"][0];
    assert_eq!((&call["id"], &call["function"]["arguments"]), (&json!("b2"), &json!("{\"y\":2}")));
    assert_eq!(call["extra_content"]["sign"], "b", "what the endpoint put into it stays");
    assert_eq!(told.last().unwrap()["choices"][0]["finish_reason"], "tool_calls");
}

#[test]
fn a_whole_answer_and_the_stream_made_of_it_say_the_same() {
    let chat = json!({"choices": [{"message": {"role": "assistant", "content": "Hi", "tool_calls": [
        {"id": "a", "type": "function", "function": {"name": "look", "arguments": "{}"}}]}, "finish_reason": "tool_calls"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2}});
    let response = json!({"id": "r", "output": [
        {"id": "m", "type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi", "annotations": []}]},
        {"id": "f", "type": "function_call", "call_id": "a", "name": "look", "arguments": "{}"}],
        "usage": {"input_tokens": 1, "output_tokens": 2}});
    for (api, answer) in [(Api::Chat, chat), (Api::Responses, response)] {
        let (reader, forwarded) = read(api, api.streamed(&answer));
        assert_eq!(reader.said(), api.understood(&answer).unwrap(), "{api:?}");
        assert_eq!(reader.said().calls[0].name, "look");
        assert!(forwarded.contains("Hi") && !forwarded.contains("look"), "{api:?} {forwarded}");
    }
}

#[test]
fn the_events_of_a_response_follow_a_decision_everywhere() {
    let answer = json!({"id": "r", "output": [
        {"id": "f1", "type": "function_call", "call_id": "a", "name": "look", "arguments": "{\"x\":1}"},
        {"id": "f2", "type": "function_call", "call_id": "b", "name": "save", "arguments": "{\"secret\":1}"}],
        "usage": {"input_tokens": 1, "output_tokens": 2}});
    let (reader, _) = read(Api::Responses, Api::Responses.streamed(&answer));
    let told = data(&reader.release(&[released("a", "{\"x\":9}"), denied("b")]));
    let text = json!(told).to_string();
    assert!(!text.contains("secret") && !text.contains("save") && !text.contains(r#"x\":1"#), "{text}");
    let kinds: Vec<&str> = told.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "response.output_item.added",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.done",
            "response.output_item.done",
            "response.completed"
        ]
    );
    assert_eq!(told[4]["response"]["output"].as_array().unwrap().len(), 1);
    assert_eq!(told[4]["response"]["output"][0]["arguments"], "{\"x\":9}");
}

#[test]
fn a_turn_that_was_denied_goes_into_the_conversation() {
    let said = Said {
        text: "Let me.".to_owned(),
        calls: vec![Call { id: "a".into(), name: "save".into(), arguments: "{}".into() }],
        ..Said::default()
    };
    let mut chat = json!({"messages": [{"role": "user", "content": "go"}]});
    Api::Chat.go_on(&mut chat, &said, &[denied("a")]);
    assert_eq!(chat["messages"][1]["tool_calls"][0]["function"]["name"], "save");
    assert_eq!(chat["messages"][2], json!({"role": "tool", "tool_call_id": "a", "content": "no"}));
    let mut response = json!({"input": "go"});
    Api::Responses.go_on(&mut response, &said, &[denied("a")]);
    let kinds: Vec<&Value> = response["input"].as_array().unwrap().iter().map(|item| &item["type"]).collect();
    assert_eq!(kinds, [&json!(null), &json!(null), &json!("function_call"), &json!("function_call_output")]);
    assert_eq!(Api::Responses.results_in(&response), [("a".to_owned(), "no".to_owned())]);
}

#[test]
fn calls_that_the_project_never_saw_are_put_back_once() {
    let denial = Denial {
        call_id: "b".into(),
        neighbour: "a".into(),
        name: "save".into(),
        arguments: "{}".into(),
        answer: "no".into(),
    };
    let mut chat = json!({"messages": [
        {"role": "user", "content": "go"},
        {"role": "assistant", "tool_calls": [{"id": "a", "type": "function", "function": {"name": "look", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "a", "content": "yes"},
    ]});
    assert!(Api::Chat.put_back(&mut chat, std::slice::from_ref(&denial)));
    assert_eq!(chat["messages"][1]["tool_calls"][1]["id"], "b");
    assert_eq!(chat["messages"][2]["tool_call_id"], "b");
    assert_eq!(chat["messages"][3]["tool_call_id"], "a");
    assert!(chat["messages"][0].get("tool_calls").is_none());
    assert!(!Api::Chat.put_back(&mut chat, std::slice::from_ref(&denial)), "once");

    let item =
        |kind: &str, id: &str| json!({"type": kind, "call_id": id, "name": "n", "arguments": "{}", "output": "yes"});
    let mut response = json!({"input": [item("function_call", "a"), item("function_call_output", "a")]});
    assert!(Api::Responses.put_back(&mut response, std::slice::from_ref(&denial)));
    let ids: Vec<(&Value, &Value)> =
        response["input"].as_array().unwrap().iter().map(|item| (&item["type"], &item["call_id"])).collect();
    let (call, result) = (json!("function_call"), json!("function_call_output"));
    let (a, b) = (json!("a"), json!("b"));
    assert_eq!(ids, [(&call, &a), (&call, &b), (&result, &b), (&result, &a)]);
    assert!(!Api::Responses.put_back(&mut response, &[denial]), "once");
}

#[test]
fn a_second_turn_of_an_answer_reads_like_a_part_of_the_first() {
    let (reader, _) = read(Api::Chat, vec![chunk(json!({"role": "assistant", "content": "One. "}), Value::Null)]);
    let mut next = reader.next_turn();
    let step = next.take(chunk(json!({"role": "assistant", "content": "Two."}), Value::Null)).unwrap();
    let forwarded = String::from_utf8(step.forward.unwrap().to_vec()).unwrap();
    assert!(forwarded.contains("Two.") && !forwarded.contains("role"), "{forwarded}");

    let event = |kind: &str, sequence: u64| {
        Frame::of(Some(kind), &json!({"type": kind, "sequence_number": sequence, "output_index": 0}).to_string())
    };
    let (reader, _) = read(Api::Responses, vec![event("response.created", 0), event("response.output_text.done", 1)]);
    let mut next = reader.next_turn();
    assert!(next.take(event("response.created", 0)).unwrap().forward.is_none());
    let step = next.take(event("response.output_text.done", 1)).unwrap();
    let forwarded = data(&[step.forward.unwrap()]);
    assert_eq!((&forwarded[0]["sequence_number"], &forwarded[0]["output_index"]), (&json!(3), &json!(1)));
}

/// A message that thinks, says something and calls two tools.
fn thinking_message() -> Value {
    json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": [
        {"type": "thinking", "thinking": "Hm.", "signature": "s"},
        {"type": "text", "text": "Let me."},
        {"type": "tool_use", "id": "a", "name": "look", "input": {"x": 1}},
        {"type": "tool_use", "id": "b", "name": "save", "input": {"secret": 1}}],
        "stop_reason": "tool_use", "stop_sequence": null, "brand_new": {"kept": true},
        "usage": {"input_tokens": 3, "cache_read_input_tokens": 4, "output_tokens": 2}})
}

#[test]
fn a_message_is_read_alike_whole_and_streamed_with_its_thoughts() {
    let message = thinking_message();
    let frames = Api::Messages.streamed(&message);
    let (reader, forwarded) = read(Api::Messages, frames.clone());
    assert_eq!(reader.said(), Api::Messages.understood(&message).unwrap());
    let said = reader.said();
    assert_eq!((said.text.as_str(), said.calls.len(), said.complete), ("Let me.", 2, true));
    assert_eq!(said.tokens, Some(TokenCount { input: 7, output: 2 }));
    assert_eq!(said.thoughts, [json!({"type": "thinking", "thinking": "Hm.", "signature": "s"})]);
    assert!(forwarded.contains("Hm.") && forwarded.contains("Let me.") && forwarded.contains("brand_new"));
    assert!(!forwarded.contains("look") && !forwarded.contains("message_stop"), "{forwarded}");
    // What was decided as it came comes as it came, byte for byte.
    let kept: Vec<Bytes> = frames[frames.len() - 8..].iter().map(|frame| frame.raw.clone()).collect();
    assert_eq!(reader.release(&[released("a", "{\"x\":1}"), released("b", "{\"secret\":1}")]), kept);
}

#[test]
fn the_events_of_a_message_follow_a_decision_everywhere() {
    let (reader, _) = read(Api::Messages, Api::Messages.streamed(&thinking_message()));
    let told = data(&reader.release(&[denied("a"), released("b2", "{\"y\":2}")]));
    let text = json!(told).to_string();
    assert!(!text.contains("look") && !text.contains("secret"), "{text}");
    let kinds: Vec<&str> = told.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        ["content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop"]
    );
    assert!(told[..3].iter().all(|event| event["index"] == 2), "the blocks are numbered without a gap: {text}");
    assert_eq!(
        (&told[0]["content_block"]["id"], &told[1]["delta"]["partial_json"]),
        (&json!("b2"), &json!("{\"y\":2}"))
    );
    let whole = Api::Messages.rewritten(thinking_message(), &[denied("a"), released("b2", "{\"y\":2}")]);
    assert_eq!(whole["content"][2], json!({"type": "tool_use", "id": "b2", "name": "save", "input": {"y": 2}}));
    assert_eq!((whole["content"].as_array().unwrap().len(), &whole["brand_new"]["kept"]), (3, &json!(true)));
}

#[test]
fn a_message_that_was_denied_goes_into_the_conversation_behind_its_thoughts() {
    let said = Api::Messages.understood(&thinking_message()).unwrap();
    let mut request = json!({"messages": [{"role": "user", "content": "go"}]});
    Api::Messages.go_on(&mut request, &said, &[denied("a"), denied("b")]);
    let turn = &request["messages"][1]["content"];
    let kinds: Vec<&Value> = turn.as_array().unwrap().iter().map(|block| &block["type"]).collect();
    assert_eq!(kinds, ["thinking", "text", "tool_use", "tool_use"]);
    assert_eq!(turn[0]["signature"], "s");
    assert_eq!(
        request["messages"][2]["content"][1],
        json!({"type": "tool_result", "tool_use_id": "b", "content": "no"})
    );
    let told = [("a".to_owned(), "no".to_owned()), ("b".to_owned(), "no".to_owned())];
    assert_eq!(Api::Messages.results_in(&request), told);
}

#[test]
fn blocks_that_the_project_never_saw_are_put_back_once() {
    let denial = Denial {
        call_id: "b".into(),
        neighbour: "a".into(),
        name: "save".into(),
        arguments: "{}".into(),
        answer: "no".into(),
    };
    let mut request = json!({"messages": [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "look", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "yes"}, {"type": "text", "text": "on"}]},
    ]});
    assert!(Api::Messages.put_back(&mut request, std::slice::from_ref(&denial)));
    assert_eq!(request["messages"][1]["content"][1]["id"], "b");
    assert_eq!(
        request["messages"][2]["content"][1],
        json!({"type": "tool_result", "tool_use_id": "b", "content": "no"})
    );
    assert_eq!(request["messages"][2]["content"][2]["text"], "on");
    assert!(!Api::Messages.put_back(&mut request, std::slice::from_ref(&denial)), "once");
    // A conversation that ends with the call has no place for its answer yet.
    let mut open = json!({"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "look", "input": {}}]}]});
    assert!(!Api::Messages.put_back(&mut open, &[denial]));
}

#[test]
fn a_second_message_of_an_answer_reads_like_a_part_of_the_first() {
    let frames = Api::Messages.streamed(&thinking_message());
    let (reader, _) = read(Api::Messages, frames.clone());
    let mut next = reader.next_turn();
    let mut forwarded = Vec::new();
    for frame in frames {
        forwarded.extend(next.take(frame).unwrap().forward);
    }
    let told = data(&forwarded);
    assert!(told.iter().all(|event| event["type"] != "message_start"));
    assert_eq!((&told[0]["index"], &told[0]["content_block"]["type"]), (&json!(2), &json!("thinking")));
    let rest = data(&next.release(&[released("a", "{\"x\":1}"), released("b", "{\"secret\":1}")]));
    assert_eq!((&rest[0]["index"], &rest[0]["content_block"]["name"]), (&json!(4), &json!("look")));
}

#[test]
fn what_a_model_wrote_that_is_no_object_is_judged_as_it_wrote_it() {
    for written in ["{\"x\":", "[1]", "nonsense"] {
        let chat = json!({"choices": [{"message": {"content": null, "tool_calls": [
            {"id": "a", "function": {"name": "save", "arguments": written}}]}, "finish_reason": "tool_calls"}]});
        let message = crate::outside::model::from_chat(Route::Messages, &chat).unwrap();
        let said = Api::Messages.understood(&message).unwrap();
        assert_eq!(said.calls[0].arguments, written);
        let (reader, _) = read(Api::Messages, Api::Messages.streamed(&message));
        assert_eq!(reader.said(), said);
    }
}

#[test]
fn an_error_or_a_cut_in_a_stream_of_events_is_no_answer() {
    let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    let mut reader = Api::Messages.reader(false);
    assert_eq!(reader.take(Frame::of(Some("error"), &error.to_string())).unwrap_err(), "Overloaded");
    assert_eq!(Api::Messages.understood(&error).unwrap_err(), "Overloaded");
    let frames = Api::Messages.streamed(&thinking_message());
    for end in 0..frames.len() {
        let (reader, _) = read(Api::Messages, frames[..end].to_vec());
        assert!(!reader.said().complete, "{end}");
    }
    for (tool, elsewhere) in [
        (json!({"name": "add", "input_schema": {}}), false),
        (json!({"type": "custom", "name": "add"}), false),
        (json!({"type": "bash_20250124", "name": "bash"}), false),
        (json!({"type": "web_search_20250305", "name": "web_search"}), true),
        (json!({"type": "code_execution_20250825", "name": "code_execution"}), true),
        (json!({"type": "made_up"}), true),
    ] {
        assert_eq!(Api::Messages.runs_elsewhere(&json!({"tools": [tool]})).is_some(), elsewhere, "{tool}");
    }
    assert!(Api::Messages.runs_elsewhere(&json!({"mcp_servers": [{"url": "https://a.example"}]})).is_some());
}
