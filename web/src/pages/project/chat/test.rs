//! Testing agents across projects: which agent, and what ran last anywhere.

use gantry_domain::api::job::Job;
use leptos::prelude::*;
use leptos_router::components::A;

use super::picker::Picker;
use super::rail::{AgentList, RailSearch};
use crate::api::work;
use crate::keyboard::modifier_name;
use crate::load::{load, when_loaded};
use crate::pages::set_title;
use crate::parts::{Button, EmptyState, Icon, TimeAgo, job_pill, skeleton_rows};
use crate::poll::keep_fresh;

/// Choosing an agent to talk to.
#[component]
pub(crate) fn TestPage() -> impl IntoView {
    set_title("Test");
    let words = RwSignal::new(String::new());
    let picking = RwSignal::new(false);
    let nobody = Memo::new(|_| None::<String>);
    let runs = load(|| async move { work::jobs("", "run", "", None).await });
    keep_fresh(runs, |page| page.items.iter().any(|job| !job.state.is_final()));
    let jobs = Memo::new(move |_| {
        runs.value.with(|page| {
            page.as_ref().map(|page| page.items.iter().take(12).cloned().collect::<Vec<_>>()).unwrap_or_default()
        })
    });
    let shown = move || {
        move || {
            if jobs.with(Vec::is_empty) {
                return view! {
                    <EmptyState title="Nothing ran yet" text="Choose an agent to talk to. What it says and does appears in its chat, and every run is listed here."/>
                }
                .into_any();
            }
            let rows = jobs.get().into_iter().filter_map(run_row).collect_view();
            view! {
                <div class="table-frame">
                    <table class="table">
                        <caption class="visually-hidden">"Runs of all agents, newest first"</caption>
                        <thead><tr>
                            <th scope="col">"Agent"</th>
                            <th scope="col">"State"</th>
                            <th scope="col" class="wide-only">"By"</th>
                            <th scope="col" class="end">"Started"</th>
                        </tr></thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
            }
            .into_any()
        }
    };
    let list = when_loaded(runs, "The list of runs", || skeleton_rows(4), shown);
    let shortcut = format!("Go to an agent ({} P)", modifier_name());
    view! {
        <header class="page-head">
            <h1>"Test"</h1>
            <span class="grow"></span>
            <span title=shortcut><Button glyph=Icon::Search shortcut="picker" on_press=move |()| picking.update(|open| *open = !*open)>"Go to an agent"</Button></span>
        </header>
        <div class="test-page">
            <aside aria-label="Agents to test"><RailSearch words/> <AgentList words=words.into() current=nobody version=Signal::derive(|| 0)/></aside>
            <section aria-label="Recent runs"><h2>"Recent runs"</h2>{list}</section>
        </div>
        <Picker open=picking project=Signal::derive(|| None)/>
    }
    .into_any()
}

fn run_row(job: Job) -> Option<AnyView> {
    let (project, run) = (job.project_name?, job.subject_id?);
    let href = format!("/projects/{project}/runs/{run}");
    Some(
        view! {
            <tr>
                <td><A href=href>{project}</A></td>
                <td>{job_pill(job.state)}</td>
                <td class="wide-only">{job.created_by}</td>
                <td class="end"><TimeAgo at=job.created_at/></td>
            </tr>
        }
        .into_any(),
    )
}
