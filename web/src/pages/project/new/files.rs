//! The files that would be generated, as a tree, and the text of one of them: by the same generator as
//! the server's, in the browser.

use leptos::prelude::*;

use super::preview::{Preview, PreviewFile};
use crate::parts::{Icon, icon, size_text};

/// The file that is shown at first: the one that says what the project is.
const FIRST: &str = "README.md";

/// A file in the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    path: String,
    /// In bytes.
    size: i64,
    /// Whether the last change of the spec changed it.
    is_changed: bool,
}

impl Row {
    fn of(file: &PreviewFile) -> Self {
        let size = i64::try_from(file.content.len()).unwrap_or(i64::MAX);
        Self { path: file.path.clone(), size, is_changed: file.is_changed }
    }
}

/// The files, while nothing is wrong with the spec.
#[component]
pub(crate) fn Files() -> impl IntoView {
    let preview = Preview::expect();
    let chosen = RwSignal::new(FIRST.to_owned());
    let rows = Memo::new(move |_| {
        preview.files.with(|files| files.as_ref().map(|files| files.iter().map(Row::of).collect::<Vec<_>>()))
    });
    let text = Memo::new(move |_| {
        preview.files.with(|files| {
            let files = files.as_ref()?;
            let chosen = chosen.get();
            let file: &PreviewFile = files.iter().find(|file| file.path == chosen).or_else(|| files.first())?;
            Some((file.path.clone(), file.content.clone()))
        })
    });
    let tree = move || match rows.get() {
        None if preview.is_behind.get() => view! { <p class="muted">"Writing the files"</p> }.into_any(),
        None => view! { <p class="muted">"Files appear here once nothing is wrong with the choices."</p> }.into_any(),
        Some(rows) => {
            let total = rows.iter().map(|row| row.size).sum::<i64>();
            let changed = rows.iter().filter(|row| row.is_changed).count();
            let changes = (changed > 0).then(|| format!(", {changed} changed by the last choice"));
            view! {
                <p class="hint number">{rows.len()} " files, " {size_text(total)} {changes}</p>
                <ul class="file-tree">{tree_rows(rows, chosen, text)}</ul>
            }
            .into_any()
        }
    };
    let shown_path = move || text.with(|text| text.as_ref().map(|(path, _)| path.clone()));
    let content = move || {
        text.get().map(|(path, content)| {
            view! { <pre class="file-text" tabindex="0" role="region" aria-label=format!("Content of {path}")>{content}</pre> }
        })
    };
    view! {
        <section class="card file-preview" aria-labelledby="files-title" aria-busy=move || preview.is_behind.get().then_some("true")>
            <div class="card-head"><h2 id="files-title">"Files"</h2></div>
            {tree}
            <Show when=move || text.with(Option::is_some)>
                <h3><code>{shown_path}</code></h3>
                {content}
            </Show>
        </section>
    }
    .into_any()
}

/// One row for each folder, where it begins, and one for each file.
fn tree_rows(rows: Vec<Row>, chosen: RwSignal<String>, shown: Memo<Option<(String, String)>>) -> Vec<AnyView> {
    let mut views = Vec::new();
    let mut folder_before: Vec<String> = Vec::new();
    for row in ordered(rows) {
        let mut parts: Vec<String> = row.path.split('/').map(str::to_owned).collect();
        let name = parts.pop().unwrap_or_default();
        let shared = parts.iter().zip(&folder_before).take_while(|(a, b)| a == b).count();
        for (depth, folder) in parts.iter().enumerate().skip(shared) {
            let class = format!("depth-{depth}");
            views.push(view! { <li class=class><span class="file-row">{icon(Icon::Folder)}<span>{folder.clone()}</span></span></li> }.into_any());
        }
        let class = format!("depth-{}", parts.len());
        folder_before = parts;
        let (pressed, current) = (row.path.clone(), row.path);
        let is_current = move || shown.with(|shown| shown.as_ref().is_some_and(|(path, _)| *path == current));
        let changed = row.is_changed.then(|| {
            view! { <span class="changed"><span class="visually-hidden">"changed"</span></span> }
        });
        views.push(
            view! {
                <li class=class>
                    <button type="button" class="file-row" aria-current=move || is_current().then_some("true") on:click=move |_| chosen.set(pressed.clone())>
                        {icon(Icon::File)}<span>{name}</span>{changed}<small class="number">{size_text(row.size)}</small>
                    </button>
                </li>
            }
            .into_any(),
        );
    }
    views
}

/// Folders before files at every depth, each by name.
fn ordered(mut rows: Vec<Row>) -> Vec<Row> {
    let key = |path: &str| -> Vec<(bool, String)> {
        let parts: Vec<&str> = path.split('/').collect();
        let last = parts.len() - 1;
        parts.iter().enumerate().map(|(index, part)| (index == last, (*part).to_owned())).collect()
    };
    rows.sort_by_cached_key(|row| key(&row.path));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_come_before_files() {
        let rows = ["README.md", "src/a.py", ".gitignore", "src/deep/b.py"].map(|path| Row {
            path: path.to_owned(),
            size: 1,
            is_changed: false,
        });
        let ordered: Vec<String> = ordered(rows.to_vec()).into_iter().map(|row| row.path).collect();
        assert_eq!(ordered, ["src/deep/b.py", "src/a.py", ".gitignore", "README.md"]);
    }
}
