//! One run: where it is, what was said, its spans, and every event.

use gantry_domain::api::job::JobState;
use gantry_domain::api::run::{Run, RunPoints, TakenFrom};
use gantry_domain::event::Event;
use gantry_domain::trace::Span;
use leptos::html;
use leptos::prelude::*;
use leptos_router::components::A;
use uuid::Uuid;

use super::again::{AgainDialog, Way, point_words, ways_from};
use super::details::span_details;
use super::recorded::Recorded;
use super::waterfall::{Waterfall, rows_of};
use super::{mode_word, runtime_word, title_of};
use crate::api::work;
use crate::load::{load, loaded};
use crate::pages::project::CurrentProject;
use crate::pages::project::chat::{CallState, Role, Turn, model_name, run_actions, said_by, tokens_text, turn_items};
use crate::parts::log_view::{LogSource, LogView};
use crate::parts::money::money_text;
use crate::parts::time::now as this_moment;
use crate::parts::{
    Button, ButtonKind, ErrorLine, Icon, StreamNotice, Submission, TimeAgo, duration_text, icon, job_pill,
    skeleton_block,
};
use crate::poll::{OncePerFrame, every_second};
use crate::stream::follow_job;

/// Reads the run and shows it.
#[component]
pub(super) fn RunDetail(
    /// The run.
    id: Uuid,
) -> impl IntoView {
    let loader = load(move || async move { work::run(id).await });
    loaded(loader, "The run", skeleton_block, |run| view! { <RunView record=run/> }.into_any())
}

