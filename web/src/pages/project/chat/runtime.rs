//! What executes the turns of a chat: the server itself, the project's newest image in a container, or, where
//! whoever runs the server allows it, the project as a plain process.

use gantry_domain::api::run::RunRuntime;
use leptos::prelude::*;

use super::state::Chat;
use crate::api::{calls, work};
use crate::load::load;
use crate::pages::project::CurrentProject;
use crate::parts::{Icon, icon};

/// The choice. Without an image it says what makes one; of a process it says what rights it has.
#[component]
pub(super) fn RuntimePicker(chat: Chat) -> impl IntoView {
    let project = CurrentProject::expect();
    let images = load(move || {
        let name = project.name.get();
        // A new turn may run a newer image.
        chat.list_version.track();
        async move { work::newest_image(&name).await }
    });
    let system = load(calls::system);
    let container = move || {
        let is_chosen = chat.runtime.get() == RunRuntime::Container;
        let newest = images.value.get().map(|page| page.items.into_iter().next());
        let (text, title, is_there) = match newest {
            Some(Some(image)) => (
                format!("Container: build {}", image.build_number),
                "The project's newest image, without a network: it reaches its model alone.",
                true,
            ),
            Some(None) => (
                "Container: build the project first".to_owned(),
                "A container runs an image, and there is none.",
                false,
            ),
            None => ("Container".to_owned(), "", is_chosen),
        };
        view! {
            <option value=RunRuntime::Container.as_str() title=title selected=is_chosen disabled=!is_there>{text}</option>
        }
    };
    let process = move || {
        let is_chosen = chat.runtime.get() == RunRuntime::Process;
        let is_allowed = system.value.get().is_some_and(|system| system.process_runs);
        let text = if is_allowed { "Process: no sandbox" } else { "Process: not allowed here" };
        // A chat may have chosen it before it was forbidden.
        (is_allowed || is_chosen).then(|| {
            view! {
                <option value=RunRuntime::Process.as_str() selected=is_chosen disabled=!is_allowed>{text}</option>
            }
        })
    };
    let choose = move |value: String| {
        let all = [RunRuntime::Native, RunRuntime::Container, RunRuntime::Process];
        chat.change_runtime(all.into_iter().find(|runtime| runtime.as_str() == value).unwrap_or_default());
    };
    view! {
        <select
            class="control model-picker"
            aria-label="Runtime"
            title="What executes the agent"
            on:change:target=move |event| choose(event.target().value())
        >
            <option value=RunRuntime::Native.as_str() selected=move || chat.runtime.get() == RunRuntime::Native>
                "Native: the spec"
            </option>
            {container}
            {process}
        </select>
    }
    .into_any()
}

/// What a choice means that is not to be made unknowingly.
#[component]
pub(super) fn RuntimeMeaning(chat: Chat) -> impl IntoView {
    move || {
        (chat.runtime.get() == RunRuntime::Process).then(|| {
            view! {
                <p class="hint" role="note">
                    {icon(Icon::Warning)}
                    " No sandbox: the project's code has all rights of the server's own user, and its network. Approvals hold only what its model asks for. Its packages come from where pip or npm is set up to get them."
                </p>
            }
        })
    }
}
