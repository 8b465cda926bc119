//! Chat completions (`chat.completion` and `chat.completion.chunk`).

use bytes::Bytes;
use serde_json::{Value, json};

use crate::outside::model::{Frame, Piece, Turn, TurnAssembly};

use super::{Call, Denial, Said, Settled, Step, is_unchanged, text, text_of};

/// Reads a stream of chunks.
pub(in crate::gateway) struct ChatReader {
    assembly: TurnAssembly,
    kept: Vec<Kept>,
    /// The delta that each call began with: endpoints put more into it than OpenAI does.
    heads: Vec<Value>,
    wants_usage: bool,
    /// A turn went before in the same answer.
    follows: bool,
    /// The model said that it has finished.
    ended: bool,
}

struct Kept {
    frame: Frame,
    chunk: Value,
    has_calls: bool,
}

impl ChatReader {
    pub(super) fn new(wants_usage: bool) -> Self {
        Self {
            assembly: TurnAssembly::default(),
            kept: Vec::new(),
            heads: Vec::new(),
            wants_usage,
            follows: false,
            ended: false,
        }
    }

    pub(super) fn next_turn(&self) -> Self {
        Self { follows: true, ..Self::new(self.wants_usage) }
    }

    pub(super) fn take(&mut self, frame: Frame) -> Result<Step, String> {
        let data = frame.data.trim();
        if data.is_empty() {
            return Ok(Step { forward: Some(frame.raw), text: String::new() });
        }
        if data == "[DONE]" {
            self.assembly.finish();
            self.kept.push(Kept { frame, chunk: Value::Null, has_calls: false });
            return Ok(Step::default());
        }
        let mut chunk: Value =
            serde_json::from_str(data).map_err(|_| "an event of its stream is not JSON".to_owned())?;
        let pieces = self.assembly.take(&chunk)?;
        let text = pieces.into_iter().filter_map(|piece| match piece {
            Piece::Text(text) => Some(text),
            _ => None,
        });
        let text: String = text.collect();
        let choices = chunk.get("choices").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let calls = || choices.iter().filter_map(|choice| choice["delta"]["tool_calls"].as_array()).flatten();
        let has_calls = calls().next().is_some();
        self.heads.extend(
            calls().filter(|call| call["function"]["name"].as_str().is_some_and(|name| !name.is_empty())).cloned(),
        );
        self.ended |= choices.iter().any(|choice| choice["finish_reason"].is_string());
        let only_counts = choices.is_empty() && chunk["usage"].is_object();
        if only_counts && !self.wants_usage {
            return Ok(Step::default());
        }
        if has_calls || self.ended || only_counts {
            self.kept.push(Kept { frame, chunk, has_calls });
            return Ok(Step { forward: None, text });
        }
        // Clients put the pieces together: the role must come once.
        let delta = chunk.pointer_mut("/choices/0/delta").and_then(Value::as_object_mut);
        if self.follows && delta.and_then(|delta| delta.remove("role")).is_some() {
            let forward = (!text.is_empty()).then(|| Frame::of(None, &chunk.to_string()).raw);
            return Ok(Step { forward, text });
        }
        Ok(Step { forward: Some(frame.raw), text })
    }

    pub(super) fn said(&self) -> Said {
        said(self.assembly.turn())
    }

    pub(super) fn release(self, settled: &[Settled]) -> Vec<Bytes> {
        let calls = self.said().calls;
        if is_unchanged(&calls, settled) {
            return self.kept.into_iter().map(|kept| kept.frame.raw).collect();
        }
        let mut released = Vec::new();
        let mut told = false;
        for kept in self.kept {
            if !kept.has_calls {
                released.push(kept.frame.raw);
                continue;
            }
            let mut chunk = kept.chunk;
            if let Some(fields) = chunk.as_object_mut() {
                fields.remove("usage");
            }
            let mut taken = |path| chunk.pointer_mut(path).map(Value::take).unwrap_or_default();
            let content = taken("/choices/0/delta/content");
            let reason = taken("/choices/0/finish_reason");
            let mut tell = |delta: Value, reason: Value| {
                chunk["choices"] = json!([{ "index": 0, "delta": delta, "finish_reason": reason }]);
                released.push(Frame::of(None, &chunk.to_string()).raw);
            };
            if !text_of(&content).is_empty() {
                tell(json!({ "content": content }), Value::Null);
            }
            if !std::mem::replace(&mut told, true) {
                for (index, call) in rewritten_calls(&self.heads, &calls, settled).into_iter().enumerate() {
                    let mut call = call;
                    call["index"] = json!(index);
                    tell(json!({ "tool_calls": [call] }), Value::Null);
                }
            }
            if reason.is_string() {
                tell(json!({}), reason);
            }
        }
        released
    }
}

fn said(turn: &Turn) -> Said {
    let calls = turn.calls.iter().map(|call| Call {
        id: call.id.clone(),
        name: call.name.clone(),
        arguments: call.arguments.clone(),
    });
    Said {
        text: turn.text.clone(),
        calls: calls.collect(),
        tokens: turn.tokens,
        complete: !turn.finish_reason.is_empty(),
        thoughts: Vec::new(),
    }
}

