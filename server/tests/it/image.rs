//! Publications through the whole server, into real registries.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on is to fail")]

use std::time::Duration;

use crate::support::{Persona, TestApp, files_below, for_both, secure_registry, world};
use gantry_domain::api::job::{Job, JobState};
use gantry_domain::event::EventBody;
use gantry_server::outside::oci::{RegistryAccess, Repository};
use serde_json::{Value, json};

/// A server with an image in it. The image is made of an archive as the engine saves it, so these
/// tests need no engine.
struct Published {
    app: TestApp,
    digest: String,
    name: String,
}

impl Published {
    async fn new() -> Self {
        Self::of_size(2_000_000).await
    }

    /// With a layer of about as many bytes.
    async fn of_size(size: usize) -> Self {
        Self::on(TestApp::sqlite().await, size).await
    }

    async fn on(app: TestApp, size: usize) -> Self {
        let name = world::unique("bot");
        let project = world::project_with(&app, &name, &[("Dockerfile", "FROM scratch\n")]).await;
        let digest = image_of(&app, project, &name, size).await;
        app.start_workers().await;
        Self { app, digest, name }
    }

    async fn registry(&self, actor: &Persona<'_>, access: &RegistryAccess, credential: Option<&str>) -> String {
        let body = json!({
            "name": world::unique("registry"), "address": access.address, "prefix": "gantry-test",
            "username": access.username, "credential": credential, "plainHttp": access.plain_http,
            "caCertificate": access.ca_certificate,
        });
        actor.post("/api/v1/registries", body).await.expect(201).json()["id"].as_str().unwrap().to_owned()
    }

    async fn publish(&self, actor: &Persona<'_>, registry: &str, more: Value) -> Value {
        let mut body = json!({"registryId": registry});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        actor.post(&format!("/api/v1/images/{}:publish", self.digest), body).await.expect(202).json()
    }

    async fn publish_to_end(&self, actor: &Persona<'_>, registry: &str, more: Value) -> Job {
        let accepted = self.publish(actor, registry, more).await;
        world::job_ends(&self.app, accepted["jobId"].as_str().unwrap()).await
    }

    async fn publications(&self, actor: &Persona<'_>) -> Vec<Value> {
        let image = actor.get(&format!("/api/v1/images/{}", self.digest)).await.expect(200).json();
        image["publications"].as_array().unwrap().clone()
    }
}

fn password(access: &RegistryAccess) -> String {
    use secrecy::ExposeSecret;
    access.credential.as_ref().unwrap().expose_secret().to_owned()
}

