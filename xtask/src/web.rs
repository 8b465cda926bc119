//! The build chain of the web interface: cargo, wasm-bindgen, wasm-opt, style sheet, content hashes,
//! precompressed copies. The result is `dist/` at the workspace's root, which the server embeds.
//!
//! Nothing is downloaded here and no Node runs. `wasm-opt` is used when it is found (see
//! [`find_wasm_opt`]), and left out with a notice when it is not. What the pages look like and do
//! belongs in `web/`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};
use sha2::{Digest, Sha256};

/// The largest module that a first visit may cost, in bytes after brotli.
const WASM_BUDGET: u64 = 350 * 1024;

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

/// Builds the interface into `dist/`. With `release` it is optimised for size and precompressed, and
/// what it costs is compared with its budget.
pub(crate) fn build(release: bool) -> Result<()> {
    let root = workspace_root()?;
    let built = timed("cargo", || compile(&root, release))?;
    let bindings = root.join("target/web");
    timed("wasm-bindgen", || bind(&built, &bindings, release))?;
    let module = bindings.join("app_bg.wasm");
    if release {
        timed("wasm-opt", || optimise(&root, &module))?;
    }
    let sizes = timed("style and files", || assemble(&root, &bindings, &module, release))?;
    eprintln!("  {sizes}");
    Ok(())
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

/// Compiles the package `gantry-web` and returns where its module is.
fn compile(root: &Path, release: bool) -> Result<PathBuf> {
    let profile = if release { "web" } else { "dev" };
    let folder = if release { "web" } else { "debug" };
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root).args([
        "build",
        "--package",
        "gantry-web",
        "--target",
        "wasm32-unknown-unknown",
        "--profile",
        profile,
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

/// Writes the module and its JavaScript glue into `bindings`.
fn bind(module: &Path, bindings: &Path, release: bool) -> Result<()> {
    remove_folder(bindings)?;
    wasm_bindgen_cli_support::Bindgen::new()
        .input_path(module)
        .web(true)?
        .typescript(false)
        .omit_default_module_path(true)
        .remove_name_section(release)
        .remove_producers_section(release)
        .keep_debug(!release)
        .out_name("app")
        .generate(bindings)
}

/// Makes the module smaller in place, when `wasm-opt` is there.
fn optimise(root: &Path, module: &Path) -> Result<()> {
    let Some(program) = find_wasm_opt(root) else {
        eprintln!(
            "  notice: no wasm-opt (set WASM_OPT, or `npm ci` in e2e/): the module is some 7 % larger than it could be"
        );
        return Ok(());
    };
    let status = Command::new(&program)
        .arg("-Oz")
        .args(WASM_FEATURES)
        .args(["--strip-producers", "--strip-debug"])
        .arg(module)
        .arg("-o")
        .arg(module)
        .status()
        .with_context(|| format!("{} could not be started", program.display()))?;
    if !status.success() {
        bail!("{} failed", program.display());
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

/// Puts everything a browser loads into `dist/` and says how large it is.
fn assemble(root: &Path, bindings: &Path, module: &Path, release: bool) -> Result<String> {
    let source = root.join("web");
    let dist = root.join("dist");
    remove_folder(&dist)?;
    let output = Output { dist: &dist, compress: release };

    let style = output.put("app", "css", style_sheet(&source.join("style/main.css"), release)?.as_bytes())?;
    let wasm = output.put("app", "wasm", &fs::read(module)?)?;
    let glue = output.put("app", "js", &fs::read(bindings.join("app.js"))?)?;
    let snippets = bindings.join("snippets");
    if snippets.is_dir() {
        output.copy_folder(&snippets, &dist.join("assets/snippets"))?;
    }
    // The bootstrap and the theme are files, not inline scripts: the policy allows scripts from here only.
    let boot = format!(
        "import init from './{}';\ninit({{ module_or_path: new URL('./{}', import.meta.url) }});\n",
        file_name(&glue),
        file_name(&wasm)
    );
    let boot = output.put("boot", "js", boot.as_bytes())?;
    let theme = output.put("theme", "js", &fs::read(source.join("theme.js"))?)?;
    let page = fs::read_to_string(source.join("index.html"))?
        .replace("%CSS%", &style)
        .replace("%JS%", &glue)
        .replace("%WASM%", &wasm)
        .replace("%BOOT%", &boot)
        .replace("%THEME%", &theme);
    output.write(&dist.join("index.html"), page.as_bytes())?;
    output.copy_folder(&source.join("public"), &dist)?;

    let size = |name: &str| fs::metadata(dist.join(name)).map(|file| file.len());
    if !release {
        return Ok(format!("wasm {} B, js {} B, css {} B", size(&wasm)?, size(&glue)?, size(&style)?));
    }
    let brotli = size(&format!("{wasm}.br"))?;
    let report = format!(
        "wasm {} B (brotli {brotli} B of {WASM_BUDGET} B), js {} B (brotli {} B), css {} B (brotli {} B)",
        size(&wasm)?,
        size(&glue)?,
        size(&format!("{glue}.br"))?,
        size(&style)?,
        size(&format!("{style}.br"))?,
    );
    if brotli > WASM_BUDGET {
        // `cargo xtask bench` fails on it; whoever only wants to run Gantry is not held up.
        eprintln!("  notice: the module is over its budget");
    }
    Ok(report)
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

/// Where files go, and whether precompressed copies go beside them.
struct Output<'a> {
    dist: &'a Path,
    compress: bool,
}

impl Output<'_> {
    /// Writes a file whose name carries its content's hash, so that browsers may keep it for ever.
    fn put(&self, stem: &str, extension: &str, content: &[u8]) -> Result<String> {
        let hash = hex::encode(Sha256::digest(content));
        let name = format!("assets/{stem}-{}.{extension}", &hash[..10]);
        self.write(&self.dist.join(&name), content)?;
        Ok(name)
    }

    fn write(&self, path: &Path, content: &[u8]) -> Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, content).with_context(|| format!("{} could not be written", path.display()))?;
        let extension = path.extension().unwrap_or_default().to_string_lossy().into_owned();
        let compressed_already = matches!(extension.as_str(), "woff2" | "png");
        if !self.compress || compressed_already || content.len() <= 256 {
            return Ok(());
        }
        let mut brotli = brotli::CompressorWriter::new(Vec::new(), 1 << 16, 11, 22);
        brotli.write_all(content)?;
        brotli.flush()?;
        fs::write(path.with_extension(format!("{extension}.br")), brotli.into_inner())?;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(content)?;
        fs::write(path.with_extension(format!("{extension}.gz")), gzip.finish()?)?;
        Ok(())
    }

    fn copy_folder(&self, from: &Path, to: &Path) -> Result<()> {
        for entry in fs::read_dir(from).with_context(|| format!("{} could not be read", from.display()))? {
            let entry = entry?;
            let destination = to.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                self.copy_folder(&entry.path(), &destination)?;
            } else {
                self.write(&destination, &fs::read(entry.path())?)?;
            }
        }
        Ok(())
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn remove_folder(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} could not be removed", folder.display()))
        }
        _ => Ok(()),
    }
}
