//! Spans that the project itself told of, by OpenTelemetry: what the run's log has of one, and where it
//! belongs among Gantry's own.
//!
//! They are what the project says and nobody has checked: their times are its clock's, and nothing is
//! counted or decided by them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::spans::RUN;
use super::{SpanKind, SpanState, Trace};
use crate::Timestamp;

/// The name of the event that carries one.
pub const TOLD_SPAN: &str = "gantry.span";

/// A span that the project told of, as the event `gantry.span` carries it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ToldSpan {
    /// The trace that it is in, as 32 hexadecimal digits.
    pub trace_id: String,
    /// Its own id, as 16 hexadecimal digits.
    pub span_id: String,
    /// The id of the span that it is in; empty for none.
    pub parent_id: String,
    /// What the project calls it.
    pub name: String,
    /// The service that tells of it (`service.name`); may be empty.
    pub service: String,
    /// The library that tells of it; may be empty.
    pub scope: String,
    /// When it began, by the project's clock.
    pub began_at: Timestamp,
    /// When it ended, by the project's clock.
    pub ended_at: Timestamp,
    /// Whether it says that it failed.
    pub failed: bool,
    /// Why it failed; may be empty.
    pub message: String,
    /// What else it says of itself, under the names of OpenTelemetry's conventions.
    pub attributes: BTreeMap<String, Value>,
    /// How many attributes were left out, there or here, because there were too many.
    pub left_out: u32,
}

impl ToldSpan {
    /// The first of these attributes that it has, as text.
    fn text(&self, names: &[&str]) -> String {
        let found = names.iter().find_map(|name| self.attributes.get(*name));
        match found {
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => String::new(),
        }
    }

    fn count(&self, names: &[&str]) -> i64 {
        names.iter().find_map(|name| self.attributes.get(*name)?.as_i64()).unwrap_or(0).max(0)
    }
}

impl Trace {
    /// Folds in a span of the project. A parent ends after what is in it and is therefore told of later: until
    /// then its spans are the run's.
    pub(super) fn told(&mut self, told: ToldSpan, at: Timestamp) -> usize {
        if self.known(SpanKind::Project, &told.span_id).is_some() {
            return RUN;
        }
        let name = if told.name.trim().is_empty() { "A span without a name" } else { told.name.as_str() };
        let parent = self.known(SpanKind::Project, &told.parent_id).unwrap_or(RUN);
        let index = self.open(SpanKind::Project, &told.span_id, name, Some(parent), told.began_at);
        // Those that waited for it, unless one of them says that it is around this one.
        for child in 0..index {
            let is_inside = self.spans[child].told.as_ref().is_some_and(|span| span.parent_id == told.span_id);
            if is_inside && !self.is_within(index, child) {
                self.spans[child].parent = Some(index);
            }
        }
        let run_began = self.spans[RUN].began_at;
        let state = if told.failed { SpanState::Failed } else { SpanState::Done };
        let span = &mut self.spans[index];
        span.state = state;
        span.ended_at = Some(told.ended_at);
        span.input_tokens = told.count(&["gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"]);
        span.output_tokens = told.count(&["gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"]);
        span.input = told.text(&["gen_ai.tool.call.arguments", "gen_ai.input.messages", "gen_ai.prompt"]);
        span.output = told.text(&["gen_ai.tool.call.result", "gen_ai.output.messages", "gen_ai.completion"]);
        let mut notes: Vec<&str> = Vec::new();
        if !told.message.is_empty() {
            notes.push(&told.message);
        }
        if told.began_at < run_began {
            notes.push("By the project's clock it began before the run did.");
        }
        if told.ended_at > at {
            notes.push("By the project's clock it ended after it was told of.");
        }
        if told.ended_at < told.began_at {
            notes.push("By the project's clock it ended before it began.");
        }
        span.note = notes.join(" ");
        span.told = Some(Box::new(told));
        index
    }

    /// Whether a span is within another, or is it.
    fn is_within(&self, span: usize, outer: usize) -> bool {
        let mut at = Some(span);
        // No chain is longer than there are spans.
        for _ in 0..self.spans.len() {
            match at {
                Some(index) if index == outer => return true,
                Some(index) => at = self.spans[index].parent,
                None => return false,
            }
        }
        true
    }
}
