//! The spec of a project as a graph that is edited by hand: agents, tasks, tools, models and how they
//! are connected. Everything that is done here is a change of the spec (`gantry_domain::pipeline`);
//! saving writes it.

mod add;
mod draft;
mod gesture;
mod graph;
mod inspector;
mod list;
mod shapes;
mod step_test;
mod viewport;

use gantry_domain::api::project::{Project, ReplaceSpec};
use gantry_domain::matrix::Severity;
use gantry_domain::matrix::diagnose::is_sound;
use gantry_domain::pipeline::Operation;
use leptos::ev;
use leptos::prelude::*;

use self::add::AddDialog;
use self::draft::Draft;
use self::gesture::Hand;
use self::graph::{Graph, ZOOM_STEP, listen};
use self::inspector::Inspector;
use self::list::NodeList;
use super::CurrentProject;
use crate::api::calls;
use crate::keyboard::modifier_name;
use crate::parts::{Button, ButtonKind, Drawer, ErrorLine, Icon, Pill, Submission, Tone, icon, use_toaster};

/// Under this width there is no room for the inspector beside the graph, in pixels.
const NARROW: f64 = 1000.0;
/// Under this width the list is shown at first.
const PHONE: f64 = 720.0;

fn window_width() -> f64 {
    window().inner_width().ok().and_then(|width| width.as_f64()).unwrap_or(NARROW)
}

/// A project's pipeline.
#[component]
pub(crate) fn PipelinePage() -> impl IntoView {
    let current = CurrentProject::expect();
    let id =
        Memo::new(move |_| current.loader.value.with(|project| project.as_ref().map(|project| project.summary.id)));
    move || {
        id.get()?;
        let project = current.loader.value.get_untracked()?;
        Some(view! { <Editor project/> })
    }
}

#[component]
fn Editor(project: Project) -> impl IntoView {
    let current = CurrentProject::expect();
    let draft = Draft::provide(project);
    let hand = Hand::new(draft);
    let as_list = RwSignal::new(window_width() < PHONE);
    let is_narrow = RwSignal::new(window_width() < NARROW);
    let resized = window_event_listener(ev::resize, move |_| {
        let narrow = window_width() < NARROW;
        if is_narrow.get_untracked() != narrow {
            is_narrow.set(narrow);
        }
    });
    on_cleanup(move || resized.remove());
    listen(hand, Signal::derive(move || !as_list.get()));
    // Somebody else may have saved in the meantime: the graph shows what the server has.
    let seen = window_event_listener(ev::focus, move |_| current.loader.reload());
    on_cleanup(move || seen.remove());
    Effect::new(move |ran_before: Option<()>| {
        if ran_before.is_none() {
            current.loader.reload();
        }
        if let Some(project) = current.loader.value.get() {
            draft.notice(&project);
        }
    });
    let drawer_open = RwSignal::new(false);
    let is_selected = Memo::new(move |_| draft.selected.with(Option::is_some));
    Effect::new(move |_| drawer_open.set(is_selected.get() && is_narrow.get()));
    Effect::new(move |was_open: Option<bool>| {
        let is_open = drawer_open.get();
        if was_open == Some(true) && !is_open && is_narrow.get_untracked() {
            draft.selected.set(None);
        }
        is_open
    });
    let body = move || {
        if as_list.get() { view! { <NodeList/> }.into_any() } else { view! { <Graph hand/> }.into_any() }
    };
    let refusal = move || {
        draft.refusal.get().map(|why| {
            view! {
                <div class="notice warn">
                    {icon(Icon::Warning)}<p>{why}</p>
                    <Button kind=ButtonKind::Ghost glyph=Icon::Cross label="Close message" on_press=move |()| draft.refusal.set(None)/>
                </div>
            }
        })
    };
    view! {
        <div class="pipeline-page">
            <section class="pipeline-main" aria-label="Pipeline">
                <Bar hand as_list inspect=drawer_open/>
                <Saving inspect=drawer_open/>
                <div class="pipeline-refusal" role="status">{refusal}</div>
                {body}
            </section>
            <Show when=move || !is_narrow.get()>
                <aside class="pipeline-inspector" aria-label="Inspector"><Inspector/></aside>
            </Show>
        </div>
        <Drawer open=drawer_open title="Inspector"><Inspector/></Drawer>
    }
    .into_any()
}

