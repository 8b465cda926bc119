//! The palette: every page, project and action by a few letters of its name; `>` finds actions
//! only, `#` builds, and `@` what somebody started.

use gantry_domain::api::build::Build;
use gantry_domain::api::job::Job;
use gantry_domain::api::project::ProjectSummary;
use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_navigate};

use crate::api::{ApiResult, calls, encode, work};
use crate::load::load;
use crate::me::CurrentMe;
use crate::parts::finder::{Findable, Finder, matching};
use crate::parts::pill::job_word;
use crate::parts::time::{ago_text, now};
use crate::theme::{Theme, use_theme};

/// What happens when an entry is chosen.
#[derive(Clone, Debug, PartialEq)]
enum Act {
    Go(String),
    UseTheme(Theme),
    ShowShortcuts,
}

/// One entry.
#[derive(Clone, Debug, PartialEq)]
struct Entry {
    /// What kind of thing it is, or in which state.
    group: &'static str,
    label: String,
    act: Act,
}

/// What a query looks for, by its first character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Anything,
    Actions,
    Builds,
    People,
}

/// What a query looks for, and the rest of it.
fn understood(query: &str) -> (Wanted, &str) {
    let query = query.trim();
    let prefixes = [('>', Wanted::Actions), ('#', Wanted::Builds), ('@', Wanted::People)];
    let found = prefixes.into_iter().find_map(|(prefix, wanted)| Some((wanted, query.strip_prefix(prefix)?.trim())));
    found.unwrap_or((Wanted::Anything, query))
}

impl Findable for Entry {
    fn label(&self) -> &str {
        &self.label
    }

    fn kind(&self) -> &str {
        self.group
    }
}

/// Pages and actions that are always there.
fn fixed_entries() -> Vec<Entry> {
    let pages = [
        ("Projects", "/projects"),
        ("Test agents", "/test"),
        ("Activity", "/activity"),
        ("Settings: model providers", "/settings/providers"),
        ("Settings: registries", "/settings/registries"),
        ("Settings: secrets", "/settings/secrets"),
        ("Settings: API tokens", "/settings/tokens"),
        ("Settings: system", "/settings/system"),
        ("Settings: preferences", "/settings/preferences"),
    ];
    let pages =
        pages.map(|(label, href)| Entry { group: "Page", label: label.to_owned(), act: Act::Go(href.to_owned()) });
    let create = Entry { group: "Action", label: "New project".to_owned(), act: Act::Go("/projects/new".to_owned()) };
    let shortcuts = Entry { group: "Action", label: "Keyboard shortcuts".to_owned(), act: Act::ShowShortcuts };
    let themes = Theme::ALL.map(|theme| Entry {
        group: "Action",
        label: format!("Theme: {}", theme.label().to_lowercase()),
        act: Act::UseTheme(theme),
    });
    pages.into_iter().chain([create, shortcuts]).chain(themes).collect()
}

/// The pages of the project that is open.
fn tab_entries(project: Option<&str>) -> Vec<Entry> {
    let Some(project) = project else { return Vec::new() };
    let pages = ["Chat", "Runs", "Pipeline", "Files", "Builds", "Images", "Settings"];
    let entry = |page: &str| Entry {
        group: "Page",
        label: format!("{project}: {page}"),
        act: Act::Go(format!("/projects/{project}/{}", page.to_lowercase())),
    };
    pages.map(entry).to_vec()
}

/// What the server has for a query. Builds are those of the project that is open, else the newest of all.
async fn found(wanted: Wanted, words: String, project: Option<String>, me: Option<String>) -> ApiResult<Vec<Entry>> {
    match wanted {
        Wanted::Actions => Ok(Vec::new()),
        Wanted::Anything => {
            let page = calls::projects(&words, "", None).await?;
            let entry = |project: ProjectSummary| Entry {
                group: "Project",
                label: project.name.to_string(),
                act: Act::Go(format!("/projects/{}", project.name)),
            };
            Ok(page.items.into_iter().map(entry).collect())
        }
        Wanted::Builds => match project {
            Some(project) => {
                let page = work::builds(&project, None).await?;
                let entry = |build: Build| Entry {
                    group: job_word(build.state),
                    label: format!("{project} #{}", build.number),
                    act: Act::Go(format!("/projects/{project}/builds/{}", build.id)),
                };
                Ok(page.items.into_iter().map(entry).collect())
            }
            None => {
                let page = work::jobs("", "build", "", None).await?;
                let entry = |job: Job| {
                    let (project, build) = (job.project_name?, job.subject_id?);
                    Some(Entry {
                        group: job_word(job.state),
                        label: format!("{project}, {}", ago_text(now().millis_since(job.created_at))),
                        act: Act::Go(format!("/projects/{project}/builds/{build}")),
                    })
                };
                Ok(page.items.into_iter().filter_map(entry).collect())
            }
        },
        Wanted::People => {
            let page = work::jobs("", "", "", None).await?;
            let mut names: Vec<String> = me.into_iter().collect();
            for job in page.items {
                if !names.contains(&job.created_by) {
                    names.push(job.created_by);
                }
            }
            let entry = |name: String| Entry {
                group: "Activity",
                act: Act::Go(format!("/activity?by={}", encode(&name))),
                label: name,
            };
            Ok(names.into_iter().map(entry).collect())
        }
    }
}

