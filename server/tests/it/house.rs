//! The rules of the house that a compiler does not keep: who may import whom, and that the two
//! databases have the same schema.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{TestApp, part_is_wanted};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The `crate::…` paths that a file names outside of its tests.
fn imports(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.split("crate::").skip(1))
        .map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | ':')).collect())
        .collect()
}

fn offenders(folder: &str, allowed: impl Fn(&Path, &str) -> bool) -> Vec<String> {
    let source = Path::new(ROOT).join("src");
    let mut offenders = Vec::new();
    for path in rust_files(&source.join(folder)) {
        let inside = path.strip_prefix(&source).unwrap().to_owned();
        for import in imports(&path) {
            if !allowed(&inside, &import) {
                offenders.push(format!("{} uses crate::{import}", inside.display()));
            }
        }
    }
    offenders
}

#[test]
fn the_outside_knows_nothing_of_gantry() {
    let found = offenders("outside", |_, import| import.starts_with("outside"));
    assert!(found.is_empty(), "outside/* speaks foreign protocols only: {found:#?}");
}

#[test]
fn what_stores_does_not_speak_http() {
    let found = offenders("", |path, import| {
        !path.ends_with("store.rs") || !(import.starts_with("http") || import.contains("::http"))
    });
    assert!(found.is_empty(), "store.rs knows rows, not requests: {found:#?}");
}

#[test]
fn nouns_reach_one_another_through_their_front_door() {
    let found = offenders("", |path, import| {
        let noun = path.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
        let other = import.split("::").next().unwrap_or_default();
        other == noun || !import.contains("::store")
    });
    assert!(found.is_empty(), "another noun's store.rs is its own business: {found:#?}");
}

#[test]
fn every_room_says_what_it_is_for() {
    let mut silent = Vec::new();
    for member in ["domain", "generator", "server", "cli", "web", "xtask"] {
        for path in rust_files(&Path::new(ROOT).parent().unwrap().join(member).join("src")) {
            if !path.ends_with("tests.rs") && !fs::read_to_string(&path).unwrap().starts_with("//!") {
                silent.push(path.display().to_string());
            }
        }
    }
    assert!(silent.is_empty(), "these files do not open with //! lines: {silent:#?}");
}

fn migrations(engine: &str) -> Vec<String> {
    let folder = Path::new(ROOT).parent().unwrap().join("migrations").join(engine);
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn both_databases_have_the_same_migrations() {
    assert_eq!(migrations("sqlite"), migrations("postgres"));
}

/// Table, column, and whether it may be null.
type Columns = BTreeMap<(String, String), bool>;

#[tokio::test]
async fn both_databases_end_up_with_the_same_tables_and_columns() {
    if !part_is_wanted("postgres") {
        return;
    }
    let sqlite = TestApp::sqlite().await;
    let rows: Vec<(String, String, bool)> = sqlite
        .app
        .db
        .sql(
            "SELECT m.name, c.name, c.\"notnull\" = 0 AND c.pk = 0 FROM sqlite_master m, pragma_table_info(m.name) c
              WHERE m.type = 'table' AND m.name NOT LIKE '\\_%' ESCAPE '\\' AND m.name NOT LIKE 'sqlite%'",
        )
        .all()
        .await
        .unwrap();
    let in_sqlite: Columns = rows.into_iter().map(|(table, column, null)| ((table, column), null)).collect();
    let postgres = TestApp::postgres().await;
    let rows: Vec<(String, String, bool)> = postgres
        .app
        .db
        .sql(
            "SELECT table_name::text, column_name::text, is_nullable = 'YES' FROM information_schema.columns
              WHERE table_schema = current_schema() AND table_name NOT LIKE '\\_%'",
        )
        .all()
        .await
        .unwrap();
    let in_postgres: Columns = rows.into_iter().map(|(table, column, null)| ((table, column), null)).collect();
    assert!(in_sqlite.len() > 20, "{in_sqlite:#?}");
    assert_eq!(in_sqlite, in_postgres);
}
