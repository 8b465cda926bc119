//! The committed contract is what the code says.

#[test]
fn the_committed_contract_is_what_the_code_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi/gantry.json");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    let written = gantry_server::http::openapi_json();
    assert!(
        committed == written,
        "openapi/gantry.json differs from the code. If the change is meant: cargo xtask openapi"
    );
}

#[test]
fn every_operation_says_what_it_does_and_how_it_fails() {
    let document: serde_json::Value = serde_json::from_str(&gantry_server::http::openapi_json()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() > 20);
    for (path, item) in paths {
        for (method, operation) in item.as_object().unwrap() {
            let Some(operation) = operation.as_object() else { continue };
            assert!(operation.contains_key("summary"), "{method} {path} has no summary");
            assert!(operation["responses"].get("default").is_some(), "{method} {path} does not say how it fails");
        }
    }
}

#[test]
fn properties_are_called_as_they_are_on_the_wire() {
    // utoipa does not know serde's `rename_all_fields`: variants with fields of several words say it themselves.
    fn look(value: &serde_json::Value, found: &mut Vec<String>) {
        if let Some(properties) = value["properties"].as_object() {
            found.extend(properties.keys().filter(|name| name.contains('_')).cloned());
        }
        match value {
            serde_json::Value::Object(object) => object.values().for_each(|inner| look(inner, found)),
            serde_json::Value::Array(list) => list.iter().for_each(|inner| look(inner, found)),
            _ => {}
        }
    }
    let document: serde_json::Value = serde_json::from_str(&gantry_server::http::openapi_json()).unwrap();
    let mut found = Vec::new();
    look(&document["components"]["schemas"], &mut found);
    assert!(found.is_empty(), "{found:?}");
}