/// Puts an image into the store and its build into the database, as a build's job does.
async fn image_of(app: &TestApp, project: uuid::Uuid, name: &str, size: usize) -> String {
    use gantry_server::outside::layout::digest_of;
    let mut layer = tar::Builder::new(Vec::new());
    let append = |builder: &mut tar::Builder<Vec<u8>>, path: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, path, bytes).unwrap();
    };
    append(&mut layer, "name", name.as_bytes());
    // What cannot be compressed (xorshift64).
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()
    };
    let noise: Vec<u8> = (0..size / 8).flat_map(|_| next()).collect();
    append(&mut layer, "noise", &noise);
    let layer = layer.into_inner().unwrap();
    // What all images of these tests have in common, as those on one base image.
    let mut base = tar::Builder::new(Vec::new());
    append(&mut base, "base", b"the same everywhere");
    let base = base.into_inner().unwrap();
    let configuration = json!({
        "os": "linux", "architecture": "amd64", "config": {},
        "rootfs": {"type": "layers", "diff_ids": [digest_of(&base), digest_of(&layer)]},
    });
    let mut saved = tar::Builder::new(Vec::new());
    append(&mut saved, "1/layer.tar", &base);
    append(&mut saved, "2/layer.tar", &layer);
    append(&mut saved, "c.json", configuration.to_string().as_bytes());
    append(&mut saved, "manifest.json", br#"[{"Config":"c.json","Layers":["1/layer.tar","2/layer.tar"]}]"#);
    let path = app.app.images.partial_path();
    std::fs::write(&path, saved.into_inner().unwrap()).unwrap();
    let (notes, _heard) = tokio::sync::mpsc::unbounded_channel();
    let image = app.app.images.import(path, notes, &Default::default()).await.unwrap();

    let actor = app.token(&["read", "build"]).await;
    let accepted = actor.post(&format!("/api/v1/projects/{project}/builds"), json!({})).await.expect(202).json();
    let build: uuid::Uuid = accepted["id"].as_str().unwrap().parse().unwrap();
    actor.post(&format!("/api/v1/builds/{build}:cancel"), json!({})).await.expect(202);
    let db = &app.app.db;
    db.sql(
        "INSERT INTO image (digest, project_id, build_id, size, platform, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(image.digest.to_string())
    .bind(project)
    .bind(build)
    .bind(i64::try_from(image.size).unwrap())
    .bind(image.platform)
    .bind(db.now())
    .execute()
    .await
    .unwrap();
    image.digest.to_string()
}

#[tokio::test]
async fn an_image_is_pushed_read_back_and_only_then_published_and_a_second_time_nothing_is_sent() {
    let (Some(open), Some(locked)) = (world::open_registry().await, world::password_registry().await) else { return };
    let it = Published::new().await;
    let actor = it.app.admin().await;
    for (access, credential) in [(&open, None), (&locked, Some(password(&locked)))] {
        let registry = it.registry(&actor, access, credential.as_deref()).await;
        let job = it.publish_to_end(&actor, &registry, json!({})).await;
        assert_eq!(job.state, JobState::Done, "{job:#?}");

        let repository = format!("gantry-test/{}", it.name);
        let place = format!("{}/{repository}", access.address);
        let publication = it.publications(&actor).await.remove(0);
        assert_eq!(publication["reference"], format!("{place}:0.1.0"));
        assert_eq!(publication["pullCommand"], format!("docker pull {place}@{}", it.digest));
        assert!(publication["publishedAt"].is_string());
        let there = Repository::open(access, &repository.parse().unwrap(), &"0.1.0".parse().unwrap()).await.unwrap();
        assert_eq!(there.tag_digest().await.unwrap().unwrap().as_str(), it.digest);

        let events = it.app.app.jobs.log().history(job.id).await.unwrap();
        let progress: Vec<i64> = events
            .iter()
            .filter_map(|event| match &event.body {
                EventBody::PublishProgress { blob: Some(_), current, total, .. } if *total > 1_000_000 => {
                    Some(*current)
                }
                _ => None,
            })
            .collect();
        assert!(progress.len() >= 2 && progress.is_sorted(), "{progress:?}");
        let done = events.iter().filter(|event| matches!(event.body, EventBody::PublishDone { .. })).count();
        assert_eq!(done, 1);

        let again = it.publish_to_end(&actor, &registry, json!({})).await;
        assert_eq!(again.state, JobState::Done);
        let events = it.app.app.jobs.log().history(again.id).await.unwrap();
        let sent = events.iter().any(|event| matches!(event.body, EventBody::PublishProgress { blob: Some(_), .. }));
        assert!(!sent, "the tag was there with the same digest");
    }
}

#[tokio::test]
async fn a_tag_that_has_another_digest_is_refused_before_anything_is_sent() {
    let Some(open) = world::open_registry().await else { return };
    let (first, second) = (Published::new().await, Published::new().await);
    let repository = format!("gantry-test/{}", world::unique("taken"));
    let where_to = json!({"repository": repository, "tag": "1.0.0"});
    let actor = first.app.admin().await;
    let registry = first.registry(&actor, &open, None).await;
    assert_eq!(first.publish_to_end(&actor, &registry, where_to.clone()).await.state, JobState::Done);

    let actor = second.app.admin().await;
    let registry = second.registry(&actor, &open, None).await;
    let job = second.publish_to_end(&actor, &registry, where_to).await;
    let reason = job.reason.unwrap();
    assert_eq!((job.state, reason.code.as_str()), (JobState::Failed, "tag_exists"));
    assert!(reason.message.contains(&first.digest), "{}", reason.message);
    let events = second.app.app.jobs.log().history(job.id).await.unwrap();
    assert!(!events.iter().any(|event| matches!(event.body, EventBody::PublishProgress { .. })), "something was sent");
    let publication = second.publications(&actor).await.remove(0);
    assert_eq!((&publication["pullCommand"], &publication["publishedAt"]), (&Value::Null, &Value::Null));
    // The same image under another tag is welcome.
    let free = json!({"repository": repository, "tag": "1.0.1"});
    assert_eq!(second.publish_to_end(&actor, &registry, free).await.state, JobState::Done);
}

#[tokio::test]
async fn a_wrong_password_is_final_and_is_not_repeated_anywhere() {
    let Some(locked) = world::password_registry().await else { return };
    let it = Published::new().await;
    let actor = it.app.admin().await;
    let registry = it.registry(&actor, &locked, Some("wrong-password-7")).await;
    let job = it.publish_to_end(&actor, &registry, json!({})).await;
    let reason = job.reason.clone().unwrap();
    assert_eq!((job.state, reason.code.as_str(), job.attempt), (JobState::Failed, "registry_unauthorized", 1));
    let events = it.app.app.jobs.log().history(job.id).await.unwrap();
    let everything = format!("{job:?} {} {:?}", serde_json::to_string(&events).unwrap(), it.publications(&actor).await);
    assert!(!everything.contains("wrong-password-7"));
}

#[tokio::test]
async fn a_registry_that_is_down_is_tried_again_with_the_reason_shown() {
    let it = Published::new().await;
    let actor = it.app.admin().await;
    let down = RegistryAccess {
        address: "127.0.0.1:1".to_owned(),
        prefix: String::new(),
        username: String::new(),
        credential: None,
        plain_http: true,
        ca_certificate: None,
    };
    let registry = it.registry(&actor, &down, None).await;
    let accepted = it.publish(&actor, &registry, json!({})).await;
    let job = world::job_until(&it.app, accepted["jobId"].as_str().unwrap(), |job| {
        job.state == JobState::Queued && job.attempt > 0
    })
    .await;
    assert_eq!(job.reason.unwrap().code, "registry_unreachable");
}

#[tokio::test]
async fn a_push_is_cancelled_in_the_middle_and_goes_on_when_retried() {
    // A registry that takes what is sent to it as slowly as anybody can bear.
    let Some(open) = world::open_registry().await else { return };
    let slow = slow_proxy(open.address.clone()).await;
    // More than the sockets on the way hold.
    let it = Published::of_size(24_000_000).await;
    let actor = it.app.admin().await;
    let access = RegistryAccess { address: slow, ..open };
    let registry = it.registry(&actor, &access, None).await;
    let accepted = it.publish(&actor, &registry, json!({})).await;
    let job_id = accepted["jobId"].as_str().unwrap();
    let under_way = async || {
        it.app.app.jobs.log().history(job_id.parse().unwrap()).await.unwrap().iter().any(|event| {
            matches!(event.body, EventBody::PublishProgress { current, total, .. } if current > 0 && current < total)
        })
    };
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while !under_way().await {
        assert!(std::time::Instant::now() < until, "the push never began");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let asked = std::time::Instant::now();
    actor.post(&format!("/api/v1/jobs/{job_id}:cancel"), json!({})).await.expect(202);
    let job = world::job_ends(&it.app, job_id).await;
    assert_eq!(job.state, JobState::Cancelled);
    assert!(asked.elapsed() < std::time::Duration::from_secs(1), "{:?}", asked.elapsed());
    let publication = it.publications(&actor).await.remove(0);
    assert_eq!(publication["pullCommand"], Value::Null);

    actor.post(&format!("/api/v1/jobs/{job_id}:retry"), json!({})).await.expect(202);
    assert_eq!(world::job_ends(&it.app, job_id).await.state, JobState::Done);
    assert!(it.publications(&actor).await.remove(0)["pullCommand"].is_string());
}

/// Passes bytes on to `target`, at most four megabytes per second towards it; its address.
async fn slow_proxy(target: String) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let target = target.clone();
            tokio::spawn(async move {
                let far = tokio::net::TcpStream::connect(target).await.unwrap();
                let (mut near_read, mut near_write) = near.into_split();
                let (mut far_read, mut far_write) = far.into_split();
                let back = tokio::spawn(async move { tokio::io::copy(&mut far_read, &mut near_write).await });
                let mut part = vec![0; 64 * 1024];
                while let Ok(read @ 1..) = near_read.read(&mut part).await {
                    if far_write.write_all(&part[..read]).await.is_err() {
                        break;
                    }
                    tokio::time::sleep(std::time::Duration::from_millis(read as u64 / 4000)).await;
                }
                drop(far_write);
                let _ = back.await;
            });
        }
    });
    address
}

