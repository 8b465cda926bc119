//! The events of a message on its way as the chunks of a chat completion.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{Counted, finish_reason};
use crate::outside::model::chat::{error_body, error_text};

/// Reads events and gives chunks.
#[derive(Default)]
pub(in crate::outside::model) struct StreamReader {
    id: Value,
    model: Value,
    counted: Counted,
    /// The calls that are open, by the block's index.
    open: HashMap<u64, Call>,
    /// How many calls there were.
    calls: usize,
}

struct Call {
    /// Its place among the calls.
    place: usize,
    /// What it began with, for endpoints that send no pieces.
    input: Value,
    /// Whether a piece of its arguments came.
    has_pieces: bool,
}

impl StreamReader {
    /// Takes the data of an event and gives the chunks that it becomes, each as JSON text, `[DONE]` at the end.
    ///
    /// # Errors
    /// What is wrong with the event.
    pub(in super::super) fn take(&mut self, data: &str) -> Result<Vec<String>, String> {
        let event: Value = serde_json::from_str(data).map_err(|_| "an event of its stream is not JSON".to_owned())?;
        let index = event["index"].as_u64().unwrap_or(0);
        Ok(match event["type"].as_str().unwrap_or_default() {
            "message_start" => {
                let message = &event["message"];
                (self.id, self.model) = (message["id"].clone(), message["model"].clone());
                self.counted.take(&message["usage"]);
                vec![self.delta(json!({ "role": "assistant", "content": "" }), Value::Null)]
            }
            "content_block_start" => self.begin(index, &event["content_block"]),
            "content_block_delta" => self.add(index, &event["delta"]),
            "content_block_stop" => self.close(index),
            "message_delta" => {
                self.counted.take(&event["usage"]);
                match event["delta"]["stop_reason"].as_str() {
                    Some(reason) => vec![self.delta(json!({}), json!(finish_reason(reason)))],
                    None => Vec::new(),
                }
            }
            "message_stop" => vec![self.chunk(&json!([]), Some(self.counted.usage())), "[DONE]".to_owned()],
            "error" => {
                let error = &event["error"];
                let kind = &error["type"];
                vec![error_body(kind.clone(), kind.clone(), &error_text(error), None).to_string()]
            }
            // Pings, and what comes later.
            _ => Vec::new(),
        })
    }

    fn begin(&mut self, index: u64, block: &Value) -> Vec<String> {
        match block["type"].as_str() {
            Some("text") => self.text(&block["text"]),
            Some("tool_use") => {
                let place = self.calls;
                self.calls += 1;
                self.open.insert(index, Call { place, input: block["input"].clone(), has_pieces: false });
                let call = json!({
                    "index": place, "id": block["id"], "type": "function",
                    "function": { "name": block["name"], "arguments": "" },
                });
                vec![self.delta(json!({ "tool_calls": [call] }), Value::Null)]
            }
            _ => Vec::new(),
        }
    }

    fn add(&mut self, index: u64, delta: &Value) -> Vec<String> {
        match delta["type"].as_str() {
            Some("text_delta") => self.text(&delta["text"]),
            Some("input_json_delta") => {
                let piece = delta["partial_json"].as_str().unwrap_or_default();
                match self.open.get_mut(&index).filter(|_| !piece.is_empty()) {
                    Some(call) => {
                        call.has_pieces = true;
                        let place = call.place;
                        vec![self.arguments(place, piece)]
                    }
                    None => Vec::new(),
                }
            }
            // Thoughts, their signatures, citations.
            _ => Vec::new(),
        }
    }

    /// A call without arguments has no pieces; whoever reads it expects an object all the same.
    fn close(&mut self, index: u64) -> Vec<String> {
        match self.open.remove(&index) {
            Some(call) if !call.has_pieces => {
                let input = if call.input.is_object() { call.input.to_string() } else { "{}".to_owned() };
                vec![self.arguments(call.place, &input)]
            }
            _ => Vec::new(),
        }
    }

    fn text(&self, text: &Value) -> Vec<String> {
        match text.as_str() {
            Some(text) if !text.is_empty() => vec![self.delta(json!({ "content": text }), Value::Null)],
            _ => Vec::new(),
        }
    }

    fn arguments(&self, place: usize, piece: &str) -> String {
        let call = json!({ "index": place, "function": { "arguments": piece } });
        self.delta(json!({ "tool_calls": [call] }), Value::Null)
    }

    fn delta(&self, delta: Value, reason: Value) -> String {
        self.chunk(&json!([{ "index": 0, "delta": delta, "finish_reason": reason }]), None)
    }

    fn chunk(&self, choices: &Value, usage: Option<Value>) -> String {
        let mut chunk = json!({
            "id": self.id, "object": "chat.completion.chunk", "created": 0, "model": self.model, "choices": choices,
        });
        if let Some(usage) = usage {
            chunk["usage"] = usage;
        }
        chunk.to_string()
    }
}
