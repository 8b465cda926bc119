//! The body of a chat-completions request and the pieces of its answer, as OpenAI's API reference
//! has them and as compatible endpoints really write them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Message {
    /// What the model is told before the conversation.
    System(String),
    /// What the person said.
    User(String),
    /// What the model said and asked for.
    Assistant {
        /// Its text; may be empty when it only called tools.
        text: String,
        /// The tools that it called.
        calls: Vec<ToolCall>,
    },
    /// What a tool answered.
    Tool {
        /// The call's id, as the model gave it.
        call_id: String,
        /// The answer.
        content: String,
    },
}

/// A tool call, complete.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ToolCall {
    /// The call's id, as the model gave it; may be empty.
    pub(crate) id: String,
    /// The tool's name.
    pub(crate) name: String,
    /// The arguments as the model wrote them: JSON text, or what it took for JSON.
    pub(crate) arguments: String,
}

/// A tool that the model may call.
#[derive(Clone, Debug)]
pub(crate) struct ToolDefinition {
    /// Its name.
    pub(crate) name: String,
    /// What it does.
    pub(crate) description: String,
    /// A JSON Schema of type `object`.
    pub(crate) parameters: Value,
}

/// What a model is asked.
#[derive(Clone, Debug)]
pub(crate) struct ChatRequest {
    /// The conversation.
    pub(crate) messages: Vec<Message>,
    /// The tools on offer.
    pub(crate) tools: Vec<ToolDefinition>,
    /// Sampling temperature; none is the endpoint's own.
    pub(crate) temperature: Option<f64>,
}

/// Tokens as the endpoint counted them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TokenCount {
    /// Tokens sent.
    pub(crate) input: i64,
    /// Tokens received.
    pub(crate) output: i64,
}

/// What a model said in one turn.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Turn {
    /// Its text.
    pub(crate) text: String,
    /// The tools that it called.
    pub(crate) calls: Vec<ToolCall>,
    /// Tokens, when the endpoint said.
    pub(crate) tokens: Option<TokenCount>,
    /// Why it stopped: `stop`, `tool_calls`, `length` ...; empty when it did not say.
    pub(crate) finish_reason: String,
}

/// A piece of a turn while it arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// More text; never empty.
    Text(String),
    /// A tool call begins.
    CallStarted {
        /// Its place among the turn's calls, from 0.
        index: usize,
        /// Its id; may be empty.
        id: String,
        /// The tool's name.
        name: String,
    },
    /// More of a call's arguments; never empty.
    CallArguments {
        /// The call's place.
        index: usize,
        /// The piece.
        text: String,
    },
}

/// The pieces that a complete turn would have arrived in.
pub(crate) fn pieces_of(turn: &Turn) -> Vec<Piece> {
    let mut pieces = Vec::new();
    if !turn.text.is_empty() {
        pieces.push(Piece::Text(turn.text.clone()));
    }
    for (index, call) in turn.calls.iter().enumerate() {
        pieces.push(Piece::CallStarted { index, id: call.id.clone(), name: call.name.clone() });
        if !call.arguments.is_empty() {
            pieces.push(Piece::CallArguments { index, text: call.arguments.clone() });
        }
    }
    pieces
}

impl ChatRequest {
    /// The request's body.
    pub(crate) fn body(&self, model: &str) -> Value {
        let mut body = json!({
            "model": model,
            "messages": self.messages.iter().map(message_body).collect::<Vec<_>>(),
            "stream": true,
            "stream_options": { "include_usage": true },
        });
        if !self.tools.is_empty() {
            body["tools"] = self
                .tools
                .iter()
                .map(|tool| {
                    json!({
                        "type": "function",
                        "function": {
                            "name": tool.name,
                            "description": tool.description,
                            "parameters": tool.parameters,
                        },
                    })
                })
                .collect();
        }
        if let Some(temperature) = self.temperature {
            body["temperature"] = json!(temperature);
        }
        body
    }
}

fn message_body(message: &Message) -> Value {
    match message {
        Message::System(text) => json!({ "role": "system", "content": text }),
        Message::User(text) => json!({ "role": "user", "content": text }),
        Message::Assistant { text, calls } if calls.is_empty() => json!({ "role": "assistant", "content": text }),
        Message::Assistant { text, calls } => json!({
            "role": "assistant",
            "content": if text.is_empty() { Value::Null } else { json!(text) },
            "tool_calls": calls.iter().map(|call| json!({
                "id": call.id,
                "type": "function",
                "function": { "name": call.name, "arguments": call.arguments },
            })).collect::<Vec<_>>(),
        }),
        Message::Tool { call_id, content } => json!({ "role": "tool", "tool_call_id": call_id, "content": content }),
    }
}

