//! One span: what it was given, what came of it, what it took.

use gantry_domain::Timestamp;
use gantry_domain::trace::{Span, SpanKind, Taken, ToldSpan};
use leptos::prelude::*;

use super::kind_icon;
use super::waterfall::{kind_word, state_mark, taken_mark};
use crate::pages::project::chat::long_json;
use crate::parts::duration_text;
use crate::parts::markdown_view::markdown;
use crate::parts::money::money_text;

/// One span. `began` is when the run did.
pub(super) fn span_details(span: &Span, began: Timestamp, now: Timestamp) -> AnyView {
    let input_title = if span.kind == SpanKind::Approval { "Arguments asked about" } else { "Arguments" };
    let input = (!span.input.is_empty()).then(|| long_json(input_title, &span.input));
    let output = (!span.output.is_empty()).then(|| match span.kind {
        SpanKind::ModelTurn => {
            view! { <p class="json-head"><b>"What the model said"</b></p> <div class="markdown">{markdown(&span.output)}</div> }.into_any()
        }
        _ => long_json("Result", &span.output),
    });
    let tokens = (span.input_tokens + span.output_tokens > 0).then(|| {
        view! { <dt>"Tokens"</dt><dd>{format!("{} in, {} out", span.input_tokens, span.output_tokens)}</dd> }
    });
    let worked = span.worked_ms.filter(|_| span.kind == SpanKind::ToolCall).map(|millis| {
        view! { <dt>"The tool worked"</dt><dd>{duration_text(millis)}</dd> }
    });
    let count = span.events.len();
    let events = if count == 1 { "1 event".to_owned() } else { format!("{count} events") };
    let nothing = match span.kind {
        SpanKind::Project => Some("The project told of it by OpenTelemetry; nothing is counted or decided by it."),
        SpanKind::ModelTurn if span.output.is_empty() => Some("It said nothing; it called tools or broke off."),
        SpanKind::ToolCall if span.output.is_empty() => Some("No answer."),
        _ => None,
    };
    view! {
        <div class="span-details">
            <header class="row">{kind_icon(span.kind)} <h3>{span.name.clone()}</h3> {span.taken.map(taken_mark)} {state_mark(span.state)}</header>
            {span.taken.map(|taken| view! { <p class="hint">{taken_words(taken)}</p> })}
            {(!span.note.is_empty()).then(|| view! { <p>{span.note.clone()}</p> })}
            <dl class="facts">
                <dt>"Kind"</dt><dd>{kind_word(span)}</dd>
                <dt>"Began"</dt><dd title=span.began_at.to_string()>{since_begin(span.began_at.millis_since(began))}</dd>
                <dt>"Took"</dt><dd>{duration_text(span.millis(now))} {span.state.is_open().then_some(" so far")}</dd>
                {worked}
                {tokens}
                {span.cost_micros.map(|cost| view! { <dt>"Cost"</dt><dd>{money_text(cost)}</dd> })}
                <dt>"Own events"</dt><dd>{events}</dd>
                {span.told.as_deref().map(told_facts)}
                {(!span.key.is_empty()).then(|| view! { <dt>"Id"</dt><dd><code>{span.key.clone()}</code></dd> })}
            </dl>
            {span.told.as_deref().filter(|told| !told.attributes.is_empty()).map(told_attributes)}
            {input}
            {output}
            {nothing.map(|text| view! { <p class="hint">{text}</p> })}
        </div>
    }
    .into_any()
}

fn taken_words(taken: Taken) -> &'static str {
    match taken {
        Taken::AsItWas => "From the run that this one does anew: nobody was asked for it and nothing was run.",
        Taken::Edited => {
            "From the run that this one does anew, and changed by a person: nobody was asked for it and nothing was run."
        }
    }
}

/// When a span began, from the run's beginning.
fn since_begin(millis: i64) -> String {
    let sign = if millis < 0 { "−" } else { "+" };
    format!("{sign}{}", duration_text(millis.saturating_abs()))
}

/// Who told of a span of the project.
fn told_facts(told: &ToldSpan) -> AnyView {
    let fact = |name: &'static str, value: &String| {
        (!value.is_empty()).then(|| view! { <dt>{name}</dt><dd>{value.clone()}</dd> })
    };
    view! {
        {fact("Service", &told.service)}
        {fact("Told by", &told.scope)}
        {fact("Trace", &told.trace_id)}
    }
    .into_any()
}

/// What else a span of the project says of itself, what the conventions of generative AI name first.
fn told_attributes(told: &ToldSpan) -> AnyView {
    let (first, rest): (Vec<_>, Vec<_>) = told.attributes.iter().partition(|(name, _)| name.starts_with("gen_ai."));
    let rows = first.into_iter().chain(rest).map(|(name, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        view! { <dt><code>{name.clone()}</code></dt><dd>{value}</dd> }
    });
    let left_out = (told.left_out > 0).then(|| {
        view! { <p class="hint">{format!("{} more were left out.", told.left_out)}</p> }
    });
    view! {
        <details open=true class="told-attributes">
            <summary>"Attributes"</summary>
            <dl class="facts">{rows.collect_view()}</dl>
            {left_out}
        </details>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_may_begin_before_its_run() {
        assert_eq!(since_begin(1_500), "+1.5 s");
        assert_eq!(since_begin(-20), "−20 ms");
    }
}
