//! Anthropic's Messages (`message` and the events of its stream).

use std::collections::HashMap;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::outside::model::{Counted, Frame, arguments, input};

use super::{Call, Denial, Said, Settled, Step, is_unchanged, text, text_of};

const CALL: &str = "tool_use";
const RESULT: &str = "tool_result";

/// What tools of Anthropic's are called that the project runs itself; all the others run there.
const RUN_HERE: [&str; 5] = ["bash_", "text_editor_", "computer_", "browser_toolset_", "memory_"];

/// Reads a stream of events.
#[derive(Default)]
pub(in crate::gateway) struct MessagesReader {
    said: Said,
    counted: Counted,
    kept: Vec<Kept>,
    /// A call has begun, or the answer is complete: what comes is kept back.
    keeping: bool,
    /// Which call a block stands for, by the block's index.
    slots: HashMap<u64, usize>,
    /// What each call began with.
    heads: Vec<Value>,
    /// Which of the thoughts a block stands for, by the block's index.
    thoughts: HashMap<u64, usize>,
    /// What to add to indexes, because turns went before in the same answer.
    shift: u64,
    /// How far the indexes of what was forwarded went.
    reached: u64,
    follows: bool,
}

struct Kept {
    frame: Frame,
    event: Value,
}

impl MessagesReader {
    pub(super) fn next_turn(&self) -> Self {
        Self { shift: self.reached, reached: self.reached, follows: true, ..Self::default() }
    }

    pub(super) fn take(&mut self, frame: Frame) -> Result<Step, String> {
        let data = frame.data.trim();
        if data.is_empty() {
            return Ok(Step { forward: Some(frame.raw), text: String::new() });
        }
        let mut event: Value =
            serde_json::from_str(data).map_err(|_| "an event of its stream is not JSON".to_owned())?;
        let kind = text(&event, "type");
        let index = event["index"].as_u64().map(|index| index + self.shift);
        let mut said_now = String::new();
        match kind.as_str() {
            "message_start" => {
                self.count(&event["message"]["usage"]);
                if self.follows {
                    return Ok(Step::default());
                }
            }
            "content_block_start" => said_now = self.begin(index.unwrap_or(0), &event["content_block"]),
            "content_block_delta" => said_now = self.add(index.unwrap_or(0), &event["delta"]),
            "content_block_stop" => self.close(index.unwrap_or(0)),
            "message_delta" => {
                self.keeping = true;
                self.count(&event["usage"]);
            }
            "message_stop" => {
                self.keeping = true;
                self.said.complete = true;
            }
            "error" => return Err(failure(&event["error"])),
            _ => {}
        }
        self.said.text.push_str(&said_now);
        let frame = match index {
            Some(index) if self.follows => renumbered(&mut event, index),
            _ => frame,
        };
        if self.keeping && kind != "ping" {
            self.kept.push(Kept { frame, event });
            return Ok(Step { forward: None, text: said_now });
        }
        self.reached = self.reached.max(index.map_or(0, |index| index + 1));
        Ok(Step { forward: Some(frame.raw), text: said_now })
    }

    fn count(&mut self, usage: &Value) {
        self.counted.take(usage);
        self.said.tokens = self.counted.tokens();
    }

    /// A block begins; the text in it.
    fn begin(&mut self, index: u64, block: &Value) -> String {
        match block["type"].as_str() {
            Some("text") => return text(block, "text"),
            Some(CALL) => {
                self.keeping = true;
                self.slots.insert(index, self.said.calls.len());
                self.heads.push(block.clone());
                self.said.calls.push(Call { id: text(block, "id"), name: text(block, "name"), ..Call::default() });
            }
            _ if is_thought(block) => {
                self.thoughts.insert(index, self.said.thoughts.len());
                self.said.thoughts.push(block.clone());
            }
            _ => {}
        }
        String::new()
    }