#[tokio::test]
async fn what_cannot_be_published_is_refused_with_the_reason() {
    let it = Published::new().await;
    let actor = it.app.admin().await;
    let nobody = "0190b5a2-0000-7000-8000-000000000000";
    let publish = format!("/api/v1/images/{}:publish", it.digest);
    let unknown = actor.post(&publish, json!({"registryId": nobody})).await.expect(422).json();
    assert_eq!(unknown["errors"][0]["code"], "registry_unknown");
    let wrong = json!({"registryId": nobody, "repository": "../Up", "tag": "-x"});
    assert_eq!(actor.post(&publish, wrong).await.expect(422).json()["errors"][0]["path"], "/repository");
    let absent = format!("sha256:{}", "00".repeat(32));
    actor.get(&format!("/api/v1/images/{absent}")).await.expect(404);
    actor.get("/api/v1/images/latest").await.expect(404);
    let reader = it.app.token(&["read", "build"]).await;
    reader.post(&publish, json!({"registryId": nobody})).await.expect(403);
}

#[tokio::test]
async fn a_registry_with_an_authority_of_its_own_and_signed_tokens_takes_an_image() {
    let Some(secure) = secure_registry::start().await else { return };
    let it = Published::new().await;
    let actor = it.app.admin().await;
    let right = password(&secure.access);
    let registry = it.registry(&actor, &secure.access, Some(&right)).await;
    let tested = actor.post(&format!("/api/v1/registries/{registry}:test"), json!({})).await.expect(200).json();
    assert_eq!(tested["ok"], true, "{tested}");
    assert!(tested["message"].as_str().unwrap().contains("gives a token"), "{tested}");

    let job = it.publish_to_end(&actor, &registry, json!({})).await;
    assert_eq!(job.state, JobState::Done, "{job:#?}");
    let repository = format!("gantry-test/{}", it.name);
    let there =
        Repository::open(&secure.access, &repository.parse().unwrap(), &"0.1.0".parse().unwrap()).await.unwrap();
    assert_eq!(there.tag_digest().await.unwrap().unwrap().as_str(), it.digest);
    let scopes = secure.scopes.lock().unwrap().clone();
    assert!(scopes.contains(&format!("repository:{repository}:pull,push")), "{scopes:?}");

    // The token service turns a wrong password away.
    let wrong = it.registry(&actor, &secure.access, Some("wrong-password-8")).await;
    let tested = actor.post(&format!("/api/v1/registries/{wrong}:test"), json!({})).await.expect(200).json();
    assert!(tested["message"].as_str().unwrap().contains("does not accept the credential"), "{tested}");
    let job = it.publish_to_end(&actor, &wrong, json!({"tag": "2"})).await;
    assert_eq!((job.state, job.reason.unwrap().code.as_str()), (JobState::Failed, "registry_unauthorized"));

    // Without the authority's certificate nobody can know who answers: final, and it says what to do.
    let stranger = RegistryAccess { ca_certificate: None, ..secure.access.clone() };
    let registry = it.registry(&actor, &stranger, Some(&right)).await;
    let asked = secure.scopes.lock().unwrap().len();
    let tested = actor.post(&format!("/api/v1/registries/{registry}:test"), json!({})).await.expect(200).json();
    assert!(tested["message"].as_str().unwrap().contains("authority's certificate"), "{tested}");
    let job = it.publish_to_end(&actor, &registry, json!({"tag": "3"})).await;
    let reason = job.reason.unwrap();
    assert_eq!((job.state, reason.code.as_str(), job.attempt), (JobState::Failed, "registry_untrusted", 1));
    assert_eq!(secure.scopes.lock().unwrap().len(), asked, "the password was sent");
}

