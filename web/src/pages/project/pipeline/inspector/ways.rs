//! The ways out of a task in the pattern `graph`: in which order they are tried, when each is gone,
//! and where it leads.

use gantry_domain::pipeline::{EdgeId, NodeId, Operation};
use gantry_domain::spec::{Condition, Edge, GRAPH_END, Spec};
use leptos::prelude::*;

use crate::pages::project::pipeline::draft::{Draft, Selected, bound};
use crate::parts::{Button, ButtonKind, Choice, Icon, SelectField, TextField};

fn edge(spec: &Spec, index: usize) -> Option<&Edge> {
    spec.graph.as_ref()?.edges.get(index)
}

/// The word for when an edge is gone.
fn kind(when: Option<&Condition>) -> &'static str {
    match when {
        None => "always",
        Some(Condition::Contains(_)) => "contains",
        Some(Condition::Lacks(_)) => "lacks",
    }
}

/// The fields of an edge: when it is gone.
pub(super) fn condition_fields(index: usize) -> AnyView {
    let draft = Draft::expect();
    let word = bound(
        move |spec| edge(spec, index).map(|edge| kind(edge.when.as_ref()).to_owned()),
        move |word| {
            let text = draft.spec.with_untracked(|spec| {
                edge(spec, index).and_then(|edge| edge.when.as_ref().map(|when| when.text().to_owned()))
            });
            // A word to begin with, because an empty condition can never be saved.
            let text = text.unwrap_or_else(|| "yes".to_owned());
            let when = match word.as_str() {
                "contains" => Some(Condition::Contains(text)),
                "lacks" => Some(Condition::Lacks(text)),
                _ => None,
            };
            draft.seal();
            draft.apply(&Operation::SetCondition { edge: index, when });
            draft.seal();
        },
    );
    let text = bound(
        move |spec| edge(spec, index).and_then(|edge| edge.when.as_ref()).map(|when| when.text().to_owned()),
        move |text| {
            let when = draft.spec.with_untracked(|spec| edge(spec, index).and_then(|edge| edge.when.clone()));
            let when = match when {
                Some(Condition::Contains(_)) => Some(Condition::Contains(text)),
                Some(Condition::Lacks(_)) => Some(Condition::Lacks(text)),
                None => return,
            };
            draft.apply(&Operation::SetCondition { edge: index, when });
        },
    );
    let has_text = Memo::new(move |_| word.with(|word| word != "always"));
    let choices = vec![
        Choice::new("always", "Always"),
        Choice::new("contains", "When the result contains"),
        Choice::new("lacks", "When the result lacks"),
    ];
    view! {
        <SelectField label="Gone" value=word choices=Signal::derive(move || choices.clone())/>
        {move || has_text.get().then(|| view! { <TextField label="This text" value=text hint="Capital and small letters are alike."/> })}
    }
    .into_any()
}

/// The ways out of a task.
#[component]
pub(super) fn Ways(task: String) -> impl IntoView {
    let draft = Draft::expect();
    let ways = {
        let task = task.clone();
        Memo::new(move |_| {
            draft.spec.with(|spec| {
                let edges = spec.graph.iter().flat_map(|graph| graph.edges.iter().enumerate());
                let edges = edges.filter(|(_, edge)| edge.from == task);
                edges.map(|(index, edge)| (index, edge.to.clone(), edge.when.clone())).collect::<Vec<_>>()
            })
        })
    };
    let rows = move || {
        let rows = ways.get().into_iter().enumerate().map(|(place, (index, to, when))| {
            let words = match when {
                None => "always".to_owned(),
                Some(Condition::Contains(text)) => format!("when it contains “{text}”"),
                Some(Condition::Lacks(text)) => format!("when it lacks “{text}”"),
            };
            let name = if to == GRAPH_END { "the end".to_owned() } else { to };
            let select = move |_| draft.selected.set(Some(Selected::Edge(EdgeId::Next(index))));
            let earlier = move |()| draft.apply(&Operation::TryEarlier(index));
            let remove = move |()| draft.apply(&Operation::Disconnect(EdgeId::Next(index)));
            let earlier = (place > 0).then(|| {
                view! { <Button kind=ButtonKind::Ghost glyph=Icon::Up label=format!("Try the way to {name} earlier") on_press=earlier/> }
            });
            view! {
                <li class="way">
                    <button type="button" class="way-main" on:click=select><b>{name.clone()}</b> <span class="muted">{words}</span></button>
                    {earlier}
                    <Button kind=ButtonKind::Ghost glyph=Icon::Trash label=format!("Remove the way to {name}") on_press=remove/>
                </li>
            }
        });
        rows.collect_view()
    };
    let is_empty = Memo::new(move |_| ways.with(Vec::is_empty));
    let target = RwSignal::new(GRAPH_END.to_owned());
    let targets = Signal::derive(move || {
        draft.spec.with(|spec| {
            let tasks = spec.tasks.iter().map(|task| Choice::new(task.id.clone(), task.id.clone()));
            tasks.chain([Choice::new(GRAPH_END, "The end")]).collect::<Vec<_>>()
        })
    });
    let is_start = {
        let task = task.clone();
        Memo::new(move |_| draft.spec.with(|spec| spec.graph.as_ref().is_some_and(|graph| graph.start == task)))
    };
    let begin = {
        let task = task.clone();
        move |()| draft.apply(&Operation::Connect { from: NodeId::Start, to: NodeId::Task(task.clone()) })
    };
    let begin = StoredValue::new(begin);
    let add = move |()| {
        let to = target.with_untracked(|to| if to == GRAPH_END { NodeId::End } else { NodeId::Task(to.clone()) });
        draft.seal();
        draft.apply(&Operation::Connect { from: NodeId::Task(task.clone()), to });
    };
    view! {
        <fieldset class="field choose">
            <legend>"Ways out, tried in this order"</legend>
            <ol class="ways">{rows}</ol>
            {move || is_empty.get().then(|| view! { <p class="hint">"None: the run ends here."</p> })}
            <div class="way-new">
                <SelectField label="Another way to" value=target choices=targets/>
                <Button glyph=Icon::Plus on_press=add>"Add"</Button>
            </div>
        </fieldset>
        {move || if is_start.get() {
            view! { <p class="hint">"The run begins with this task."</p> }.into_any()
        } else {
            let begin = begin.get_value();
            view! { <div class="row"><Button glyph=Icon::Forward on_press=begin>"Begin with this task"</Button></div> }.into_any()
        }}
    }
    .into_any()
}
