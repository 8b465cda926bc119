//! A spec from JSON values: what is wrong is said with its place and what was expected there.

use serde_json::Value;
use serde_path_to_error::Segment;

use super::{API_VERSION, Spec};
use crate::problem::FieldProblem;

/// Reads a spec from a JSON value.
///
/// # Errors
///
/// The first fault of the spec's form, with a JSON Pointer and what was expected; a spec of a newer
/// `apiVersion` is named as such, before its unknown fields are.
pub fn from_value(value: Value) -> Result<Spec, Vec<FieldProblem>> {
    if let Some(version) = value.get("apiVersion").and_then(Value::as_str)
        && let Some(message) = newer_version(version)
    {
        return Err(vec![FieldProblem::new("/apiVersion", "api_version_newer", message)]);
    }
    serde_path_to_error::deserialize(value).map_err(|error| {
        let mut path = pointer(error.path());
        let message = error.inner().to_string();
        let named = |prefix: &str| message.strip_prefix(prefix).and_then(|rest| rest.split('`').next());
        let code = if let Some(field) = named("missing field `") {
            path = format!("{path}/{}", escape(field));
            "missing"
        } else if let Some(field) = named("unknown field `") {
            let end = format!("/{}", escape(field));
            if !path.ends_with(&end) {
                path.push_str(&end);
            }
            "unknown_field"
        } else {
            "type"
        };
        vec![FieldProblem::new(path, code, message)]
    })
}

/// What to say of an `apiVersion` that is newer than ours; none if it is not.
pub(super) fn newer_version(version: &str) -> Option<String> {
    let number: u32 = version.strip_prefix("gantry/v")?.parse().ok()?;
    (number > 1).then(|| {
        format!(
            "this spec was written for a newer Gantry ({version}); this one understands {API_VERSION}: \
             update Gantry, or save the spec as {API_VERSION}"
        )
    })
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => pointer.push_str(&format!("/{}", escape(key))),
            Segment::Enum { variant } => pointer.push_str(&format!("/{}", escape(variant))),
            Segment::Unknown => {}
        }
    }
    pointer
}

/// A name as a part of a JSON Pointer (RFC 6901, section 3).
pub(super) fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spec() -> Value {
        json!({
            "apiVersion": "gantry/v1", "kind": "Agent",
            "metadata": {"name": "a", "version": "0.1.0"},
            "target": {"framework": "react", "language": "python", "pattern": "react"},
            "models": {"default": {}},
            "agents": [{"id": "main", "role": "r", "instructions": "i", "tools": ["t"]}],
            "tools": [{"id": "t", "description": "d", "parameters": {"type": "object"}, "effect": "read",
                       "kind": "http", "method": "GET", "url": "https://example.com"}],
        })
    }

    fn fault(change: impl FnOnce(&mut Value)) -> (String, String, String) {
        let mut value = spec();
        change(&mut value);
        let problem = from_value(value).unwrap_err().remove(0);
        (problem.path, problem.code, problem.message)
    }

    #[test]
    fn a_whole_spec_is_read_and_written_back_alike() {
        let read = from_value(spec()).unwrap();
        let again = from_value(serde_json::to_value(&read).unwrap()).unwrap();
        assert_eq!(read, again);
    }

    #[test]
    fn a_fault_names_its_place_and_what_was_expected() {
        let (path, code, message) = fault(|value| value["agents"][0]["maxSteps"] = json!("many"));
        assert_eq!((path.as_str(), code.as_str()), ("/agents/0/maxSteps", "type"));
        assert!(message.contains("expected u32"), "{message}");

        let (path, code, _) = fault(|value| value["agents"][0]["rôle"] = json!("x"));
        assert_eq!((path.as_str(), code.as_str()), ("/agents/0/rôle", "unknown_field"));

        let (path, code, _) = fault(|value| drop(value["agents"][0].as_object_mut().unwrap().remove("role")));
        assert_eq!((path.as_str(), code.as_str()), ("/agents/0/role", "missing"));

        let (path, _, message) = fault(|value| value["target"]["framework"] = json!("bogus"));
        assert_eq!(path, "/target/framework");
        assert!(message.contains("langgraph"), "{message}");

        let (path, _, message) = fault(|value| value["metadata"]["name"] = json!("Not A Slug"));
        assert_eq!(path, "/metadata/name");
        assert!(message.contains("lower-case"), "{message}");
    }

    #[test]
    fn a_tool_refuses_what_its_kind_does_not_have() {
        let (path, code, _) = fault(|value| value["tools"][0]["timeoutMS"] = json!(5));
        assert_eq!((path.as_str(), code.as_str()), ("/tools/0/timeoutMS", "unknown_field"));
        let (path, code, message) = fault(|value| value["tools"][0]["body"] = json!("return 1"));
        assert_eq!((path.as_str(), code.as_str()), ("/tools/0/body", "unknown_field"));
        assert!(message.contains("`method` and `url`"), "{message}");
        let (path, code, _) = fault(|value| drop(value["tools"][0].as_object_mut().unwrap().remove("url")));
        assert_eq!((path.as_str(), code.as_str()), ("/tools/0/url", "missing"));
    }

    #[test]
    fn a_newer_spec_is_named_as_such_before_its_unknown_fields() {
        let (path, code, message) = fault(|value| {
            value["apiVersion"] = json!("gantry/v3");
            value["swarm"] = json!({});
        });
        assert_eq!((path.as_str(), code.as_str()), ("/apiVersion", "api_version_newer"));
        assert!(message.contains("gantry/v3") && message.contains("gantry/v1"), "{message}");
    }
}