/// The calls that are released, each made of what it began with.
fn rewritten_calls(heads: &[Value], calls: &[Call], settled: &[Settled]) -> Vec<Value> {
    let released = calls.iter().zip(settled).enumerate().filter_map(|(place, (call, settled))| {
        let Settled::Released { id, arguments } = settled else { return None };
        let mut whole = heads.get(place).cloned().unwrap_or_else(|| json!({ "type": "function" }));
        whole["id"] = json!(id);
        whole["function"] = json!({ "name": call.name, "arguments": arguments });
        Some(whole)
    });
    released.collect()
}

pub(super) fn understood(answer: &Value) -> Result<Said, String> {
    let mut assembly = TurnAssembly::default();
    assembly.take(answer)?;
    if !answer["choices"][0].is_object() {
        return Err("it has no choices".to_owned());
    }
    assembly.finish();
    Ok(said(assembly.turn()))
}

pub(super) fn rewritten(mut answer: Value, settled: &[Settled]) -> Value {
    let Ok(said) = understood(&answer) else { return answer };
    if let Some(calls) = answer.pointer_mut("/choices/0/message/tool_calls") {
        let heads = calls.as_array().cloned().unwrap_or_default();
        *calls = rewritten_calls(&heads, &said.calls, settled).into();
    }
    answer
}

pub(super) fn streamed(answer: &Value) -> Vec<Frame> {
    let mut chunk = answer.clone();
    if let Some(fields) = chunk.as_object_mut() {
        fields.remove("usage");
        fields.insert("object".to_owned(), json!("chat.completion.chunk"));
        fields.entry("id").or_insert_with(|| json!(format!("chatcmpl-{}", uuid::Uuid::now_v7().simple())));
        fields.entry("created").or_insert(json!(0));
        fields.entry("model").or_insert(json!(""));
    }
    let mut frames = Vec::new();
    let mut tell = |choices: Value, usage: Option<&Value>| {
        chunk["choices"] = choices;
        if let Some(usage) = usage {
            chunk["usage"] = usage.clone();
        }
        frames.push(Frame::of(None, &chunk.to_string()));
    };
    for choice in answer["choices"].as_array().into_iter().flatten() {
        let index = choice.get("index").cloned().unwrap_or(json!(0));
        let mut delta = choice["message"].clone();
        let calls = delta.as_object_mut().and_then(|delta| delta.remove("tool_calls"));
        tell(json!([{ "index": index, "delta": delta, "finish_reason": null }]), None);
        let calls = calls.as_ref().and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for (place, call) in calls.iter().enumerate() {
            let mut call = call.clone();
            call["index"] = json!(place);
            tell(json!([{ "index": index, "delta": { "tool_calls": [call] }, "finish_reason": null }]), None);
        }
        let usual = if calls.is_empty() { "stop" } else { "tool_calls" };
        let reason = choice["finish_reason"].as_str().unwrap_or(usual);
        tell(json!([{ "index": index, "delta": {}, "finish_reason": reason }]), None);
    }
    if answer["usage"].is_object() {
        tell(json!([]), Some(&answer["usage"]));
    }
    frames.push(Frame::of(None, "[DONE]"));
    frames
}

fn call_of(call_id: &str, name: &str, arguments: &str) -> Value {
    json!({ "id": call_id, "type": "function", "function": { "name": name, "arguments": arguments } })
}

fn result_of(call_id: &str, answer: &str) -> Value {
    json!({ "role": "tool", "tool_call_id": call_id, "content": answer })
}

pub(super) fn go_on(request: &mut Value, said: &Said, settled: &[Settled]) {
    let Some(messages) = request.get_mut("messages").and_then(Value::as_array_mut) else { return };
    let denied: Vec<(&Call, &str, &str)> = said
        .calls
        .iter()
        .zip(settled)
        .filter_map(|(call, settled)| match settled {
            Settled::Denied { id, answer } => Some((call, id.as_str(), answer.as_str())),
            Settled::Released { .. } => None,
        })
        .collect();
    let calls: Vec<Value> = denied.iter().map(|(call, id, _)| call_of(id, &call.name, &call.arguments)).collect();
    let content = if said.text.is_empty() { Value::Null } else { json!(said.text) };
    messages.push(json!({ "role": "assistant", "content": content, "tool_calls": calls }));
    messages.extend(denied.iter().map(|(_, id, answer)| result_of(id, answer)));
}

pub(super) fn results_in(request: &Value) -> Vec<(String, String)> {
    let messages = request["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let results = messages.iter().filter(|message| message["role"] == "tool");
    results.map(|message| (text(message, "tool_call_id"), text_of(&message["content"]))).collect()
}

pub(super) fn put_back(request: &mut Value, denials: &[Denial]) {
    let Some(messages) = request.get_mut("messages").and_then(Value::as_array_mut) else { return };
    let mut at = 0;
    while at < messages.len() {
        let mut results = Vec::new();
        if let Some(calls) = messages[at].get_mut("tool_calls").and_then(Value::as_array_mut) {
            let has = |calls: &[Value], id: &str| calls.iter().any(|call| call["id"] == id);
            for denial in denials {
                if has(calls, &denial.neighbour) && !has(calls, &denial.call_id) {
                    calls.push(call_of(&denial.call_id, &denial.name, &denial.arguments));
                    results.push(result_of(&denial.call_id, &denial.answer));
                }
            }
        }
        at += 1;
        let added = results.len();
        messages.splice(at..at, results);
        at += added;
    }
}
