//! What every generated project brings for its evals: cases that can be read, and files that pass the static layer.

use gantry_domain::eval::{case, leak};
use gantry_generator::exchange::{SourceFile, syntax_error};

#[test]
fn the_cases_of_every_cell_can_be_read_and_name_what_there_is() {
    for cell in gantry_proof::cells() {
        let spec = cell.spec("http://127.0.0.1:9").unwrap();
        let files = gantry_generator::emit(&spec).unwrap();
        let text = &files.iter().find(|file| file.path == spec.evals.cases).unwrap().content;
        let cases = case::read(text).unwrap_or_else(|faults| panic!("{cell}: {faults:#?}\n{text}"));
        assert_eq!(cases.check(&spec), [], "{cell}:\n{text}");
        assert!(!cases.cases.is_empty(), "{cell}");
        assert_eq!(&cases.write(), text, "{cell}: what nobody changed is written as it was");
    }
}

#[test]
fn the_files_of_every_cell_are_their_language_and_hold_no_secret() {
    for cell in gantry_proof::cells() {
        let spec = cell.spec("http://127.0.0.1:9").unwrap();
        for file in gantry_generator::emit(&spec).unwrap() {
            assert_eq!(leak::first_in(&file.content), None, "{cell}: {}", file.path);
            let source = SourceFile { path: file.path, text: file.content };
            assert_eq!(syntax_error(&source), None, "{cell}: {}", source.path);
        }
    }
}
