//! The card that says what is live: the image that was published last, and where it can be pulled from.

use gantry_domain::api::image::{Image, Publication};
use leptos::prelude::*;
use leptos_router::components::A;

use crate::api::encode;
use crate::pages::project::CurrentProject;
use crate::pages::project::builds::short_digest;
use crate::parts::{CopyButton, Icon, Pill, TimeAgo, Tone, icon};

/// The places where an image was read back, newest first and each once.
fn places(image: &Image) -> Vec<Publication> {
    let mut places: Vec<Publication> = Vec::new();
    for publication in &image.publications {
        let is_known = places.iter().any(|known| known.reference == publication.reference);
        if publication.published_at.is_some() && !is_known {
            places.push(publication.clone());
        }
    }
    places.sort_by_key(|place| std::cmp::Reverse(place.published_at));
    places
}

/// The card. `image` is none while nothing was published.
pub(super) fn live_card(image: Option<Image>) -> AnyView {
    let body = match image {
        None => nothing_yet(),
        Some(image) => live(image),
    };
    view! { <section class="card live" aria-labelledby="live-heading">{body}</section> }.into_any()
}

fn nothing_yet() -> AnyView {
    view! {
        <div class="card-head">
            <h2 id="live-heading">"Live"</h2>
            <Pill tone=Tone::Idle glyph=Icon::Clock text="Nothing yet"/>
        </div>
        <p class="muted">"No image of this project is in a registry. It gets here by being built, published, and read back from where it was sent."</p>
    }
    .into_any()
}

fn live(image: Image) -> AnyView {
    let current = CurrentProject::expect();
    let places = places(&image);
    let base = format!("/projects/{}", encode(&current.name.get_untracked()));
    let digest = image.digest.to_string();
    let short = short_digest(&digest);
    let (image_href, build_href) = (format!("{base}/images/{digest}"), format!("{base}/builds/{}", image.build_id));
    let is_outdated = current.get().is_some_and(|project| image.created_at < project.summary.updated_at);
    let pill = if is_outdated {
        view! { <Pill tone=Tone::Busy glyph=Icon::Warning text="Older than the spec"/> }
    } else {
        view! { <Pill tone=Tone::Good glyph=Icon::Check text="Published"/> }
    };
    let newest = places.first().and_then(|place| place.published_at);
    let command = places.first().and_then(|place| place.pull_command.clone()).map(|command| {
        view! { <div class="command"><code>{command.clone()}</code><CopyButton text=Signal::stored(command) what="pull command"/></div> }
    });
    let rows = places
        .into_iter()
        .map(|place| {
            view! {
                <li>
                    {icon(Icon::Registry)}
                    <b>{place.registry_name}</b>
                    <code>{place.reference}</code>
                    {place.published_at.map(|at| view! { <span class="muted"><TimeAgo at/></span> })}
                </li>
            }
        })
        .collect_view();
    view! {
        <div class="card-head">
            <h2 id="live-heading">"Live"</h2>
            {pill}
            <span class="grow"></span>
            {newest.map(|at| view! { <span class="muted">"read back " <TimeAgo at/></span> })}
        </div>
        <div class="live-version">
            <b class="number">{image.version}</b>
            <A href=image_href><code>{short}</code></A>
            <CopyButton text=Signal::stored(digest) what="digest"/>
            <span class="muted">"from " <A href=build_href>{format!("build #{}", image.build_number)}</A></span>
        </div>
        <ul class="live-places" aria-label="Where it is">{rows}</ul>
        {command}
    }
    .into_any()
}
