//! What executes the turns of a chat: the server itself, or the project's newest image in a container.

use gantry_domain::api::run::RunRuntime;
use leptos::prelude::*;

use super::state::Chat;
use crate::api::work;
use crate::load::load;
use crate::pages::project::CurrentProject;

/// The choice. Without an image it says what makes one.
#[component]
pub(super) fn RuntimePicker(chat: Chat) -> impl IntoView {
    let project = CurrentProject::expect();
    let images = load(move || {
        let name = project.name.get();
        // A new turn may run a newer image.
        chat.list_version.track();
        async move { work::newest_image(&name).await }
    });
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
    let choose = move |value: String| {
        let is_container = value == RunRuntime::Container.as_str();
        chat.change_runtime(if is_container { RunRuntime::Container } else { RunRuntime::Native });
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
        </select>
    }
    .into_any()
}
