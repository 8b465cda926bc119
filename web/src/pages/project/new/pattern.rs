//! How the agents work together: the patterns in a row, and all about the chosen one.

use gantry_domain::api::compatibility::{FrameworkEntry, Level, PatternEntry, PatternSupport};
use gantry_domain::matrix::{Pattern, Support};
use leptos::prelude::*;

use super::draft::Draft;
use super::pattern_glyph::pattern_glyph;
use crate::pages::project::matrix::InstanceMatrix;
use crate::pages::project::support::{evidence_text, support_pill};
use crate::parts::{Icon, RadioCard, icon};

/// The patterns, and the card of the chosen one.
#[component]
pub(crate) fn PatternSection() -> impl IntoView {
    let matrix = InstanceMatrix::expect();
    let tiles = move || {
        let patterns = matrix.value.with(|matrix| matrix.patterns.clone());
        patterns.into_iter().map(pattern_tile).collect_view()
    };
    view! {
        <section class="choice-section" aria-labelledby="pattern-title">
            <div class="section-line"><h3 id="pattern-title">"Pattern"</h3></div>
            <fieldset class="choices patterns" data-choices="pattern">
                <legend class="visually-hidden">"Pattern"</legend>
                {tiles}
            </fieldset>
            <PatternCard/>
        </section>
    }
    .into_any()
}

/// How well the chosen framework does a pattern.
fn cell_of(draft: Draft, matrix: InstanceMatrix, pattern: Pattern) -> Option<PatternSupport> {
    let framework = matrix.framework(draft.framework.get()?)?;
    framework.patterns.into_iter().find(|cell| cell.pattern == pattern)
}

fn pattern_tile(entry: PatternEntry) -> AnyView {
    let draft = Draft::expect();
    let matrix = InstanceMatrix::expect();
    let id = entry.id;
    let checked = Signal::derive(move || draft.pattern.get() == Some(id));
    let cell = Memo::new(move |_| cell_of(draft, matrix, id));
    let note = Signal::derive(move || {
        let framework = draft.framework.get()?;
        let forbidden = matrix.value.with(|matrix| {
            let is_meant = |one: &&gantry_domain::api::compatibility::Restriction| {
                one.framework == framework && one.pattern == Some(id)
            };
            matrix.restrictions.iter().find(is_meant).map(|one| one.reason.clone())
        });
        forbidden.map(|reason| format!("Not allowed on this instance: {reason}"))
    });
    let badge = view! { {move || cell.get().map(|cell| support_pill(cell.support))} }.into_any();
    let choose = move |()| {
        draft.decided.update(|decided| decided.pattern = Some(id));
        draft.change(|spec| spec.target.pattern = id);
    };
    view! {
        <RadioCard group="pattern" value=id.as_str() title=entry.name text=entry.summary checked note badge=badge on_choose=choose>
            {pattern_glyph(id)}
        </RadioCard>
    }
    .into_any()
}

/// The chosen pattern: its steps, who decides, and which framework does it how well.
#[component]
fn PatternCard() -> impl IntoView {
    let draft = Draft::expect();
    let matrix = InstanceMatrix::expect();
    let card = move || {
        let chosen = draft.pattern.get()?;
        let (entry, frameworks) = matrix.value.with(|matrix| {
            let entry = matrix.patterns.iter().find(|entry| entry.id == chosen).cloned();
            entry.map(|entry| (entry, matrix.frameworks.clone()))
        })?;
        Some(pattern_card(entry, frameworks, cell_of(draft, matrix, chosen)))
    };
    view! { {card} }.into_any()
}

fn pattern_card(entry: PatternEntry, frameworks: Vec<FrameworkEntry>, cell: Option<PatternSupport>) -> AnyView {
    let draft = Draft::expect();
    let steps = entry.steps.iter().map(|step| view! { <li>{step.clone()}</li> }).collect_view();
    let chosen = draft.framework.get_untracked();
    let here = frameworks.iter().find(|framework| Some(framework.id) == chosen).zip(cell).map(|(framework, cell)| {
        view! {
            <p class="pattern-here">
                {support_pill(cell.support)}
                <span><b>{framework.name.clone()}</b> " " {support_sentence(&cell)} " " {reason_and_evidence(&cell, framework.hosted)}</span>
            </p>
        }
    });
    let rows = frameworks.iter().filter_map(|framework| support_row(framework, entry.id)).collect_view();
    let count = |support: Support| {
        frameworks
            .iter()
            .filter(|framework| {
                framework.patterns.iter().any(|cell| cell.pattern == entry.id && cell.support == support)
            })
            .count()
    };
    let counts = format!(
        "All frameworks: {} native, {} with an adapter, {} not",
        count(Support::Native),
        count(Support::Adapter),
        count(Support::Unsupported)
    );
    view! {
        <div class="card pattern-card" role="region" aria-label=format!("Pattern {}", entry.name)>
            <div class="pattern-head">
                {pattern_glyph(entry.id)}
                <div><h4>{entry.name.clone()}</h4><p class="muted">{entry.summary.clone()}</p></div>
            </div>
            <ol class="pattern-steps">{steps}</ol>
            <dl class="pattern-axes">
                <div><dt>"Who decides"</dt><dd>{entry.flow.clone()}</dd></div>
                <div><dt>"What is passed on"</dt><dd>{entry.communication.clone()}</dd></div>
                {axis("Flexibility", entry.flexibility)}
                {axis("Predictability", entry.predictability)}
                {axis("Model calls", entry.cost)}
            </dl>
            {here}
            <details><summary>{counts}</summary><ul class="support-list">{rows}</ul></details>
        </div>
    }
    .into_any()
}

/// How much, as a word and three dots.
fn axis(name: &'static str, level: Level) -> AnyView {
    let (word, count) = match level {
        Level::Low => ("low", 1),
        Level::Medium => ("medium", 2),
        Level::High => ("high", 3),
    };
    let dots = (0..3).map(|dot| view! { <i class:full={dot < count}></i> }).collect_view();
    view! { <div class="axis"><dt>{name}</dt><dd><span class="dots" aria-hidden="true">{dots}</span>{word}</dd></div> }
        .into_any()
}

fn support_sentence(cell: &PatternSupport) -> &'static str {
    match cell.support {
        Support::Native => "does this with its own means.",
        Support::Adapter => "does this with code of Gantry's between.",
        Support::Unsupported => "cannot be generated with this pattern.",
    }
}

fn reason_and_evidence(cell: &PatternSupport, hosted: bool) -> String {
    match (cell.reason.as_str(), cell.support) {
        (reason, Support::Unsupported) => reason.to_owned(),
        ("", _) => format!("{}.", evidence_text(cell, hosted)),
        (reason, _) => format!("{reason} {}.", evidence_text(cell, hosted)),
    }
}

fn support_row(framework: &FrameworkEntry, pattern: Pattern) -> Option<AnyView> {
    let cell = framework.patterns.iter().find(|cell| cell.pattern == pattern)?;
    let is_proven = cell.verified_on.is_some() || cell.support == Support::Unsupported;
    let doubt = (!is_proven).then(|| icon(Icon::Warning));
    Some(
        view! {
            <li>
                <span class="support-name">{framework.name.clone()}</span>
                {support_pill(cell.support)}
                <span class="hint">{doubt} {reason_and_evidence(cell, framework.hosted)}</span>
            </li>
        }
        .into_any(),
    )
}
