//! An image's way through the outside world: a real Docker Engine builds it, the store keeps it, a
//! real registry takes it and gives it back.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on is to fail")]

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::support::world;
use bytes::Bytes;
use gantry_server::outside::buildkit::{self, BuildError, BuildRequest, Progress};
use gantry_server::outside::docker::Docker;
use gantry_server::outside::layout::ImageStore;
use gantry_server::outside::oci::{self, RegistryAccess, RegistryError, Repository};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

fn context(files: &[(&str, &str)]) -> Bytes {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, text.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap().into()
}

fn request(dockerfile: &str) -> BuildRequest {
    BuildRequest {
        name: format!("{}:latest", world::unique("gantry-test")),
        context: context(&[("Dockerfile", dockerfile), ("hello.txt", "hello")]),
        dockerfile: "Dockerfile".to_owned(),
        ..BuildRequest::default()
    }
}

/// Builds, and gathers what was reported.
async fn build(
    docker: &Docker,
    request: BuildRequest,
    cancel: &CancellationToken,
) -> (Result<(), BuildError>, Vec<Progress>) {
    let (sender, mut receiver) = mpsc::channel(16);
    let gather = tokio::spawn(async move {
        let mut reports = Vec::new();
        while let Some(report) = receiver.recv().await {
            reports.push(report);
        }
        reports
    });
    let built = buildkit::build(docker, request, sender, cancel).await;
    (built, gather.await.unwrap())
}

fn said(reports: &[Progress], wanted: &str) -> bool {
    reports.iter().any(|report| match report {
        Progress::Line { text, .. } => text.contains(wanted),
        Progress::Step(step) => step.name.contains(wanted),
    })
}

#[tokio::test]
async fn an_image_is_built_stored_pushed_and_read_back() {
    let (Some(address), Some(access)) = (world::engine().await, world::open_registry().await) else { return };
    let docker = Docker::new(&address);
    let folder = tempfile::tempdir().unwrap();
    let store = ImageStore::open(folder.path()).unwrap();
    let request = request(&format!(
        "FROM python:3.12-slim\nCOPY hello.txt /hello.txt\nRUN echo built-{} && echo oops >&2\n",
        world::unique("x")
    ));
    let name = request.name.clone();
    let (built, reports) = build(&docker, request, &CancellationToken::new()).await;
    built.unwrap();
    assert!(said(&reports, "built-x-") && said(&reports, "oops") && said(&reports, "FROM "), "{reports:#?}");

    let saved = store.partial_path();
    docker.save_image(&name, &saved).await.unwrap();
    let (notes, _heard) = mpsc::unbounded_channel();
    let image = store.import(saved, notes, &CancellationToken::new()).await.unwrap();
    docker.remove_image(&name).await.unwrap();
    assert!(!docker.has_image(&name).await.unwrap());

    let repository = format!("{}/{}", access.prefix, world::unique("image")).parse().unwrap();
    let tag = "1.0.0".parse().unwrap();
    let target = Repository::open(&access, &repository, &tag).await.unwrap();
    assert_eq!(target.tag_digest().await.unwrap(), None);
    let (bytes, manifest) = store.manifest(&image.digest).await.unwrap();
    for blob in manifest.blobs() {
        assert!(!target.has_blob(blob).await.unwrap());
        let last = Arc::new(Mutex::new(0));
        let seen = last.clone();
        let path = store.blob_path(&blob.digest);
        target.push_blob(blob, &path, move |sent| *seen.lock().unwrap() = sent).await.unwrap();
        assert_eq!(*last.lock().unwrap(), blob.size);
        assert!(target.has_blob(blob).await.unwrap());
    }
    target.push_manifest(bytes).await.unwrap();
    let again = Repository::open(&access, &repository, &tag).await.unwrap();
    assert_eq!(again.tag_digest().await.unwrap(), Some(image.digest));
}

#[tokio::test]
async fn a_failing_step_is_named_with_its_last_lines() {
    let Some(address) = world::engine().await else { return };
    let dockerfile = format!("FROM python:3.12-slim\nRUN echo before-{} && exit 3\n", world::unique("x"));
    let (built, reports) = build(&Docker::new(&address), request(&dockerfile), &CancellationToken::new()).await;
    let Err(BuildError::Failed { step, message, last_lines }) = built else { panic!("{built:?}") };
    assert!(step.as_deref().unwrap_or_default().contains("RUN echo before-"), "{step:?} {reports:#?}");
    assert!(message.contains("exit code: 3"), "{message}");
    assert!(last_lines.iter().any(|line| line.starts_with("before-")), "{last_lines:?}");
}