#[tokio::test]
async fn a_certificate_is_kept_shown_removed_and_refused_when_it_is_none() {
    for_both(async |app| {
        let admin = app.admin().await;
        // Made by `openssl req -x509 -newkey ec … -days 36500`, for nothing else.
        let pem = include_str!("fixtures/authority.pem");
        let body = |pem: &str| json!({"name": "r", "address": "registry.example", "caCertificate": pem});
        let made = admin.post("/api/v1/registries", body(pem)).await.expect(201).json();
        assert_eq!(made["caCertificate"], pem.trim());
        let path = format!("/api/v1/registries/{}", made["id"].as_str().unwrap());
        let cut = &pem[..pem.len() / 2];
        for bad in [
            "hello",
            cut,
            &format!("{pem}{cut}"),
            &format!("{pem}{}", "x".repeat(70_000)),
            "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----",
        ] {
            let refused = admin.put(&path, body(bad)).await.expect(422).json();
            assert_eq!(
                (&refused["errors"][0]["path"], &refused["errors"][0]["code"]),
                (&json!("/caCertificate"), &json!("invalid_certificate"))
            );
        }
        let two = format!("{pem}\n{pem}");
        assert_eq!(admin.put(&path, body(&two)).await.expect(200).json()["caCertificate"], two.trim());
        assert_eq!(admin.put(&path, body(" ")).await.expect(200).json()["caCertificate"], Value::Null);
    })
    .await;
}