/// What can be done with the graph as a whole.
#[component]
fn Bar(hand: Hand, as_list: RwSignal<bool>, inspect: RwSignal<bool>) -> impl IntoView {
    let draft = Draft::expect();
    let adding = RwSignal::new(false);
    let has_places = Memo::new(move |_| draft.spec.with(|spec| !spec.layout.is_empty()));
    let view_button = move |glyph: Icon, word: &'static str, list: bool| {
        view! {
            <button type="button" aria-label=word aria-pressed=move || (as_list.get() == list).to_string() on:click=move |_| as_list.set(list)>
                {icon(glyph)} <span class="wide-only">{word}</span>
            </button>
        }
    };
    let zoom = move || {
        (!as_list.get()).then(|| {
            let arrange = move |()| {
                draft.seal();
                draft.apply(&Operation::Arrange);
                request_animation_frame(move || hand.fit());
            };
            view! {
                <span class="bar-group" role="group" aria-label="View">
                    <span class="wide-only"><Button kind=ButtonKind::Ghost glyph=Icon::Minus label="Zoom out (-)" on_press=move |()| hand.zoom(1.0 / ZOOM_STEP)/></span>
                    <span class="zoom number wide-only"><span class="visually-hidden">"Zoom "</span>{move || format!("{} %", hand.per_cent.get())}</span>
                    <span class="wide-only"><Button kind=ButtonKind::Ghost glyph=Icon::Plus label="Zoom in (+)" on_press=move |()| hand.zoom(ZOOM_STEP)/></span>
                    <Button kind=ButtonKind::Ghost glyph=Icon::Fit label="Show the whole graph (0)" on_press=move |()| hand.fit()/>
                    <Button
                        kind=ButtonKind::Ghost glyph=Icon::Arrange label="Arrange all nodes anew"
                        disabled=Signal::derive(move || !has_places.get()) on_press=arrange
                    />
                </span>
            }
        })
    };
    view! {
        <div class="pipeline-bar">
            <Button glyph=Icon::Plus shortcut="create" on_press=move |()| adding.set(true)>"Add"</Button>
            <span class="bar-group" role="group" aria-label="History">
                <Button kind=ButtonKind::Ghost glyph=Icon::Undo label=format!("Undo ({} Z)", modifier_name()) disabled=Signal::derive(move || !draft.can.get().0) on_press=move |()| draft.undo()/>
                <Button kind=ButtonKind::Ghost glyph=Icon::Redo label=format!("Redo ({} Shift Z)", modifier_name()) disabled=Signal::derive(move || !draft.can.get().1) on_press=move |()| draft.redo()/>
            </span>
            {zoom}
            <span class="pipeline-narrow"><Button kind=ButtonKind::Ghost glyph=Icon::Settings on_press=move |()| inspect.set(true)>"Pattern"</Button></span>
            <span class="grow"></span>
            <div class="switcher" role="group" aria-label="Show as">
                {view_button(Icon::Pipeline, "Graph", false)}
                {view_button(Icon::List, "List", true)}
            </div>
        </div>
        <AddDialog open=adding/>
    }
    .into_any()
}

/// Whether there is something to save, what stands in the way, and what became of it.
#[component]
fn Saving(inspect: RwSignal<bool>) -> impl IntoView {
    let draft = Draft::expect();
    let current = CurrentProject::expect();
    let toaster = use_toaster();
    let submission = Submission::new();
    let errors = Memo::new(move |_| {
        draft.found.with(|found| found.iter().filter(|found| found.severity == Severity::Error).count())
    });
    let refused = Signal::derive(move || {
        !draft.is_changed.get() || draft.found.with(|found| !is_sound(found)) || draft.newer.with(Option::is_some)
    });
    let save = move |()| {
        if refused.get_untracked() {
            return;
        }
        let body = ReplaceSpec { spec: draft.spec.get_untracked(), expected_revision: draft.revision.get_untracked() };
        let id = draft.id;
        submission.run(async move { calls::replace_spec(id, &body).await }, move |project| {
            toaster.good(format!("Saved as revision {}. The files were generated anew.", project.revision));
            draft.saved_as(&project);
            current.loader.reload();
        });
    };
    // Somebody else was faster: what they saved is asked for, and shown as what it is.
    Effect::new(move |_| {
        let was_slower = submission.error.with(|error| error.as_ref().is_some_and(|error| error.status() == 409));
        if was_slower {
            current.loader.reload();
        }
    });
    let state = move || {
        if !draft.is_changed.get() {
            let revision = draft.revision.get();
            return view! { <p class="hint">"Saved, revision " {revision} "."</p> }.into_any();
        }
        let stands = match errors.get() {
            0 => String::new(),
            1 => "1 thing must be resolved before it can be saved.".to_owned(),
            count => format!("{count} things must be resolved before it can be saved."),
        };
        view! { <Pill tone=Tone::Busy glyph=Icon::Edit text="Not saved"/> <p class="hint">{stands}</p> }.into_any()
    };
    let whats_wrong = move || {
        (errors.get() != 0).then(|| {
            let show = move |()| {
                draft.selected.set(None);
                inspect.set(window_width() < NARROW);
            };
            view! { <Button kind=ButtonKind::Ghost glyph=Icon::Warning on_press=show>"Show what is wrong"</Button> }
        })
    };
    let buttons = move || {
        draft.is_changed.get().then(|| {
            view! { <Button on_press=move |()| draft.discard()>"Discard changes"</Button> }
        })
    };
    let conflict = move || {
        draft.newer.get().map(|project| {
            let (theirs, over) = (project.clone(), project.clone());
            let take = move |()| {
                submission.error.set(None);
                draft.adopt(&theirs);
            };
            let keep = move |()| {
                submission.error.set(None);
                draft.saved_as(&over);
            };
            view! {
                <div class="notice warn" role="alert">
                    {icon(Icon::Warning)}
                    <p>"Somebody saved revision " {project.revision} " while you were editing revision " {move || draft.revision.get()} "."</p>
                    <Button on_press=take>"Take theirs, and lose these changes"</Button>
                    <Button on_press=keep>"Keep these changes instead"</Button>
                </div>
            }
        })
    };
    let error = Signal::derive(move || submission.error.get().filter(|_| draft.newer.with(Option::is_none)));
    view! {
        <div class="pipeline-state">
            <div class="row" role="status">{state}</div>
            {whats_wrong}
            <span class="grow"></span>
            {buttons}
            <Button kind=ButtonKind::Primary busy=submission.busy disabled=refused on_press=save>"Save"</Button>
        </div>
        {conflict}
        <ErrorLine error/>
    }
    .into_any()
}
