//! Framework, model and pattern on one screen, since each says something about the others: the rail of
//! facets, the frameworks, the models, the patterns, and why the plan chose what it did.

use gantry_domain::api::compatibility::{Compatibility, FrameworkEntry, PatternSupport, Restriction};
use gantry_domain::matrix::{Language, Support};
use gantry_domain::spec::BuildOptions;
use leptos::prelude::*;

use super::draft::Draft;
use super::facet_rail::{self, FacetRail};
use super::facets::{Hiding, Selection};
use super::model::ModelSection;
use super::pattern::PatternSection;
use super::why::Why;
use super::{Step, step_frame};
use crate::pages::project::labels::pattern_name;
use crate::pages::project::matrix::InstanceMatrix;
use crate::pages::project::support::{evidence_text, support_pill};
use crate::parts::{Button, Icon, RadioCard, icon};

/// Framework, model and pattern.
#[component]
pub(crate) fn FrameworkStep() -> impl IntoView {
    let draft = Draft::expect();
    let selection = facet_rail::selection(draft);
    let questions = view! {
        <div class="faceted">
            <FacetRail selection/>
            <div class="stack sections">
                <FrameworkSection selection/>
                <ModelSection/>
                <PatternSection/>
                <Why/>
            </div>
        </div>
    };
    step_frame(
        Step::Framework,
        "Framework, model and pattern",
        "The generated code is yours, and written for the framework. Nothing is refused here that can be mended: what does not fit is said on the right, with a way out.",
        questions.into_any(),
    )
}

#[component]
fn FrameworkSection(selection: Memo<Selection>) -> impl IntoView {
    let draft = Draft::expect();
    let matrix = InstanceMatrix::expect();
    let shown = Memo::new(move |_| {
        let pattern = draft.pattern.get();
        selection.with(|selection| {
            matrix.value.with(|matrix| {
                let shown = matrix.frameworks.iter().filter(|entry| selection.hiding(entry, pattern).is_empty());
                shown.cloned().collect::<Vec<_>>()
            })
        })
    });
    let total = move || matrix.value.with(|matrix| matrix.frameworks.len());
    let count = move || format!("{} of {} shown", shown.with(Vec::len), total());
    let cards = move || shown.get().into_iter().map(framework_card).collect_view();
    // What is chosen and hidden is said, not shown: the cards are what the filter leaves.
    let hidden_choice = move || {
        let chosen = draft.framework.get()?;
        let is_shown = shown.with(|shown| shown.iter().any(|entry| entry.id == chosen));
        (!is_shown).then(|| matrix.framework(chosen).map(|entry| entry.name).unwrap_or_default())
    };
    let hides = Memo::new(move |_| {
        let pattern = draft.pattern.get();
        selection.with(|selection| matrix.value.with(|matrix| selection.what_hides(matrix, pattern)))
    });
    let hidden = move || {
        let hides = hides.get();
        (!hides.is_empty()).then(|| hidden_note(shown.with(Vec::is_empty), hidden_choice(), hides))
    };
    view! {
        <section class="choice-section" aria-labelledby="framework-title">
            <div class="section-line">
                <h3 id="framework-title">"Framework"</h3>
                <p class="hint number" role="status">{count}</p>
            </div>
            <fieldset class="choices frameworks" data-choices="framework">
                <legend class="visually-hidden">"Framework"</legend>
                {cards}
            </fieldset>
            {hidden}
        </section>
    }
    .into_any()
}

/// What the filter hides, and how to see it again.
fn hidden_note(is_empty: bool, chosen: Option<String>, hides: Vec<Hiding>) -> AnyView {
    let draft = Draft::expect();
    let rows = hides
        .into_iter()
        .map(|hiding| {
            let facet = hiding.facet;
            let label = match hiding.without {
                1 => format!("Clear {}, show 1", facet.label().to_lowercase()),
                count => format!("Clear {}, show {count}", facet.label().to_lowercase()),
            };
            view! {
                <li>
                    <span>{facet.label()} ": " <b>{hiding.words}</b> " hides " {hiding.hidden}</span>
                    <Button on_press=move |()| facet_rail::want(draft, facet, None)>{label}</Button>
                </li>
            }
        })
        .collect_view();
    let chosen = chosen.map(|name| view! { <p>{name} " is chosen and stays so, though the filter hides it."</p> });
    view! {
        <div class="hidden-note" class:empty-result=is_empty>
            {is_empty.then(|| view! { <p><b>"No framework has all of this."</b></p> })}
            {chosen}
            <ul>{rows}</ul>
            <Button glyph=Icon::Cross on_press=move |()| facet_rail::clear(draft)>"Clear all filters"</Button>
        </div>
    }
    .into_any()
}

