//! Every code of a diagnostic has a row in `docs/diagnostics.md`, and every row a code.

#![allow(clippy::unwrap_used, reason = "a test that fails by unwrapping has said what it needs to say")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What a code is given to, as its first text.
const CALLS: [&str; 7] = [".error(", ".warning(", ".warn(", ".note(", "diagnostic(", "remark(", "finding("];
/// Codes that are given in another way: by the reader of a spec, and by the version that it names.
const OTHERS: [&str; 5] = ["missing", "unknown_field", "type", "api_version_newer", "api_version_unknown"];

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs")
            && path.file_stem().is_some_and(|stem| stem != "tests")
        {
            found.push(path);
        }
    }
}

/// The first text within an expression, when it could be a code: words with underscores between.
fn code_in(expression: &str) -> Option<&str> {
    let (_, rest) = expression.split_once('"')?;
    let (text, _) = rest.split_once('"')?;
    let is_code = text.contains('_') && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    is_code.then_some(text)
}

#[test]
fn every_code_of_a_diagnostic_is_documented() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    for folder in [
        "domain/src/spec/check",
        "domain/src/matrix",
        "generator/src/planner",
        "generator/src/exchange",
        "generator/src/verify",
    ] {
        rust_files(&root.join(folder), &mut files);
    }
    let mut codes: BTreeSet<String> = OTHERS.into_iter().map(str::to_owned).collect();
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap();
        for call in CALLS {
            let expressions = text.match_indices(call).map(|(place, _)| &text[place + call.len()..]);
            codes.extend(expressions.filter_map(|rest| code_in(rest.split(';').next()?)).map(str::to_owned));
        }
    }
    assert!(codes.len() > 80, "the codes are found in the sources: {codes:?}");
    let page = std::fs::read_to_string(root.join("docs/diagnostics.md")).unwrap();
    let rows: BTreeSet<String> =
        page.lines().filter_map(|line| Some(line.strip_prefix("| <a id=\"")?.split_once('"')?.0.to_owned())).collect();
    assert_eq!(
        codes.difference(&rows).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "have no row in docs/diagnostics.md"
    );
    assert_eq!(rows.difference(&codes).collect::<Vec<_>>(), Vec::<&String>::new(), "have a row and no code");
}