/// A run, live.
#[component]
fn RunView(record: Run) -> impl IntoView {
    let project = CurrentProject::expect();
    let recorded = StoredValue::new_local(Recorded::new(&record));
    let turn = recorded.with_value(|recorded| recorded.turn.clone());
    let (id, job_id, session_id) = (record.id, record.job_id, record.session_id);
    let is_rehearsal = record.provider_id.is_none();
    let run = StoredValue::new(record);
    // Rises when spans and lines have changed; they are outside of signals.
    let grown = RwSignal::new(0_u32);
    let waiting = StoredValue::new(Vec::<Event>::new());
    let flush = OncePerFrame::new(move || {
        let events = waiting.try_update_value(std::mem::take).unwrap_or_default();
        recorded.try_update_value(|recorded| recorded.take(&events));
        grown.update(|grown| *grown += 1);
    });
    let stream = follow_job(job_id, 0, move |event| {
        if waiting.try_update_value(|waiting| waiting.push(event)).is_some() {
            flush.ask();
        }
    });
    let source = LogSource::new(move |look| {
        recorded.try_with_value(|recorded| look(&recorded.lines));
    });

    let clock = every_second();
    let read = {
        let turn = turn.clone();
        move |read: fn(&Turn) -> bool| {
            let turn = turn.clone();
            Memo::new(move |_| turn.with(read))
        }
    };
    let state = {
        let turn = turn.clone();
        Memo::new(move |_| turn.with(|turn| turn.state))
    };
    let live = Signal::derive(move || !state.get().is_final());
    let needs_person = read(|turn| turn.calls().any(|call| call.state == CallState::Waiting));
    // While it is under way the bars grow with the clock.
    let moment = move || if live.get() { clock.get().max(this_moment()) } else { clock.get_untracked() };
    let rows = Memo::new(move |_| {
        grown.track();
        let moment = moment();
        recorded.with_value(|recorded| rows_of(&recorded.trace, moment))
    });
    let chosen = RwSignal::new(None::<usize>);
    let shows_span = RwSignal::new(false);
    let side = NodeRef::<html::Section>::new();
    let on_choose = Callback::new(move |()| {
        shows_span.set(true);
        // Below the spans there is room for it only after scrolling.
        let is_narrow =
            window().inner_width().ok().and_then(|width| width.as_f64()).is_some_and(|width| width < 1_000.0);
        if let Some(side) = side.get_untracked().filter(|_| is_narrow) {
            request_animation_frame(move || side.scroll_into_view());
        }
    });
    let span: Memo<Option<Span>> = Memo::new(move |_| {
        grown.track();
        let index = chosen.get()?;
        recorded.with_value(|recorded| recorded.trace.spans().get(index).cloned())
    });
    let (group, jump) = (RwSignal::new(None::<String>), RwSignal::new(None::<usize>));
    let only_its_events = Memo::new(move |_| group.with(Option::is_some));
    // Another span is chosen: its events take the place of the other's.
    Effect::new(move |_| {
        let index = chosen.get();
        if only_its_events.get_untracked() {
            group.set(index.map(|index| index.to_string()));
        }
    });
    let numbers = {
        let turn = turn.clone();
        move || {
            turn.with(|turn| {
                let now = if turn.is_active() { clock.get() } else { clock.get_untracked() };
                let mut parts: Vec<String> = turn.elapsed_ms(now).map(duration_text).into_iter().collect();
                parts.push(tokens_text(turn, is_rehearsal));
                parts.extend(turn.usage.cost_micros.map(money_text));
                parts.join(" · ")
            })
        }
    };
    let failure = {
        let turn = turn.clone();
        Memo::new(move |_| turn.with(|turn| turn.reason.clone().filter(|_| turn.state == JobState::Failed)))
    };
    let failure_notice = move || {
        failure.get().map(|reason| {
            view! {
                <div class="notice bad" role="alert">
                    {icon(Icon::Warning)}
                    <div><p>{reason.message}</p><p class="hint"><code>{reason.code}</code></p></div>
                </div>
            }
        })
    };
    let person_notice = move || {
        needs_person.get().then(|| {
            let show = move |()| {
                shows_span.set(false);
                request_animation_frame(move || {
                    if let Ok(Some(card)) = document().query_selector(".run-said .approval") {
                        card.scroll_into_view();
                    }
                });
            };
            view! {
                <div class="notice warn" role="status">
                    {icon(Icon::Pause)}
                    <p>"A tool call waits for you to approve or deny it."</p>
                    <Button on_press=show>"Show it"</Button>
                </div>
            }
        })
    };
    let model = run.with_value(|run| model_name(&run.model, is_rehearsal));
    let (input, mode, created_at) = run.with_value(|run| (run.input.clone(), mode_word(run.mode), run.created_at));
    let runtime = run.with_value(|run| runtime_word(run.runtime));
    let origin = run.with_value(|run| run.taken_from.clone());
    let title = title_of(&input);
    let to_list = format!("/projects/{}/runs", project.name.get_untracked());
    let to_chat = session_id.map(|session| format!("/projects/{}/chat/{session}", project.name.get_untracked()));
    let items = turn_items(turn.clone());
    let said = StoredValue::new(input);
    // Where it can be taken up is known when it is over.
    let points = RwSignal::new(None::<RunPoints>);
    Effect::new(move |_| {
        if state.get().is_final() {
            leptos::task::spawn_local(async move {
                if let Ok(found) = work::run_points(id).await {
                    points.try_set(Some(found));
                }
            });
        }
    });
    let ways = RwSignal::new(vec![run.with_value(Way::beginning)]);
    let again = RwSignal::new(false);
    let differs = Signal::derive(move || {
        points.with(|points| points.as_ref().map(|points| points.differs.clone()).unwrap_or_default())
    });
    let conversation = view! {
        <div class="run-said" class:gone=move || shows_span.get()>
            {said_by(Role::Person, view! { <div class="said">{said.get_value()}</div> }.into_any())}
            {said_by(Role::Agent, view! { <div class="answer">{items}</div> }.into_any())}
        </div>
    };
    let began = move || recorded.with_value(|recorded| recorded.trace.spans().first().map(|run| run.began_at));
    let details = move || {
        if !shows_span.get() {
            return None;
        }
        Some(match span.get() {
            Some(span) => {
                let began = began().unwrap_or(span.began_at);
                let moment = if span.state.is_open() { moment() } else { clock.get_untracked() };
                let pick = move |_| {
                    let index = chosen.get_untracked().map(|index| index.to_string());
                    group.update(|group| *group = if group.is_some() { None } else { index });
                };
                let from_here = points.with(|points| points.as_ref().map(|points| ways_from(&span, points)));
                view! {
                    {span_details(&span, began, moment)}
                    {from_here.and_then(|found| again_from_here(found, ways, again))}
                    <button type="button" class="button" aria-pressed=move || only_its_events.get().to_string() on:click=pick>
                        {icon(Icon::List)} "Only its events below"
                    </button>
                }
                .into_any()
            }
            None => {
                view! { <p class="hint">"Choose a span to see what it was given and what came of it."</p> }.into_any()
            }
        })
    };
    view! {
        <header class="build-head">
            <h2>{title}</h2>
            {move || job_pill(state.get())}
            <span class="muted number">{numbers}</span>
            <span class="muted wide-only">{model} ", " {mode} ", " {runtime}</span>
            <span class="muted wide-only"><TimeAgo at=created_at/></span>
            <span class="grow"></span>
            <Actions run state ways again/>
        </header>
        <nav class="run-links" aria-label="Around this run">
            <A href=to_list>{icon(Icon::List)} "All runs"</A>
            {to_chat.map(|href| view! { <A href=href>{icon(Icon::Chat)} "Its chat"</A> })}
            {run_actions(id)}
        </nav>
        {origin.map(|origin| taken_from(project, &origin))}
        {done_again(project, id)}
        <AgainDialog open=again run ways differs/>
        <StreamNotice state=stream/>
        {failure_notice}
        {person_notice}
        <div class="run-body">
            <section class="run-spans" aria-label="Waterfall"><Waterfall rows chosen on_choose/></section>
            <section class="run-side" node_ref=side aria-label="What happened">
                <div class="switcher" role="group" aria-label="Shown">
                    <button type="button" aria-pressed=move || (!shows_span.get()).to_string() on:click=move |_| shows_span.set(false)>"Conversation"</button>
                    <button type="button" aria-pressed=move || shows_span.get().to_string() on:click=move |_| shows_span.set(true)>"Span"</button>
                </div>
                {conversation}
                {details}
            </section>
        </div>
        <section class="run-events" aria-labelledby="events-title">
            <h2 id="events-title">"Events"</h2>
            {move || only_its_events.get().then(|| view! {
                <p class="hint" role="status">"Only the events of the chosen span are shown. "
                    <Button kind=ButtonKind::Ghost on_press=move |()| group.set(None)>"Show all"</Button>
                </p>
            })}
            <LogView source grown group jump raw=work::run_events_address(id) live/>
        </section>
    }
    .into_any()
}

