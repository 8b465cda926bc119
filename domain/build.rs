//! Turns the matrix from TOML, which people edit, into JSON, which the program reads anyway: the
//! browser carries no TOML parser.

fn main() {
    let source = "src/matrix/matrix.toml";
    println!("cargo::rerun-if-changed={source}");
    println!("cargo::rerun-if-changed=build.rs");
    let text = std::fs::read_to_string(source).expect("the matrix lies beside its module");
    let value: serde_json::Value = toml::from_str(&text).expect("the matrix is TOML");
    let target =
        std::path::Path::new(&std::env::var_os("OUT_DIR").expect("cargo names a directory")).join("matrix.json");
    std::fs::write(target, value.to_string()).expect("cargo's directory is writable");
}
