//! Revisions: what people edit outlives what the generator writes, conflicts are shown and decided, and every
//! revision comes back as it was; on both databases.

use axum::http::StatusCode;
use gantry_domain::spec::Builtin;
use gantry_server::project;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Answer, Persona, TestApp, for_both, stories};

/// A project over HTTP, and the revision that its author has seen.
pub(crate) struct Story<'a> {
    actor: Persona<'a>,
    pub(crate) address: String,
    pub(crate) id: Uuid,
    spec: Value,
    seen: i64,
}

impl<'a> Story<'a> {
    pub(crate) async fn begin(test: &'a TestApp) -> Self {
        let actor = test.token(&["read", "write", "build"]).await;
        let mut spec = stories::spec("react", json!([Builtin::Calculator.tool()]));
        spec["metadata"]["description"] = json!("Adds up bills.");
        let made = actor.post("/api/v1/projects", json!({"spec": spec})).await.expect(201).json();
        let id = stories::id(&made["id"]);
        Self { actor, address: format!("/api/v1/projects/{id}"), id, spec, seen: 1 }
    }

    async fn get(&self, path: &str) -> Value {
        self.actor.get(&format!("{}{path}", self.address)).await.expect(200).json()
    }

    pub(crate) async fn content(&self, path: &str) -> String {
        self.get(&format!("/files/{path}")).await["content"].as_str().unwrap().to_owned()
    }

    /// What the list says of a file: where it comes from, and what is at odds.
    async fn listed(&self, path: &str) -> Option<(String, Option<String>)> {
        let list = self.get("/files").await;
        let file = list["items"].as_array().unwrap().iter().find(|file| file["path"] == path)?.clone();
        Some((file["origin"].as_str().unwrap().to_owned(), file["conflict"].as_str().map(str::to_owned)))
    }

    async fn revision(&self) -> Value {
        self.get(&format!("/revisions/{}", self.seen)).await
    }

    /// A write that succeeds, and what it made of the project.
    fn wrote(&mut self, answer: Answer) -> Value {
        let project = answer.expect(200).json();
        assert_eq!(project["revision"], self.seen + 1, "each write adds one");
        self.seen += 1;
        project
    }

    pub(crate) async fn try_write(&self, path: &str, content: &str) -> Answer {
        let body = json!({"content": content, "expectedRevision": self.seen});
        self.actor.put(&format!("{}/files/{path}", self.address), body).await
    }

    pub(crate) async fn write(&mut self, path: &str, content: &str) -> Value {
        let answer = self.try_write(path, content).await;
        self.wrote(answer)
    }

    async fn act(&self, action: &str, mut body: Value) -> Answer {
        body["expectedRevision"] = json!(self.seen);
        self.actor.post(&format!("{}{action}", self.address), body).await
    }

    async fn change_spec(&self, description: &str) -> Answer {
        let mut spec = self.spec.clone();
        spec["metadata"]["description"] = json!(description);
        let body = json!({"spec": spec, "expectedRevision": self.seen});
        self.actor.put(&format!("{}/spec", self.address), body).await
    }

    /// Makes the newest revision what an older generator would have written: its README said something else.
    async fn generated_by_an_older_gantry(&self, test: &TestApp, was: &str, old: &str) {
        let files = project::files(&test.app.db, self.id, self.seen).await.unwrap();
        let files: Vec<Value> = files
            .into_iter()
            .map(|file| {
                let content = if file.path == "README.md" { file.content.replace(was, old) } else { file.content };
                json!({"path": file.path, "content": content})
            })
            .collect();
        test.app
            .db
            .sql("UPDATE revision SET files = $3, generator_version = '0.0.1' WHERE project_id = $1 AND number = $2")
            .bind(self.id)
            .bind(self.seen)
            .bind(serde_json::to_vec(&files).unwrap())
            .execute()
            .await
            .unwrap();
    }
}

/// The README's line that has the description, in these projects.
const DESCRIBED: &str = "Adds up bills.";

