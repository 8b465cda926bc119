//! The packages that a framework's lock names, installed by the language's own installer.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use gantry_domain::matrix::{Framework, Language};
use gantry_generator::packages::Lock;

use crate::cells;

/// Where environments are kept: `$GANTRY_TEST_CACHE`, or `~/.cache/gantry-test`.
///
/// # Errors
///
/// When neither variable is set.
pub fn cache() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("GANTRY_TEST_CACHE").filter(|named| !named.is_empty()) {
        return Ok(named.into());
    }
    Ok(PathBuf::from(std::env::var_os("HOME").context("HOME is not set")?).join(".cache/gantry-test"))
}

/// A framework's packages, installed.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The framework.
    pub framework: Framework,
    /// The directory: a virtual environment of Python, or one with `node_modules`.
    pub directory: PathBuf,
    /// Seconds that installing took; none if it was there already.
    pub seconds: Option<f64>,
    /// How many packages the lock names.
    pub packages: usize,
}

impl Environment {
    /// The environment that is kept for a framework, made if it is not there.
    ///
    /// # Errors
    ///
    /// When it cannot be installed.
    pub fn kept(framework: Framework) -> Result<Self> {
        let lock = lock_of(framework)?;
        let directory = cache()?.join(lock.name());
        if directory.join("ready").exists() {
            return Ok(Self { framework, directory, seconds: None, packages: lock.packages() });
        }
        // A virtual environment cannot be moved, so it is made in its place, by one of those who want it.
        std::fs::create_dir_all(&directory)?;
        let claim = std::fs::File::create(directory.with_extension("claim"))?;
        claim.lock()?;
        if directory.join("ready").exists() {
            return Ok(Self { framework, directory, seconds: None, packages: lock.packages() });
        }
        let environment = install(framework, &lock, &directory)?;
        std::fs::write(directory.join("ready"), "")?;
        Ok(environment)
    }

    /// Whether the environment that is kept for a framework is there, and how many packages it has.
    ///
    /// # Errors
    ///
    /// When nothing is generated for the framework.
    pub fn is_kept(framework: Framework) -> Result<(bool, usize)> {
        let lock = lock_of(framework)?;
        Ok((cache()?.join(lock.name()).join("ready").exists(), lock.packages()))
    }

    /// A new environment in an empty directory.
    ///
    /// # Errors
    ///
    /// When it cannot be installed.
    pub fn fresh(framework: Framework, directory: &Path) -> Result<Self> {
        install(framework, &lock_of(framework)?, directory)
    }

    /// The program that runs projects: `python` of the environment, or `node`.
    pub fn program(&self) -> PathBuf {
        match (self.framework.language(), self.packages) {
            (Language::Python, 0) => "python3".into(),
            (Language::Python, _) => self.directory.join("bin/python"),
            (Language::Typescript, _) => "node".into(),
        }
    }

    /// The version of a package that is installed.
    ///
    /// # Errors
    ///
    /// When it is not there.
    pub fn version_of(&self, package: &str) -> Result<String> {
        match self.framework.language() {
            Language::Python => {
                let script = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))";
                let output = Command::new(self.program()).args(["-c", script, package]).output()?;
                if !output.status.success() {
                    bail!("{package} is not installed: {}", String::from_utf8_lossy(&output.stderr));
                }
                Ok(String::from_utf8(output.stdout)?.trim().to_owned())
            }
            Language::Typescript => {
                let path = self.directory.join("node_modules").join(package).join("package.json");
                let text = std::fs::read_to_string(&path).with_context(|| format!("{package} is not installed"))?;
                let version = serde_json::from_str::<serde_json::Value>(&text)?["version"].as_str().map(str::to_owned);
                version.with_context(|| format!("{} has no version", path.display()))
            }
        }
    }

    /// The bytes of the packages on the disk, without pip.
    ///
    /// # Errors
    ///
    /// When the directory cannot be read.
    pub fn bytes(&self) -> Result<u64> {
        match self.framework.language() {
            _ if self.packages == 0 => Ok(0),
            Language::Python => size(&self.directory.join("lib"), &["pip", "setuptools"]),
            Language::Typescript => size(&self.directory.join("node_modules"), &[]),
        }
    }
}

fn size(directory: &Path, without: &[&str]) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(directory).with_context(|| format!("{} cannot be read", directory.display()))? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if without.iter().any(|known| name == *known || name.starts_with(&format!("{known}-"))) {
            continue;
        }
        bytes += if kind.is_dir() { size(&entry.path(), without)? } else { entry.metadata()?.len() };
    }
    Ok(bytes)
}

/// The lock of what is generated for a framework.
fn lock_of(framework: Framework) -> Result<Lock> {
    let cell = cells().into_iter().find(|cell| cell.framework == framework);
    let cell = cell.with_context(|| format!("nothing is generated for {}", framework.as_str()))?;
    let files = gantry_generator::emit(&cell.spec("http://127.0.0.1:1")?);
    let files = files.map_err(|found| anyhow::anyhow!("{cell} is refused: {found:?}"))?;
    Ok(Lock::of(framework.language(), files.iter().map(|file| (file.path.as_str(), file.content.as_str()))))
}

/// Installs what a lock names, in the first way that is known.
fn install(framework: Framework, lock: &Lock, directory: &Path) -> Result<Environment> {
    if directory.exists() {
        // What somebody began and did not end.
        std::fs::remove_dir_all(directory)?;
    }
    std::fs::create_dir_all(directory)?;
    for (path, text) in lock.files() {
        std::fs::write(directory.join(path), text)?;
    }
    let mut seconds = 0.0;
    if !lock.is_empty() {
        let way = lock.ways(directory.to_str().context("a path in UTF-8")?).swap_remove(0);
        for command in way {
            let started = Instant::now();
            let (program, arguments) = command.split_first().context("a command has a program")?;
            run(Command::new(program).args(arguments).current_dir(directory))?;
            // Of the last, which is the installer: the others take the same time for every framework.
            seconds = started.elapsed().as_secs_f64();
        }
    }
    Ok(Environment { framework, directory: directory.to_owned(), seconds: Some(seconds), packages: lock.packages() })
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("{command:?} could not be started"))?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}
