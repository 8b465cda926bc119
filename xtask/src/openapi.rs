//! The committed copy of the API's description, and whether it is still true.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Writes `openapi/gantry.json`, or with `check` compares it with what the code says.
///
/// The server is asked through its own program instead of being linked here: the web build would
/// have to compile it first.
pub(crate) fn write(check: bool) -> Result<()> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let committed = root.join("openapi/gantry.json");
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(&root)
        .args(["run", "--quiet", "--package", "gantry-cli", "--", "openapi"])
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("cargo could not be started")?;
    if !output.status.success() {
        bail!("`gantry openapi` failed");
    }
    if check {
        let before = std::fs::read(&committed).unwrap_or_default();
        if before != output.stdout {
            bail!("openapi/gantry.json is not what the code says: run `cargo xtask openapi` and commit the file");
        }
        return Ok(());
    }
    std::fs::create_dir_all(root.join("openapi"))?;
    std::fs::write(&committed, output.stdout)?;
    Ok(())
}
