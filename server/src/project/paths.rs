//! What a path of a file may be, for whoever writes files or reads them out again: within the project
//! and nowhere else, the same on every file system, and not where people keep secrets.

use std::collections::HashMap;

use gantry_domain::problem::FieldProblem;

/// Names that no project and no image has, in any folder and in any case: they are where people keep
/// passwords, keys and history. A name may have one `*`.
const NEVER: [&str; 15] = [
    ".env",
    ".env.*",
    ".git",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".ssh",
    ".aws",
    ".docker",
    "*.pem",
    "id_rsa*",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    ".git-credentials",
];
/// The exception: an example has no values in it.
const ALWAYS: [&str; 3] = [".env.example", ".env.sample", ".env.template"];

/// How long a path may be, in bytes, and how long one of its parts (Linux file systems).
const PATH_LIMIT: usize = 4096;
const NAME_LIMIT: usize = 255;

/// What is wrong with a path, if something is.
pub(crate) fn fault_of(path: &str) -> Option<FieldProblem> {
    let fault = |message: &str| Some(FieldProblem::new(path.escape_debug().to_string(), "path_invalid", message));
    if path.is_empty() || path.len() > PATH_LIMIT {
        return fault("A path has 1 to 4096 bytes.");
    }
    if path.chars().any(char::is_control) {
        return fault("A path has no control characters, U+0000 among them.");
    }
    if path.contains('\\') {
        return fault("The parts of a path are separated by /; a backslash is not allowed.");
    }
    if path.starts_with('/') || path.as_bytes().get(1) == Some(&b':') {
        return fault("A path begins with a name, within the project: neither with / nor with a drive.");
    }
    for part in path.split('/') {
        match part {
            "" => return fault("A path has no empty part: neither // nor a / at its end."),
            "." | ".." => return fault("A path has neither . nor .. as a part: it stays within the project."),
            part if part.len() > NAME_LIMIT => return fault("A part of a path has at most 255 bytes."),
            _ => {}
        }
    }
    None
}

/// Paths that are one and the same on some file systems, and a file where another needs a folder.
pub(crate) fn clashes<'a>(paths: impl IntoIterator<Item = &'a str>) -> Vec<FieldProblem> {
    let mut faults = Vec::new();
    // Every name that is taken, in small letters: how it is spelled, and whether it is a file.
    let mut taken: HashMap<String, (&str, bool)> = HashMap::new();
    for path in paths {
        let ends = path.match_indices('/').map(|(at, _)| (at, false)).chain([(path.len(), true)]);
        for (end, is_file) in ends {
            let name = &path[..end];
            match taken.get(&name.to_lowercase()) {
                // The same folder again.
                Some((spelled, false)) if !is_file && *spelled == name => {}
                Some((spelled, _)) => {
                    let message = format!(
                        "{spelled} is there already: names must differ in more than upper and lower case, and a file cannot be a folder too."
                    );
                    faults.push(FieldProblem::new(path, "path_clash", message));
                    break;
                }
                None => {
                    taken.insert(name.to_lowercase(), (name, is_file));
                }
            }
        }
    }
    faults
}

/// Whether a path has a part of a name under which people keep secrets.
pub(crate) fn keeps_secrets(path: &str) -> bool {
    path.split('/').any(|part| {
        let part = part.to_lowercase();
        !ALWAYS.contains(&part.as_str()) && NEVER.iter().any(|pattern| fits(pattern, &part))
    })
}

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        Some((start, end)) => name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end),
        None => pattern == name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known_in_any_folder_and_case() {
        for path in [".env", "a/.ENV.local", ".git/config", "keys/server.PEM", "id_rsa.pub", ".netrc"] {
            assert!(keeps_secrets(path), "{path}");
        }
        for path in [".env.example", "environment", "a/pem.py", ".github/workflows/ci.yml", "git"] {
            assert!(!keeps_secrets(path), "{path}");
        }
    }
}