#[tokio::test]
async fn a_base_image_comes_out_of_a_registry_that_asks_for_a_password() {
    let (Some(engine), Some(locked)) = (world::engine().await, world::password_registry().await) else { return };
    let it = Published::on(TestApp::sqlite_with(&["--docker", &engine]).await, 100_000).await;
    let actor = it.app.admin().await;
    let registry = it.registry(&actor, &locked, Some(&password(&locked))).await;
    assert_eq!(it.publish_to_end(&actor, &registry, json!({})).await.state, JobState::Done);

    let dockerfile = format!("FROM {}/gantry-test/{}:0.1.0\nCOPY Dockerfile /added\n", locked.address, it.name);
    let project = world::project_with(&it.app, &world::unique("private"), &[("Dockerfile", &dockerfile)]).await;
    let build = async || {
        let accepted = actor.post(&format!("/api/v1/projects/{project}/builds"), json!({})).await.expect(202).json();
        world::job_ends(&it.app, accepted["jobId"].as_str().unwrap()).await
    };
    // Nobody who knows the password: the registry's refusal is the reason.
    actor.delete(&format!("/api/v1/registries/{registry}")).await.expect(204);
    let job = build().await;
    let reason = job.reason.unwrap();
    assert_eq!((job.state, reason.code.as_str()), (JobState::Failed, "build_failed"));
    assert!(reason.message.contains("401") || reason.message.contains("no basic auth"), "{}", reason.message);

    it.registry(&actor, &locked, Some(&password(&locked))).await;
    let job = build().await;
    assert_eq!(job.state, JobState::Done, "{job:#?}");
    let events = serde_json::to_string(&it.app.app.jobs.log().history(job.id).await.unwrap()).unwrap();
    assert!(
        events.contains(&format!("Base images from {} are pulled with the credential", locked.address)),
        "{events}"
    );
    assert!(!events.contains(&password(&locked)));
}