/// Puts a turn together from the chunks of a stream, or from one plain answer.
#[derive(Default)]
pub(crate) struct TurnAssembly {
    turn: Turn,
    /// Which call each `index` of the wire stands for, in order of appearance.
    slots: Vec<Slot>,
}

struct Slot {
    wire_index: Option<u64>,
    started: bool,
}

impl TurnAssembly {
    /// Takes one chunk (`object: chat.completion.chunk`) or a whole answer (`chat.completion`).
    ///
    /// # Errors
    /// The endpoint's own words when the chunk is an error, or what is missing from it.
    pub(crate) fn take(&mut self, chunk: &Value) -> Result<Vec<Piece>, String> {
        if let Some(error) = chunk.get("error").filter(|error| !error.is_null()) {
            return Err(error_text(error));
        }
        if let Some(usage) = chunk.get("usage").filter(|usage| usage.is_object()) {
            let count = |name: &str| usage.get(name).and_then(Value::as_i64).unwrap_or(0).max(0);
            self.turn.tokens = Some(TokenCount { input: count("prompt_tokens"), output: count("completion_tokens") });
        }
        let Some(choice) = chunk.get("choices").and_then(|choices| choices.get(0)) else {
            return if chunk.is_object() { Ok(Vec::new()) } else { Err("the answer is not a JSON object".to_owned()) };
        };
        let mut pieces = Vec::new();
        if let Some(delta) = choice.get("delta").or_else(|| choice.get("message")) {
            if let Some(text) = delta.get("content").and_then(text_of).filter(|text| !text.is_empty()) {
                self.turn.text.push_str(&text);
                pieces.push(Piece::Text(text));
            }
            let calls = delta.get("tool_calls").and_then(Value::as_array);
            for call in calls.into_iter().flatten() {
                self.take_call(call, &mut pieces);
            }
        }
        if let Some(reason) = choice.get("finish_reason").and_then(Value::as_str) {
            self.turn.finish_reason = reason.to_owned();
        }
        Ok(pieces)
    }

    fn take_call(&mut self, call: &Value, pieces: &mut Vec<Piece>) {
        let id = call.get("id").and_then(Value::as_str).unwrap_or_default();
        let function = call.get("function");
        let name = function.and_then(|f| f.get("name")).and_then(Value::as_str).unwrap_or_default();
        // Some endpoints give an object where the text of one is expected.
        let arguments = match function.and_then(|f| f.get("arguments")) {
            Some(Value::String(text)) => text.clone(),
            Some(value @ Value::Object(_)) => value.to_string(),
            _ => String::new(),
        };
        let index = self.slot(call.get("index").and_then(Value::as_u64), id, name);
        let known = &mut self.turn.calls[index];
        if known.id.is_empty() {
            known.id.push_str(id);
        }
        if !self.slots[index].started {
            known.name.push_str(name);
            if !known.name.is_empty() {
                self.slots[index].started = true;
                pieces.push(Piece::CallStarted { index, id: known.id.clone(), name: known.name.clone() });
            }
        }
        if !arguments.is_empty() {
            known.arguments.push_str(&arguments);
            pieces.push(Piece::CallArguments { index, text: arguments });
        }
    }

    /// The place of the call that a delta belongs to. Endpoints differ: OpenAI counts in `index`,
    /// Ollama leaves it out and sends whole calls, and some write `0` for every call of a turn and
    /// only the id differs.
    fn slot(&mut self, wire_index: Option<u64>, id: &str, name: &str) -> usize {
        let found = match wire_index {
            Some(_) => self.slots.iter().rposition(|slot| slot.wire_index == wire_index),
            None if !id.is_empty() => self.turn.calls.iter().rposition(|call| call.id == id),
            None if name.is_empty() => self.slots.len().checked_sub(1),
            None => None,
        };
        let same_call = found.filter(|index| {
            let known = &self.turn.calls[*index].id;
            known.is_empty() || id.is_empty() || known == id
        });
        same_call.unwrap_or_else(|| {
            self.slots.push(Slot { wire_index, started: false });
            self.turn.calls.push(ToolCall::default());
            self.slots.len() - 1
        })
    }

