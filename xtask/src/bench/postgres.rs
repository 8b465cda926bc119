//! A Postgres for the measurements: a throw-away cluster of its own that does what a real one does for
//! durability, which the one of the tests leaves out.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// A running cluster; dropped, it is stopped and removed.
pub(super) struct Cluster {
    script: PathBuf,
    notes: PathBuf,
    url: String,
}

impl Cluster {
    /// Makes and starts one.
    pub(super) fn start(root: &Path) -> Result<Self> {
        let notes = std::env::temp_dir().join(format!("gantry-bench-postgres-{}", std::process::id()));
        let mut cluster = Self { script: root.join("scripts/postgres.sh"), notes, url: String::new() };
        if !cluster.command("up").status()?.success() {
            bail!("scripts/postgres.sh up failed");
        }
        let text = String::from_utf8(cluster.command("env").output()?.stdout)?;
        let url = text.trim().strip_prefix("export GANTRY_TEST_POSTGRES=");
        cluster.url = url.context("scripts/postgres.sh env said nothing")?.to_owned();
        Ok(cluster)
    }

    /// The address of its database.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    fn command(&self, verb: &str) -> Command {
        let mut command = Command::new(&self.script);
        // Its own notes make it another cluster than the tests'.
        command.arg(verb).env("GANTRY_TEST_CACHE", &self.notes).env("GANTRY_TEST_POSTGRES_DURABLE", "yes");
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if !self.command("down").status().is_ok_and(|status| status.success()) {
            eprintln!("scripts/postgres.sh down failed; its notes are in {}", self.notes.display());
            return;
        }
        let _ = std::fs::remove_dir_all(&self.notes);
    }
}
