//! Writes the projects that prove cells, to look at them: `cargo run -p gantry-proof --example write -- DIR
//! [framework[/pattern]]`, each into `DIR/<framework>-<pattern>`.

use anyhow::{Context as _, Result, anyhow};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let directory = std::path::Path::new(arguments.first().context("usage: write DIR [framework[/pattern]]")?);
    let wanted = arguments.get(1).map_or("", String::as_str);
    for cell in gantry_proof::cells().into_iter().filter(|cell| cell.to_string().starts_with(wanted)) {
        let files = gantry_generator::emit(&cell.spec("http://127.0.0.1:9")?).map_err(|found| anyhow!("{found:?}"))?;
        let project = directory.join(cell.to_string().replace('/', "-"));
        for file in files {
            let path = project.join(&file.path);
            std::fs::create_dir_all(path.parent().context("a file has a directory")?)?;
            std::fs::write(path, file.content)?;
        }
        println!("{}", project.display());
    }
    Ok(())
}
