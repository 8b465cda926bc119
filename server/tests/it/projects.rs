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
        layout: Default::default(),
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
async fn projects_made_at_once_share_transactions_and_fail_alone() {
    for_both(|test| async move {
        project::create(&test.app, spec("taken-3"), "ada").await.unwrap();
        let names: Vec<String> =
            (0..150).map(|n| format!("{}-{n}", if n % 10 == 3 { "taken" } else { "free" })).collect();
        let made =
            futures::future::join_all(names.iter().map(|name| project::create(&test.app, spec(name), "ada"))).await;
        for (name, made) in names.iter().zip(made) {
            match made {
                Ok(made) => {
                    assert_eq!(project::find(&test.app.db, name).await.unwrap(), made);
                    assert!(!project::files(&test.app.db, made.summary.id, 1).await.unwrap().is_empty());
                }
                Err(refused) => assert_eq!((name.as_str(), refused.code()), ("taken-3", "project_name_taken")),
            }
        }
    })
    .await;
}

#[tokio::test]
async fn what_the_database_refuses_takes_nobody_elses_project_along() {
    for_both(|test| async move {
        let db = &test.app.db;
        if db.engine() == gantry_server::db::Engine::Postgres {
            db.sql(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not this one'; END $$",
            )
            .execute()
            .await
            .unwrap();
        }
        db.sql(db.pick(
            "CREATE TRIGGER refuse BEFORE INSERT ON project WHEN new.name = 'free-7'
             BEGIN SELECT RAISE(ABORT, 'not this one'); END",
            "CREATE TRIGGER refuse BEFORE INSERT ON project FOR EACH ROW WHEN (new.name = 'free-7')
             EXECUTE FUNCTION refuse()",
        ))
        .execute()
        .await
        .unwrap();
        let names: Vec<String> = (0..40).map(|n| format!("free-{n}")).collect();
        let made =
            futures::future::join_all(names.iter().map(|name| project::create(&test.app, spec(name), "ada"))).await;
        for (name, made) in names.iter().zip(made) {
            assert_eq!(made.is_ok(), name != "free-7", "{name}: {made:?}");
            assert_eq!(project::find(db, name).await.is_ok(), name != "free-7", "{name}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_project_is_kept_even_if_who_asked_for_it_hangs_up() {
    for_both(|test| async move {
        let name = "left-alone";
        // Asked once and dropped.
        let asked = futures::FutureExt::now_or_never(project::create(&test.app, spec(name), "ada"));
        assert!(asked.is_none(), "it cannot have been written without waiting");
        for _ in 0..200 {
            if project::find(&test.app.db, name).await.is_ok() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("it was not written");
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
        let changed = project::replace_spec(&test.app, id, first, 1, "ada").await.unwrap();
        assert_eq!((changed.revision, changed.summary.version.as_str()), (2, "0.2.0"));
        let refused = project::replace_spec(&test.app, id, spec("hello"), 1, "grace").await.unwrap_err();
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

/// Keeps a job of a project as if it had come this far.
async fn job(test: &TestApp, project: uuid::Uuid, kind: &str, state: &str) -> uuid::Uuid {
    let id = uuid::Uuid::now_v7();
    let db = &test.app.db;
    db.sql(
        "INSERT INTO job (id, kind, args, state, max_attempts, run_at, project_id, subject_id, created_by, created_at)
         VALUES ($1, $2, $3, $4, 1, $5, $6, $1, 'ada', $5)",
    )
    .bind(id)
    .bind(kind.to_owned())
    .bind(serde_json::json!({}))
    .bind(state.to_owned())
    .bind(db.now())
    .bind(project)
    .execute()
    .await
    .unwrap();
    id
}

#[tokio::test]
async fn the_list_can_be_narrowed_down_to_a_state_and_is_read_page_by_page() {
    for_both(|test| async move {
        let mut ids = Vec::new();
        for name in ["idle", "mended", "broken", "busy", "published"] {
            ids.push(project::create(&test.app, spec(name), "ada").await.unwrap().summary.id);
        }
        for (project, kind, state) in [
            (1, "build", "failed"),
            (1, "build", "done"),
            (2, "build", "done"),
            (2, "run", "failed"),
            (3, "run", "waiting"),
            (4, "build", "done"),
        ] {
            job(&test, ids[project], kind, state).await;
        }
        publish(&test, ids[4]).await;
        let actor = test.token(&["read"]).await;
        let names = async |query: &str| -> Vec<String> {
            let page = actor.get(&format!("/api/v1/projects{query}")).await.expect(200).json();
            page["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names("?state=active").await, ["busy"]);
        assert_eq!(names("?state=failed").await, ["broken"], "a failure that was made good is none");
        assert_eq!(names("?state=published").await, ["published"]);
        assert_eq!(names("?state=unpublished").await, ["busy", "broken", "mended", "idle"]);
        assert_eq!(names("?state=unpublished&q=e").await, ["broken", "mended", "idle"]);
        actor.get("/api/v1/projects?state=fine").await.expect(400);

        let first = actor.get("/api/v1/projects?state=unpublished&limit=3").await.expect(200).json();
        let cursor = first["nextCursor"].as_str().unwrap();
        assert_eq!(names(&format!("?state=unpublished&limit=3&cursor={cursor}")).await, ["idle"]);
    })
    .await;
}

/// Keeps an image of a project that one registry refused, and another gave back afterwards.
async fn publish(test: &TestApp, project: uuid::Uuid) -> String {
    let db = &test.app.db;
    let made = job(test, project, "build", "done").await;
    db.sql(
        "INSERT INTO build (id, project_id, number, job_id, version, revision, created_by, created_at)
         VALUES ($1, $2, 1, $1, '0.1.0', 1, 'ada', $3)",
    )
    .bind(made)
    .bind(project)
    .bind(db.now())
    .execute()
    .await
    .unwrap();
    let digest = format!("sha256:{}", made.simple().to_string().repeat(2));
    db.sql(
        "INSERT INTO image (digest, project_id, build_id, size, platform, created_at) VALUES ($1, $2, $3, 7, 'linux/amd64', $4)",
    )
    .bind(digest.clone())
    .bind(project)
    .bind(made)
    .bind(db.now())
    .execute()
    .await
    .unwrap();
    for (host, is_published) in [("two.example", false), ("one.example", true)] {
        let sent = job(test, project, "publish", if is_published { "done" } else { "failed" }).await;
        db.sql(
            "INSERT INTO publication (id, digest, job_id, registry_id, registry_name, host, repository, tag, published_at, created_by, created_at)
             VALUES ($1, $2, $1, $1, $3, $3, 'bot', '0.1.0', $4, 'ada', $5)",
        )
        .bind(sent)
        .bind(digest.clone())
        .bind(host.to_owned())
        .bind(is_published.then(|| db.now()))
        .bind(db.now())
        .execute()
        .await
        .unwrap();
    }
    digest
}

#[tokio::test]
async fn what_is_live_is_what_was_read_back_last() {
    for_both(|test| async move {
        let id = project::create(&test.app, spec("bot"), "ada").await.unwrap().summary.id;
        let actor = test.token(&["read"]).await;
        let nothing = actor.get("/api/v1/projects/bot/live").await.expect(200).json();
        assert_eq!(nothing, serde_json::json!({"image": null}));
        let digest = publish(&test, id).await;
        let live = actor.get("/api/v1/projects/bot/live").await.expect(200).json();
        assert_eq!(live["image"]["digest"], digest);
        assert_eq!(live["image"]["publications"].as_array().unwrap().len(), 2);
        actor.get("/api/v1/projects/nobody/live").await.expect(404);
    })
    .await;
}
