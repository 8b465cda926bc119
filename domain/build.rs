//! Turns the matrix from TOML, which people edit, into JSON, which the program reads anyway: the
//! browser carries no TOML parser.

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let source = "src/matrix/matrix.toml";
    println!("cargo::rerun-if-changed={source}");
    println!("cargo::rerun-if-changed=build.rs");
    let value: serde_json::Value = toml::from_str(&std::fs::read_to_string(source)?)?;
    let folder = std::env::var_os("OUT_DIR").ok_or("cargo names a directory")?;
    std::fs::write(Path::new(&folder).join("matrix.json"), value.to_string())?;
    Ok(())
}
