//! From the sources to WebAssembly: compile, cut at the sections, bind, optimise.
//!
//! The module is cut after linking, along the call graph (`wasm_split_cli_support`): what the start
//! reaches stays in the main module, what only one section reaches becomes that section's file, and
//! what several sections share becomes a chunk. Where to cut is said in `web/src/lazy.rs`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail};

use super::{remove_folder, timed};

/// What rustc emits for `wasm32-unknown-unknown`, named one by one: with `--all-features` Binaryen 132
/// writes an encoding of imports that Chromium refuses.
const WASM_FEATURES: [&str; 7] = [
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
    "--enable-extended-const",
];

/// What the chain made, in a folder as the browser will see it.
pub(super) struct Modules {
    /// Has `app.js`, `app.wasm`, `__wasm_split.js` and a file for each section and chunk.
    pub(super) folder: PathBuf,
    /// The files that each section needs.
    pub(super) sections: BTreeMap<String, Vec<String>>,
}

/// Builds everything below `target/web`.
pub(super) fn build(root: &Path, release: bool) -> Result<Modules> {
    let linked = timed("cargo", || compile(root, release))?;
    let folder = root.join("target/web/app");
    let whole_main = root.join("target/web/main.wasm");
    remove_folder(&folder)?;
    let sections = timed("split", || split(&linked, &whole_main, &folder))?;
    timed("wasm-bindgen", || bind(&whole_main, &folder, release))?;
    if release {
        timed("wasm-opt", || optimise(root, &folder))?;
    }
    Ok(Modules { folder, sections })
}

/// Compiles the package `gantry-web` and returns where its module is.
fn compile(root: &Path, release: bool) -> Result<PathBuf> {
    let profile = if release { "web" } else { "dev" };
    let folder = if release { "web" } else { "debug" };
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root).args([
        "rustc",
        "--package",
        "gantry-web",
        "--target",
        "wasm32-unknown-unknown",
        "--profile",
        profile,
        "--",
        // Who calls whom, for the cut.
        "-Clink-arg=--emit-relocs",
    ]);
    // Every view tree has a type of its own, and code of its own for each: megabytes of it, and minutes
    // of rustc. Erased, they share one.
    cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", "--cfg=erase_components");
    if !release {
        cargo.env("CARGO_PROFILE_DEV_DEBUG", "false");
    }
    if !cargo.status().context("cargo could not be started")?.success() {
        bail!("cargo build of gantry-web failed");
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join("wasm32-unknown-unknown").join(folder).join("gantry-web.wasm"))
}

/// Cuts the linked module. What the start needs goes to `main`, the rest into `folder`.
fn split(linked: &Path, main: &Path, folder: &Path) -> Result<BTreeMap<String, Vec<String>>> {
    let module = fs::read(linked).with_context(|| format!("{} could not be read", linked.display()))?;
    let mut options = wasm_split_cli_support::Options::new(&module);
    options.output_dir = folder;
    options.main_out_path = main;
    options.main_module = "./app.js";
    let made = wasm_split_cli_support::transform(options).map_err(|error| anyhow!("{error:#}"))?;
    let files = |stems: Vec<String>| stems.into_iter().map(|stem| format!("{stem}.wasm")).collect();
    Ok(made.prefetch_map.into_iter().map(|(section, stems)| (section, files(stems))).collect())
}

/// Makes the main module fit its JavaScript glue, and writes both into `folder`.
fn bind(main: &Path, folder: &Path, release: bool) -> Result<()> {
    wasm_bindgen_cli_support::Bindgen::new()
        .input_path(main)
        .web(true)?
        .typescript(false)
        .omit_default_module_path(true)
        // The sections call and are called through the main module's table.
        .keep_lld_exports(true)
        .remove_name_section(release)
        .remove_producers_section(release)
        .keep_debug(!release)
        .out_name("app")
        .generate(folder)?;
    Ok(fs::rename(folder.join("app_bg.wasm"), folder.join("app.wasm"))?)
}

/// Makes every module smaller in place: without names, and with `wasm-opt` when it is there.
fn optimise(root: &Path, folder: &Path) -> Result<()> {
    let program = find_wasm_opt(root);
    if program.is_none() {
        eprintln!(
            "  notice: no wasm-opt (set WASM_OPT, or `npm ci` in e2e/): the modules are some 7 % larger than they could be"
        );
    }
    for entry in fs::read_dir(folder)? {
        let module = entry?.path();
        if module.extension().is_none_or(|extension| extension != "wasm") {
            continue;
        }
        fs::write(&module, without_custom_sections(&fs::read(&module)?)?)?;
        let Some(program) = &program else { continue };
        let status = Command::new(program)
            .arg("-Oz")
            .args(WASM_FEATURES)
            .arg(&module)
            .arg("-o")
            .arg(&module)
            .status()
            .with_context(|| format!("{} could not be started", program.display()))?;
        if !status.success() {
            bail!("{} failed", program.display());
        }
    }
    Ok(())
}

/// `$WASM_OPT`, else the one that `npm ci` puts into `e2e/`. Never one from the PATH: Debian's 108
/// exits with success and leaves a module that dies in the browser.
fn find_wasm_opt(root: &Path) -> Option<PathBuf> {
    let named = std::env::var_os("WASM_OPT").map(PathBuf::from);
    let installed = root.join("e2e/node_modules/.bin/wasm-opt");
    named.or_else(|| installed.exists().then_some(installed))
}

/// A module without names, producers and whatever else no browser needs.
fn without_custom_sections(module: &[u8]) -> Result<Vec<u8>> {
    const HEADER: usize = 8;
    const CUSTOM: u8 = 0;
    let mut kept = module.get(..HEADER).context("a module begins with eight bytes")?.to_vec();
    let mut position = HEADER;
    while let Some(&kind) = module.get(position) {
        let (mut length, mut shift, mut content) = (0_usize, 0, position + 1);
        loop {
            let byte = *module.get(content).context("a section's length is cut off")?;
            length |= usize::from(byte & 0x7f) << shift;
            (shift, content) = (shift + 7, content + 1);
            if byte & 0x80 == 0 {
                break;
            }
        }
        let section = module.get(position..content + length).context("a section is cut off")?;
        if kind != CUSTOM {
            kept.extend_from_slice(section);
        }
        position = content + length;
    }
    Ok(kept)
}
