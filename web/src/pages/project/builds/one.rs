//! One build: what it is doing, why it failed, its steps and its log.

use gantry_domain::api::build::Build;
use gantry_domain::api::job::JobState;
use gantry_domain::event::BuildStep;
use leptos::prelude::*;
use leptos_router::components::A;
use uuid::Uuid;

use super::progress::{BuildProgress, Failure};
use super::steps::StepList;
use super::{StartBuild, can_cancel, short_digest, start_build};
use crate::api::{ApiError, work};
use crate::load::{load, loaded};
use crate::pages::project::CurrentProject;
use crate::parts::log_view::{LogSource, LogView};
use crate::parts::{
    Button, ButtonKind, CopyButton, ErrorLine, Icon, StreamNotice, TimeAgo, duration_text, icon, job_pill, size_text,
    skeleton_block,
};
use crate::poll::{OncePerFrame, every_second};
use crate::stream::{StreamState, follow_job};

/// Reads the build and shows it.
#[component]
pub(super) fn BuildDetail(
    /// The build.
    id: Uuid,
) -> impl IntoView {
    let loader = load(move || async move { work::build(id).await });
    loaded(loader, "The build", skeleton_block, |build| view! { <BuildView record=build/> }.into_any())
}

/// What the head of the page shows; drawn again only when it changes.
#[derive(Clone, PartialEq)]
struct Head {
    state: JobState,
    steps: Vec<BuildStep>,
    counts: (usize, usize, usize),
    image: Option<(String, i64)>,
    failure: Option<Failure>,
    /// Why it is tried again, while it is.
    retry: Option<String>,
    started_at: Option<gantry_domain::Timestamp>,
    finished_at: Option<gantry_domain::Timestamp>,
}

impl Head {
    fn new(build: &Build, progress: &BuildProgress) -> Self {
        let image = build.digest.as_ref().map(|digest| (digest.to_string(), build.size.unwrap_or_default()));
        let state = progress.state.unwrap_or(build.state);
        Self {
            state,
            steps: progress.steps.clone(),
            counts: progress.counts(),
            image: progress.image.clone().or(image),
            failure: progress.failure(),
            retry: progress.reason.as_ref().filter(|_| state == JobState::Queued).map(|reason| reason.message.clone()),
            started_at: progress.started_at.or(build.started_at),
            finished_at: if state.is_final() { progress.finished_at.or(build.finished_at) } else { None },
        }
    }
}

