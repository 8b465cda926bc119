//! The files that would be generated, as a tree, and the text of one of them.

use leptos::prelude::*;

use super::draft::{Preview, PreviewFile};
use crate::parts::{Icon, icon, size_text};

/// The file that is shown at first: the one that says what the project is.
const FIRST: &str = "README.md";

/// The files, while nothing is wrong with the spec.
#[component]
pub(crate) fn Files() -> impl IntoView {
    let preview = Preview::expect();
    let chosen = RwSignal::new(FIRST.to_owned());
    let paths = Memo::new(move |_| {
        preview.files.with(|files| {
            let files = files.as_ref()?;
            Some(files.iter().map(|file| (file.path.clone(), file.content.len())).collect::<Vec<_>>())
        })
    });
    let text = Memo::new(move |_| {
        preview.files.with(|files| {
            let files = files.as_ref()?;
            let chosen = chosen.get();
            let file: &PreviewFile = files.iter().find(|file| file.path == chosen).or_else(|| files.first())?;
            Some((file.path.clone(), file.content.clone()))
        })
    });
    let tree = move || match paths.get() {
        None => view! { <p class="muted">"Files appear here once nothing is wrong with the choices."</p> }.into_any(),
        Some(paths) => {
            let count = paths.len();
            let total = paths.iter().map(|(_, size)| *size as i64).sum::<i64>();
            view! {
                <p class="hint number">{count} " files, " {size_text(total)}</p>
                <ul class="file-tree">{tree_rows(paths, chosen, text)}</ul>
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
        <section class="card file-preview">
            <div class="card-head"><h2>"Files"</h2></div>
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
fn tree_rows(
    paths: Vec<(String, usize)>,
    chosen: RwSignal<String>,
    shown: Memo<Option<(String, String)>>,
) -> Vec<AnyView> {
    let mut rows = Vec::new();
    let mut folder_before: Vec<String> = Vec::new();
    for (path, size) in ordered(paths) {
        let mut parts: Vec<String> = path.split('/').map(str::to_owned).collect();
        let name = parts.pop().unwrap_or_default();
        let shared = parts.iter().zip(&folder_before).take_while(|(a, b)| a == b).count();
        for (depth, folder) in parts.iter().enumerate().skip(shared) {
            let class = format!("depth-{depth}");
            rows.push(view! { <li class=class><span class="file-row">{icon(Icon::Folder)}<span>{folder.clone()}</span></span></li> }.into_any());
        }
        let class = format!("depth-{}", parts.len());
        folder_before = parts;
        let (pressed, current) = (path.clone(), path);
        let is_current = move || shown.with(|shown| shown.as_ref().is_some_and(|(path, _)| *path == current));
        rows.push(
            view! {
                <li class=class>
                    <button type="button" class="file-row" aria-current=move || is_current().then_some("true") on:click=move |_| chosen.set(pressed.clone())>
                        {icon(Icon::File)}<span>{name}</span><small class="number">{size_text(size as i64)}</small>
                    </button>
                </li>
            }
            .into_any(),
        );
    }
    rows
}

/// Folders before files at every depth, each by name.
fn ordered(mut paths: Vec<(String, usize)>) -> Vec<(String, usize)> {
    let key = |path: &str| -> Vec<(bool, String)> {
        let parts: Vec<&str> = path.split('/').collect();
        let last = parts.len() - 1;
        parts.iter().enumerate().map(|(index, part)| (index == last, (*part).to_owned())).collect()
    };
    paths.sort_by_cached_key(|(path, _)| key(path));
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_come_before_files() {
        let paths = ["README.md", "src/a.py", ".gitignore", "src/deep/b.py"].map(|path| (path.to_owned(), 1));
        let ordered: Vec<String> = ordered(paths.to_vec()).into_iter().map(|(path, _)| path).collect();
        assert_eq!(ordered, ["src/deep/b.py", "src/a.py", ".gitignore", "README.md"]);
    }
}
