//! The chunks of a chat completion as the events of a response on its way.

use serde_json::{Value, json};

use super::answer::{empty, end, new_id, said};
use super::events::{Events, text_place};
use crate::outside::model::Frame;
use crate::outside::model::chat::{Piece, TurnAssembly};

/// Takes chunks and writes events: text as it comes, calls whole at the end.
#[derive(Default)]
pub(in crate::outside::model) struct EventWriter {
    assembly: TurnAssembly,
    events: Events,
    usage: Value,
    /// The response, once it has begun.
    response: Option<Value>,
    /// The item of its text, once it has begun.
    text: Option<Value>,
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
            self.end();
            return Ok(self.events.take());
        }
        let chunk: Value = serde_json::from_str(data).map_err(|_| "an event of its stream is not JSON".to_owned())?;
        let pieces = self.assembly.take(&chunk)?;
        if chunk["usage"].is_object() {
            self.usage = chunk["usage"].clone();
        }
        self.begin(&chunk["model"]);
        for piece in pieces {
            if let Piece::Text(text) = piece {
                self.say(&text);
            }
        }
        Ok(self.events.take())
    }

    /// The connection ended: some endpoints leave `[DONE]` out. Nothing when the answer is not whole.
    pub(in super::super) fn finish(&mut self) -> Vec<Frame> {
        if !self.assembly.turn().finish_reason.is_empty() {
            self.end();
        }
        self.events.take()
    }

    fn begin(&mut self, model: &Value) {
        if self.response.is_none() {
            self.events.begin(self.response.insert(empty(model)));
        }
    }

    fn say(&mut self, text: &str) {
        if self.text.is_none() {
            let item = said(&new_id("msg"), "");
            self.events.item_begins(0, &item);
            self.events.part_begins(&text_place(0, &item, 0), &item["content"][0]);
            self.text = Some(item);
        }
        let place = text_place(0, self.text.as_ref().unwrap_or(&Value::Null), 0);
        self.events.text(&place, &json!(text));
    }

    fn end(&mut self) {
        if std::mem::replace(&mut self.has_ended, true) {
            return;
        }
        self.begin(&Value::Null);
        let turn = self.assembly.turn();
        let text = self.text.as_ref().map(|item| said(item["id"].as_str().unwrap_or_default(), &turn.text));
        if let Some(item) = &text {
            self.events.part_ends(&text_place(0, item, 0), &item["content"][0]);
            self.events.item_ends(0, item);
        }
        let first = usize::from(text.is_some());
        let mut response = self.response.take().unwrap_or_else(|| empty(&Value::Null));
        end(&mut response, turn, &self.usage, text);
        for (index, item) in response["output"].as_array().into_iter().flatten().enumerate().skip(first) {
            self.events.item(index, item);
        }
        self.events.end(&response);
    }
}
