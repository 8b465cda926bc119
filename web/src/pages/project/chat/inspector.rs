//! What went on behind a turn: what it took, which tools it called, and its events.

use gantry_domain::event::Usage;
use leptos::prelude::*;

use super::actions::QuickActions;
use super::mode::{ModePicker, meaning};
use super::state::{Chat, TurnHandle};
use super::tool_call::state_mark;
use super::tools_panel::tool_count;
use super::turn::{ToolCall, Turn};
use super::turn_view::{model_name, tokens_text};
use crate::pages::project::CurrentProject;
use crate::pages::project::labels::{framework_name, pattern_name};
use crate::pages::project::runs::{mode_word, runtime_word};
use crate::parts::money::money_text;
use crate::parts::{duration_text, job_pill};
use crate::poll::every_second;

/// How many events are listed at once.
const MAX_EVENTS: usize = 400;

/// What went on behind the chosen turn, the newest when none is chosen.
#[component]
pub(super) fn Inspector(
    /// The chat.
    chat: Chat,
) -> impl IntoView {
    let chosen = Memo::new(move |_| chat.inspected_turn().map(|handle| handle.run.id));
    let body = move || {
        chosen.track();
        match chat.inspected_turn() {
            None => view! { <p class="hint inspector-empty">"What a turn took, the tools it called and its events appear here."</p> }.into_any(),
            Some(handle) => view! { <Details chat handle/> }.into_any(),
        }
    };
    view! { <div class="inspector"><AgentCard chat/> {body}</div> }.into_any()
}

/// The agent that is talked to, and what its tools may do.
#[component]
fn AgentCard(chat: Chat) -> impl IntoView {
    let project = CurrentProject::expect();
    let facts = move || {
        project.loader.value.with(|project| {
            let spec = &project.as_ref()?.spec;
            let agents = spec.agents.iter().map(|agent| agent.role.clone()).collect::<Vec<_>>().join(", ");
            let several = spec.agents.len() > 1;
            Some(view! {
                <dl class="facts">
                    <dt>"Framework"</dt><dd>{framework_name(spec.target.framework)}</dd>
                    <dt>"Pattern"</dt><dd>{pattern_name(spec.target.pattern)}</dd>
                    <dt>{if several { "Agents" } else { "Role" }}</dt><dd>{agents}</dd>
                    <dt>"Tools"</dt><dd>{tool_count(spec)}</dd>
                </dl>
            })
        })
    };
    view! {
        <section aria-labelledby="agent-heading">
            <h2 id="agent-heading">{move || project.name.get()}</h2>
            {facts}
            <div class="row"><span class="muted">"Permission"</span> <ModePicker chat/></div>
            <p class="hint">{move || meaning(chat.mode.get())}</p>
        </section>
    }
    .into_any()
}

#[component]
fn Details(chat: Chat, handle: TurnHandle) -> impl IntoView {
    let TurnHandle { run, turn, .. } = handle;
    let now = every_second();
    let is_rehearsal = run.provider_id.is_none();
    let with = {
        let turn = turn.clone();
        move |read: fn(&Turn) -> String| {
            let turn = turn.clone();
            move || turn.with(read)
        }
    };
    let state = Memo::new({
        let turn = turn.clone();
        move |_| turn.with(|turn| turn.state)
    });
    let elapsed = {
        let turn = turn.clone();
        move || {
            turn.with(|turn| {
                let now = if turn.is_active() { now.get() } else { now.get_untracked() };
                turn.elapsed_ms(now).map_or_else(|| "not begun".to_owned(), duration_text)
            })
        }
    };
    let tokens = {
        let turn = turn.clone();
        move || turn.with(|turn| tokens_text(turn, is_rehearsal))
    };
    let cost = {
        let turn = turn.clone();
        move || {
            let cost = turn.with(|turn| turn.usage.cost_micros);
            cost.map(|cost| view! { <dt>"Cost"</dt><dd>{money_text(cost)}</dd> })
        }
    };
    let (mode, runtime) = (mode_word(run.mode), runtime_word(run.runtime));
    let calls = Memo::new({
        let turn = turn.clone();
        move |_| turn.with(|turn| turn.calls().cloned().collect::<Vec<ToolCall>>())
    });
    let call_rows = move || {
        let rows = calls.get().into_iter().map(|call| {
            view! {
                <li>
                    <code class="call-name">{call.name}</code>
                    {state_mark(call.state)}
                    <span class="grow"></span>
                    <span class="call-time">{call.duration_ms.map(duration_text)}</span>
                </li>
            }
        });
        let rows = rows.collect_view();
        if calls.with(Vec::is_empty) {
            view! { <p class="hint">"No tool was called."</p> }.into_any()
        } else {
            view! { <ul class="inspector-calls">{rows}</ul> }.into_any()
        }
    };
    let model = model_name(&run.model, is_rehearsal);
    view! {
        <section aria-labelledby="turn-heading">
            <header class="row"><h2 id="turn-heading">"Turn"</h2>{move || job_pill(state.get())}</header>
            <dl class="facts">
                <dt>"Model"</dt><dd>{model} {is_rehearsal.then_some(", not an LLM")}</dd>
                <dt>"Mode"</dt><dd>{mode}</dd>
                <dt>"Runtime"</dt><dd>{runtime}</dd>
                <dt>"Elapsed"</dt><dd>{elapsed}</dd>
                <dt>"Tokens"</dt><dd>{tokens}</dd>
                {cost}
                <dt>"Model calls"</dt><dd>{with(|turn| turn.usage.model_calls.to_string())}</dd>
                <dt>"Tool calls"</dt><dd>{move || calls.with(Vec::len)}</dd>
            </dl>
        </section>
        <Totals chat/>
        <section aria-labelledby="tools-heading"><h2 id="tools-heading">"Tool calls"</h2>{call_rows}</section>
        <QuickActions chat run=run.clone()/>
        <Events turn/>
    }
    .into_any()
}