/// A build, live.
#[component]
fn BuildView(record: Build) -> impl IntoView {
    let build = record;
    let project = CurrentProject::expect();
    let progress = StoredValue::new_local(BuildProgress::default());
    let head = RwSignal::new(Head::new(&build, &BuildProgress::default()));
    let grown = RwSignal::new(0_u32);
    let (group, jump) = (RwSignal::new(None::<String>), RwSignal::new(None::<usize>));
    let was_live = !build.state.is_final();
    let (id, number, version, created_at, job_id) =
        (build.id, build.number, build.version.clone(), build.created_at, build.job_id);

    let flush = OncePerFrame::new(move || {
        let now = progress.with_value(|progress| Head::new(&build, progress));
        let failed_now = now.failure.is_some() && head.with_untracked(|head| head.failure.is_none());
        let line = now.failure.as_ref().and_then(|failure| failure.line);
        if head.with_untracked(|head| *head != now) {
            head.set(now);
        }
        grown.update(|grown| *grown += 1);
        // The first error is what people come for, unless the address names a line.
        let address_names_a_line = window().location().hash().is_ok_and(|hash| hash.starts_with("#L"));
        if failed_now && !address_names_a_line && line.is_some() {
            jump.set(line);
        }
    });
    let stream = follow_job(job_id, 0, move |event| {
        if progress.try_update_value(|progress| progress.apply(&event)).is_some() {
            flush.ask();
        }
    });
    let source = LogSource::new(move |look| {
        progress.try_with_value(|progress| look(&progress.log));
    });

    let now = every_second();
    let state = Memo::new(move |_| head.with(|head| head.state));
    let live = Signal::derive(move || !state.get().is_final());
    let duration = move || {
        head.with(|head| {
            let end =
                head.finished_at.unwrap_or_else(|| if head.state.is_final() { now.get_untracked() } else { now.get() });
            head.started_at.map(|begin| duration_text(end.millis_since(begin)))
        })
    };
    let counts = move || {
        let (ended, cached, all) = head.with(|head| head.counts);
        (all > 0).then(|| {
            let cached = if cached > 0 { format!(", {cached} from the cache") } else { String::new() };
            format!("{ended} of {all} steps{cached}")
        })
    };
    let image = Memo::new(move |_| head.with(|head| head.image.clone()));
    let image_line = move || {
        image.get().map(|(digest, size)| {
            let href = format!("/projects/{}/images/{digest}", project.name.get_untracked());
            let short = short_digest(&digest);
            view! {
                <div class="row">
                    {icon(Icon::Image)}
                    <A href=href><code>{short}</code></A>
                    <CopyButton text=Signal::stored(digest) what="digest"/>
                    <span class="muted">{size_text(size)}</span>
                </div>
            }
        })
    };
    let failure = Memo::new(move |_| head.with(|head| head.failure.clone()));
    let steps = Memo::new(move |_| head.with(|head| head.steps.clone()));
    let retry = Memo::new(move |_| head.with(|head| head.retry.clone()));
    let waiting = move || {
        let stream_is_empty = head.with(|head| head.steps.is_empty());
        (stream_is_empty && was_live && live.get() && stream.get() != StreamState::Ended)
            .then(|| view! { <p class="hint">"Steps appear here when the builder has read the Dockerfile."</p> })
    };
    view! {
        <header class="build-head">
            <h2>{format!("Build #{number}")}</h2>
            {move || job_pill(state.get())}
            <code>{version}</code>
            <span class="muted number">{duration}</span>
            <span class="muted wide-only">{counts}</span>
            <span class="muted wide-only"><TimeAgo at=created_at/></span>
            {image_line}
            <span class="grow"></span>
            <Actions id state/>
        </header>
        <StreamNotice state=stream/>
        {move || retry.get().map(|reason| view! { <p class="hint" role="status">"It will be tried again. " {reason}</p> })}
        {move || failure.get().map(|failure| failure_notice(failure, jump))}
        <div class="build-body">
            <div class="build-steps">
                <StepList steps group/>
                {waiting}
            </div>
            <LogView source grown group jump raw=work::raw_log_address(id) live/>
        </div>
    }
    .into_any()
}

/// Why it failed: the step, what it said, and the way to the line.
fn failure_notice(failure: Failure, jump: RwSignal<Option<usize>>) -> AnyView {
    let to_line = failure.line.map(|line| {
        view! { <Button on_press=move |()| jump.set(Some(line))>{format!("Go to line {}", line + 1)}</Button> }
    });
    let title = match failure.step {
        Some(step) => view! { <p><b>"Failed: "</b><code>{step}</code></p> }.into_any(),
        None => view! { <p><b>"The build failed."</b></p> }.into_any(),
    };
    view! {
        <div class="notice bad" role="alert">
            {icon(Icon::Warning)}
            <div>{title}<p class="failure-message">{failure.message}</p></div>
            {to_line}
        </div>
    }
    .into_any()
}

/// What can be done about a build.
#[component]
fn Actions(id: Uuid, state: Memo<JobState>) -> impl IntoView {
    let cancelling = RwSignal::new(false);
    let cancel_error = RwSignal::new(None::<ApiError>);
    let StartBuild { busy, error, start } = start_build();
    let cancel = move |()| {
        cancelling.set(true);
        cancel_error.set(None);
        leptos::task::spawn_local(async move {
            // The stream says when it has ended; until then it is being cancelled.
            if let Err(problem) = work::cancel_build(id).await {
                cancel_error.try_set(Some(problem));
                cancelling.try_set(false);
            }
        });
    };
    let buttons = move || {
        if can_cancel(state.get()) {
            let word = move || if cancelling.get() { "Cancelling" } else { "Cancel" };
            view! { <Button kind=ButtonKind::Danger glyph=Icon::Stop busy=cancelling on_press=cancel>{word}</Button> }
                .into_any()
        } else {
            view! {
                <Button kind=ButtonKind::Ghost busy on_press=move |()| start.run(true)>"Build without cache"</Button>
                <Button glyph=Icon::Retry busy shortcut="create" on_press=move |()| start.run(false)>"Build again"</Button>
            }
            .into_any()
        }
    };
    view! {
        <div class="row">{buttons}</div>
        <ErrorLine error=cancel_error/>
        <ErrorLine error/>
    }
    .into_any()
}