#[tokio::test]
async fn a_wrong_dockerfile_is_refused_with_the_reason() {
    let Some(address) = world::engine().await else { return };
    for (dockerfile, expected) in [
        ("FROM python:3.12-slim\nFLY away\n", "unknown instruction"),
        ("FROM python:3.12-slim\nCOPY absent /\n", "absent"),
        ("FROM localhost:1/no/such:image\n", "localhost:1"),
    ] {
        let (built, _) = build(&Docker::new(&address), request(dockerfile), &CancellationToken::new()).await;
        let Err(error @ BuildError::Failed { .. }) = built else { panic!("{dockerfile}: {built:?}") };
        assert!(error.to_string().contains(expected), "{dockerfile}: {error}");
    }
}

#[tokio::test]
async fn cancelling_kills_the_step_within_a_second() {
    let Some(address) = world::engine().await else { return };
    // A name that is looked for among the machine's processes.
    let mark = world::unique("sleeper").replace('-', "");
    let dockerfile = format!(
        "FROM python:3.12-slim\nRUN python3 -c \"import time; '{mark}'; print('begun', flush=True); time.sleep(300)\"\n"
    );
    let cancel = CancellationToken::new();
    let when = cancel.clone();
    let docker = Docker::new(&address);
    let (sender, mut receiver) = mpsc::channel(16);
    let wait = tokio::spawn(async move {
        while let Some(report) = receiver.recv().await {
            if matches!(&report, Progress::Line { text, .. } if text == "begun") {
                when.cancel();
                return Instant::now();
            }
        }
        panic!("the step never began");
    });
    let built = buildkit::build(&docker, request(&dockerfile), sender, &cancel).await;
    assert!(matches!(built, Err(BuildError::Cancelled)), "{built:?}");
    assert!(wait.await.unwrap().elapsed() < Duration::from_secs(1));
    let gone_by = Instant::now() + Duration::from_secs(3);
    while running(&mark) {
        assert!(Instant::now() < gone_by, "the step still runs");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Whether a process of this machine has `mark` in its command line.
fn running(mark: &str) -> bool {
    std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(mark) && line.starts_with(b"python3")
    })
}

#[tokio::test]
async fn an_engine_without_buildkit_or_no_engine_at_all_is_said_so() {
    let none = Docker::new("unix:///nowhere/docker.sock");
    let (built, _) = build(&none, request("FROM scratch\n"), &CancellationToken::new()).await;
    assert!(built.unwrap_err().to_string().contains("does not answer at unix:///nowhere/docker.sock"));

    // Something that speaks HTTP and knows no upgrade.
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("docker.sock");
    let listener = tokio::net::UnixListener::bind(&socket).unwrap();
    let router = axum::Router::new().fallback(|| async { axum::http::StatusCode::NOT_FOUND });
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    let old = Docker::new(&format!("unix://{}", socket.display()));
    let (built, _) = build(&old, request("FROM scratch\n"), &CancellationToken::new()).await;
    assert!(matches!(built, Err(BuildError::Unsupported { .. })), "{built:?}");
    serving.abort();
}

#[tokio::test]
async fn a_connection_test_tells_right_from_wrong() {
    let (Some(open), Some(right)) = (world::open_registry().await, world::password_registry().await) else { return };
    for access in [&open, &right] {
        let test = oci::test_connection(access).await;
        assert!(test.ok, "{}", test.message);
    }
    let wrong = RegistryAccess { credential: Some("wrong".into()), ..right.clone() };
    let none = RegistryAccess { credential: None, ..right.clone() };
    let down = RegistryAccess { address: "127.0.0.1:1".to_owned(), ..open.clone() };
    for (access, expected) in
        [(wrong, "does not accept the credential"), (none, "none is stored"), (down, "cannot be reached")]
    {
        let test = oci::test_connection(&access).await;
        assert!(!test.ok && test.message.contains(expected), "{}", test.message);
    }
}

#[tokio::test]
async fn a_wrong_password_a_missing_one_and_a_registry_that_is_down_are_told_apart() {
    let Some(right) = world::password_registry().await else { return };
    let repository = "gantry-test/refused".parse().unwrap();
    let tag = "1".parse().unwrap();
    let asked = async |access: RegistryAccess| match Repository::open(&access, &repository, &tag).await {
        Ok(opened) => opened.tag_digest().await.map(drop),
        Err(error) => Err(error),
    };
    asked(right.clone()).await.unwrap();
    let wrong = asked(RegistryAccess { credential: Some("wrong".into()), ..right.clone() }).await;
    assert!(matches!(wrong, Err(RegistryError::Unauthorized { .. })), "{wrong:?}");
    let none = asked(RegistryAccess { credential: None, ..right.clone() }).await;
    assert!(matches!(none, Err(RegistryError::Unauthorized { .. })), "{none:?}");
    let down = asked(RegistryAccess { address: "127.0.0.1:1".to_owned(), ..right }).await;
    assert!(matches!(down, Err(RegistryError::Unreachable { .. })), "{down:?}");
}
