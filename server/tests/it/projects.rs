//! Projects: kept whole or not at all, on both databases.

use crate::support::{TestApp, for_both};
use gantry_domain::matrix::{Framework, Language, Pattern};
use gantry_domain::spec::{API_VERSION, Agent, Metadata, Model, Spec, Target};
use gantry_server::project;

fn spec(name: &str) -> Spec {
    Spec {
        api_version: API_VERSION.into(),
        kind: "Agent".into(),
        metadata: Metadata {
            name: name.parse().unwrap(),
            version: "0.1.0".into(),
            description: "Says \"hello\" \\ ' \n 👋 \u{202e}tfel ot thgir".into(),
            labels: Default::default(),
        },
        target: Target {
            framework: Framework::React,
            language: Language::Python,
            pattern: Pattern::Single,
            cloud: None,
            exports: Vec::new(),
        },
        models: [("default".to_owned(), Model::default())].into(),
        agents: vec![Agent {
            id: "greeter".into(),
            role: "Greeter".into(),
            instructions: "Greet.".into(),
            model: "default".into(),
            tools: Vec::new(),
            handoffs: Vec::new(),
            max_steps: 4,
        }],
        tasks: Vec::new(),
        graph: None,
        tools: Vec::new(),
        memory: Default::default(),
        guardrails: Default::default(),
        evals: Default::default(),
        build: Default::default(),
    }
}

#[tokio::test]
async fn a_project_comes_back_as_it_was_written() {
    for_both(|test| async move {
        let made = project::create(&test.app, spec("hello"), "ada").await.unwrap();
        assert_eq!(made.spec, spec("hello"));
        assert_eq!(project::find(&test.app.db, "hello").await.unwrap(), made);
        assert_eq!(project::find(&test.app.db, &made.summary.id.to_string()).await.unwrap(), made);
        let files = project::files(&test.app.db, made.summary.id, 1).await.unwrap();
        assert!(files.iter().any(|file| file.path == "agent.gantry.yaml"));
        assert_eq!(project::find(&test.app.db, "other").await.unwrap_err().code(), "not_found");
    })
    .await;
}

#[tokio::test]
async fn two_projects_cannot_have_one_name() {
    for_both(|test| async move {
        let made = futures::future::join_all((0..8).map(|_| project::create(&test.app, spec("same"), "ada"))).await;
        let (won, lost): (Vec<_>, Vec<_>) = made.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1);
        for lost in lost {
            assert_eq!(lost.unwrap_err().code(), "project_name_taken");
        }
    })
    .await;
}

#[tokio::test]
async fn of_two_changes_to_one_revision_one_is_told_to_look_again() {
    for_both(|test| async move {
        let made = project::create(&test.app, spec("hello"), "ada").await.unwrap();
        let id = made.summary.id;
        let mut first = spec("hello");
        first.metadata.version = "0.2.0".into();
        let changed = project::replace_spec(&test.app, id, first, 1).await.unwrap();
        assert_eq!((changed.revision, changed.summary.version.as_str()), (2, "0.2.0"));
        let refused = project::replace_spec(&test.app, id, spec("hello"), 1).await.unwrap_err();
        assert_eq!(refused.code(), "spec_changed");
        assert_eq!(project::get(&test.app.db, id).await.unwrap().revision, 2);
        // What was generated before is still there.
        assert!(project::files(&test.app.db, id, 1).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn a_spec_that_is_not_sound_leaves_nothing_behind() {
    for_both(|test| async move {
        let mut broken = spec("hello");
        broken.agents[0].tools.push("no_such_tool".into());
        let refused = project::create(&test.app, broken, "ada").await.unwrap_err();
        assert_eq!((refused.status().as_u16(), refused.code()), (422, "spec_refused"));
        assert!(refused.detail().contains("/spec/agents/0/tools/0"), "{}", refused.detail());
        assert_eq!(project::find(&test.app.db, "hello").await.unwrap_err().code(), "not_found");
    })
    .await;
}

#[tokio::test]
async fn deleting_takes_what_was_generated_along() {
    let test = TestApp::sqlite().await;
    let made = project::create(&test.app, spec("hello"), "ada").await.unwrap();
    project::delete(&test.app, made.summary.id).await.unwrap();
    assert_eq!(project::files(&test.app.db, made.summary.id, 1).await.unwrap_err().code(), "not_found");
    assert_eq!(project::delete(&test.app, made.summary.id).await.unwrap_err().code(), "not_found");
}
