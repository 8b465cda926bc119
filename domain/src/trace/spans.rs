//! The spans of a run while it is folded: finding one, beginning one, ending one. Which event does which is in
//! `fold`.

use super::{Span, SpanKind, SpanState, Trace};
use crate::Timestamp;

/// The span that is the run itself.
pub(super) const RUN: usize = 0;

/// A turn of the model that has not ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Open {
    pub(super) span: usize,
    /// Whether its text, or the arguments of a call, are still being written.
    pub(super) writing: Vec<String>,
    /// Whether it was said what it used.
    pub(super) is_counted: bool,
}

impl Trace {
    /// The turn of the model that a message belongs to; begun if it is not there.
    pub(super) fn turn(&mut self, message_id: &str, at: Timestamp) -> usize {
        match self.known(SpanKind::ModelTurn, message_id) {
            Some(span) => span,
            None => {
                self.supersede_turns();
                self.open_turn(message_id, at)
            }
        }
    }

    pub(super) fn open_turn(&mut self, message_id: &str, at: Timestamp) -> usize {
        self.fold.turn_count += 1;
        let name = format!("Model turn {}", self.fold.turn_count);
        let parent = self.fold.steps.last().copied().unwrap_or(RUN);
        let span = self.open(SpanKind::ModelTurn, message_id, &name, Some(parent), at);
        self.fold.turns.push(Open { span, writing: Vec::new(), is_counted: false });
        span
    }

    /// The turn that a record is about: the one with its message, the one that was only counted, or a new one.
    pub(super) fn turn_for_record(&mut self, message_id: &str, key: &str, at: Timestamp) -> usize {
        let nameless = self.fold.turns.iter().rev().map(|open| open.span).find(|span| self.spans[*span].key.is_empty());
        let known = self.known(SpanKind::ModelTurn, message_id);
        let span = match (known, nameless) {
            (Some(span), _) => span,
            (None, Some(span)) => {
                self.spans[span].key = message_id.to_owned();
                span
            }
            (None, None) => self.open_turn(message_id, at),
        };
        // Where several steps are at work at once, the record says whose turn it was.
        let mut parts = key.split(':');
        let step = parts.find_map(|part| self.fold.steps.iter().rev().find(|step| self.spans[**step].key == part));
        if let Some(step) = step.copied().filter(|step| *step < span) {
            self.spans[span].parent = Some(step);
        }
        span
    }

    /// Turns that are complete, though nothing said so, end where the next thing begins.
    pub(super) fn supersede_turns(&mut self) {
        let (complete, writing): (Vec<Open>, Vec<Open>) =
            std::mem::take(&mut self.fold.turns).into_iter().partition(|turn| turn.writing.is_empty());
        self.fold.turns = writing;
        for turn in complete {
            self.close_at_last_event(turn.span, SpanState::Done);
        }
    }

    pub(super) fn writes(&mut self, turn: usize, what: &str) {
        if let Some(open) = self.fold.turns.iter_mut().find(|open| open.span == turn)
            && !open.writing.iter().any(|id| id == what)
        {
            open.writing.push(what.to_owned());
        }
    }

    pub(super) fn wrote(&mut self, what: &str) {
        for open in &mut self.fold.turns {
            open.writing.retain(|id| id != what);
        }
    }

    /// The span of a call; begun if it is not there.
    pub(super) fn call(&mut self, id: &str, at: Timestamp) -> usize {
        match self.known(SpanKind::ToolCall, id) {
            Some(span) => span,
            None => {
                let parent = self.innermost_step();
                self.open(SpanKind::ToolCall, id, "Tool", Some(parent), at)
            }
        }
    }

    /// The newest span of a kind with this key.
    pub(super) fn known(&self, kind: SpanKind, key: &str) -> Option<usize> {
        self.spans.iter().rposition(|span| span.kind == kind && span.key == key)
    }

    pub(super) fn innermost_step(&self) -> usize {
        self.fold.steps.last().copied().unwrap_or(RUN)
    }

    /// What is at work: a turn of the model, a step, the run.
    pub(super) fn innermost(&self) -> usize {
        self.fold.turns.last().map_or_else(|| self.innermost_step(), |open| open.span)
    }

    pub(super) fn last_open(&self, kind: SpanKind, key: Option<&str>) -> Option<usize> {
        self.spans
            .iter()
            .rposition(|span| span.kind == kind && span.ended_at.is_none() && key.is_none_or(|key| span.key == key))
    }

    pub(super) fn open(
        &mut self,
        kind: SpanKind,
        key: &str,
        name: &str,
        parent: Option<usize>,
        at: Timestamp,
    ) -> usize {
        self.spans.push(Span {
            kind,
            key: key.to_owned(),
            name: name.to_owned(),
            parent,
            began_at: at,
            ended_at: None,
            state: SpanState::Running,
            input_tokens: 0,
            output_tokens: 0,
            cost_micros: None,
            worked_ms: None,
            input: String::new(),
            output: String::new(),
            note: String::new(),
            taken: None,
            told: None,
            events: Vec::new(),
            last_at: at,
        });
        self.spans.len() - 1
    }

    pub(super) fn goes_on(&mut self, span: usize, state: SpanState) {
        self.spans[span].state = state;
        self.spans[span].ended_at = None;
    }

    pub(super) fn close(&mut self, span: usize, state: SpanState, at: Timestamp) {
        let span = &mut self.spans[span];
        span.state = state;
        span.ended_at = Some(at.max(span.began_at));
    }

    /// Ends a span where its newest event was.
    pub(super) fn close_at_last_event(&mut self, span: usize, state: SpanState) {
        self.close(span, state, self.spans[span].last_at);
    }
}
