//! The card of the review: whether everything that was chosen goes together, one row for each kind of
//! choice, with what is wrong and the buttons that resolve it.

use gantry_domain::matrix::{Diagnostic, Severity, Support};
use gantry_domain::spec::Spec;
use leptos::prelude::*;
use serde_json::Value;

use super::draft::Draft;
use super::model::DEFAULT;
use crate::pages::project::diagnostics::{Findings, focus_after};
use crate::pages::project::labels::pattern_name;
use crate::pages::project::matrix::InstanceMatrix;
use crate::pages::project::support::{evidence_text, support_word};
use crate::parts::{Icon, icon};

/// A kind of choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Category {
    Project,
    Framework,
    Cloud,
    Pattern,
    Model,
    Agents,
    Tools,
    Exports,
}

impl Category {
    const ALL: [Self; 8] = [
        Self::Framework,
        Self::Cloud,
        Self::Pattern,
        Self::Model,
        Self::Agents,
        Self::Tools,
        Self::Exports,
        Self::Project,
    ];

    /// The kind of choice that a place in the spec belongs to.
    fn of(path: &str) -> Self {
        const PLACES: [(&str, Category); 10] = [
            ("/target/cloud", Category::Cloud),
            ("/target/pattern", Category::Pattern),
            ("/target/exports", Category::Exports),
            ("/target", Category::Framework),
            ("/build", Category::Framework),
            ("/models", Category::Model),
            ("/agents", Category::Agents),
            ("/tasks", Category::Agents),
            ("/graph", Category::Agents),
            ("/tools", Category::Tools),
        ];
        let is_below =
            |place: &str| path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        PLACES.into_iter().find(|(place, _)| is_below(place)).map_or(Self::Project, |(_, category)| category)
    }

    fn label(self) -> &'static str {
        match self {
            Self::Project => "Project",
            Self::Framework => "Framework",
            Self::Cloud => "Cloud",
            Self::Pattern => "Pattern",
            Self::Model => "Model",
            Self::Agents => "Agents",
            Self::Tools => "Tools",
            Self::Exports => "Becomes",
        }
    }
}

/// The card.
#[component]
pub(crate) fn CompatibilityCard(
    /// What was found.
    #[prop(into)]
    found: Signal<Vec<Diagnostic>>,
    /// Applies a fix: a JSON Merge Patch on the spec.
    on_fix: Callback<Value>,
) -> impl IntoView {
    let draft = Draft::expect();
    let matrix = InstanceMatrix::expect();
    let on_fix = focus_after(on_fix, "compatibility-title".to_owned());
    let counts = move || {
        let worst = Category::ALL.map(|category| found.with(|found| worst_of(found, category)));
        let count = |wanted: fn(Option<Severity>) -> bool| worst.into_iter().filter(|worst| wanted(*worst)).count();
        let blocked = count(|worst| worst == Some(Severity::Error));
        let doubtful = count(|worst| worst == Some(Severity::Warning));
        let fits = Category::ALL.len() - blocked - doubtful;
        format!("{fits} fit, {doubtful} to look at, {blocked} blocked")
    };
    let rows = move || {
        let found = found.get();
        draft.spec.with(|spec| {
            spec.as_ref().map(|spec| {
                Category::ALL
                    .into_iter()
                    .map(|category| {
                        let (value, about) = said_of(category, spec, matrix);
                        row(category, value, about, &found, on_fix)
                    })
                    .collect_view()
            })
        })
    };
    view! {
        <section class="card compatibility" aria-labelledby="compatibility-title">
            <div class="section-line">
                <h2 id="compatibility-title" tabindex="-1">"Compatibility"</h2>
                <p class="hint number" role="status">{counts}</p>
            </div>
            <ul class="compatibility-rows">{rows}</ul>
        </section>
    }
    .into_any()
}

fn worst_of(found: &[Diagnostic], category: Category) -> Option<Severity> {
    found.iter().filter(|one| Category::of(&one.path) == category).map(|one| one.severity).max()
}

fn row(category: Category, value: String, about: String, found: &[Diagnostic], on_fix: Callback<Value>) -> AnyView {
    let own: Vec<Diagnostic> = found.iter().filter(|one| Category::of(&one.path) == category).cloned().collect();
    let (class, glyph, word) = match worst_of(found, category) {
        Some(Severity::Error) => ("compatibility-row bad", Icon::Cross, "Blocked"),
        Some(Severity::Warning) => ("compatibility-row warn", Icon::Warning, "To look at"),
        Some(Severity::Info) => ("compatibility-row good", Icon::Info, "Fits, with a remark"),
        None => ("compatibility-row good", Icon::Check, "Fits"),
    };
    view! {
        <li class=class>
            <div class="compatibility-line">
                {icon(glyph)}
                <span class="visually-hidden">{word} ": "</span>
                <span class="compatibility-category">{category.label()}</span>
                <span><b>{value}</b> <span class="hint">{about}</span></span>
            </div>
            <Findings found=own on_fix/>
        </li>
    }
    .into_any()
}

