//! The instance: what it runs on, and which of its parts work.

use gantry_domain::api::system::{PartState, System};
use leptos::prelude::*;

use crate::api::calls;
use crate::load::{load, loaded};
use crate::pages::set_title;
use crate::parts::{Button, Icon, Pill, Tone, skeleton_rows};

/// What the instance runs on.
#[component]
pub(crate) fn SystemPage() -> impl IntoView {
    set_title("System");
    let system = load(calls::system);
    let body = loaded(
        system,
        "The state of the system",
        || skeleton_rows(4),
        |system: System| {
            let parts = system.parts.into_iter().map(part_row).collect_view();
            view! {
                <div class="stack">
                    <dl class="card facts">
                        <dt>"Version"</dt><dd><code>{system.version}</code></dd>
                        <dt>"Database"</dt><dd>{system.database}</dd>
                        <dt>"Node"</dt><dd><code>{system.node}</code></dd>
                        <dt>"Process runs"</dt><dd>{if system.process_runs {
                            "Allowed: projects may run without a sandbox, with all rights of the server's own user."
                        } else {
                            "Not allowed. Projects run natively or in containers."
                        }}</dd>
                    </dl>
                    <ul class="item-list">{parts}</ul>
                </div>
            }
        },
    );
    view! {
        <div class="section-head">
            <div>
                <h2>"System"</h2>
                <p class="hint">"What this instance runs on. A part that is missing takes nothing else down."</p>
            </div>
            <Button glyph=Icon::Retry on_press=move |()| system.reload()>"Check again"</Button>
        </div>
        {body}
    }
    .into_any()
}

fn part_row(part: PartState) -> AnyView {
    let (tone, glyph, word) = match (part.ok, part.optional) {
        (true, _) => (Tone::Good, Icon::Check, "Works"),
        (false, true) => (Tone::Busy, Icon::Warning, "Missing"),
        (false, false) => (Tone::Bad, Icon::Cross, "Does not work"),
    };
    view! {
        <li class="item">
            <div class="item-main">
                <div class="item-title"><b>{part.name}</b></div>
                <p class="hint">{part.message}</p>
            </div>
            <Pill tone glyph text=word/>
        </li>
    }
    .into_any()
}
