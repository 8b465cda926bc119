//! The spans of a run under one another, each with its bar on the time that the run took.

use gantry_domain::Timestamp;
use gantry_domain::trace::{Span, SpanKind, SpanState, Taken, Trace};
use leptos::prelude::*;

use super::kind_icon;
use crate::parts::money::money_text;
use crate::parts::{Icon, duration_text, icon};

/// A span as a row shows it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    /// Which span.
    pub(super) index: usize,
    depth: usize,
    kind: SpanKind,
    name: String,
    state: SpanState,
    taken: Option<Taken>,
    millis: i64,
    tokens: Option<(i64, i64)>,
    cost_micros: Option<i64>,
    /// Where its bar begins and how long it is, in thousandths of the whole.
    bar: (i64, i64),
}

/// The rows of a trace, and how many milliseconds they reach over.
pub(super) fn rows_of(trace: &Trace, now: Timestamp) -> (Vec<Row>, i64) {
    let Some((began, ended)) = trace.reach(now) else { return (Vec::new(), 0) };
    let whole = ended.millis_since(began);
    let row = |(index, depth): (usize, usize)| {
        let span = &trace.spans()[index];
        let share = |millis: i64| if whole == 0 { 0 } else { (millis * 1_000 / whole).clamp(0, 1_000) };
        let millis = span.millis(now);
        let tokens = (span.input_tokens + span.output_tokens > 0).then_some((span.input_tokens, span.output_tokens));
        let from = share(span.began_at.millis_since(began));
        // One of the project's may have begun before the run, by the project's clock: it is cut off at the edge.
        let before = began.millis_since(span.began_at).max(0);
        Row {
            index,
            depth,
            kind: span.kind,
            name: span.name.clone(),
            state: span.state,
            taken: span.taken,
            millis,
            tokens,
            cost_micros: span.cost_micros,
            bar: (from, share(millis - before).min(1_000 - from)),
        }
    };
    (trace.in_order().into_iter().map(row).collect(), whole)
}

/// The word for where a span is.
pub(super) fn state_word(state: SpanState) -> &'static str {
    match state {
        SpanState::Running => "Running",
        SpanState::Waiting => "Waiting",
        SpanState::Done => "Done",
        SpanState::Failed => "Failed",
        SpanState::Denied => "Denied",
        SpanState::Unfinished => "Unfinished",
        SpanState::Discarded => "Discarded",
    }
}

/// Where a span is, as an icon and a word.
pub(super) fn state_mark(span: SpanState) -> AnyView {
    let (class, glyph) = match span {
        SpanState::Running => ("call-state busy", Icon::Spinner),
        SpanState::Waiting => ("call-state busy", Icon::Pause),
        SpanState::Done => ("call-state good", Icon::Check),
        SpanState::Failed | SpanState::Denied => ("call-state bad", Icon::Cross),
        SpanState::Unfinished => ("call-state", Icon::Stop),
        SpanState::Discarded => ("call-state", Icon::Undo),
    };
    view! { <span class=class>{icon(glyph)} <span>{state_word(span)}</span></span> }.into_any()
}

/// Where what was not done in this run comes from, in a word.
pub(super) fn taken_mark(taken: Taken) -> AnyView {
    let word = match taken {
        Taken::AsItWas => "taken over",
        Taken::Edited => "changed",
    };
    view! { <span class="taken">{word}</span> }.into_any()
}

/// What kind of span it is, in a word.
pub(super) fn kind_word(span: &Span) -> &'static str {
    match span.kind {
        SpanKind::Run => "Run",
        SpanKind::Queue => "Queue",
        SpanKind::Step => "Step",
        SpanKind::ModelTurn => "Model turn",
        SpanKind::ToolCall => "Tool call",
        SpanKind::Approval => "Approval",
        SpanKind::Project => "Project's span",
    }
}

