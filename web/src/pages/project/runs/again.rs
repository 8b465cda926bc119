//! Doing a run anew: from its beginning, or from a span in its middle with what is said there changed.

use gantry_domain::api::run::{Run, RunAgain, RunPoint, RunPointKind, RunPoints};
use gantry_domain::trace::{Span, SpanKind};
use leptos::prelude::*;
use leptos_router::hooks::use_navigate;

use super::{mode_word, runtime_word};
use crate::api::work;
use crate::pages::project::CurrentProject;
use crate::pages::project::chat::model_name;
use crate::parts::json_view::pretty;
use crate::parts::{Button, ButtonKind, Dialog, ErrorLine, Icon, RadioCard, Submission, TextArea};

/// One way to go on from a place of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Way {
    /// The name of the point; none is the run's beginning.
    point: Option<String>,
    title: &'static str,
    text: &'static str,
    /// What can be changed: its label and how it is now.
    said: Option<(&'static str, String)>,
    /// Whether it is sent as it is too: its being said is the point.
    always_said: bool,
    /// Why it is not possible.
    pub(super) refusal: Option<String>,
}

impl Way {
    /// From the beginning of a run.
    pub(super) fn beginning(run: &Run) -> Self {
        Self {
            point: None,
            title: "From the beginning",
            text: "Everything is done anew.",
            said: Some(("Input", run.input.clone())),
            always_said: false,
            refusal: None,
        }
    }
}

/// The ways to go on from a span; none from what is no turn of a model and no call of a tool.
pub(super) fn ways_from(span: &Span, points: &RunPoints) -> Vec<Way> {
    let point = |kind: RunPointKind| points.items.iter().find(|point| point.kind == kind && point.subject == span.key);
    let way = |point: &RunPoint, title, text, said: Option<(&'static str, String)>, always_said| Way {
        point: Some(point.name.clone()),
        title,
        text,
        said,
        always_said,
        refusal: point.refusal.clone(),
    };
    let mut ways = Vec::new();
    match span.kind {
        SpanKind::ModelTurn => {
            if let Some(point) = point(RunPointKind::Turn) {
                ways.push(way(
                    point,
                    "Ask the model again",
                    "It is asked the same, and may answer otherwise.",
                    None,
                    false,
                ));
                if !span.output.is_empty() {
                    let said = Some(("What the model says", span.output.clone()));
                    ways.push(way(
                        point,
                        "Go on with other words",
                        "The model is not asked for this turn.",
                        said,
                        true,
                    ));
                }
            }
        }
        SpanKind::ToolCall => {
            if let Some(point) = point(RunPointKind::Call) {
                let said = Some(("Arguments", pretty(&span.input)));
                ways.push(way(point, "Call the tool again", "With the same arguments, or others.", said, false));
            }
            if let Some(point) = point(RunPointKind::Result) {
                let said = Some(("Result", span.output.clone()));
                ways.push(way(
                    point,
                    "Go on with its result",
                    "The tool is not run; the model reads this.",
                    said,
                    false,
                ));
            }
        }
        _ => {}
    }
    ways
}

/// What the point of a run is, after "from".
pub(super) fn point_words(point: &str) -> &'static str {
    match point.split_once(':').map(|(kind, _)| kind) {
        Some("turn") => "a turn of its model",
        Some("call") => "a call of a tool",
        Some("result") => "the result of a tool",
        _ => "its beginning",
    }
}

