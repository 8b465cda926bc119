//! Writes the project of a sentence to a directory: `cargo run --example emit -- DIR "a sentence" [framework]`.

use gantry_domain::api::plan::{PlanConstraints, PlanRequest};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [directory, prompt, rest @ ..] = arguments.as_slice() else {
        eprintln!("usage: emit DIR \"a sentence\" [framework]");
        std::process::exit(2);
    };
    let framework = rest.first().and_then(|word| serde_json::from_value(word.as_str().into()).ok());
    let constraints = PlanConstraints { framework, ..PlanConstraints::default() };
    let plan = gantry_generator::plan(&PlanRequest { prompt: prompt.clone(), constraints, ..PlanRequest::default() });
    for line in plan.provenance.reasons.iter().chain(&plan.questions) {
        println!("{line}");
    }
    match gantry_generator::emit(&plan.spec) {
        Ok(files) => {
            for file in files {
                let path = std::path::Path::new(directory).join(&file.path);
                let written = path
                    .parent()
                    .map_or(Ok(()), std::fs::create_dir_all)
                    .and_then(|()| std::fs::write(&path, &file.content));
                if let Err(error) = written {
                    eprintln!("{}: {error}", path.display());
                    std::process::exit(1);
                }
            }
        }
        Err(found) => {
            eprintln!("{found:#?}");
            std::process::exit(1);
        }
    }
}
