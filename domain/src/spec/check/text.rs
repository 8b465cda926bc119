//! Text that no part of Gantry could keep or show: found anywhere in the spec.

use serde_json::Value;

use super::Findings;
use crate::spec::{Spec, read};

/// NUL cannot be stored (PostgreSQL has no place for it) nor be in a path, an argument or a variable.
pub(super) fn check(spec: &Spec, found: &mut Findings) {
    if let Ok(value) = serde_json::to_value(spec) {
        walk(&value, &mut String::new(), found);
    }
}

fn walk(value: &Value, path: &mut String, found: &mut Findings) {
    match value {
        Value::String(text) if text.contains('\0') => {
            found.error("text_has_nul", path.clone(), "expected text without the character NUL (U+0000)");
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                below(path, &index.to_string(), |path| walk(item, path, found));
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                below(path, &read::escape(key), |path| {
                    if key.contains('\0') {
                        found.error("text_has_nul", path.clone(), "expected a name without the character NUL (U+0000)");
                    }
                    walk(item, path, found);
                });
            }
        }
        _ => {}
    }
}

fn below(path: &mut String, part: &str, visit: impl FnOnce(&mut String)) {
    let length = path.len();
    path.push('/');
    path.push_str(part);
    visit(path);
    path.truncate(length);
}