/// The spans. A press on one chooses it.
#[component]
pub(super) fn Waterfall(
    /// The rows, and how many milliseconds they reach over.
    rows: Memo<(Vec<Row>, i64)>,
    /// The span that is chosen.
    chosen: RwSignal<Option<usize>>,
    /// Called when a span is chosen.
    on_choose: Callback<()>,
) -> impl IntoView {
    let keys =
        Memo::new(move |_| rows.with(|(rows, _)| rows.iter().map(|row| (row.index, row.depth)).collect::<Vec<_>>()));
    let row = move |(index, depth): (usize, usize)| {
        let row = Memo::new(move |_| rows.with(|(rows, _)| rows.iter().find(|row| row.index == index).cloned()));
        let part = move |read: fn(&Row) -> String| move || row.with(|row| row.as_ref().map(read).unwrap_or_default());
        let state = Memo::new(move |_| row.with(|row| row.as_ref().map_or(SpanState::Done, |row| row.state)));
        let taken = Memo::new(move |_| row.with(|row| row.as_ref().and_then(|row| row.taken)));
        let kind = row.with_untracked(|row| row.as_ref().map_or(SpanKind::Run, |row| row.kind));
        let class = move || match state.get() {
            SpanState::Failed | SpanState::Denied => "span-bar bad",
            SpanState::Waiting | SpanState::Running => "span-bar busy",
            SpanState::Unfinished | SpanState::Discarded => "span-bar void",
            SpanState::Done => match kind {
                SpanKind::Run | SpanKind::Step => "span-bar frame",
                SpanKind::Queue => "span-bar queue",
                SpanKind::ModelTurn => "span-bar model",
                SpanKind::ToolCall => "span-bar tool",
                SpanKind::Approval => "span-bar person",
                SpanKind::Project => "span-bar",
            },
        };
        let bar = move |which: fn(&Row) -> i64| {
            move || {
                let thousandths = row.with(|row| row.as_ref().map_or(0, which));
                format!("{}.{}%", thousandths / 10, thousandths % 10)
            }
        };
        let tokens =
            move |row: &Row| row.tokens.map(|(input, output)| format!("{input} / {output}")).unwrap_or_default();
        view! {
            <li>
                <button
                    type="button"
                    class="span-row"
                    data-row=""
                    aria-pressed=move || (chosen.get() == Some(index)).to_string()
                    on:click=move |_| {
                        chosen.set(Some(index));
                        on_choose.run(());
                    }
                >
                    <span class="span-name" style:padding-inline-start=format!("{}px", depth * 16)>
                        {kind_icon(kind)} <span class="span-title">{part(|row| row.name.clone())}</span>
                        {move || taken.get().map(taken_mark)}
                        {move || state_mark(state.get())}
                    </span>
                    <span class="span-track" aria-hidden="true">
                        <span class=class style:inset-inline-start=bar(|row| row.bar.0) style:width=bar(|row| row.bar.1)></span>
                    </span>
                    <span class="span-number"><span class="visually-hidden">"Took "</span>{part(|row| duration_text(row.millis))}</span>
                    <span class="span-number of-model wide-only">{move || row.with(|row| row.as_ref().map(tokens).filter(|text| !text.is_empty())).map(|text| view! { <span class="visually-hidden">"Tokens in and out "</span> {text} })}</span>
                    <span class="span-number of-model wide-only">{part(|row| row.cost_micros.map(money_text).unwrap_or_default())}</span>
                </button>
            </li>
        }
        .into_any()
    };
    let whole = Memo::new(move |_| rows.with(|(_, whole)| *whole));
    // A run without an LLM has no use for columns of tokens and costs.
    let has_numbers = Memo::new(move |_| {
        rows.with(|(rows, _)| rows.iter().any(|row| row.tokens.is_some() || row.cost_micros.is_some()))
    });
    let marks = move || {
        let whole = whole.get();
        [0, 1, 2, 3, 4].map(|quarter| view! { <span>{duration_text(whole * quarter / 4)}</span> }).collect_view()
    };
    view! {
        <div class="waterfall" class:plain=move || !has_numbers.get()>
            <div class="span-head" aria-hidden="true">
                <span>"Span"</span>
                <span class="span-axis">{marks}</span>
                <span class="span-number">"Took"</span>
                <span class="span-number of-model wide-only">"In / out"</span>
                <span class="span-number of-model wide-only">"Cost"</span>
            </div>
            <ol aria-label="Spans"><For each=move || keys.get() key=|key| *key children=row/></ol>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use gantry_domain::event::Event;

    use super::*;

    #[test]
    fn bars_stay_within_the_whole() {
        let event = |seq: i64, at: &str, state: &str| -> Event {
            let wire = format!(
                r#"{{"seq":{seq},"at":"2026-11-21T08:00:{at}Z","jobId":"019f0000-0000-7000-8000-000000000001","type":"job.state","state":"{state}","attempt":0}}"#
            );
            serde_json::from_str(&wire).unwrap()
        };
        let trace = Trace::of(&[event(1, "00", "queued"), event(2, "01", "running")]);
        let now: Timestamp = "2026-11-21T08:00:04Z".parse().unwrap();
        let (rows, whole) = rows_of(&trace, now);
        assert_eq!(whole, 4_000);
        assert_eq!(
            rows.iter().map(|row| (row.kind, row.depth, row.bar, row.millis)).collect::<Vec<_>>(),
            [(SpanKind::Run, 0, (0, 1_000), 4_000), (SpanKind::Queue, 1, (0, 250), 1_000),]
        );
        assert_eq!(rows_of(&Trace::default(), now), (Vec::new(), 0));
    }
}
