//! What an instance adds to the compatibility matrix, and what it does not allow.
//!
//! The operator writes `compatibility.toml`; the server reads it and gives the values here, so that
//! no TOML parser gets into the browser. What is added under an id that is there already takes its
//! place.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::compatibility::{CloudEntry, Compatibility, ModelEntry, Restriction};
use crate::problem::FieldProblem;

/// The content of `compatibility.toml`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Extension {
    /// More clouds.
    #[serde(default)]
    pub clouds: Vec<CloudEntry>,
    /// More models, or what is known better of one that is there.
    #[serde(default)]
    pub models: Vec<ModelEntry>,
    /// What is not allowed here.
    #[serde(default)]
    pub restrictions: Vec<Restriction>,
}

/// Reads an extension and checks that its ids lead somewhere.
///
/// # Errors
///
/// Everything that is wrong, each with a JSON Pointer into the document.
pub fn read(document: Value, matrix: &Compatibility) -> Result<Extension, Vec<FieldProblem>> {
    let extension: Extension = serde_path_to_error::deserialize(document).map_err(|error| {
        let place: String = error.path().iter().filter_map(segment).collect();
        vec![FieldProblem::new(place, "type", error.inner().to_string())]
    })?;
    let mut problems = Vec::new();
    for (index, cloud) in extension.clouds.iter().enumerate() {
        if !is_id(&cloud.id) {
            problems.push(FieldProblem::new(
                format!("/clouds/{index}/id"),
                "identifier_invalid",
                "expected 1 to 63 lower-case letters, digits, hyphens and underscores",
            ));
        }
    }
    for (index, model) in extension.models.iter().enumerate() {
        if model.id.trim().is_empty() || model.id.len() > 200 {
            problems.push(FieldProblem::new(
                format!("/models/{index}/id"),
                "identifier_invalid",
                "expected the model's name at its provider, 1 to 200 bytes",
            ));
        }
        for (position, cloud) in model.clouds.iter().enumerate() {
            if !matrix.clouds.iter().chain(&extension.clouds).any(|known| known.id == *cloud) {
                problems.push(FieldProblem::new(
                    format!("/models/{index}/clouds/{position}"),
                    "cloud_unknown",
                    format!("there is no cloud {cloud:?}: add it under [[clouds]]"),
                ));
            }
        }
        for (field, price) in [("inputPrice", model.input_price), ("outputPrice", model.output_price)] {
            if price.is_some_and(|price| !price.is_finite() || price < 0.0) {
                problems.push(FieldProblem::new(
                    format!("/models/{index}/{field}"),
                    "price_invalid",
                    "expected US dollars per million tokens, 0 or more",
                ));
            }
        }
    }
    for (index, restriction) in extension.restrictions.iter().enumerate() {
        if restriction.reason.trim().is_empty() {
            problems.push(FieldProblem::new(
                format!("/restrictions/{index}/reason"),
                "missing",
                "expected a sentence that says why, for the people who run into it",
            ));
        }
    }
    if problems.is_empty() { Ok(extension) } else { Err(problems) }
}

/// The matrix with an extension.
pub fn extended(matrix: &Compatibility, extension: &Extension) -> Compatibility {
    let mut extended = matrix.clone();
    for cloud in &extension.clouds {
        extended.clouds.retain(|known| known.id != cloud.id);
        extended.clouds.push(cloud.clone());
    }
    for model in &extension.models {
        extended.models.retain(|known| known.id != model.id);
        extended.models.push(model.clone());
    }
    extended.restrictions.clone_from(&extension.restrictions);
    extended
}

fn segment(segment: &serde_path_to_error::Segment) -> Option<String> {
    match segment {
        serde_path_to_error::Segment::Seq { index } => Some(format!("/{index}")),
        serde_path_to_error::Segment::Map { key } => Some(format!("/{}", key.replace('~', "~0").replace('/', "~1"))),
        _ => None,
    }
}

fn is_id(id: &str) -> bool {
    (1..=63).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::matrix::compatibility;

    #[test]
    fn what_is_added_is_there_and_what_is_known_better_takes_its_place() {
        let known = compatibility().models[0].id.clone();
        let document = json!({
            "clouds": [{"id": "cellar", "name": "Our cellar", "vendor": "us"}],
            "models": [
                {"id": "house-model", "name": "House model", "provider": "us", "clouds": ["cellar"], "tools": true},
                {"id": known, "name": "Mine", "provider": "us", "clouds": []},
            ],
        });
        let extended = extended(compatibility(), &read(document, compatibility()).unwrap());
        assert!(extended.clouds.iter().any(|cloud| cloud.id == "cellar"));
        assert_eq!(extended.models.len(), compatibility().models.len() + 1);
        assert_eq!(
            extended
                .models
                .iter()
                .filter(|model| model.id == known)
                .map(|model| model.name.as_str())
                .collect::<Vec<_>>(),
            ["Mine"]
        );
    }

    #[test]
    fn every_fault_has_its_place() {
        let problems = read(
            json!({
                "models": [{"id": "m", "name": "M", "provider": "us", "clouds": ["nowhere"], "inputPrice": -1.0}],
                "restrictions": [{"framework": "crewai", "reason": " "}],
            }),
            compatibility(),
        )
        .unwrap_err();
        let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(paths, ["/models/0/clouds/0", "/models/0/inputPrice", "/restrictions/0/reason"]);
        let problems =
            read(json!({"restrictions": [{"framework": "bogus", "reason": "r"}]}), compatibility()).unwrap_err();
        assert_eq!(problems[0].path, "/restrictions/0/framework");
        assert!(problems[0].message.contains("langgraph"), "{}", problems[0].message);
        assert_eq!(read(json!({"model": []}), compatibility()).unwrap_err()[0].path, "/model");
    }
}
