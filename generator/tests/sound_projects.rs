//! Every project that is generated is sound by the rules that projects are verified by: each file can be parsed, the
//! lock names what the project depends on, and nothing newer would be generated.

use gantry_domain::api::verification::{CheckState, Verification};
use gantry_domain::matrix::compatibility;
use gantry_generator::File;
use gantry_generator::merge::Texts;
use gantry_generator::verify::{Subject, verify};

fn texts(files: &[File]) -> Texts<'_> {
    files.iter().map(|file| (file.path.as_str(), file.content.as_str())).collect()
}

#[test]
fn what_is_generated_for_every_cell_is_sound() {
    let cells = gantry_proof::cells();
    assert!(cells.len() > 60, "{} cells", cells.len());
    for cell in cells {
        let spec = cell.spec("https://example.com").unwrap();
        let files = gantry_generator::emit(&spec).unwrap();
        let found: Verification = verify(&Subject {
            revision: 1,
            spec: &spec,
            matrix: compatibility(),
            files: texts(&files),
            generated: texts(&files),
            now: Some(texts(&files)),
            conflicts: &[],
        });
        let failed: Vec<_> = found.checks.iter().filter(|check| check.state == CheckState::Failed).collect();
        assert!(found.is_sound, "{cell}: {failed:#?}");
    }
}
