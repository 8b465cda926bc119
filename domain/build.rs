//! Turns the matrix from TOML, which people edit, into JSON, which the program reads anyway: the
//! browser carries no TOML parser. The evidence, which `cargo xtask verify-frameworks` writes, is put
//! into its cells.

use std::error::Error;
use std::path::Path;

use serde_json::{Map, Value, json};

/// The patterns in the order of `Pattern::ALL`.
const PATTERNS: [&str; 8] = ["single", "react", "sequential", "parallel", "router", "supervisor", "handoff", "graph"];

fn main() -> Result<(), Box<dyn Error>> {
    let (matrix, evidence) = ("src/matrix/matrix.toml", "src/matrix/evidence.toml");
    for source in [matrix, evidence, "build.rs"] {
        println!("cargo::rerun-if-changed={source}");
    }
    let mut value: Value = toml::from_str(&std::fs::read_to_string(matrix)?)?;
    let evidence: Value = toml::from_str(&std::fs::read_to_string(evidence)?)?;
    for framework in value["frameworks"].as_array_mut().ok_or("frameworks is a list")? {
        let id = framework["id"].clone();
        let cells = framework["patterns"].take();
        let mut patterns = Vec::new();
        for pattern in PATTERNS {
            let mut cell =
                cells[pattern].as_object().cloned().ok_or_else(|| format!("{id} says nothing of {pattern}"))?;
            cell.insert("pattern".to_owned(), json!(pattern));
            let row = rows(&evidence["evidence"]).find(|row| row["framework"] == id && row["pattern"] == pattern);
            if let Some(row) = row {
                cell.insert("verifiedOn".to_owned(), row["verifiedOn"].clone());
                cell.insert("verifiedVersion".to_owned(), row["version"].clone());
            }
            patterns.push(Value::Object(cell));
        }
        framework["patterns"] = Value::Array(patterns);
        let measured = rows(&evidence["measured"]).find(|row| row["framework"] == id);
        if let Some(row) = measured {
            let pick = |names: &[(&str, &str)]| -> Map<String, Value> {
                names.iter().map(|(name, of)| ((*name).to_owned(), row[*of].clone())).collect()
            };
            framework["install"] = Value::Object(pick(&[
                ("megabytes", "megabytes"),
                ("packages", "packages"),
                ("seconds", "installSeconds"),
            ]));
            framework["run"] = Value::Object(pick(&[("cpuSeconds", "cpuSeconds"), ("megabytes", "residentMegabytes")]));
            framework["measuredOn"] = row["measuredOn"].clone();
        }
    }
    let folder = std::env::var_os("OUT_DIR").ok_or("cargo names a directory")?;
    std::fs::write(Path::new(&folder).join("matrix.json"), value.to_string())?;
    Ok(())
}

fn rows(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}