/// The way to take the run up at a span, or why there is none.
fn again_from_here(found: Vec<Way>, ways: RwSignal<Vec<Way>>, again: RwSignal<bool>) -> Option<AnyView> {
    let refusal = found.first()?.refusal.clone();
    if found.iter().all(|way| way.refusal.is_some()) {
        return Some(view! { <p class="hint">"It cannot be run again from here. " {refusal}</p> }.into_any());
    }
    let found = StoredValue::new(found);
    let begin = move |()| {
        ways.set(found.get_value());
        again.set(true);
    };
    Some(view! { <Button glyph=Icon::Retry on_press=begin>"Run again from here"</Button> }.into_any())
}

/// Which run this one did anew.
fn taken_from(project: CurrentProject, origin: &TakenFrom) -> AnyView {
    let words = point_words(&origin.point);
    let run = match origin.run_id {
        Some(id) => {
            let href = format!("/projects/{}/runs/{id}", project.name.get_untracked());
            view! { <A href=href>"another run"</A> }.into_any()
        }
        None => view! { "a run that was deleted" }.into_any(),
    };
    let edited = origin.edited.then_some(", which was changed");
    view! {
        <p class="run-origin">
            {icon(Icon::Retry)}
            <span>"Does " {run} " anew from " <span title=origin.point.clone()>{words}</span> {edited} "."</span>
        </p>
    }
    .into_any()
}

/// The runs that did this one anew.
fn done_again(project: CurrentProject, id: Uuid) -> AnyView {
    let found = load(move || async move { work::runs_done_again(id).await });
    let list = move || {
        let runs = found.value.get().map(|page| page.items).filter(|runs| !runs.is_empty())?;
        let one = move |run: Run| {
            let href = format!("/projects/{}/runs/{}", project.name.get_untracked(), run.id);
            let words = run.taken_from.as_ref().map_or("its beginning", |origin| point_words(&origin.point));
            view! { <li><A href=href>"from " {words}</A> " " <TimeAgo at=run.created_at/></li> }
        };
        Some(view! {
            <div class="run-origin">
                {icon(Icon::Retry)}
                <span id="done-again">"Done anew"</span>
                <ul aria-labelledby="done-again">{runs.into_iter().map(one).collect_view()}</ul>
            </div>
        })
    };
    view! { {list} }.into_any()
}

/// What can be done about a run.
#[component]
fn Actions(
    run: StoredValue<Run>,
    state: Memo<JobState>,
    ways: RwSignal<Vec<Way>>,
    again: RwSignal<bool>,
) -> impl IntoView {
    let stop = Submission::new();
    let cancel = move |()| {
        let id = run.with_value(|run| run.id);
        stop.run(async move { work::cancel_run(id).await }, |_| {});
    };
    let stop_button = move || {
        (!state.get().is_final()).then(|| {
            view! { <Button kind=ButtonKind::Danger glyph=Icon::Stop busy=stop.busy on_press=cancel>"Stop"</Button> }
        })
    };
    let from_the_beginning = move |()| {
        ways.set(vec![run.with_value(Way::beginning)]);
        again.set(true);
    };
    view! {
        <div class="row">
            {stop_button}
            <Button glyph=Icon::Retry shortcut="create" on_press=from_the_beginning>"Run again"</Button>
        </div>
        <ErrorLine error=stop.error/>
    }
    .into_any()
}
