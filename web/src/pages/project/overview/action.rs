//! The one primary button of the overview: it begins what comes next, and asks first for what that needs.

use gantry_domain::api::build::Build;
use gantry_domain::api::image::Image;
use gantry_domain::api::provider::Provider;
use gantry_domain::api::session::{CreateSession, SendMessage, Session};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos_router::hooks::use_navigate;
use uuid::Uuid;

use super::next::Next;
use crate::api::{ApiResult, calls, encode, work};
use crate::load::{load, loaded};
use crate::paged::read_all;
use crate::pages::project::CurrentProject;
use crate::pages::project::builds::{StartBuild, start_build};
use crate::pages::project::images::PublishTo;
use crate::parts::{
    Button, ButtonKind, Choice, Dialog, EmptyState, ErrorLine, Icon, LinkButton, SelectField, Submission, TextArea,
    skeleton_block,
};

/// What comes next in words, with its button.
#[component]
pub(super) fn NextStep(
    /// What comes next; none until that is known.
    next: Memo<Option<Next>>,
) -> impl IntoView {
    let project = CurrentProject::expect();
    let (testing, publishing) = (RwSignal::new(false), RwSignal::new(None::<Uuid>));
    let StartBuild { busy, error, start } = start_build();
    let shown = move || {
        let base = format!("/projects/{}", encode(&project.name.get()));
        let go = |label: &'static str, page: String| {
            view! { <LinkButton href=format!("{base}/{page}")>{label}</LinkButton> }.into_any()
        };
        let build = |label: &'static str, kind: ButtonKind| {
            view! { <Button kind glyph=Icon::Build busy on_press=move |()| start.run(false)>{label}</Button> }
                .into_any()
        };
        let (text, buttons) = match next.get()? {
            Next::WatchPublication => ("The image is being published.", vec![go("Watch it", "images".to_owned())]),
            Next::WatchBuild(id) => ("The image is being built.", vec![go("Watch the build", format!("builds/{id}"))]),
            Next::WatchRun => ("A run is under way.", vec![go("Go to the chat", "chat".to_owned())]),
            Next::Test { has_failed } => {
                let test = view! {
                    <Button kind=ButtonKind::Primary glyph=Icon::Chat on_press=move |()| testing.set(true)>
                        {if has_failed { "Test again" } else { "Test the agent" }}
                    </Button>
                };
                if has_failed {
                    ("The last run failed.", vec![go("See why", "chat".to_owned()), test.into_any()])
                } else {
                    let text = "Say something to the agent, and see it call its tools.";
                    (text, vec![build("Build without a test", ButtonKind::Ghost), test.into_any()])
                }
            }
            Next::Build { failed: None } => {
                ("Tested. Make an image of it.", vec![build("Build image", ButtonKind::Primary)])
            }
            Next::Build { failed: Some(id) } => (
                "The last build failed.",
                vec![go("See why", format!("builds/{id}")), build("Build again", ButtonKind::Primary)],
            ),
            Next::Publish { build, has_failed } => {
                let publish = view! {
                    <Button kind=ButtonKind::Primary glyph=Icon::Send on_press=move |()| publishing.set(Some(build))>"Publish image"</Button>
                };
                if has_failed {
                    ("The last publication failed.", vec![go("See why", "images".to_owned()), publish.into_any()])
                } else {
                    ("The image is built. Send it to a registry.", vec![publish.into_any()])
                }
            }
            Next::Nothing => {
                ("Published, and nothing has changed since.", vec![go("Go to the chat", "chat".to_owned())])
            }
        };
        Some(view! { <footer><p>{text}</p><div class="row">{buttons}</div></footer> })
    };
    let publish_open = RwSignal::new(false);
    Effect::new(move |_| {
        if publishing.with(Option::is_some) {
            publish_open.set(true);
        }
    });
    Effect::new(move |_| {
        if !publish_open.get() {
            publishing.set(None);
        }
    });
    view! {
        <ErrorLine error/>
        {shown}
        <Dialog open=testing title="Test the agent"><TestForm open=testing/></Dialog>
        <Dialog open=publish_open title="Publish the image">
            {publishing.get_untracked().map(|build| view! { <PublishDialog of=build open=publish_open/> })}
        </Dialog>
    }
    .into_any()
}

/// The first message of a chat, and who answers it.
#[component]
fn TestForm(open: RwSignal<bool>) -> impl IntoView {
    let project = CurrentProject::expect();
    let (text, provider) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let providers = load(|| read_all(calls::providers));
    let choices = Signal::derive(move || {
        let known = providers.value.get().unwrap_or_default();
        let choice = |provider: Provider| {
            Choice::new(provider.id.to_string(), format!("{}: {}", provider.name, provider.default_model))
        };
        std::iter::once(Choice::new("", "Rehearsal model, not an LLM")).chain(known.into_iter().map(choice)).collect()
    });
    let submission = Submission::new();
    // A chat that was made before its message was refused is used by the next attempt.
    let session = StoredValue::new(None::<Session>);
    let navigate = use_navigate();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let message = text.with_untracked(|text| text.trim().to_owned());
        if message.is_empty() {
            return;
        }
        let (name, navigate) = (project.name.get_untracked(), navigate.clone());
        let body = CreateSession { provider_id: provider.get_untracked().parse().ok(), ..CreateSession::default() };
        let of = name.clone();
        let answer = async move {
            let made = match session.get_value().filter(|session| session.provider_id == body.provider_id) {
                Some(made) => made,
                None => work::create_session(&of, &body).await?,
            };
            let id = made.id;
            session.try_update_value(|session| *session = Some(made));
            work::send_message(id, &SendMessage { text: message }).await.map(|_| id)
        };
        submission.run(answer, move |id| {
            open.set(false);
            navigate(&format!("/projects/{name}/chat/{id}"), Default::default());
        });
    };
    let is_empty = Signal::derive(move || text.with(|text| text.trim().is_empty()));
    view! {
        <form novalidate on:submit=submit>
            <div class="dialog-body">
                <TextArea label="Message" value=text rows=4 focus=true error=submission.field("/text") placeholder="What somebody would ask it"/>
                <SelectField label="Model" value=provider choices/>
                <p class="hint">"Tools that only read run at once; all others wait in the chat until you approve them."</p>
                <ErrorLine error=submission.error_beside(&["/text"])/>
            </div>
            <footer class="dialog-actions">
                <Button on_press=move |()| open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Primary glyph=Icon::Send submit=true busy=submission.busy disabled=is_empty>"Send"</Button>
            </footer>
        </form>
    }
    .into_any()
}

/// The image that a build made.
async fn image_of(build: Uuid) -> ApiResult<Option<Image>> {
    let build: Build = work::build(build).await?;
    match build.digest {
        Some(digest) => work::image(digest.as_str()).await.map(Some),
        None => Ok(None),
    }
}

/// Where the image of a build goes.
#[component]
fn PublishDialog(of: Uuid, open: RwSignal<bool>) -> impl IntoView {
    let project = CurrentProject::expect();
    let image = load(move || image_of(of));
    let navigate = use_navigate();
    let begun = Callback::new(move |image: Image| {
        open.set(false);
        let address = format!("/projects/{}/images/{}", encode(&project.name.get_untracked()), image.digest);
        navigate(&address, Default::default());
    });
    let body = loaded(image, "The image", skeleton_block, move |image| match image {
        Some(image) => view! { <PublishTo of=image on_begun=begun/> }.into_any(),
        None => view! { <EmptyState title="No image" text="The build left no image. Build again."/> }.into_any(),
    });
    view! { <div class="dialog-body">{body}</div> }.into_any()
}
