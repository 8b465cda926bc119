//! A run as spans: what took how long and cost what, folded from the events of its job.
//!
//! Folding is pure and forgets nothing: every event belongs to exactly one span, whichever runtime wrote it
//! and wherever it broke off. How spans are drawn is the browser's business.

mod fold;
mod spans;
mod told;

use crate::Timestamp;
use crate::event::Event;

pub use told::{TOLD_SPAN, ToldSpan};

/// A run as spans. The first span is the run itself; a span comes after the one that it is in, but for those
/// that the project told of, which come in the order in which they were told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    spans: Vec<Span>,
    /// The span of each event, in the order in which they were folded in.
    owners: Vec<(i64, usize)>,
    fold: fold::State,
}

/// A stretch of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// What it is.
    pub kind: SpanKind,
    /// Which one of its kind: the id of the step, message, call or approval; empty for the run.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// The span that it is in; none for the run.
    pub parent: Option<usize>,
    /// When it began.
    pub began_at: Timestamp,
    /// When it ended; none while it has not.
    pub ended_at: Option<Timestamp>,
    /// Where it is.
    pub state: SpanState,
    /// Tokens sent in it, as far as they are known.
    pub input_tokens: i64,
    /// Tokens received in it.
    pub output_tokens: i64,
    /// Its cost in millionths of a US dollar; none when it has none or no price is known.
    pub cost_micros: Option<i64>,
    /// Milliseconds of work, where the log says so: a tool's time without that of the person who approved it.
    pub worked_ms: Option<i64>,
    /// What went in: the arguments of a call as JSON text.
    pub input: String,
    /// What came out: what a model said, what a tool answered.
    pub output: String,
    /// What else is to be known: why it failed, who decided.
    pub note: String,
    /// Whether it comes from the log of another run.
    pub taken: Option<Taken>,
    /// What the project told, for a span that it told of.
    pub told: Option<Box<ToldSpan>>,
    /// The sequence numbers of its own events, without those of the spans in it.
    pub events: Vec<i64>,
    /// When the newest of them was appended.
    last_at: Timestamp,
}

/// What a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SpanKind {
    /// The whole run.
    Run,
    /// It waits for a worker: before it begins, after an approval, before it is tried again.
    Queue,
    /// An agent or task at work.
    Step,
    /// The model is asked and answers.
    ModelTurn,
    /// A tool is called, from the model's wish to the answer.
    ToolCall,
    /// A person is asked whether a call may run.
    Approval,
    /// The project told of it, by OpenTelemetry; its times are the project's.
    Project,
}

/// How a span comes from the log of another run: it was not done in this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Taken {
    /// As it was there.
    AsItWas,
    /// A person changed it.
    Edited,
}

/// Where a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SpanState {
    /// Under way.
    Running,
    /// A person has to decide.
    Waiting,
    /// Ended well.
    Done,
    /// Ended badly.
    Failed,
    /// A person or a rule said no.
    Denied,
    /// It never ended: the run was over, or broke off, before.
    Unfinished,
    /// It broke off, and was done anew in another span.
    Discarded,
}

impl SpanState {
    /// Whether something may still happen in it.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Running | Self::Waiting)
    }
}

impl Span {
    /// Milliseconds from its beginning to its end, or to `now`.
    pub fn millis(&self, now: Timestamp) -> i64 {
        self.ended_at.unwrap_or(now).millis_since(self.began_at).max(0)
    }
}

impl Trace {
    /// The trace of a log.
    pub fn of(events: &[Event]) -> Self {
        let mut trace = Self::default();
        for event in events {
            trace.apply(event);
        }
        trace
    }

    /// Folds in one event and gives the span that it belongs to; none for one that was folded in before.
    pub fn apply(&mut self, event: &Event) -> Option<usize> {
        if self.owners.last().is_some_and(|(seq, _)| event.seq <= *seq) {
            return None;
        }
        let owner = self.fold(event);
        let span = &mut self.spans[owner];
        span.events.push(event.seq);
        span.last_at = span.last_at.max(event.at);
        self.owners.push((event.seq, owner));
        Some(owner)
    }

    /// The spans; the run first.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// The newest event that was folded in; 0 when none was.
    pub fn last_seq(&self) -> i64 {
        self.owners.last().map_or(0, |(seq, _)| *seq)
    }

    /// The span that an event belongs to.
    pub fn owner(&self, seq: i64) -> Option<usize> {
        let at = self.owners.binary_search_by_key(&seq, |(seq, _)| *seq).ok()?;
        Some(self.owners[at].1)
    }

    /// The spans as a tree is read: each with its depth, and before those that are in it.
    pub fn in_order(&self) -> Vec<(usize, usize)> {
        let mut inside: Vec<Vec<usize>> = vec![Vec::new(); self.spans.len()];
        for (index, span) in self.spans.iter().enumerate() {
            if let Some(parent) = span.parent {
                inside[parent].push(index);
            }
        }
        let mut order = Vec::with_capacity(self.spans.len());
        let mut left: Vec<(usize, usize)> = self.spans.first().map(|_| (0, 0)).into_iter().collect();
        while let Some((index, depth)) = left.pop() {
            order.push((index, depth));
            left.extend(inside[index].iter().rev().map(|inner| (*inner, depth + 1)));
        }
        order
    }

    /// From the first event to the last end or, while something is under way, to `now`. Spans that the project
    /// told of do not count: its clock may be hours away.
    pub fn reach(&self, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let own = || self.spans.iter().filter(|span| span.kind != SpanKind::Project);
        let began = own().map(|span| span.began_at).min()?;
        let ended = own().map(|span| span.ended_at.unwrap_or(now)).max()?;
        Some((began, ended.max(began)))
    }
}

#[cfg(test)]
mod tests;
