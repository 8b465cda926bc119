//! One span: what it was given, what came of it, what it took.

use gantry_domain::Timestamp;
use gantry_domain::trace::{Span, SpanKind, Taken};
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
                <dt>"Began"</dt><dd title=span.began_at.to_string()>{format!("+{}", duration_text(span.began_at.millis_since(began)))}</dd>
                <dt>"Took"</dt><dd>{duration_text(span.millis(now))} {span.state.is_open().then_some(" so far")}</dd>
                {worked}
                {tokens}
                {span.cost_micros.map(|cost| view! { <dt>"Cost"</dt><dd>{money_text(cost)}</dd> })}
                <dt>"Own events"</dt><dd>{events}</dd>
                {(!span.key.is_empty()).then(|| view! { <dt>"Id"</dt><dd><code>{span.key.clone()}</code></dd> })}
            </dl>
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
