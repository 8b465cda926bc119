//! Responses (`response` and the events of its stream).

use std::collections::HashMap;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::outside::model::{Frame, TokenCount};

use super::{Call, Denial, Said, Settled, Step, is_unchanged, text, text_of};

const CALL: &str = "function_call";
const RESULT: &str = "function_call_output";

/// Reads a stream of events.
#[derive(Default)]
pub(in crate::gateway) struct ResponsesReader {
    said: Said,
    kept: Vec<Kept>,
    /// A call has begun, or the answer is complete: what comes is kept back.
    keeping: bool,
    /// Which call an item's id stands for.
    slots: HashMap<String, usize>,
    /// What to add to numbers, because turns went before in the same answer.
    shift: Shift,
    /// How far the numbers of what was forwarded went.
    reached: Shift,
    follows: bool,
}

#[derive(Clone, Copy, Default)]
struct Shift {
    sequence: u64,
    output: u64,
}

struct Kept {
    frame: Frame,
    event: Value,
}

impl ResponsesReader {
    pub(super) fn next_turn(&self) -> Self {
        Self { shift: self.reached, reached: self.reached, follows: true, ..Self::default() }
    }

    pub(super) fn take(&mut self, frame: Frame) -> Result<Step, String> {
        let data = frame.data.trim();
        if data.is_empty() {
            return Ok(Step { forward: Some(frame.raw), text: String::new() });
        }
        if data == "[DONE]" {
            return Ok(Step::default());
        }
        let mut event: Value =
            serde_json::from_str(data).map_err(|_| "an event of its stream is not JSON".to_owned())?;
        let mut said_now = String::new();
        let kind = text(&event, "type");
        match kind.as_str() {
            "response.output_text.delta" => {
                said_now = text(&event, "delta");
                self.said.text.push_str(&said_now);
            }
            "response.output_item.added" if event["item"]["type"] == CALL => {
                self.keeping = true;
                self.slot(&event["item"]);
            }
            "response.output_item.done" if event["item"]["type"] == CALL => {
                self.keeping = true;
                let slot = self.slot(&event["item"]);
                self.said.calls[slot] = call_in(&event["item"]);
            }
            "response.completed" | "response.incomplete" => {
                self.keeping = true;
                let whole = understood(&event["response"])?;
                self.said.tokens = whole.tokens;
                self.said.complete = true;
                // The last event has every call whole; some endpoints tell of none before it, others of none in it.
                if whole.calls.len() >= self.said.calls.len() {
                    self.said.calls = whole.calls;
                }
            }
            "response.failed" => return Err(failure(&event["response"]["error"])),
            "error" => return Err(failure(&event)),
            "response.created" | "response.queued" | "response.in_progress" if self.follows => {
                return Ok(Step::default());
            }
            _ => {}
        }
        let frame = if self.follows { self.renumbered(&mut event, &kind) } else { frame };
        if self.keeping {
            self.kept.push(Kept { frame, event });
            return Ok(Step { forward: None, text: said_now });
        }
        let number = |name: &str| event.get(name).and_then(Value::as_u64).map_or(0, |number| number + 1);
        self.reached.sequence = self.reached.sequence.max(number("sequence_number"));
        self.reached.output = self.reached.output.max(number("output_index"));
        Ok(Step { forward: Some(frame.raw), text: said_now })
    }

    /// The same event with numbers that go on where the turn before ended.
    fn renumbered(&self, event: &mut Value, kind: &str) -> Frame {
        for (name, by) in [("sequence_number", self.shift.sequence), ("output_index", self.shift.output)] {
            if let Some(number) = event.get_mut(name)
                && let Some(old) = number.as_u64()
            {
                *number = json!(old + by);
            }
        }
        Frame::of(Some(kind), &event.to_string())
    }

    fn slot(&mut self, item: &Value) -> usize {
        let id = text(item, "id");
        if let Some(slot) = self.slots.get(&id).filter(|_| !id.is_empty()) {
            return *slot;
        }
        self.said.calls.push(call_in(item));
        let slot = self.said.calls.len() - 1;
        self.slots.insert(id, slot);
        slot
    }

    pub(super) fn said(&self) -> Said {
        self.said.clone()
    }