    /// More of a block; the text in it.
    fn add(&mut self, index: u64, delta: &Value) -> String {
        let call = match self.slots.get(&index) {
            Some(slot) => self.said.calls.get_mut(*slot),
            None => None,
        };
        let thought = match self.thoughts.get(&index) {
            Some(place) => self.said.thoughts.get_mut(*place),
            None => None,
        };
        match (delta["type"].as_str(), call, thought) {
            (Some("text_delta"), ..) => return text(delta, "text"),
            (Some("input_json_delta"), Some(call), _) => call.arguments.push_str(&text(delta, "partial_json")),
            (Some("thinking_delta"), _, Some(thought)) => {
                thought["thinking"] = json!(text(thought, "thinking") + &text(delta, "thinking"));
            }
            (Some("signature_delta"), _, Some(thought)) => thought["signature"] = delta["signature"].clone(),
            _ => {}
        }
        String::new()
    }

    /// A block is whole. A call without arguments has no pieces, or was whole when it began.
    fn close(&mut self, index: u64) {
        let Some(slot) = self.slots.get(&index) else { return };
        let (Some(call), Some(head)) = (self.said.calls.get_mut(*slot), self.heads.get(*slot)) else { return };
        if call.arguments.is_empty() {
            call.arguments = arguments(&head["input"]);
        } else if let Ok(whole @ Value::Object(_)) = serde_json::from_str(&call.arguments) {
            // What the model wrote may be hidden in an object, because this wire has nothing else for it.
            let written = arguments(&whole);
            if serde_json::from_str::<Value>(&written).ok().as_ref() != Some(&whole) {
                call.arguments = written;
            }
        }
    }

    pub(super) fn said(&self) -> Said {
        self.said.clone()
    }

    pub(super) fn release(self, settled: &[Settled]) -> Vec<Bytes> {
        if is_unchanged(&self.said.calls, settled) {
            return self.kept.into_iter().map(|kept| kept.frame.raw).collect();
        }
        let decided = |index: u64| self.slots.get(&index).map(|slot| settled.get(*slot));
        let is_gone = |index: &u64| !matches!(decided(*index), Some(Some(Settled::Released { .. })));
        let gone: Vec<u64> = self.slots.keys().copied().filter(is_gone).collect();
        let mut released = Vec::new();
        for mut kept in self.kept {
            let Some(index) = kept.event["index"].as_u64() else {
                released.push(kept.frame.raw);
                continue;
            };
            let place = index - gone.iter().filter(|before| **before < index).count() as u64;
            let kind = text(&kept.event, "type");
            match decided(index) {
                None => released.push(renumbered(&mut kept.event, place).raw),
                Some(Some(Settled::Released { id, arguments })) => match kind.as_str() {
                    "content_block_start" => {
                        kept.event["content_block"]["id"] = json!(id);
                        kept.event["content_block"]["input"] = json!({});
                        released.push(renumbered(&mut kept.event, place).raw);
                        let written = input(&json!(arguments)).to_string();
                        let delta = json!({ "type": "input_json_delta", "partial_json": written });
                        let event = json!({ "type": "content_block_delta", "index": place, "delta": delta });
                        released.push(Frame::of(Some("content_block_delta"), &event.to_string()).raw);
                    }
                    "content_block_delta" => {}
                    _ => released.push(renumbered(&mut kept.event, place).raw),
                },
                Some(_) => {}
            }
        }
        released
    }
}

/// The same event about the block with this index.
fn renumbered(event: &mut Value, index: u64) -> Frame {
    event["index"] = json!(index);
    Frame::of(event["type"].as_str(), &event.to_string())
}

fn failure(error: &Value) -> String {
    let message = text(error, "message");
    if message.is_empty() { "it failed without saying why".to_owned() } else { message }
}

fn is_thought(block: &Value) -> bool {
    matches!(block["type"].as_str(), Some("thinking" | "redacted_thinking"))
}

pub(super) fn understood(answer: &Value) -> Result<Said, String> {
    if answer["type"] == "error" {
        return Err(failure(&answer["error"]));
    }
    let Some(content) = answer["content"].as_array() else {
        return Err("it has no content".to_owned());
    };
    let mut said = Said { complete: true, ..Said::default() };
    for block in content {
        match block["type"].as_str() {
            Some("text") => said.text.push_str(&text(block, "text")),
            Some(CALL) => said.calls.push(Call {
                id: text(block, "id"),
                name: text(block, "name"),
                arguments: arguments(&block["input"]),
            }),
            _ if is_thought(block) => said.thoughts.push(block.clone()),
            _ => {}
        }
    }
    let mut counted = Counted::default();
    counted.take(&answer["usage"]);
    said.tokens = counted.tokens();
    Ok(said)
}

