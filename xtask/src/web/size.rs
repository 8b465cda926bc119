//! What the interface costs on the wire, read from what lies in `dist/`, and its budget.

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// The most WebAssembly that a browser may have to load before the first page works, in bytes of
/// brotli.
pub(crate) const FIRST_LOAD_BUDGET: u64 = 350_000;

/// Bytes after brotli.
pub(crate) struct Sizes {
    /// The module that the page loads at once.
    pub(crate) first_module: u64,
    /// Every module there is.
    pub(crate) all_modules: u64,
    /// How many modules there are.
    pub(crate) modules: usize,
    /// Everything that the page names: the first module, scripts and styles.
    pub(crate) first_visit: u64,
}

impl Sizes {
    /// Whether the first page costs no more than it may.
    pub(crate) fn check(&self) -> Result<()> {
        if self.first_module > FIRST_LOAD_BUDGET {
            bail!(
                "the module of the first visit is {} bytes after brotli and may be {FIRST_LOAD_BUDGET}: \
                 move what the first page does not need into a section (web/src/app.rs)",
                self.first_module
            );
        }
        Ok(())
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "brotli: first module {} B (budget {FIRST_LOAD_BUDGET} B), first visit with scripts and styles {} B, \
             all {} modules {} B",
            self.first_module, self.first_visit, self.modules, self.all_modules
        )
    }
}

/// Measures the release build of the interface in `dist/`.
pub(crate) fn measure(root: &Path) -> Result<Sizes> {
    let dist = root.join("dist");
    let page = fs::read_to_string(dist.join("index.html"))
        .context("there is no dist/: run `cargo xtask web --release` first")?;
    let mut sizes = Sizes { first_module: 0, all_modules: 0, modules: 0, first_visit: 0 };
    for name in page.split(['"', '\'']).filter_map(|word| word.strip_prefix("/assets/")) {
        let size = compressed(&dist.join("assets").join(name))?;
        sizes.first_visit += size;
        if name.ends_with(".wasm") {
            sizes.first_module += size;
        }
    }
    add_modules(&dist.join("assets"), &mut sizes)?;
    if sizes.first_module == 0 {
        bail!("dist/index.html names no module");
    }
    Ok(sizes)
}

fn add_modules(folder: &Path, sizes: &mut Sizes) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            add_modules(&path, sizes)?;
        } else if path.extension().is_some_and(|extension| extension == "wasm") {
            sizes.modules += 1;
            sizes.all_modules += compressed(&path)?;
        }
    }
    Ok(())
}

/// The size of the copy that goes over the wire; small files have none.
fn compressed(file: &Path) -> Result<u64> {
    let copy = file.with_extension(format!("{}.br", file.extension().unwrap_or_default().to_string_lossy()));
    if copy.exists() {
        return Ok(fs::metadata(copy)?.len());
    }
    let size = fs::metadata(file).with_context(|| format!("{} is named but not there", file.display()))?.len();
    if size > super::output::SMALLEST_TO_COMPRESS {
        bail!("{} has no compressed copy: run `cargo xtask web --release` first", file.display());
    }
    Ok(size)
}