    /// The endpoint said that it has finished, with or without a reason.
    pub(crate) fn finish(&mut self) {
        if self.turn.finish_reason.is_empty() {
            self.turn.finish_reason.push_str("stop");
        }
    }

    /// What has been said so far.
    pub(crate) fn turn(&self) -> &Turn {
        &self.turn
    }

    /// What has been said in all.
    pub(crate) fn into_turn(self) -> Turn {
        self.turn
    }
}

/// Content is a text, or a list of parts of which the text ones count.
fn text_of(content: &Value) -> Option<String> {
    match content {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => Some(parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str)).collect()),
        _ => None,
    }
}

/// An error as OpenAI's wire has it, for whoever reads it with OpenAI's clients.
pub(crate) fn error_body(kind: impl Into<Value>, code: impl Into<Value>, message: &str, field: Option<&str>) -> Value {
    json!({ "error": { "message": message, "type": kind.into(), "param": field, "code": code.into() } })
}

/// The sentence inside an endpoint's error, which comes in several shapes.
pub(crate) fn error_text(error: &Value) -> String {
    match error {
        Value::String(text) => text.clone(),
        Value::Object(fields) => ["message", "error", "detail", "msg"]
            .iter()
            .find_map(|name| fields.get(*name).filter(|inner| !inner.is_null()))
            .map_or_else(|| error.to_string(), error_text),
        // Gemini and FastAPI give lists.
        Value::Array(errors) if !errors.is_empty() => error_text(&errors[0]),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assemble(chunks: &[Value]) -> (Turn, Vec<Piece>) {
        let mut assembly = TurnAssembly::default();
        let pieces = chunks.iter().flat_map(|chunk| assembly.take(chunk).unwrap()).collect();
        (assembly.into_turn(), pieces)
    }

    fn delta(calls: Value) -> Value {
        json!({"choices":[{"index":0,"delta":{"tool_calls":calls}}]})
    }

    #[test]
    fn a_call_that_arrives_in_pieces_is_put_together() {
        let (turn, pieces) = assemble(&[
            delta(json!([{"index":0,"id":"a","type":"function","function":{"name":"add","arguments":""}}])),
            delta(json!([{"index":0,"function":{"arguments":"{\"x\""}}])),
            delta(json!([{"index":1,"id":"b","function":{"name":"sub","arguments":"{}"}}])),
            delta(json!([{"index":0,"function":{"arguments":":1}"}}])),
            json!({"choices":[{"delta":{},"finish_reason":"tool_calls"}]}),
            json!({"choices":[],"usage":{"prompt_tokens":11,"completion_tokens":7}}),
        ]);
        assert_eq!(turn.calls.len(), 2);
        assert_eq!((turn.calls[0].name.as_str(), turn.calls[0].arguments.as_str()), ("add", "{\"x\":1}"));
        assert_eq!((turn.calls[1].id.as_str(), turn.calls[1].arguments.as_str()), ("b", "{}"));
        assert_eq!(turn.tokens, Some(TokenCount { input: 11, output: 7 }));
        assert_eq!(pieces.iter().filter(|piece| matches!(piece, Piece::CallStarted { .. })).count(), 2);
    }

    #[test]
    fn whole_calls_without_an_index_or_all_at_index_zero_stay_apart() {
        for index in [json!(null), json!(0)] {
            let (turn, _) = assemble(&[
                delta(json!([{"index":index,"id":"a","function":{"name":"one","arguments":{"x":1}}}])),
                delta(json!([{"index":index,"id":"b","function":{"name":"two","arguments":"{}"}}])),
            ]);
            assert_eq!(turn.calls.len(), 2, "{index}");
            assert_eq!(turn.calls[0].arguments, "{\"x\":1}");
        }
    }

    #[test]
    fn a_plain_answer_reads_like_a_stream_of_one() {
        let (turn, pieces) = assemble(&[json!({
            "object":"chat.completion",
            "choices":[{"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],
            "usage":{"prompt_tokens":1,"completion_tokens":2}
        })]);
        assert_eq!(turn.text, "hi");
        assert_eq!(turn.finish_reason, "stop");
        assert_eq!(pieces, vec![Piece::Text("hi".to_owned())]);
    }

    #[test]
    fn an_error_in_the_stream_is_an_error() {
        let mut assembly = TurnAssembly::default();
        assert_eq!(assembly.take(&json!({"error":{"message":"overloaded"}})), Err("overloaded".to_owned()));
        assert!(assembly.take(&json!([1])).is_err());
    }
}