/// The palette. It is closed until `open` says otherwise.
#[component]
pub(crate) fn Palette(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// Opens the sheet of shortcuts.
    sheet_open: RwSignal<bool>,
) -> impl IntoView {
    let theme = use_theme();
    let navigate = use_navigate();
    let me = CurrentMe::expect();
    let query = RwSignal::new(String::new());
    let path = use_location().pathname;
    let project = Memo::new(move |_| path.with(|path| project_of(path)));
    let wanted = Memo::new(move |_| query.with(|query| understood(query).0));
    // Only projects are looked for by the server: of everything else it gives the newest.
    let words = Memo::new(move |_| match wanted.get() {
        Wanted::Anything => query.with(|query| understood(query).1.to_owned()),
        _ => String::new(),
    });
    let from_server = load(move || {
        let (is_open, wanted, words) = (open.get(), wanted.get(), words.get());
        let (project, me) = (project.get(), me.get().map(|me| me.name));
        async move {
            let entries = if is_open { found(wanted, words, project, me).await? } else { Vec::new() };
            Ok((wanted, entries))
        }
    });
    let entries = Memo::new(move |_| {
        let wanted = wanted.get();
        // What came for another prefix is not shown under this one.
        let found = from_server.value.with(|found| {
            found.as_ref().filter(|(of, _)| *of == wanted).map(|(_, entries)| entries.clone()).unwrap_or_default()
        });
        let fixed: Vec<Entry> = match wanted {
            Wanted::Anything => {
                project.with(|project| tab_entries(project.as_deref())).into_iter().chain(fixed_entries()).collect()
            }
            Wanted::Actions => fixed_entries().into_iter().filter(|entry| entry.group == "Action").collect(),
            Wanted::Builds | Wanted::People => Vec::new(),
        };
        let all = found.into_iter().chain(fixed).collect();
        query.with(|query| matching(all, understood(query).1))
    });
    let choose = move |entry: Entry| match entry.act {
        Act::Go(address) => navigate(&address, Default::default()),
        Act::UseTheme(chosen) => theme.set(chosen),
        Act::ShowShortcuts => sheet_open.set(true),
    };
    let prefixes = || {
        view! { <p class="wide-only"><kbd>">"</kbd> " actions " <kbd>"#"</kbd> " builds " <kbd>"@"</kbd> " people"</p> }
    };
    view! {
        <Finder
            open
            query
            found=entries
            // Without the server the palette still has its pages and actions.
            is_cut_off=Signal::derive(move || from_server.error.with(Option::is_some))
            on_choose=Callback::new(choose)
            name="palette"
            title="Search pages and actions"
            label="Search"
            hint="Projects, pages and actions"
            foot=prefixes
        />
    }
}

/// The project that an address is about.
fn project_of(path: &str) -> Option<String> {
    let name = path.strip_prefix("/projects/")?.split('/').next()?;
    (!name.is_empty() && name != "new").then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_of_words_come_first() {
        let entries = matching(fixed_entries(), "set");
        assert!(entries[0].label.starts_with("Settings"), "{entries:?}");
    }

    #[test]
    fn the_first_character_says_what_is_looked_for() {
        for (query, expected) in [
            ("  bot ", (Wanted::Anything, "bot")),
            ("> theme", (Wanted::Actions, "theme")),
            ("#12", (Wanted::Builds, "12")),
            ("@", (Wanted::People, "")),
        ] {
            assert_eq!(understood(query), expected);
        }
    }

    #[test]
    fn an_address_below_a_project_names_it() {
        assert_eq!(project_of("/projects/ships/builds"), Some("ships".to_owned()));
        for other in ["/projects", "/projects/", "/projects/new", "/activity"] {
            assert_eq!(project_of(other), None, "{other}");
        }
    }
}
