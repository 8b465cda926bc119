//! Which framework the code is written for.

use gantry_domain::api::compatibility::FrameworkEntry;
use gantry_domain::matrix::{Support, compatibility, support};
use leptos::prelude::*;

use super::draft::Draft;
use super::{Step, step_frame};
use crate::pages::project::labels::pattern_name;
use crate::parts::RadioCard;

/// The framework.
#[component]
pub(crate) fn FrameworkStep() -> impl IntoView {
    let cards = compatibility().frameworks.iter().map(framework_card).collect_view();
    let questions =
        view! { <fieldset class="choices"><legend class="visually-hidden">"Framework"</legend>{cards}</fieldset> };
    step_frame(
        Step::Framework,
        "Which framework?",
        "The generated code is yours and written for it. Costs were measured on a machine with two cores.",
        questions.into_any(),
    )
}

fn framework_card(entry: &'static FrameworkEntry) -> AnyView {
    let draft = Draft::expect();
    let id = entry.id;
    let checked =
        Signal::derive(move || draft.spec.with(|spec| spec.as_ref().is_some_and(|spec| spec.target.framework == id)));
    let refusal = Signal::derive(move || {
        let pattern = draft.spec.with(|spec| spec.as_ref().map(|spec| spec.target.pattern))?;
        let cell = support(id, pattern)?;
        (cell.support == Support::Unsupported)
            .then(|| format!("Not with the pattern {}. {}", pattern_name(pattern), cell.reason))
    });
    let choose = move |()| {
        draft.decided.update(|decided| decided.framework = Some(id));
        draft.change(|spec| {
            spec.target.framework = id;
            spec.target.language = entry.language;
        });
    };
    let packages = match entry.packages.as_slice() {
        [] => "None".to_owned(),
        packages => {
            let names: Vec<_> =
                packages.iter().map(|package| format!("{} {}", package.name, package.version)).collect();
            names.join(", ")
        }
    };
    let install = match &entry.install {
        None => "Not measured yet".to_owned(),
        Some(install) if install.packages == 0 => "Nothing".to_owned(),
        Some(install) => format!("{} packages, {} MB, {} s", install.packages, install.megabytes, install.seconds),
    };
    let run = entry.run.as_ref().map_or_else(
        || "Not measured yet".to_owned(),
        |run| format!("{} s of processor time, {} MB", run.cpu_seconds, run.megabytes),
    );
    view! {
        <RadioCard group="framework" value=entry.id.as_str() title=entry.name.as_str() text=entry.tagline.as_str() checked refusal on_choose=choose>
            <dl class="facts">
                <dt>"For"</dt><dd>{entry.strength.as_str()}</dd>
                <dt>"Against"</dt><dd>{entry.risk.as_str()}</dd>
                <dt>"Packages"</dt><dd>{packages}</dd>
                <dt>"To install"</dt><dd>{install}</dd>
                <dt>"One run"</dt><dd>{run}</dd>
                <dt>"Licence"</dt><dd>{entry.license.as_str()}</dd>
            </dl>
        </RadioCard>
    }
    .into_any()
}
