//! The chunks of a chat completion as the events of a message on its way.

use serde_json::{Value, json};

use super::answer::{calls, empty, stop_reason, usage};
use super::events::{ending, event, of_block, of_delta, of_end};
use crate::outside::model::Frame;
use crate::outside::model::chat::{Piece, TurnAssembly};

/// Takes chunks and writes events: text as it comes, calls whole at the end, since the blocks of a message
/// come one after the other and endpoints mix theirs.
#[derive(Default)]
pub(in crate::outside::model) struct EventWriter {
    assembly: TurnAssembly,
    usage: Value,
    has_begun: bool,
    has_text: bool,
    has_ended: bool,
}

impl EventWriter {
    /// Takes the data of a chunk, `[DONE]` included.
    ///
    /// # Errors
    /// The endpoint's own words when it is an error, or what is wrong with the chunk.
    pub(in super::super) fn take(&mut self, data: &str) -> Result<Vec<Frame>, String> {
        if data.trim() == "[DONE]" {
            self.assembly.finish();
            return Ok(self.end());
        }
        let chunk: Value = serde_json::from_str(data).map_err(|_| "an event of its stream is not JSON".to_owned())?;
        let pieces = self.assembly.take(&chunk)?;
        if chunk["usage"].is_object() {
            self.usage = chunk["usage"].clone();
        }
        let mut frames = self.begin(&chunk);
        for piece in pieces {
            let Piece::Text(text) = piece else { continue };
            if !std::mem::replace(&mut self.has_text, true) {
                let block = json!({ "type": "text", "text": "" });
                frames.push(event(&json!({ "type": "content_block_start", "index": 0, "content_block": block })));
            }
            frames.push(of_delta(0, &json!({ "type": "text_delta", "text": text })));
        }
        Ok(frames)
    }

    /// The connection ended: some endpoints leave `[DONE]` out. Nothing when the answer is not whole.
    pub(in super::super) fn finish(&mut self) -> Vec<Frame> {
        if self.assembly.turn().finish_reason.is_empty() { Vec::new() } else { self.end() }
    }

    fn begin(&mut self, chunk: &Value) -> Vec<Frame> {
        if std::mem::replace(&mut self.has_begun, true) {
            return Vec::new();
        }
        vec![event(&json!({ "type": "message_start", "message": empty(chunk) }))]
    }

    fn end(&mut self) -> Vec<Frame> {
        if std::mem::replace(&mut self.has_ended, true) {
            return Vec::new();
        }
        let mut frames = self.begin(&Value::Null);
        if self.has_text {
            frames.push(of_end(0));
        }
        let turn = self.assembly.turn();
        let first = usize::from(self.has_text);
        frames.extend(calls(turn).enumerate().flat_map(|(place, call)| of_block(first + place, &call)));
        frames.extend(ending(&json!(stop_reason(turn)), &Value::Null, &usage(&self.usage)));
        frames
    }
}