/// What was chosen, and what is known of it.
fn said_of(category: Category, spec: &Spec, matrix: InstanceMatrix) -> (String, String) {
    let framework = matrix.framework(spec.target.framework);
    match category {
        Category::Project => (spec.metadata.name.to_string(), format!("version {}", spec.metadata.version)),
        Category::Framework => {
            let Some(entry) = framework else { return (spec.target.framework.as_str().to_owned(), String::new()) };
            let version = entry.packages.first().map(|package| format!("{} {}, ", package.name, package.version));
            (entry.name, format!("{}{}, {}", version.unwrap_or_default(), entry.license, spec.target.language.as_str()))
        }
        Category::Cloud => match &spec.target.cloud {
            None => ("Any".to_owned(), "nothing was chosen".to_owned()),
            Some(id) => {
                let at_home = framework.is_some_and(|entry| entry.clouds.contains(id));
                let about = if at_home { "the framework is at home there" } else { "by a container image" };
                (matrix.cloud_name(id), about.to_owned())
            }
        },
        Category::Pattern => {
            let hosted = framework.as_ref().is_some_and(|entry| entry.hosted);
            let cell =
                framework.and_then(|entry| entry.patterns.into_iter().find(|cell| cell.pattern == spec.target.pattern));
            let about = cell.map(|cell| match cell.support {
                Support::Unsupported => support_word(cell.support).to_lowercase(),
                _ => format!("{}; {}", support_word(cell.support).to_lowercase(), evidence_text(&cell, hosted)),
            });
            (pattern_name(spec.target.pattern).to_owned(), about.unwrap_or_default())
        }
        Category::Model => {
            let name = spec.models.get(DEFAULT).map(|model| model.model.clone()).unwrap_or_default();
            if name.is_empty() {
                return ("From the environment".to_owned(), "nothing can be checked before it runs".to_owned());
            }
            let known = matrix.value.with(|matrix| matrix.models.iter().find(|model| model.id == name).cloned());
            let about = match known {
                None => "not in the matrix: nothing is checked".to_owned(),
                Some(known) => {
                    let tools = match known.tools {
                        Some(true) => "calls tools",
                        Some(false) => "calls no tools",
                        None => "unknown whether it calls tools",
                    };
                    format!("{}, {tools}", known.provider)
                }
            };
            (name, about)
        }
        Category::Agents => {
            let tasks = match spec.tasks.len() {
                0 => String::new(),
                1 => "1 task".to_owned(),
                count => format!("{count} tasks"),
            };
            (spec.agents.iter().map(|agent| agent.id.as_str()).collect::<Vec<_>>().join(", "), tasks)
        }
        Category::Tools => match spec.tools.len() {
            0 => ("None".to_owned(), "it answers from what its model knows".to_owned()),
            _ => (spec.tools.iter().map(|tool| tool.id.as_str()).collect::<Vec<_>>().join(", "), String::new()),
        },
        Category::Exports => {
            let names = matrix.value.with(|matrix| {
                let name = |id: &String| {
                    matrix
                        .exports
                        .iter()
                        .find(|export| export.id == *id)
                        .map_or_else(|| id.clone(), |one| one.name.clone())
                };
                spec.target.exports.iter().map(name).collect::<Vec<_>>()
            });
            match names.as_slice() {
                [] => ("Whatever is wanted later".to_owned(), "nothing was chosen".to_owned()),
                names => (names.join(", "), String::new()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_in_a_spec_belongs_to_a_row() {
        for (path, category) in [
            ("/target/framework", Category::Framework),
            ("/target/language", Category::Framework),
            ("/target/cloud", Category::Cloud),
            ("/target/pattern", Category::Pattern),
            ("/target/exports/0", Category::Exports),
            ("/build/base", Category::Framework),
            ("/models/default/model", Category::Model),
            ("/agents/0/tools", Category::Agents),
            ("/graph", Category::Agents),
            ("/tools/0/url", Category::Tools),
            ("/toolset", Category::Project),
            ("/metadata/version", Category::Project),
            ("", Category::Project),
        ] {
            assert_eq!(Category::of(path), category, "{path}");
        }
    }
}
