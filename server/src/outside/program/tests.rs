//! Programs that start others, hide, and are killed with them.

use super::*;

fn shell(script: &str, mark: &str) -> Program {
    Program::start(Wish {
        program: "sh".into(),
        arguments: vec!["-c".into(), script.into()],
        directory: std::env::temp_dir(),
        environment: vec![("PATH".into(), std::env::var_os("PATH").unwrap_or_default())],
        marks: vec![("GANTRY_TEST_MARK", mark.to_owned())],
    })
    .unwrap()
}

async fn until_it_said(program: &Program, word: &str) {
    for _ in 0..500 {
        if program.last_lines().contains(word) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it said only {:?}", program.last_lines());
}

fn unique(name: &str) -> String {
    format!("{name}-{}-{:?}", std::process::id(), std::time::Instant::now())
}

#[tokio::test]
async fn what_a_program_has_started_is_killed_with_it() {
    let mark = unique("family");
    // One in the group, one that has left it but carries the mark, one that has left both and has a parent.
    let script = "sleep 600 & setsid sleep 600 & (env -i setsid sh -c 'sleep 600; :') & echo up; wait";
    let mut program = shell(script, &mark);
    until_it_said(&program, "up").await;
    let entry = format!("GANTRY_TEST_MARK={mark}");
    for _ in 0..200 {
        if family::members(Some(program.identity()), &entry).len() >= 4 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let before = family::members(Some(program.identity()), &entry);
    assert!(before.len() >= 4, "{before:#?}");
    let began = Instant::now();
    assert!(program.kill().await);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert!(before.iter().all(|process| !process.is_still_there()), "{before:#?}");
    assert!(program.ended().await.is_some_and(|status| !status.success()));
}

#[tokio::test]
async fn a_family_is_found_again_by_its_mark_alone() {
    let mark = unique("again");
    let program = shell("sleep 600 & echo up; exec sleep 600", &mark);
    until_it_said(&program, "up").await;
    let entry = format!("GANTRY_TEST_MARK={mark}");
    let found = marks(&entry);
    assert!(found.len() == 1 && found.contains(&entry), "{found:?}");
    assert!(kill_all(None, entry.clone()).await);
    assert!(marks(&entry).is_empty());
    assert!(family::members(None, "GANTRY_TEST_MARK=somebody else's").is_empty());
}

#[tokio::test]
async fn what_a_program_wrote_last_is_kept_and_its_end_is_told() {
    let program = shell("for i in $(seq 1 60); do echo line $i; done; echo gone >&2; exit 3", &unique("words"));
    assert_eq!(program.ended().await.and_then(|status| status.code()), Some(3));
    until_it_said(&program, "gone").await;
    until_it_said(&program, "line 60").await;
    assert!(!program.last_lines().contains("line 1\n"), "only the last ones");
    assert_eq!(program.new_lines().len(), 61);
    assert!(program.new_lines().is_empty());
    let missing = Program::start(Wish {
        program: "no-such-program-here".into(),
        arguments: Vec::new(),
        directory: std::env::temp_dir(),
        environment: Vec::new(),
        marks: Vec::new(),
    });
    assert_eq!(missing.err().map(|error| error.kind()), Some(io::ErrorKind::NotFound));
}