    pub(super) fn release(self, settled: &[Settled]) -> Vec<Bytes> {
        if is_unchanged(&self.said.calls, settled) {
            return self.kept.into_iter().map(|kept| kept.frame.raw).collect();
        }
        let mut told = vec![false; settled.len()];
        let mut released = Vec::new();
        for mut kept in self.kept {
            let kind = text(&kept.event, "type");
            let slot = self.slots.get(&text(&kept.event, "item_id")).copied();
            if kept.event["item"]["type"] == CALL {
                let slot = self.slots.get(&text(&kept.event["item"], "id")).and_then(|slot| settled.get(*slot));
                let Some(Settled::Released { id, arguments }) = slot else { continue };
                kept.event["item"]["call_id"] = json!(id);
                if kind == "response.output_item.done" {
                    kept.event["item"]["arguments"] = json!(arguments);
                }
            } else if let (Some(slot), true) = (slot, kind.starts_with("response.function_call_arguments.")) {
                let Some(Settled::Released { arguments, .. }) = settled.get(slot) else { continue };
                if kind.ends_with(".done") {
                    kept.event["arguments"] = json!(arguments);
                } else if std::mem::replace(&mut told[slot], true) {
                    continue;
                } else {
                    kept.event["delta"] = json!(arguments);
                }
            } else if kept.event["response"]["output"].is_array() {
                let response = kept.event["response"].take();
                kept.event["response"] = rewritten(response, settled);
            } else {
                released.push(kept.frame.raw);
                continue;
            }
            released.push(Frame::of(Some(&kind), &kept.event.to_string()).raw);
        }
        released
    }
}

fn call_in(item: &Value) -> Call {
    Call { id: text(item, "call_id"), name: text(item, "name"), arguments: text(item, "arguments") }
}

fn failure(error: &Value) -> String {
    let message = text(error, "message");
    if message.is_empty() { "it failed without saying why".to_owned() } else { message }
}

pub(super) fn understood(answer: &Value) -> Result<Said, String> {
    if answer["error"].is_object() {
        return Err(failure(&answer["error"]));
    }
    let Some(output) = answer["output"].as_array() else {
        return Err("it has no output".to_owned());
    };
    let mut said = Said { complete: true, ..Said::default() };
    for item in output {
        if item["type"] == CALL {
            said.calls.push(call_in(item));
        } else if item["type"] == "message" {
            said.text.push_str(&text_of(&item["content"]));
        }
    }
    if answer["usage"].is_object() {
        let count = |name: &str| answer["usage"][name].as_i64().unwrap_or(0).max(0);
        said.tokens = Some(TokenCount { input: count("input_tokens"), output: count("output_tokens") });
    }
    Ok(said)
}

pub(super) fn rewritten(mut answer: Value, settled: &[Settled]) -> Value {
    let mut place = 0;
    if let Some(output) = answer.get_mut("output").and_then(Value::as_array_mut) {
        output.retain_mut(|item| {
            if item["type"] != CALL {
                return true;
            }
            place += 1;
            let Some(Settled::Released { id, arguments }) = settled.get(place - 1) else { return false };
            item["call_id"] = json!(id);
            item["arguments"] = json!(arguments);
            true
        });
    }
    answer
}

fn call_item(call_id: &str, name: &str, arguments: &str) -> Value {
    json!({ "type": CALL, "call_id": call_id, "name": name, "arguments": arguments })
}

fn result_item(call_id: &str, answer: &str) -> Value {
    json!({ "type": RESULT, "call_id": call_id, "output": answer })
}

pub(super) fn go_on(request: &mut Value, said: &Said, settled: &[Settled]) {
    let mut input = match request["input"].take() {
        Value::Array(items) => items,
        Value::String(text) => vec![json!({ "role": "user", "content": text })],
        _ => Vec::new(),
    };
    if !said.text.is_empty() {
        input.push(json!({ "role": "assistant", "content": said.text }));
    }
    let mut results = Vec::new();
    for (call, settled) in said.calls.iter().zip(settled) {
        if let Settled::Denied { id, answer } = settled {
            input.push(call_item(id, &call.name, &call.arguments));
            results.push(result_item(id, answer));
        }
    }
    input.extend(results);
    request["input"] = input.into();
}

pub(super) fn results_in(request: &Value) -> Vec<(String, String)> {
    let items = request["input"].as_array().map(Vec::as_slice).unwrap_or_default();
    let results = items.iter().filter(|item| item["type"] == RESULT);
    results.map(|item| (text(item, "call_id"), text_of(&item["output"]))).collect()
}

pub(super) fn put_back(request: &mut Value, denials: &[Denial]) {
    let Some(items) = request.get_mut("input").and_then(Value::as_array_mut) else { return };
    for denial in denials {
        let place = |items: &[Value], kind: &str, id: &str| {
            items.iter().position(|item| item["type"] == kind && item["call_id"] == id)
        };
        if place(items, RESULT, &denial.call_id).is_some() {
            continue;
        }
        let result = result_item(&denial.call_id, &denial.answer);
        if let Some(at) = place(items, CALL, &denial.neighbour) {
            items.insert(at + 1, call_item(&denial.call_id, &denial.name, &denial.arguments));
            // After every call of that turn.
            let after = items[at + 1..].iter().position(|item| item["type"] != CALL).unwrap_or(items.len() - at - 1);
            items.insert(at + 1 + after, result);
        } else if let Some(at) = place(items, RESULT, &denial.neighbour) {
            // The endpoint keeps the conversation itself and knows the call already.
            items.insert(at + 1, result);
        }
    }
}