fn framework_card(entry: FrameworkEntry) -> AnyView {
    let draft = Draft::expect();
    let matrix = InstanceMatrix::expect();
    let (id, language) = (entry.id, entry.language);
    let checked = Signal::derive(move || draft.framework.get() == Some(id));
    let refusal = Signal::derive(move || {
        let reason =
            matrix.value.with(|matrix| restriction(matrix, &|one| one.framework == id && one.pattern.is_none()));
        reason.map(|reason| format!("Not allowed on this instance: {reason}"))
    });
    let cells = StoredValue::new(entry.patterns.clone());
    let cell = Memo::new(move |_| {
        let pattern = draft.pattern.get()?;
        cells.with_value(|cells| cells.iter().find(|cell| cell.pattern == pattern).cloned())
    });
    let note = Signal::derive(move || {
        let cell = cell.get()?;
        let pattern = pattern_name(cell.pattern);
        let forbidden = matrix
            .value
            .with(|matrix| restriction(matrix, &|one| one.framework == id && one.pattern == Some(cell.pattern)));
        match (forbidden, cell.support) {
            (Some(reason), _) => Some(format!("Not allowed here with {pattern}: {reason}")),
            (None, Support::Unsupported) => Some(format!("Not with {pattern}: {}", cell.reason)),
            _ => None,
        }
    });
    let badge = view! { {move || cell.get().map(|cell| support_pill(cell.support))} }.into_any();
    let choose = move |()| {
        draft.decided.update(|decided| decided.framework = Some(id));
        draft.change(|spec| {
            // What hangs on the language goes along; a base image that somebody chose for it stays.
            if spec.target.language != language {
                spec.build = BuildOptions::of(language);
            }
            spec.target.framework = id;
            spec.target.language = language;
        });
    };
    let hosted = entry.hosted;
    let evidence = move || {
        let cell = cell.get()?;
        (cell.support != Support::Unsupported).then(|| evidence_line(&cell, hosted))
    };
    let clouds = StoredValue::new(entry.clouds.clone());
    let cloud = move || {
        let chosen = draft.cloud.get()?;
        let name = matrix.cloud_name(&chosen);
        let words = match (clouds.with_value(|clouds| clouds.contains(&chosen)), hosted) {
            (true, _) => format!("At home on {name}"),
            (false, false) => format!("As an image on {name}"),
            (false, true) => format!("Does not run on {name}"),
        };
        Some(view! { <li>{words}</li> })
    };
    view! {
        <RadioCard group="framework" value=id.as_str() title=entry.name.clone() text=entry.tagline.clone() checked note refusal badge=badge on_choose=choose>
            <ul class="card-facts">
                <li>{language_text(&entry)} ", " {entry.license.clone()}</li>
                <li class="mono">{packages_text(&entry)}</li>
                <li class="number">{cost_text(&entry)}</li>
                {cloud}
                {evidence}
            </ul>
        </RadioCard>
    }
    .into_any()
}

/// The reason of the first restriction that is meant.
fn restriction(matrix: &Compatibility, is_meant: &dyn Fn(&Restriction) -> bool) -> Option<String> {
    matrix.restrictions.iter().find(|one| is_meant(one)).map(|one| one.reason.clone())
}

fn evidence_line(cell: &PatternSupport, hosted: bool) -> AnyView {
    let is_verified = cell.verified_on.is_some();
    let glyph = if is_verified { Icon::Check } else { Icon::Warning };
    view! { <li class="evidence" class:verified=is_verified>{icon(glyph)}<span>{evidence_text(cell, hosted)}</span></li> }.into_any()
}

/// `Python >=3.11`.
fn language_text(entry: &FrameworkEntry) -> String {
    let language = match entry.language {
        Language::Python => "Python",
        Language::Typescript => "TypeScript, Node.js",
    };
    format!("{language} {}", entry.versions)
}

fn packages_text(entry: &FrameworkEntry) -> String {
    match entry.packages.as_slice() {
        [] => "no packages".to_owned(),
        packages => {
            let names: Vec<_> = packages.iter().map(|one| format!("{} {}", one.name, one.version)).collect();
            names.join(", ")
        }
    }
}

/// What was measured: the size of the install, and what one run costs, which is mostly its start.
fn cost_text(entry: &FrameworkEntry) -> String {
    let install = match &entry.install {
        None => "Install not measured".to_owned(),
        Some(install) if install.packages == 0 => "Nothing to install".to_owned(),
        Some(install) => format!("{} MB in {} packages", install.megabytes, install.packages),
    };
    let run = match &entry.run {
        None => "start not measured".to_owned(),
        Some(run) => format!("starts and answers in {} s of processor time", run.cpu_seconds),
    };
    format!("{install}; {run}")
}

#[cfg(test)]
mod tests {
    use gantry_domain::matrix::compatibility;

    use super::*;

    #[test]
    fn what_was_not_measured_says_so() {
        let mut entry = compatibility().frameworks[1].clone();
        entry.install = None;
        entry.run = None;
        assert_eq!(cost_text(&entry), "Install not measured; start not measured");
        entry.packages.clear();
        assert_eq!(packages_text(&entry), "no packages");
    }
}