#[tokio::test]
async fn an_edit_is_a_revision_that_says_who_and_what() {
    for_both(|test| async move {
        let mut story = Story::begin(&test).await;
        let first = story.revision().await;
        assert_eq!((&first["cause"], &first["summary"]), (&json!("created"), &json!("The project was created.")));
        assert_eq!((&first["editedFiles"], &first["conflicts"]), (&json!(0), &json!([])));
        let readme = story.content("README.md").await;

        story.write("README.md", &format!("{readme}\nMore of mine.\n")).await;
        assert_eq!(story.listed("README.md").await.unwrap(), ("edited".into(), None));
        assert_eq!(story.listed("AGENTS.md").await.unwrap(), ("generated".into(), None));
        story.write("docs/notes.md", "note\n").await;
        assert_eq!(story.listed("docs/notes.md").await.unwrap(), ("yours".into(), None));
        let gone = format!("{}/files/AGENTS.md?expectedRevision=3", story.address);
        let answer = story.actor.delete(&gone).await;
        story.wrote(answer);
        assert_eq!(story.listed("AGENTS.md").await, None);
        story.actor.get(&format!("{}/files/AGENTS.md", story.address)).await.expect(404);

        let list = story.get("/revisions").await;
        let told: Vec<_> = list["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|revision| {
                assert!(!revision["createdBy"].as_str().unwrap().is_empty());
                (
                    revision["number"].as_i64().unwrap(),
                    revision["summary"].as_str().unwrap(),
                    revision["editedFiles"].as_i64().unwrap(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                (4, "AGENTS.md was deleted.", 3),
                (3, "docs/notes.md was added.", 2),
                (2, "README.md was edited.", 1),
                (1, "The project was created.", 0)
            ]
        );
        let page = story.get("/revisions?limit=3").await;
        assert_eq!(page["nextCursor"], "2");
        assert_eq!(story.get("/revisions?limit=3&cursor=2").await["items"].as_array().unwrap().len(), 1);

        // Earlier revisions stay what they were.
        assert_eq!(story.get("/revisions/1/files/README.md").await["content"], json!(readme));
        assert_eq!(story.get("/revisions/1/files/README.md").await["origin"], "generated");
        let files = |list: Value| list["items"].as_array().unwrap().len();
        assert_eq!(files(story.get("/revisions/3/files").await), files(story.get("/revisions/4/files").await) + 1);

        // What changed: against the one before, against the first, and against what was generated.
        let diff = story.get("/revisions/2/diff").await;
        assert_eq!((&diff["from"], &diff["to"]), (&json!(1), &json!(2)));
        assert_eq!(diff["files"].as_array().unwrap().len(), 1);
        assert_eq!((&diff["files"][0]["addedLines"], &diff["files"][0]["removedLines"]), (&json!(2), &json!(0)));
        let lines = diff["files"][0]["hunks"][0]["lines"].as_array().unwrap();
        assert_eq!(lines.last().unwrap(), &json!({"kind": "added", "text": "More of mine."}));
        for address in ["/revisions/4/diff?against=1", "/revisions/4/diff?against=generated"] {
            let diff = story.get(address).await;
            let changes: Vec<_> =
                diff["files"].as_array().unwrap().iter().map(|file| (&file["path"], &file["change"])).collect();
            assert_eq!(
                changes,
                [
                    (&json!("AGENTS.md"), &json!("removed")),
                    (&json!("README.md"), &json!("changed")),
                    (&json!("docs/notes.md"), &json!("added"))
                ],
                "{address}"
            );
        }
        let all = story.get("/revisions/1/diff").await;
        assert_eq!((&all["from"], &all["files"][0]["change"]), (&json!(0), &json!("added")));
        story.actor.get(&format!("{}/revisions/4/diff?against=mine", story.address)).await.expect(400);
        story.actor.get(&format!("{}/revisions/9/diff", story.address)).await.expect(404);

        // And back to what was generated, one file at a time.
        let answer = story.act("/files:revert", json!({"path": "AGENTS.md"})).await;
        story.wrote(answer);
        assert_eq!(story.listed("AGENTS.md").await.unwrap(), ("generated".into(), None));
        let answer = story.act("/files:revert", json!({"path": "README.md"})).await;
        story.wrote(answer);
        assert_eq!(story.content("README.md").await, readme);
        let refused = story.act("/files:revert", json!({"path": "docs/notes.md"})).await.expect(409);
        assert_eq!(refused.code(), "file_not_generated");
        story.act("/files:revert", json!({"path": "nothing"})).await.expect(404);
    })
    .await;
}

#[tokio::test]
async fn writing_what_is_there_already_makes_no_revision() {
    let test = TestApp::sqlite().await;
    let story = Story::begin(&test).await;
    let readme = story.content("README.md").await;
    assert_eq!(story.try_write("README.md", &readme).await.expect(200).json()["revision"], 1);
    assert_eq!(story.act("/files:revert", json!({"path": "README.md"})).await.expect(200).json()["revision"], 1);
    assert_eq!(story.act(":regenerate", json!({})).await.expect(200).json()["revision"], 1);
    assert_eq!(story.get("/regeneration").await["changed"], false);
    assert_eq!(story.act("/revisions/1:restore", json!({})).await.expect(200).json()["revision"], 1);
}

#[tokio::test]
async fn a_change_of_the_spec_keeps_the_edits() {
    for_both(|test| async move {
        let mut story = Story::begin(&test).await;
        let readme = story.content("README.md").await;
        assert_eq!(readme.matches(DESCRIBED).count(), 1, "{readme}");
        story.write("README.md", &format!("{readme}\nMore of mine.\n")).await;
        story.write("notes.md", "mine\n").await;
        let answer = story.change_spec("Adds up bills and tips.").await;
        let changed = story.wrote(answer);
        assert_eq!(changed["description"], "Adds up bills and tips.");
        let expected = format!("{}\nMore of mine.\n", readme.replace(DESCRIBED, "Adds up bills and tips."));
        assert_eq!(story.content("README.md").await, expected);
        assert_eq!(story.content("notes.md").await, "mine\n");
        assert!(story.content("agent.gantry.yaml").await.contains("Adds up bills and tips."));
        assert_eq!(story.listed("agent.gantry.yaml").await.unwrap(), ("generated".into(), None));
        let revision = story.revision().await;
        assert_eq!((&revision["cause"], &revision["editedFiles"]), (&json!("spec"), &json!(2)));
        let summary = revision["summary"].as_str().unwrap();
        assert!(
            summary.starts_with("The spec was changed: ") && summary.contains("1 of them together with your edits")
        );
    })
    .await;
}

#[tokio::test]
async fn the_spec_file_is_the_spec() {
    for_both(|test| async move {
        let mut story = Story::begin(&test).await;
        let text = story.content("agent.gantry.yaml").await;
        let project = story.write("agent.gantry.yaml", &text.replace(DESCRIBED, "Splits bills.")).await;
        assert_eq!(project["spec"]["metadata"]["description"], "Splits bills.");
        assert!(story.content("README.md").await.contains("Splits bills."));
        assert_eq!(story.revision().await["cause"], "spec");

        let refused = story.try_write("agent.gantry.yaml", "kind: [").await.expect(422);
        assert_eq!(refused.code(), "spec_refused");
        let unsound = text.replace("[calculator]", "[abacus]");
        assert_ne!(unsound, text);
        let refused = story.try_write("agent.gantry.yaml", &unsound).await.expect(422);
        assert_eq!(refused.code(), "spec_refused");
        assert_eq!(refused.json()["errors"][0]["path"], "/spec/agents/0/tools/0");
        let address = format!("{}/files/agent.gantry.yaml?expectedRevision=2", story.address);
        assert_eq!(story.actor.delete(&address).await.expect(422).json()["errors"][0]["code"], "spec_file_needed");
        story.seen = 1;
        assert_eq!(story.try_write("agent.gantry.yaml", &text).await.expect(409).code(), "project_changed");
    })
    .await;
}

#[tokio::test]
async fn a_newer_generator_is_merged_only_when_asked() {
    for_both(|test| async move {
        let mut story = Story::begin(&test).await;
        story.generated_by_an_older_gantry(&test, DESCRIBED, "Sums bills.").await;
        let old = story.content("README.md").await;
        assert!(old.contains("Sums bills."), "nothing changes by itself");
        story.write("README.md", &format!("{old}\nMore of mine.\n")).await;

        let would = story.get("/regeneration").await;
        assert_eq!((&would["changed"], &would["conflicts"]), (&json!(true), &json!([])));
        assert_eq!((&would["diff"]["from"], &would["diff"]["to"]), (&json!(2), &json!(3)));
        assert_eq!(would["diff"]["files"].as_array().unwrap().len(), 1);
        assert_eq!(story.content("README.md").await, format!("{old}\nMore of mine.\n"), "looking writes nothing");
        assert_eq!(story.revision().await["generatorVersion"], "0.0.1");

        let answer = story.act(":regenerate", json!({})).await;
        story.wrote(answer);
        let expected = format!("{}\nMore of mine.\n", old.replace("Sums bills.", DESCRIBED));
        assert_eq!(story.content("README.md").await, expected);
        let revision = story.revision().await;
        assert_eq!(
            (&revision["cause"], &revision["generatorVersion"]),
            (&json!("regenerate"), &json!(env!("CARGO_PKG_VERSION")))
        );
        assert!(
            revision["summary"]
                .as_str()
                .unwrap()
                .contains("1 file changed with it, 1 of them together with your edits")
        );
        assert_eq!(story.get("/regeneration").await["changed"], false);
    })
    .await;
}

/// A story in which README.md is in conflict: the author and the spec both changed the line with the description.
async fn in_conflict(test: &TestApp) -> (Story<'_>, String) {
    let mut story = Story::begin(test).await;
    let readme = story.content("README.md").await;
    let mine = readme.replace(DESCRIBED, "My own words.") + "\nMore of mine.\n";
    story.write("README.md", &mine).await;
    let answer = story.change_spec("Adds up bills and tips.").await;
    story.wrote(answer);
    (story, readme)
}

#[tokio::test]
async fn a_conflict_is_shown_and_stops_builds_until_it_is_decided() {
    for_both(|test| async move {
        let (mut story, readme) = in_conflict(&test).await;
        assert_eq!(story.listed("README.md").await.unwrap(), ("edited".into(), Some("text".into())));
        let revision = story.revision().await;
        assert_eq!(revision["conflicts"], json!([{"path": "README.md", "kind": "text"}]));
        assert!(revision["summary"].as_str().unwrap().ends_with("1 file waits for a decision."), "{revision}");
        let marked = "<<<<<<< yours\nMy own words.\n=======\nAdds up bills and tips.\n>>>>>>> generated\n";
        let shown = story.content("README.md").await;
        assert!(shown.contains(marked), "{shown}");

        let refused = story.actor.post(&format!("{}/builds", story.address), json!({})).await.expect(409);
        assert_eq!(
            (refused.code().as_str(), &refused.json()["errors"][0]["path"]),
            ("unresolved_conflicts", &json!("README.md"))
        );
        assert_eq!(story.change_spec("Again.").await.expect(409).code(), "unresolved_conflicts");
        assert_eq!(story.act(":regenerate", json!({})).await.expect(409).code(), "unresolved_conflicts");
        // What does not need a decision goes on.
        story.write("notes.md", "mine\n").await;
        story.actor.get(&format!("{}/export", story.address)).await.expect(200);
        assert_eq!(story.revision().await["conflicts"].as_array().unwrap().len(), 1);
        // An edit that leaves the marks decides nothing.
        story.write("README.md", &shown.replace("More of mine.", "More.")).await;
        assert_eq!(story.revision().await["cause"], "edit");
        assert_eq!(story.listed("README.md").await.unwrap().1.as_deref(), Some("text"));

        let answer = story.act("/files:resolve", json!({"path": "README.md", "take": "yours"})).await;
        story.wrote(answer);
        assert_eq!(story.content("README.md").await, readme.replace(DESCRIBED, "My own words.") + "\nMore of mine.\n");
        let revision = story.revision().await;
        assert_eq!((&revision["cause"], &revision["conflicts"]), (&json!("resolve"), &json!([])));
        assert_eq!(revision["summary"], "The conflict in README.md was resolved: yours was kept.");
        let again = story.act("/files:resolve", json!({"path": "README.md", "take": "yours"})).await.expect(409);
        assert_eq!(again.code(), "not_in_conflict");
        let next = story.change_spec("Adds up anything.").await;
        story.wrote(next);
    })
    .await;
}

#[tokio::test]
async fn a_conflict_is_decided_for_the_generator_by_a_text_or_by_an_edit() {
    for_both(|test| async move {
        let (mut story, readme) = in_conflict(&test).await;
        let conflict = story.seen;
        let answer = story.act("/files:resolve", json!({"path": "README.md", "take": "generated"})).await;
        story.wrote(answer);
        // Only the place at odds is the generator's: the other edit was never in question.
        let expected = readme.replace(DESCRIBED, "Adds up bills and tips.") + "\nMore of mine.\n";
        assert_eq!(story.content("README.md").await, expected);

        let answer = story.act(&format!("/revisions/{conflict}:restore"), json!({})).await;
        story.wrote(answer);
        assert_eq!(story.revision().await["conflicts"].as_array().unwrap().len(), 1, "what was in conflict is again");
        let code = |answer: Answer| answer.expect(422).json()["errors"][0]["code"].as_str().unwrap().to_owned();
        let resolve =
            |take: &str, content: Option<&str>| json!({"path": "README.md", "take": take, "content": content});
        assert_eq!(code(story.act("/files:resolve", resolve("content", None)).await), "content_missing");
        assert_eq!(code(story.act("/files:resolve", resolve("yours", Some("x"))).await), "content_unexpected");
        let marked = "a\n<<<<<<< yours\nb\n";
        assert_eq!(code(story.act("/files:resolve", resolve("content", Some(marked))).await), "conflict_marks_left");
        let answer = story.act("/files:resolve", resolve("content", Some("Both.\n"))).await;
        story.wrote(answer);
        assert_eq!(story.content("README.md").await, "Both.\n");
        assert_eq!(story.listed("README.md").await.unwrap(), ("edited".into(), None));

        let answer = story.act(&format!("/revisions/{conflict}:restore"), json!({})).await;
        story.wrote(answer);
        story.write("README.md", "By hand.\n").await;
        let revision = story.revision().await;
        assert_eq!((&revision["cause"], &revision["conflicts"]), (&json!("resolve"), &json!([])));
    })
    .await;
}

#[tokio::test]
async fn files_that_one_side_gave_up_wait_for_a_decision() {
    for_both(|test| async move {
        let mut story = Story::begin(&test).await;
        // I delete the README, and change the tools' file, which an agent without tools does not have.
        let tools = story.get("/files").await["items"]
            .as_array()
            .unwrap()
            .iter()
            .find_map(|file| file["path"].as_str().filter(|path| path.ends_with("/tools.py")).map(str::to_owned))
            .unwrap();
        let answer = story.actor.delete(&format!("{}/files/README.md?expectedRevision=1", story.address)).await;
        story.wrote(answer);
        let mine = story.content(&tools).await + "\n# mine\n";
        story.write(&tools, &mine).await;
        let mut spec = story.spec.clone();
        spec["target"]["pattern"] = json!("single");
        spec["agents"][0]["tools"] = json!([]);
        spec["tools"] = json!([]);
        let body = json!({"spec": spec, "expectedRevision": story.seen});
        let answer = story.actor.put(&format!("{}/spec", story.address), body).await;
        story.wrote(answer);
        let conflicts = story.revision().await["conflicts"].clone();
        let kind = |path: &str| {
            conflicts.as_array().unwrap().iter().find(|found| found["path"] == path).map(|found| found["kind"].clone())
        };
        assert_eq!(kind("README.md"), Some(json!("deleted")), "{conflicts}");
        assert_eq!(kind(&tools), Some(json!("noLongerGenerated")), "{conflicts}");
        assert_eq!(story.listed("README.md").await, None, "it stays deleted");
        assert_eq!(story.content(&tools).await, mine, "it is kept");

        let answer = story.act("/files:resolve", json!({"path": "README.md", "take": "generated"})).await;
        story.wrote(answer);
        assert_eq!(story.listed("README.md").await.unwrap(), ("generated".into(), None));
        let answer = story.act("/files:resolve", json!({"path": tools, "take": "yours"})).await;
        story.wrote(answer);
        assert_eq!(story.listed(&tools).await.unwrap(), ("yours".into(), None));
    })
    .await;
}

#[tokio::test]
async fn a_revision_that_is_restored_is_the_same_byte_for_byte() {
    for_both(|test| async move {
        let mut story = Story::begin(&test).await;
        story.write("notes.md", "mine, without an end of line\r\n\u{1f44b}").await;
        let then = project::files(&test.app.db, story.id, 2).await.unwrap();
        story.write("notes.md", "other\n").await;
        let mut spec = story.spec.clone();
        spec["metadata"]["name"] = json!(format!("q-{}", Uuid::now_v7().simple()));
        let body = json!({"spec": spec, "expectedRevision": 3});
        let answer = story.actor.put(&format!("{}/spec", story.address), body).await;
        story.wrote(answer);

        let answer = story.act("/revisions/2:restore", json!({})).await;
        let project = story.wrote(answer);
        assert_eq!(project["name"], story.spec["metadata"]["name"], "the spec came back too");
        assert_eq!(project::files(&test.app.db, story.id, story.seen).await.unwrap(), then);
        let revision = story.revision().await;
        assert_eq!((&revision["cause"], &revision["summary"]), (&json!("restore"), &json!("Revision 2 was restored.")));
        assert_eq!(revision["editedFiles"], 1);
        // Nothing is lost: what was there before the restoring still is.
        assert_eq!(story.get("/revisions/4/files/notes.md").await["content"], "other\n");
        story.act("/revisions/17:restore", json!({})).await.expect(404);
    })
    .await;
}

#[tokio::test]
async fn who_saw_an_older_revision_is_told_to_look_again() {
    for_both(|test| async move {
        let mut story = Story::begin(&test).await;
        story.write("a.txt", "1").await;
        story.seen = 1;
        let address = format!("{}/files/a.txt?expectedRevision=1", story.address);
        for answer in [
            story.try_write("a.txt", "2").await,
            story.actor.delete(&address).await,
            story.act("/files:revert", json!({"path": "README.md"})).await,
            story.act("/files:resolve", json!({"path": "README.md", "take": "yours"})).await,
            story.act(":regenerate", json!({})).await,
            story.act("/revisions/1:restore", json!({})).await,
        ] {
            assert_eq!(answer.expect(409).code(), "project_changed");
        }
        assert_eq!(story.change_spec("x").await.expect(409).code(), "spec_changed");
        assert_eq!(story.content("a.txt").await, "1");
    })
    .await;
}

#[tokio::test]
async fn of_writers_at_once_exactly_one_wins() {
    for_both(|test| async move {
        let story = Story::begin(&test).await;
        let contents: Vec<String> = (0..8).map(|number| format!("writer {number}\n")).collect();
        let answers = futures::future::join_all(contents.iter().map(|content| story.try_write("a.txt", content))).await;
        let won: Vec<usize> = (0..8).filter(|index| answers[*index].status == StatusCode::OK).collect();
        assert_eq!(won.len(), 1, "{answers:?}");
        for (index, answer) in answers.iter().enumerate() {
            assert!(won.contains(&index) || answer.code() == "project_changed", "{answer:?}");
        }
        assert_eq!(story.content("a.txt").await, contents[won[0]]);
        assert_eq!(story.get("/revisions").await["items"].as_array().unwrap().len(), 2);
    })
    .await;
}