/// What the whole chat took, when it has more than one turn.
#[component]
fn Totals(chat: Chat) -> impl IntoView {
    let totals = Memo::new(move |_| {
        chat.turns.with(|turns| {
            let mut sum = Usage::default();
            for usage in turns.iter().map(|handle| handle.turn.with(|turn| turn.usage)) {
                sum.input_tokens += usage.input_tokens;
                sum.output_tokens += usage.output_tokens;
                sum.tool_calls += usage.tool_calls;
                if let Some(cost) = usage.cost_micros {
                    sum.cost_micros = Some(sum.cost_micros.unwrap_or_default() + cost);
                }
            }
            (turns.len(), sum)
        })
    });
    let shown = move || {
        let (turns, sum) = totals.get();
        (turns > 1).then(|| {
            let tokens = (sum.input_tokens + sum.output_tokens > 0).then(
                || view! { <dt>"Tokens"</dt><dd>{format!("{} in, {} out", sum.input_tokens, sum.output_tokens)}</dd> },
            );
            let cost = sum.cost_micros.map(|cost| view! { <dt>"Cost"</dt><dd>{money_text(cost)}</dd> });
            view! {
                <section aria-labelledby="chat-heading">
                    <h2 id="chat-heading">"Whole chat"</h2>
                    <dl class="facts">
                        <dt>"Turns"</dt><dd>{turns}</dd>
                        {tokens}
                        {cost}
                        <dt>"Tool calls"</dt><dd>{sum.tool_calls}</dd>
                    </dl>
                </section>
            }
        })
    };
    view! { {shown} }.into_any()
}

#[component]
fn Events(turn: ArcRwSignal<Turn>) -> impl IntoView {
    let timeline = Memo::new(move |_| {
        turn.with(|turn| {
            let hidden = turn.timeline.len().saturating_sub(MAX_EVENTS);
            let began = turn.timeline.first().map(|entry| entry.at).unwrap_or_default();
            (hidden, began, turn.timeline[hidden..].to_vec())
        })
    });
    let hidden = move || {
        let hidden = timeline.with(|(hidden, ..)| *hidden);
        (hidden > 0).then(|| view! { <p class="hint">{format!("{hidden} earlier events are not listed.")}</p> })
    };
    let entries = move || {
        timeline.with(|(_, began, entries)| entries.iter().map(|entry| (*began, entry.clone())).collect::<Vec<_>>())
    };
    view! {
        <section aria-labelledby="events-heading">
            <h2 id="events-heading">"Events"</h2>
            {hidden}
            <ol class="events">
                <For each=entries key=|(_, entry)| (entry.seq, entry.count) let:pair>
                    {
                        let (began, entry) = pair;
                        let count = (entry.count > 1).then(|| format!(" ×{}", entry.count));
                        view! {
                            <li title=entry.at.to_string()>
                                <span class="event-time">{format!("+{}", duration_text(entry.at.millis_since(began)))}</span>
                                <span class="event-kind">{entry.kind}{count}</span>
                                <span class="event-detail">{entry.detail}</span>
                            </li>
                        }
                    }
                </For>
            </ol>
        </section>
    }
    .into_any()
}
