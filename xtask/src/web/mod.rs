//! The build chain of the web interface: cargo, the cut into sections, wasm-bindgen, wasm-opt, style
//! sheet, content hashes, precompressed copies. The result is `dist/` at the workspace's root, which
//! the server embeds.
//!
//! Nothing is downloaded here and no Node runs. `wasm-opt` is used when it is found, and left out with
//! a notice when it is not. What the pages look like and do belongs in `web/`.

mod module;
mod output;
pub(crate) mod size;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, anyhow};

use module::Modules;
use output::Output;

/// Builds the interface into `dist/`. With `release` it is optimised for size and precompressed, and
/// what it costs is compared with its budget.
pub(crate) fn build(release: bool) -> Result<()> {
    let root = workspace_root()?;
    let modules = module::build(&root, release)?;
    timed("style and files", || assemble(&root, &modules, release))?;
    if release {
        let sizes = size::measure(&root)?;
        eprintln!("  {sizes}");
        if let Err(error) = sizes.check() {
            // `make test` fails on it; whoever only wants to run Gantry is not held up.
            eprintln!("\n  OVER BUDGET: {error}\n");
        }
    }
    Ok(())
}

/// Fails when the interface in `dist/` costs more than it may.
pub(crate) fn check_size() -> Result<()> {
    let sizes = size::measure(&workspace_root()?)?;
    println!("{sizes}");
    sizes.check()
}

/// The folder with the workspace's `Cargo.toml`; cargo names this package's own folder when it runs it.
fn workspace_root() -> Result<PathBuf> {
    let package =
        std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    Ok(package.parent().context("xtask lies in a folder of the workspace")?.to_path_buf())
}

/// Runs one step of the chain and prints how long it took.
fn timed<T>(name: &str, step: impl FnOnce() -> Result<T>) -> Result<T> {
    let began = Instant::now();
    let result = step().with_context(|| format!("the step {name:?} failed"))?;
    eprintln!("  {name:<16} {:>7.2} s", began.elapsed().as_secs_f64());
    Ok(result)
}

/// Puts everything a browser loads into `dist/`.
fn assemble(root: &Path, modules: &Modules, release: bool) -> Result<()> {
    let source = root.join("web");
    let dist = root.join("dist");
    remove_folder(&dist)?;
    let output = Output { dist: &dist, compress: release };

    let style = output.put("app", "css", style_sheet(&source.join("style/main.css"), release)?.as_bytes())?;
    // The modules and their scripts name one another, so they have one hash together.
    let app = output.put_folder("app", &modules.folder)?;
    // The bootstrap and the theme are files, not inline scripts: the policy allows scripts from here only.
    let boot = fs::read_to_string(source.join("boot.js"))?
        .replace("%APP%", app.trim_start_matches("assets/"))
        .replace("%SECTIONS%", &serde_json::to_string(&modules.sections)?);
    let boot = output.put("boot", "js", boot.as_bytes())?;
    let theme = output.put("theme", "js", &fs::read(source.join("theme.js"))?)?;
    let page = fs::read_to_string(source.join("index.html"))?
        .replace("%CSS%", &style)
        .replace("%APP%", &app)
        .replace("%BOOT%", &boot)
        .replace("%THEME%", &theme);
    output.write(&dist.join("index.html"), page.as_bytes())?;
    output.copy_folder(&source.join("public"), &dist)
}

/// Bundles and, in release, minifies the style sheet for the browsers that are supported.
fn style_sheet(entry: &Path, minify: bool) -> Result<String> {
    use lightningcss::bundler::{Bundler, FileProvider};
    use lightningcss::stylesheet::{MinifyOptions, ParserOptions, PrinterOptions};
    use lightningcss::targets::{Browsers, Targets};

    // A version is major << 16 | minor << 8.
    let targets = Targets::from(Browsers {
        chrome: Some(111 << 16),
        safari: Some((16 << 16) | (4 << 8)),
        firefox: Some(113 << 16),
        ..Browsers::default()
    });
    let provider = FileProvider::new();
    let mut bundler = Bundler::new(&provider, None, ParserOptions::default());
    let mut sheet = bundler.bundle(entry).map_err(|error| anyhow!("{error}"))?;
    sheet.minify(MinifyOptions { targets, ..MinifyOptions::default() }).map_err(|error| anyhow!("{error}"))?;
    let printed = sheet.to_css(PrinterOptions { minify, targets, ..PrinterOptions::default() });
    Ok(printed.map_err(|error| anyhow!("{error}"))?.code)
}

fn remove_folder(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} could not be removed", folder.display()))
        }
        _ => Ok(()),
    }
}
