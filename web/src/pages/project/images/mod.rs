//! A project's images: the list here, one image in [`one`], sending it to a registry in [`publish`].

mod one;
mod publications;
mod publish;
mod publishing;

pub(crate) use publish::PublishTo;

use gantry_domain::api::image::Image;
use gantry_domain::api::job::JobState;
use leptos::prelude::*;
use leptos_router::components::A;
use leptos_router::hooks::use_params_map;

use super::CurrentProject;
use super::builds::short_digest;
use crate::api::work;
use crate::load::when_loaded;
use crate::paged::paged;
use crate::parts::{CopyButton, EmptyState, Icon, LinkButton, Pill, TimeAgo, Tone, size_text, skeleton_rows};
use crate::poll::keep_fresh;

/// A project's images.
#[component]
pub(crate) fn ImagesPage() -> impl IntoView {
    let project = CurrentProject::expect();
    let images = paged(move || project.name.get(), |name, cursor| async move { work::images(&name, cursor).await });
    // What is being sent somewhere arrives while one looks.
    keep_fresh(images.loader, |entries| {
        let mut publications = entries.items.iter().flat_map(|image| &image.publications);
        publications.any(|publication| !publication.state.is_final())
    });
    let (items, is_empty) = (images.items(), images.is_empty());
    let shown = move || {
        if is_empty.get() {
            let href = format!("/projects/{}/builds", project.name.get_untracked());
            return view! {
                <EmptyState title="No images" text="What a build produces appears here under its digest, and is published from here to a registry.">
                    <LinkButton href glyph=Icon::Build>"Go to builds"</LinkButton>
                </EmptyState>
            }
            .into_any();
        }
        let state_of = |image: &Image| image.publications.iter().map(|sent| (sent.id, sent.state)).collect::<Vec<_>>();
        view! {
            <div class="table-frame">
                <table class="table">
                    <caption class="visually-hidden">"Images, newest first"</caption>
                    <thead><tr>
                        <th scope="col">"Digest"</th>
                        <th scope="col">"Published"</th>
                        <th scope="col" class="wide-only">"Version"</th>
                        <th scope="col" class="wide-only">"Build"</th>
                        <th scope="col" class="wide-only">"Platform"</th>
                        <th scope="col" class="end">"Size"</th>
                        <th scope="col" class="end wide-only">"Built"</th>
                    </tr></thead>
                    <tbody>
                        <For each=move || items.get() key=move |image| (image.build_id, state_of(image)) let:image>
                            {image_row(project, image)}
                        </For>
                    </tbody>
                </table>
            </div>
            {images.more("images")}
        }
        .into_any()
    };
    let list = when_loaded(images.loader, "The list of images", || skeleton_rows(3), shown);
    view! { <h2 class="visually-hidden">"Images"</h2> {list} }.into_any()
}

fn image_row(project: CurrentProject, image: Image) -> AnyView {
    let name = project.name.get_untracked();
    let digest = image.digest.to_string();
    let short = short_digest(&digest);
    let href = format!("/projects/{name}/images/{digest}");
    let build_href = format!("/projects/{name}/builds/{}", image.build_id);
    let published = image.publications.iter().filter(|publication| publication.state == JobState::Done).count();
    let failed = image.publications.iter().filter(|publication| publication.state == JobState::Failed).count();
    let mark = match (published, failed, image.publications.len()) {
        (0, 0, 0) => view! { <span class="muted">"Not yet"</span> }.into_any(),
        (0, failed, all) if failed == all => {
            view! { <Pill tone=Tone::Bad glyph=Icon::Cross text="Failed"/> }.into_any()
        }
        (0, ..) => view! { <Pill tone=Tone::Busy glyph=Icon::Spinner text="Under way"/> }.into_any(),
        (1, ..) => view! { <Pill tone=Tone::Good glyph=Icon::Check text="1 place"/> }.into_any(),
        (count, ..) => view! { <Pill tone=Tone::Good glyph=Icon::Check text=format!("{count} places")/> }.into_any(),
    };
    view! {
        <tr>
            <td class="digest-cell">
                <A href=href attr:data-row=""><code>{short}</code></A>
                <CopyButton text=Signal::stored(digest) what="digest"/>
            </td>
            <td>{mark}</td>
            <td class="wide-only"><code>{image.version}</code></td>
            <td class="wide-only"><A href=build_href>{format!("#{}", image.build_number)}</A></td>
            <td class="wide-only">{image.platform}</td>
            <td class="end">{size_text(image.size)}</td>
            <td class="end wide-only"><TimeAgo at=image.created_at/></td>
        </tr>
    }
    .into_any()
}

/// One image.
#[component]
pub(crate) fn ImagePage() -> impl IntoView {
    let params = use_params_map();
    let digest = Memo::new(move |_| params.with(|params| params.get("digest").unwrap_or_default()));
    let shown = move || view! { <one::ImageDetail digest=digest.get()/> };
    view! { {shown} }.into_any()
}
