//! Sending an image to a registry.

use gantry_domain::api::image::{Image, PublishImage};
use gantry_domain::api::registry::Registry;
use gantry_domain::{RepositoryName, Tag};
use leptos::prelude::*;

use crate::api::{ApiError, calls, work};
use crate::load::{Loader, load, loaded};
use crate::paged::read_all;
use crate::pages::project::CurrentProject;
use crate::parts::select::Choice;
use crate::parts::{
    Button, ButtonKind, EmptyState, ErrorLine, Icon, LinkButton, SelectField, TextField, skeleton_block,
};
use gantry_domain::problem::sentence;

/// The card with the form, or with the way to the first registry.
#[component]
pub(super) fn PublishCard(
    /// The image; read again when a publication has begun.
    loader: Loader<Image>,
    /// The image as it is.
    of: Image,
) -> impl IntoView {
    view! {
        <section class="card" aria-labelledby="publish-heading">
            <div class="card-head"><h2 id="publish-heading">"Publish"</h2></div>
            <PublishTo of on_begun=move |_| loader.reload()/>
        </section>
    }
    .into_any()
}

/// The form, or the way to the first registry.
#[component]
pub(crate) fn PublishTo(
    /// The image.
    of: Image,
    /// Hears of a publication that has begun.
    #[prop(into)]
    on_begun: Callback<Image>,
) -> impl IntoView {
    let registries = load(|| read_all(calls::registries));
    let of = StoredValue::new(of);
    let body = loaded(registries, "The list of registries", skeleton_block, move |registries| {
        if registries.is_empty() {
            return view! {
                <EmptyState title="No registry is connected" text="An image is published to an OCI registry: Docker Hub, GitHub, Harbor, or one of your own.">
                    <LinkButton href="/settings/registries" glyph=Icon::Registry>"Connect a registry"</LinkButton>
                </EmptyState>
            }
            .into_any();
        }
        view! { <PublishForm of=of.get_value() registries on_begun/> }.into_any()
    });
    view! { {body} }.into_any()
}

/// Where the image goes when nothing else is said.
fn usual_repository(registry: Option<&Registry>, project: &str) -> String {
    match registry.map(|registry| registry.prefix.trim_matches('/')) {
        None | Some("") => project.to_owned(),
        Some(prefix) => format!("{prefix}/{project}"),
    }
}

#[component]
fn PublishForm(of: Image, registries: Vec<Registry>, on_begun: Callback<Image>) -> impl IntoView {
    let project = CurrentProject::expect();
    let first = registries.first().map(|registry| registry.id.to_string()).unwrap_or_default();
    let choices: Vec<Choice> = registries
        .iter()
        .map(|registry| Choice::new(registry.id.to_string(), format!("{} ({})", registry.name, registry.address)))
        .collect();
    let registries = StoredValue::new(registries);
    let chosen = RwSignal::new(first);
    let usual = Memo::new(move |_| {
        let id = chosen.get();
        registries.with_value(|registries| {
            let registry = registries.iter().find(|registry| registry.id.to_string() == id);
            usual_repository(registry, &project.name.get())
        })
    });
    let repository = RwSignal::new(usual.get_untracked());
    // Another registry has another prefix; what was typed by hand stays.
    Effect::new(move |before: Option<String>| {
        let usual = usual.get();
        if before.is_some_and(|before| repository.with_untracked(|repository| *repository == before)) {
            repository.set(usual.clone());
        }
        usual
    });
    let tag = RwSignal::new(of.version.clone());
    let (busy, error) = (RwSignal::new(false), RwSignal::new(None::<ApiError>));
    let fault = move |path: &'static str, local: Option<String>| {
        local.or_else(|| error.with(|error| error.as_ref()?.field(path)))
    };
    let repository_fault = Signal::derive(move || {
        let local = repository.with(|text| text.trim().parse::<RepositoryName>().err());
        fault("/repository", local.map(|fault| sentence(&fault.to_string())))
    });
    let tag_fault = Signal::derive(move || {
        let local = tag.with(|text| text.trim().parse::<Tag>().err());
        fault("/tag", local.map(|fault| sentence(&fault.to_string())))
    });
    let of = StoredValue::new(of);
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let (Ok(registry_id), Ok(repository), Ok(tag)) = (
            chosen.with_untracked(|id| id.parse()),
            repository.with_untracked(|text| text.trim().parse()),
            tag.with_untracked(|text| text.trim().parse()),
        ) else {
            return;
        };
        let body = PublishImage { registry_id, repository: Some(repository), tag: Some(tag) };
        let image = of.get_value();
        busy.set(true);
        error.set(None);
        leptos::task::spawn_local(async move {
            let answer = work::publish(image.digest.as_str(), &body).await;
            busy.try_set(false);
            match answer {
                Ok(_) => {
                    on_begun.try_run(image);
                }
                Err(problem) => {
                    error.try_set(Some(problem));
                }
            }
        });
    };
    let shown_error =
        Signal::derive(move || error.get().filter(|error| !error.is_only_about(&["/repository", "/tag"])));
    view! {
        <form class="form" novalidate on:submit=submit>
            <SelectField label="Registry" value=chosen choices=Signal::stored(choices)/>
            <div class="field-pair">
                <TextField label="Repository" value=repository code=true error=repository_fault/>
                <TextField label="Tag" value=tag code=true error=tag_fault/>
            </div>
            <ErrorLine error=shown_error/>
            <Button kind=ButtonKind::Primary glyph=Icon::Send submit=true busy>"Publish"</Button>
        </form>
    }
    .into_any()
}
