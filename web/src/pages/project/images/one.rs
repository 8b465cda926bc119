//! One image: what it is, and where it was sent.

use gantry_domain::api::image::Image;
use leptos::prelude::*;
use leptos_router::components::A;

use super::publications::Publications;
use super::publish::PublishCard;
use crate::api::work;
use crate::load::{Loader, load, loaded};
use crate::pages::project::CurrentProject;
use crate::parts::{CopyButton, TimeAgo, size_text, skeleton_block};

/// Reads the image and shows it.
#[component]
pub(super) fn ImageDetail(
    /// Its digest.
    digest: String,
) -> impl IntoView {
    let loader = load(move || {
        let digest = digest.clone();
        async move { work::image(&digest).await }
    });
    // The image itself never changes; what changes is where it was sent.
    let image = Memo::new(move |_| {
        let fixed = |image: &Image| Image { publications: Vec::new(), ..image.clone() };
        loader.value.with(|value| value.as_ref().map(fixed))
    });
    let head = move || image.get().map(|image| head(loader, image));
    let waiting = loaded(loader, "The image", skeleton_block, |_| ().into_any());
    view! { {waiting} {head} }.into_any()
}

fn head(loader: Loader<Image>, image: Image) -> AnyView {
    let project = CurrentProject::expect();
    let digest = image.digest.to_string();
    let build_href = format!("/projects/{}/builds/{}", project.name.get_untracked(), image.build_id);
    let build = format!("Build #{}", image.build_number);
    view! {
        <header class="image-head">
            <h2>"Image"</h2>
            <code class="digest">{digest.clone()}</code>
            <CopyButton text=Signal::stored(digest) what="digest"/>
        </header>
        <div class="columns">
            <div class="stack">
                <section class="stack" aria-labelledby="published-heading">
                    <h2 id="published-heading">"Published to"</h2>
                    <Publications loader/>
                </section>
                <PublishCard loader of=image.clone()/>
            </div>
            <section class="card" aria-labelledby="facts-heading">
                <div class="card-head"><h2 id="facts-heading">"About"</h2></div>
                <dl class="facts">
                    <dt>"Size"</dt><dd>{size_text(image.size)} <span class="muted">" compressed"</span></dd>
                    <dt>"Platform"</dt><dd>{image.platform}</dd>
                    <dt>"Version"</dt><dd><code>{image.version}</code></dd>
                    <dt>"Made by"</dt><dd><A href=build_href>{build}</A></dd>
                    <dt>"Built"</dt><dd><TimeAgo at=image.created_at/></dd>
                </dl>
            </section>
        </div>
    }
    .into_any()
}