/// Asks how to go on, and shows the new run.
#[component]
pub(super) fn AgainDialog(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// The run.
    run: StoredValue<Run>,
    /// The ways from which one is chosen; the first that is possible is.
    ways: RwSignal<Vec<Way>>,
    /// The parts of the run's spec that the project has otherwise by now.
    differs: Signal<Vec<String>>,
) -> impl IntoView {
    let project = CurrentProject::expect();
    let navigate = StoredValue::new_local(use_navigate());
    let picked = RwSignal::new(0_usize);
    let said = RwSignal::new(String::new());
    // What was written for a way stays while another one is looked at.
    let written = StoredValue::new(Vec::<String>::new());
    let submission = Submission::new();
    let pick = move |index: usize| {
        written.update_value(|written| {
            if let Some(text) = written.get_mut(picked.get_untracked()) {
                *text = said.get_untracked();
            }
        });
        picked.set(index);
        said.set(written.with_value(|written| written.get(index).cloned().unwrap_or_default()));
        submission.error.set(None);
    };
    Effect::new(move |_| {
        if open.get() {
            let ways = ways.get_untracked();
            let text = |way: &Way| way.said.as_ref().map(|(_, text)| text.clone()).unwrap_or_default();
            let first = ways.iter().position(|way| way.refusal.is_none()).unwrap_or(0);
            picked.set(first);
            said.set(ways.get(first).map(text).unwrap_or_default());
            written.set_value(ways.iter().map(text).collect());
            submission.error.set(None);
        }
    });
    let way = move || ways.with(|ways| ways.get(picked.get()).cloned());
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Some(way) = untrack(way) else { return };
        let text = said.get_untracked();
        let input = way.said.filter(|(_, before)| way.always_said || *before != text).map(|_| text);
        let body = RunAgain { from: way.point, input };
        let id = run.with_value(|run| run.id);
        submission.run(async move { work::run_again(id, &body).await }, move |accepted| {
            open.set(false);
            let address = format!("/projects/{}/runs/{}", project.name.get_untracked(), accepted.id);
            navigate.with_value(|navigate| navigate(&address, Default::default()));
        });
    };
    let is_beginning = Memo::new(move |_| way().is_none_or(|way| way.point.is_none()));
    let may_be_empty = move || way().is_some_and(|way| way.said.is_none() || way.title == "Go on with its result");
    let refused = Signal::derive(move || !may_be_empty() && said.with(|said| said.trim().is_empty()));
    let begins = move || if is_beginning.get() { "A new run from the beginning, with" } else { "A new run with" };
    let title =
        Signal::derive(
            move || {
                if is_beginning.get() { "Run again".to_owned() } else { "Run again from here".to_owned() }
            },
        );
    let (mode, model, is_turn) = run.with_value(|run| {
        (mode_word(run.mode), model_name(&run.model, run.provider_id.is_none()), run.session_id.is_some())
    });
    let runtime = run.with_value(|run| runtime_word(run.runtime));
    let model = StoredValue::new(model);
    let taken = move || {
        if is_beginning.get() {
            "Tools are called anew."
        } else {
            "Everything before this point is taken over: no model is asked and no tool is run for it. What comes after is done anew."
        }
    };
    let choices = move || {
        let ways = ways.get();
        (ways.len() > 1).then(|| {
            let card = |(index, way): (usize, Way)| {
                let checked = Signal::derive(move || picked.get() == index);
                let refusal = Signal::stored(way.refusal);
                view! { <RadioCard group="way" value=index.to_string() title=way.title text=way.text checked refusal on_choose=move |()| pick(index)/> }
            };
            view! {
                <fieldset class="ways">
                    <legend class="visually-hidden">"How to go on"</legend>
                    {ways.into_iter().enumerate().map(card).collect_view()}
                </fieldset>
            }
        })
    };
    let field = move || {
        let (label, _) = way()?.said?;
        let code = label == "Arguments" || label == "Result";
        Some(view! { <TextArea label value=said rows=6 code focus=true error=submission.field("/input")/> })
    };
    let changed = move || {
        let parts = differs.get();
        (!parts.is_empty()).then(|| {
            let text = format!(
                "The spec that the project has now differs from it in {}. The new run has none of that.",
                parts.join(", ")
            );
            view! { <p class="hint">{text}</p> }
        })
    };
    view! {
        <Dialog open title>
            <form on:submit=submit>
                <div class="dialog-body">
                    <p>{begins} " the spec that this run had, in mode " <b>{mode}</b> ", with " <b>{model.get_value()}</b> ", " {runtime} ". " {taken}</p>
                    {changed}
                    {is_turn.then(|| view! { <p class="hint">"What was said before in the chat is known to it; the chat itself stays as it is."</p> })}
                    {choices}
                    {field}
                    <ErrorLine error=submission.error_beside(&["/input"])/>
                </div>
                <footer class="dialog-actions">
                    <Button on_press=move |()| open.set(false)>"Cancel"</Button>
                    <Button kind=ButtonKind::Primary glyph=Icon::Play submit=true busy=submission.busy disabled=refused>"Run"</Button>
                </footer>
            </form>
        </Dialog>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use gantry_domain::event::Event;
    use gantry_domain::trace::Trace;
    use serde_json::{Value, json};

    use super::*;

    fn trace() -> Trace {
        let told = |event: Value| json!({"type": "run.event", "runId": uuid::Uuid::nil(), "event": event});
        let bodies = [
            told(json!({"type": "RUN_STARTED", "threadId": "t", "runId": "r", "protocolVersion": "1.0"})),
            told(
                json!({"type": "TOOL_CALL_START", "toolCallId": "c1", "toolCallName": "calculator", "parentMessageId": "m1"}),
            ),
            told(json!({"type": "TOOL_CALL_ARGS", "toolCallId": "c1", "delta": "{\"a\":1}"})),
            told(json!({"type": "TOOL_CALL_END", "toolCallId": "c1"})),
            told(json!({"type": "TOOL_CALL_RESULT", "messageId": "x", "toolCallId": "c1", "content": "42"})),
            told(json!({"type": "TEXT_MESSAGE_START", "messageId": "m2", "role": "assistant"})),
            told(json!({"type": "TEXT_MESSAGE_CONTENT", "messageId": "m2", "delta": "It is 42."})),
        ];
        let events: Vec<Event> = bodies
            .into_iter()
            .enumerate()
            .map(|(index, mut body)| {
                body["seq"] = json!(index + 1);
                body["at"] = json!("2026-11-22T08:00:00Z");
                body["jobId"] = json!(uuid::Uuid::nil());
                serde_json::from_value(body).unwrap()
            })
            .collect();
        Trace::of(&events)
    }

    fn point(name: &str, kind: RunPointKind, subject: &str, refusal: Option<&str>) -> RunPoint {
        RunPoint {
            name: name.to_owned(),
            kind,
            subject: subject.to_owned(),
            label: String::new(),
            refusal: refusal.map(str::to_owned),
        }
    }

    #[test]
    fn a_span_offers_what_its_points_allow() {
        let points = RunPoints {
            items: vec![
                point("turn:a:0", RunPointKind::Turn, "m1", None),
                point("call:c1", RunPointKind::Call, "c1", Some("Not here.")),
                point("result:c1", RunPointKind::Result, "c1", None),
                point("turn:a:1", RunPointKind::Turn, "m2", None),
            ],
            differs: Vec::new(),
        };
        let trace = trace();
        let of = |kind: SpanKind, key: &str| {
            let span = trace.spans().iter().find(|span| span.kind == kind && span.key == key).unwrap();
            ways_from(span, &points).into_iter().map(|way| (way.title, way.said, way.refusal)).collect::<Vec<_>>()
        };
        // A turn that only called tools has no words to be changed.
        assert_eq!(of(SpanKind::ModelTurn, "m1").len(), 1);
        let answer = of(SpanKind::ModelTurn, "m2");
        assert_eq!(answer[1].1, Some(("What the model says", "It is 42.".to_owned())));
        let call = of(SpanKind::ToolCall, "c1");
        assert_eq!(call[0].2.as_deref(), Some("Not here."));
        assert_eq!(call[1].1, Some(("Result", "42".to_owned())));
        let run = &trace.spans()[0];
        assert!(ways_from(run, &points).is_empty());
    }
}
