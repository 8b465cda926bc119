//! Python with packages from PyPI, for the clients and exporters that other people wrote.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::part_is_wanted;

/// A Python that has these packages, each with its version; installed the first time. None when
/// `GANTRY_TEST_SKIP` names `python`.
pub fn with_packages(name: &str, packages: &[&str]) -> Option<PathBuf> {
    if !part_is_wanted("python") {
        return None;
    }
    let cache = std::env::var_os("GANTRY_TEST_CACHE").map_or_else(
        || Path::new(&std::env::var_os("HOME").expect("HOME is set")).join(".cache/gantry-test"),
        PathBuf::from,
    );
    let named: Vec<String> = packages.iter().map(|package| package.replace("==", "-")).collect();
    let folder = cache.join(format!("{name}-{}", named.join("-")));
    let python = folder.join("bin/python");
    if python.exists() {
        return Some(python);
    }
    // Several tests may make it at once; the first one that is done is everybody's.
    let own = cache.join(format!("{name}-{}", uuid::Uuid::now_v7().simple()));
    std::fs::create_dir_all(&cache).unwrap();
    run(Command::new("python3").args(["-m", "venv"]).arg(&own));
    run(Command::new(own.join("bin/python"))
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .args(packages));
    if std::fs::rename(&own, &folder).is_err() {
        std::fs::remove_dir_all(&own).unwrap();
    }
    Some(python)
}

fn run(command: &mut Command) {
    let output =
        command.output().expect("python3 with venv is installed; or leave it out with GANTRY_TEST_SKIP=python");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
