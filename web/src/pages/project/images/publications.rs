//! Where an image was sent: one row for each sending, live while it is under way.

use gantry_domain::api::image::{Image, Publication};
use gantry_domain::api::job::JobState;
use leptos::prelude::*;
use uuid::Uuid;

use super::publishing::Publishing;
use crate::api::work;
use crate::load::Loader;
use crate::parts::{Button, ButtonKind, CopyButton, Icon, StreamNotice, TimeAgo, job_pill, size_text, use_toaster};
use crate::poll::OncePerFrame;
use crate::stream::follow_job;

/// The table of publications.
#[component]
pub(super) fn Publications(
    /// The image; read again when a publication has ended.
    loader: Loader<Image>,
) -> impl IntoView {
    let publications = Memo::new(move |_| {
        loader.value.with(|image| image.as_ref().map(|image| image.publications.clone()).unwrap_or_default())
    });
    let is_empty = Memo::new(move |_| publications.with(Vec::is_empty));
    let body = move || {
        if is_empty.get() {
            return view! { <p class="card muted">"Nowhere yet. A sending appears here, and counts as published once the registry gave the same digest back."</p> }
                .into_any();
        }
        view! {
            <ul class="publications">
                // A change of state draws the row anew; progress within a state does not.
                <For each=move || publications.get() key=|publication| (publication.id, publication.state) let:publication>
                    <PublicationRow publication loader/>
                </For>
            </ul>
        }
        .into_any()
    };
    view! { {body} }.into_any()
}

#[component]
fn PublicationRow(publication: Publication, loader: Loader<Image>) -> impl IntoView {
    let (id, job_id, state) = (publication.job_id, publication.job_id, publication.state);
    let live = (!state.is_final()).then(|| live_row(job_id, loader));
    let reason = publication
        .reason
        .clone()
        .filter(|_| matches!(state, JobState::Failed | JobState::Cancelled))
        .map(|reason| view! { <p class="publication-reason">{reason.message} " " <code>{reason.code}</code></p> });
    let retry = matches!(state, JobState::Failed | JobState::Cancelled).then(|| retry_button(id, loader));
    let pull = publication.pull_command.clone().map(|command| {
        view! {
            <div class="command"><code>{command.clone()}</code><CopyButton text=Signal::stored(command) what="pull command"/></div>
        }
    });
    let at = publication.published_at.unwrap_or(publication.created_at);
    view! {
        <li class="publication">
            <div class="row">
                <b>{publication.registry_name}</b>
                <code class="reference">{publication.reference}</code>
                <span class="grow"></span>
                {live.is_none().then(|| job_pill(state))}
                <span class="muted"><TimeAgo at/></span>
                {retry}
            </div>
            {live}
            {reason}
            {pull}
        </li>
    }
    .into_any()
}

/// What a sending that is under way shows: its state, the bytes, and the way to end it.
fn live_row(job_id: Uuid, loader: Loader<Image>) -> AnyView {
    let publishing = StoredValue::new(Publishing::default());
    let shown = RwSignal::new(Publishing::default());
    let flush = OncePerFrame::new(move || {
        let now = publishing.get_value();
        let ended = now.state.is_some_and(JobState::is_final);
        shown.set(now);
        if ended {
            loader.reload();
        }
    });
    let stream = follow_job(job_id, 0, move |event| {
        if publishing.try_update_value(|publishing| publishing.apply(&event)).is_some() {
            flush.ask();
        }
    });
    let cancelling = RwSignal::new(false);
    let toaster = use_toaster();
    let cancel = move |()| {
        cancelling.set(true);
        leptos::task::spawn_local(async move {
            if let Err(error) = work::cancel_job(job_id).await {
                toaster.bad(error.to_string());
                cancelling.try_set(false);
            }
        });
    };
    let state = Memo::new(move |_| shown.with(|shown| shown.state.unwrap_or(JobState::Queued)));
    let words = move || {
        shown.with(|shown| match &shown.reason {
            Some(reason) if shown.state != Some(JobState::Running) => reason.message.clone(),
            _ => shown.message.clone(),
        })
    };
    let bytes = move || shown.with(Publishing::bytes);
    let bytes_text = move || match bytes() {
        (_, 0) => String::new(),
        (moved, all) => format!("{} of {}", size_text(moved), size_text(all)),
    };
    view! {
        <div class="publication-live">
            <div class="row">
                {move || job_pill(state.get())}
                <span>{words}</span>
                <span class="grow"></span>
                <span class="muted number">{bytes_text}</span>
                <Button kind=ButtonKind::Ghost glyph=Icon::Stop busy=cancelling on_press=cancel>"Cancel"</Button>
            </div>
            <progress
                aria-label="Sent"
                max=move || bytes().1.max(1).to_string()
                value=move || bytes().0.to_string()
            ></progress>
            <StreamNotice state=stream/>
        </div>
    }
    .into_any()
}

fn retry_button(job_id: Uuid, loader: Loader<Image>) -> AnyView {
    let busy = RwSignal::new(false);
    let toaster = use_toaster();
    let retry = move |()| {
        busy.set(true);
        leptos::task::spawn_local(async move {
            match work::retry_job(job_id).await {
                Ok(_) => loader.reload(),
                Err(error) => toaster.bad(error.to_string()),
            }
            busy.try_set(false);
        });
    };
    view! { <Button kind=ButtonKind::Ghost glyph=Icon::Retry busy on_press=retry>"Try again"</Button> }.into_any()
}
