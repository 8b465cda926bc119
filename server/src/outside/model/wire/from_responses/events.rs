//! The events that a response is streamed in.

use serde_json::{Value, json};

use crate::outside::model::Frame;

/// The events of a whole response.
pub(crate) fn streamed(response: &Value) -> Vec<Frame> {
    let mut events = Events::default();
    let mut begun = response.clone();
    begun["status"] = json!("in_progress");
    begun["output"] = json!([]);
    begun["usage"] = Value::Null;
    events.begin(&begun);
    for (index, item) in response["output"].as_array().into_iter().flatten().enumerate() {
        events.item(index, item);
    }
    events.end(response);
    events.take()
}

/// Writes events, which are numbered through.
#[derive(Default)]
pub(super) struct Events {
    told: Vec<Frame>,
    count: usize,
}

impl Events {
    /// What was written since the last time.
    pub(super) fn take(&mut self) -> Vec<Frame> {
        std::mem::take(&mut self.told)
    }

    fn tell(&mut self, kind: &str, mut event: Value) {
        event["type"] = json!(kind);
        event["sequence_number"] = json!(self.count);
        self.count += 1;
        self.told.push(Frame::of(Some(kind), &event.to_string()));
    }

    /// The response begins.
    pub(super) fn begin(&mut self, response: &Value) {
        self.tell("response.created", json!({ "response": response }));
        self.tell("response.in_progress", json!({ "response": response }));
    }

    /// A whole item.
    pub(super) fn item(&mut self, index: usize, item: &Value) {
        self.item_begins(index, item);
        if item["type"] == "function_call" {
            let place = json!({ "item_id": item["id"], "output_index": index });
            let arguments = &item["arguments"];
            self.tell("response.function_call_arguments.delta", at(&place, &[("delta", arguments)]));
            let done = at(&place, &[("name", &item["name"]), ("arguments", arguments)]);
            self.tell("response.function_call_arguments.done", done);
        }
        for (part_index, part) in item["content"].as_array().into_iter().flatten().enumerate() {
            if part["type"] != "output_text" {
                continue;
            }
            let place = text_place(index, item, part_index);
            self.part_begins(&place, part);
            self.text(&place, &part["text"]);
            self.part_ends(&place, part);
        }
        self.item_ends(index, item);
    }

    /// An item begins; what is in it comes.
    pub(super) fn item_begins(&mut self, index: usize, item: &Value) {
        let mut empty = item.clone();
        empty["status"] = json!("in_progress");
        if item["type"] == "function_call" {
            empty["arguments"] = json!("");
        } else if item["content"].is_array() {
            empty["content"] = json!([]);
        }
        self.tell("response.output_item.added", json!({ "output_index": index, "item": empty }));
    }

    /// A text begins.
    pub(super) fn part_begins(&mut self, place: &Value, part: &Value) {
        let mut empty = part.clone();
        empty["text"] = json!("");
        self.tell("response.content_part.added", at(place, &[("part", &empty)]));
    }

    /// More of a text.
    pub(super) fn text(&mut self, place: &Value, delta: &Value) {
        self.tell("response.output_text.delta", at(place, &[("delta", delta), ("logprobs", &json!([]))]));
    }

    /// A text is whole.
    pub(super) fn part_ends(&mut self, place: &Value, part: &Value) {
        self.tell("response.output_text.done", at(place, &[("text", &part["text"]), ("logprobs", &json!([]))]));
        self.tell("response.content_part.done", at(place, &[("part", part)]));
    }

    /// An item is whole.
    pub(super) fn item_ends(&mut self, index: usize, item: &Value) {
        self.tell("response.output_item.done", json!({ "output_index": index, "item": item }));
    }

    /// The response is whole, or as whole as it gets.
    pub(super) fn end(&mut self, response: &Value) {
        let is_cut = response["status"] == "incomplete";
        let kind = if is_cut { "response.incomplete" } else { "response.completed" };
        self.tell(kind, json!({ "response": response }));
    }
}

/// Where a text is.
pub(super) fn text_place(index: usize, item: &Value, part_index: usize) -> Value {
    json!({ "item_id": item["id"], "output_index": index, "content_index": part_index })
}

fn at(place: &Value, fields: &[(&str, &Value)]) -> Value {
    let mut event = place.clone();
    for (name, value) in fields {
        event[*name] = (*value).clone();
    }
    event
}