pub(super) fn rewritten(mut answer: Value, settled: &[Settled]) -> Value {
    let mut place = 0;
    if let Some(content) = answer.get_mut("content").and_then(Value::as_array_mut) {
        content.retain_mut(|block| {
            if block["type"] != CALL {
                return true;
            }
            place += 1;
            let Some(Settled::Released { id, arguments }) = settled.get(place - 1) else { return false };
            block["id"] = json!(id);
            block["input"] = input(&json!(arguments));
            true
        });
    }
    answer
}

/// What a request asks for that runs at Anthropic, if anything.
pub(super) fn runs_elsewhere(request: &Value) -> Option<String> {
    if request["mcp_servers"].as_array().is_some_and(|servers| !servers.is_empty()) {
        return Some("mcp_servers".to_owned());
    }
    let tools = request["tools"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut kinds = tools.iter().filter_map(|tool| tool["type"].as_str());
    let elsewhere = |kind: &&str| *kind != "custom" && !RUN_HERE.iter().any(|start| kind.starts_with(start));
    kinds.find(elsewhere).map(str::to_owned)
}

fn call_block(call_id: &str, name: &str, arguments: &str) -> Value {
    json!({ "type": CALL, "id": call_id, "name": name, "input": input(&json!(arguments)) })
}

fn result_block(call_id: &str, answer: &str) -> Value {
    json!({ "type": RESULT, "tool_use_id": call_id, "content": answer })
}

pub(super) fn go_on(request: &mut Value, said: &Said, settled: &[Settled]) {
    let Some(messages) = request.get_mut("messages").and_then(Value::as_array_mut) else { return };
    // A model that thinks wants its thoughts back, in front of its calls.
    let mut content = said.thoughts.clone();
    if !said.text.trim().is_empty() {
        content.push(json!({ "type": "text", "text": said.text }));
    }
    let mut results = Vec::new();
    for (call, settled) in said.calls.iter().zip(settled) {
        if let Settled::Denied { id, answer } = settled {
            content.push(call_block(id, &call.name, &call.arguments));
            results.push(result_block(id, answer));
        }
    }
    messages.push(json!({ "role": "assistant", "content": content }));
    messages.push(json!({ "role": "user", "content": results }));
}

pub(super) fn results_in(request: &Value) -> Vec<(String, String)> {
    let messages = request["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let blocks = messages.iter().filter_map(|message| message["content"].as_array()).flatten();
    let results = blocks.filter(|block| block["type"] == RESULT);
    results.map(|block| (text(block, "tool_use_id"), text_of(&block["content"]))).collect()
}

/// Where a block is among others: of this kind, with this value in this field.
fn place(blocks: &[Value], kind: &str, field: &str, id: &str) -> Option<usize> {
    blocks.iter().position(|block| block["type"] == kind && block[field] == id)
}

pub(super) fn put_back(request: &mut Value, denials: &[Denial]) {
    let Some(messages) = request.get_mut("messages").and_then(Value::as_array_mut) else { return };
    for denial in denials {
        let turn = messages.iter().position(|message| {
            let blocks = message["content"].as_array().map(Vec::as_slice).unwrap_or_default();
            place(blocks, CALL, "id", &denial.neighbour).is_some()
                && place(blocks, CALL, "id", &denial.call_id).is_none()
        });
        // The answers to a turn's calls are all in the turn after it.
        let Some(turn) = turn.filter(|turn| turn + 1 < messages.len()) else { continue };
        if let Some(blocks) = messages[turn]["content"].as_array_mut()
            && let Some(at) = place(blocks, CALL, "id", &denial.neighbour)
        {
            blocks.insert(at + 1, call_block(&denial.call_id, &denial.name, &denial.arguments));
        }
        let answers = &mut messages[turn + 1]["content"];
        if let Value::String(text) = answers {
            *answers = json!([{ "type": "text", "text": text }]);
        }
        if let Some(blocks) = answers.as_array_mut() {
            let at = place(blocks, RESULT, "tool_use_id", &denial.neighbour).map_or(0, |at| at + 1);
            blocks.insert(at, result_block(&denial.call_id, &denial.answer));
        }
    }
}