#[tokio::test]
async fn a_deleted_projects_image_leaves_the_store_and_what_others_share_stays() {
    for_both(async |app| {
        let names = [world::unique("gone"), world::unique("stays")];
        let mut images = Vec::new();
        for name in &names {
            let project = world::project_with(&app, name, &[("Dockerfile", "FROM scratch\n")]).await;
            images.push((project, image_of(&app, project, name, 50_000).await));
        }
        let store = app.app.images.root().to_owned();
        let blobs = || files_below(&store.join("blobs")).len();
        // Two manifests, two configurations, two layers of their own and one in common.
        assert_eq!((blobs(), files_below(&store.join("diffs")).len()), (7, 3));
        let sweep = async |age| gantry_server::image::sweep(&app.app, age).await.unwrap().unwrap();
        assert_eq!(sweep(Duration::ZERO).await.blobs, 0, "everything is needed");

        app.admin().await.delete(&format!("/api/v1/projects/{}", images[0].0)).await.expect(204);
        assert_eq!(sweep(Duration::from_secs(3_600)).await.blobs, 0, "what is young may be about to be kept");
        let swept = sweep(Duration::ZERO).await;
        assert!(swept.blobs == 3 && swept.bytes > 40_000, "{swept:?}");
        assert_eq!((blobs(), files_below(&store.join("diffs")).len()), (4, 2));
        let gone = images[0].1.parse().unwrap();
        let stays = images[1].1.parse().unwrap();
        assert!(app.app.images.manifest(&gone).await.is_err() && !app.app.images.refresh(&gone).await.unwrap());
        assert!(app.app.images.refresh(&stays).await.unwrap());
        let index: Value = serde_json::from_slice(&std::fs::read(store.join("index.json")).unwrap()).unwrap();
        assert_eq!(index["manifests"].as_array().unwrap().len(), 1);
        assert_eq!(index["manifests"][0]["digest"], images[1].1);
        assert_eq!(sweep(Duration::ZERO).await.blobs, 0, "a second time there is nothing to do");

        // A sweep that was cut off after it began: what is left is found by the next one.
        let project = world::project_with(&app, &names[0], &[("Dockerfile", "FROM scratch\n")]).await;
        image_of(&app, project, &names[0], 50_000).await;
        app.admin().await.delete(&format!("/api/v1/projects/{project}")).await.expect(204);
        std::fs::remove_file(app.app.images.blob_path(&gone)).unwrap();
        assert_eq!(sweep(Duration::ZERO).await.blobs, 2);
        assert_eq!(blobs(), 4);
    })
    .await;
}

#[tokio::test]
async fn nothing_is_swept_while_it_is_not_known_what_is_needed() {
    let app = TestApp::sqlite().await;
    let name = world::unique("bot");
    let project = world::project_with(&app, &name, &[("Dockerfile", "FROM scratch\n")]).await;
    let digest = image_of(&app, project, &name, 50_000).await.parse().unwrap();
    let blobs = || files_below(&app.app.images.root().join("blobs")).len();
    // A database that knows of no image and finds the store of another one.
    let directory = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}/other.db", directory.path().display());
    gantry_server::image::sweep(&app.app, Duration::ZERO).await.unwrap();
    let other = gantry_server::app::App::open(crate::support::config(app.data(), Some(&database), &[])).await.unwrap();
    gantry_server::image::sweep(&other, Duration::ZERO).await.unwrap();
    assert_eq!(blobs(), 4);
    other.db.close().await;
    // A manifest that is damaged: its layers are not known.
    std::fs::write(app.app.images.blob_path(&digest), "{}").unwrap();
    assert!(gantry_server::image::sweep(&app.app, Duration::ZERO).await.is_err());
    assert_eq!(blobs(), 4);
}
