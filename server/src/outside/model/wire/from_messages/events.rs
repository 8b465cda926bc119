//! The events that a message is streamed in.

use serde_json::{Value, json};

use crate::outside::model::Frame;

/// An event under its own name.
pub(super) fn event(event: &Value) -> Frame {
    Frame::of(event["type"].as_str(), &event.to_string())
}

/// The events of a whole message.
pub(crate) fn streamed(message: &Value) -> Vec<Frame> {
    let mut begun = message.clone();
    begun["content"] = json!([]);
    begun["stop_reason"] = Value::Null;
    begun["stop_sequence"] = Value::Null;
    let mut frames = vec![event(&json!({ "type": "message_start", "message": begun }))];
    for (index, block) in message["content"].as_array().into_iter().flatten().enumerate() {
        frames.extend(of_block(index, block));
    }
    frames.extend(ending(&message["stop_reason"], &message["stop_sequence"], &message["usage"]));
    frames
}

/// The events of a whole block.
pub(super) fn of_block(index: usize, block: &Value) -> Vec<Frame> {
    let mut begun = block.clone();
    let mut deltas = Vec::new();
    let mut piece = |kind: &str, field: &str, value: Value| deltas.push(json!({ "type": kind, field: value }));
    match block["type"].as_str() {
        Some("text") => {
            begun["text"] = json!("");
            piece("text_delta", "text", block["text"].clone());
        }
        Some("tool_use") => {
            begun["input"] = json!({});
            piece("input_json_delta", "partial_json", json!(block["input"].to_string()));
        }
        Some("thinking") => {
            begun["thinking"] = json!("");
            begun["signature"] = json!("");
            piece("thinking_delta", "thinking", block["thinking"].clone());
            piece("signature_delta", "signature", block["signature"].clone());
        }
        // Whole in its first event.
        _ => {}
    }
    let mut frames = vec![event(&json!({ "type": "content_block_start", "index": index, "content_block": begun }))];
    frames.extend(deltas.into_iter().map(|delta| of_delta(index, &delta)));
    frames.push(of_end(index));
    frames
}

/// More of a block.
pub(super) fn of_delta(index: usize, delta: &Value) -> Frame {
    event(&json!({ "type": "content_block_delta", "index": index, "delta": delta }))
}

/// The end of a block.
pub(super) fn of_end(index: usize) -> Frame {
    event(&json!({ "type": "content_block_stop", "index": index }))
}

/// The end of a message.
pub(super) fn ending(stop_reason: &Value, stop_sequence: &Value, usage: &Value) -> [Frame; 2] {
    let delta = json!({ "stop_reason": stop_reason, "stop_sequence": stop_sequence });
    [
        event(&json!({ "type": "message_delta", "delta": delta, "usage": usage })),
        event(&json!({ "type": "message_stop" })),
    ]
}
