//! Who asks: the headers that a service wants, each with a name for what has its value.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::schema::Schemas;

/// How long a name may be that is made of the service's.
const LONGEST_PREFIX: usize = 40;

/// The headers of an operation, out of the first way to say who asks that headers can.
///
/// # Errors
/// Why headers cannot say it, as a sentence.
pub(super) fn headers(
    document: &Value,
    operation: &Value,
    notes: &mut Vec<String>,
) -> Result<BTreeMap<String, String>, String> {
    let stated = if operation["security"].is_array() { &operation["security"] } else { &document["security"] };
    let ways: Vec<&Map<String, Value>> = stated.as_array().into_iter().flatten().filter_map(Value::as_object).collect();
    if ways.is_empty() || ways.iter().any(|way| way.is_empty()) {
        return Ok(BTreeMap::new());
    }
    let mut why = String::new();
    for way in ways {
        match one_way(document, way) {
            Ok(found) => {
                let headers = found.iter().map(|(header, variable, _)| (header.clone(), variable.clone())).collect();
                for (header, variable, form) in found {
                    notes.push(format!("It says who asks in the header {header}: {variable} has its value, {form}."));
                }
                return Ok(headers);
            }
            Err(reason) => why = reason,
        }
    }
    Err(why)
}

type Found = Vec<(String, String, String)>;

fn one_way(document: &Value, way: &Map<String, Value>) -> Result<Found, String> {
    let mut found: Found = Vec::new();
    for name in way.keys() {
        let scheme = Schemas::new(document).follow(&document["components"]["securitySchemes"][name.as_str()]);
        let (header, form) = match (scheme["type"].as_str(), scheme["in"].as_str(), scheme["scheme"].as_str()) {
            (Some("apiKey"), Some("header"), _) => {
                (scheme["name"].as_str().unwrap_or_default().to_owned(), "the key".to_owned())
            }
            (Some("apiKey"), place, _) => {
                return Err(format!(
                    "It wants a key in the {}, where a tool's arguments are and a model would read it.",
                    place.unwrap_or("request")
                ));
            }
            (Some("http"), _, Some(kind)) if kind.eq_ignore_ascii_case("basic") => {
                ("Authorization".to_owned(), "such as Basic dXNlcjpwYXNzd29yZA==".to_owned())
            }
            (Some("http"), _, Some(kind)) => {
                let mut letters = kind.chars();
                let first = letters.next().map(|first| first.to_ascii_uppercase().to_string()).unwrap_or_default();
                ("Authorization".to_owned(), format!("{first}{} and the token", letters.as_str()))
            }
            (Some("oauth2" | "openIdConnect"), ..) => ("Authorization".to_owned(), "Bearer and the token".to_owned()),
            (kind, ..) => {
                return Err(format!(
                    "It wants to know who asks by {:.60}, which headers cannot say.",
                    kind.unwrap_or(name)
                ));
            }
        };
        if found.iter().any(|(known, ..)| known.eq_ignore_ascii_case(&header)) {
            return Err(format!("It wants two things in the header {header}."));
        }
        let variable = variable(document, &header);
        found.push((header, variable, form));
    }
    Ok(found)
}

/// A name of capital letters, made of the service's and the header's.
fn variable(document: &Value, header: &str) -> String {
    let shout = |text: &str| {
        let words: Vec<String> = text
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_ascii_uppercase)
            .collect();
        words.join("_")
    };
    let service: String =
        shout(document["info"]["title"].as_str().unwrap_or_default()).chars().take(LONGEST_PREFIX).collect();
    let service = service.trim_matches('_');
    let name = if service.is_empty() { shout(header) } else { format!("{service}_{}", shout(header)) };
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("API_{name}") } else { name }
}
