//! The real parts that tests of builds and publications need: where they are, and that they answer.
//! `scripts/docker-engine.sh`, `scripts/base-image.sh` and `scripts/registry.sh` start them.

use gantry_server::outside::docker::Docker;
use gantry_server::outside::oci::RegistryAccess;

use super::part_is_wanted;

/// The Docker Engine's address; none when `GANTRY_TEST_SKIP` names `docker`.
///
/// # Panics
/// When it is wanted and does not answer.
pub async fn engine() -> Option<String> {
    if !part_is_wanted("docker") {
        return None;
    }
    let named = std::env::var("GANTRY_DOCKER").ok();
    let own = "unix:///run/gantry-test-docker.sock";
    let usual = "unix:///var/run/docker.sock";
    let address = named.unwrap_or_else(|| {
        let usual_is_there = std::path::Path::new("/var/run/docker.sock").exists();
        if usual_is_there { usual } else { own }.to_owned()
    });
    if let Err(error) = Docker::new(&address).version().await {
        panic!("{error}. scripts/docker-engine.sh up starts one; or leave it out with GANTRY_TEST_SKIP=docker");
    }
    Some(address)
}

/// The registry that lets everybody in; none when `GANTRY_TEST_SKIP` names `registry`.
pub async fn open_registry() -> Option<RegistryAccess> {
    registry("GANTRY_TEST_REGISTRY", "127.0.0.1:5701", None).await
}

/// The registry that asks for a password, with the right one; none when `GANTRY_TEST_SKIP` names `registry`.
pub async fn password_registry() -> Option<RegistryAccess> {
    let credential = std::env::var("GANTRY_TEST_REGISTRY_CREDENTIAL");
    let credential = credential.unwrap_or_else(|_| "gantry:test-password-1".to_owned());
    registry("GANTRY_TEST_REGISTRY_PASSWORD", "127.0.0.1:5702", Some(&credential)).await
}

async fn registry(variable: &str, usual: &str, credential: Option<&str>) -> Option<RegistryAccess> {
    if !part_is_wanted("registry") {
        return None;
    }
    let _ = rustls::crypto::ring::default_provider().install_default();
    let address = std::env::var(variable).unwrap_or_else(|_| usual.to_owned());
    if let Err(error) = reqwest::get(format!("http://{address}/v2/")).await {
        panic!(
            "no registry answers at {address} ({error}). scripts/registry.sh up starts it; \
             or leave it out with GANTRY_TEST_SKIP=registry"
        );
    }
    let (username, password) = credential.and_then(|pair| pair.split_once(':')).unwrap_or_default();
    Some(RegistryAccess {
        address,
        prefix: "gantry-test".to_owned(),
        username: username.to_owned(),
        credential: (!password.is_empty()).then(|| password.into()),
        plain_http: true,
        ca_certificate: None,
    })
}

/// A name that no other test uses.
pub fn unique(start: &str) -> String {
    format!("{start}-{}", &uuid::Uuid::now_v7().simple().to_string()[12..])
}

/// A project whose files are these and not what a generator makes: for builds that fail, hang or
/// are tricky. Its id.
pub async fn project_with(app: &super::TestApp, name: &str, files: &[(&str, &str)]) -> uuid::Uuid {
    let id = uuid::Uuid::now_v7();
    let spec = serde_json::json!({
        "apiVersion": "gantry/v1",
        "kind": "Agent",
        "metadata": {"name": name, "version": "0.1.0"},
        "target": {"framework": "react", "language": "python", "pattern": "react"},
        "models": {"default": {}},
        "agents": [{"id": "main", "role": "helper", "instructions": "Help."}],
    });
    let files: Vec<_> =
        files.iter().map(|(path, content)| serde_json::json!({"path": path, "content": content})).collect();
    let db = &app.app.db;
    db.sql(
        "INSERT INTO project (id, name, description, framework, version, spec, revision, created_by, created_at, updated_at)
         VALUES ($1, $2, '', 'react', '0.1.0', $3, 1, 'test', $4, $4)",
    )
    .bind(id)
    .bind(name.to_owned())
    .bind(spec)
    .bind(db.now())
    .execute()
    .await
    .unwrap();
    db.sql(
        "INSERT INTO revision (project_id, number, generator_version, files, created_at) VALUES ($1, 1, 'test', $2, $3)",
    )
    .bind(id)
    .bind(serde_json::to_vec(&files).unwrap())
    .bind(db.now())
    .execute()
    .await
    .unwrap();
    id
}

/// Waits until a job has ended, or what is asked of it is true.
///
/// # Panics
/// When that takes longer than five minutes.
pub async fn job_until(
    app: &super::TestApp,
    id: &str,
    enough: impl Fn(&gantry_domain::api::job::Job) -> bool,
) -> gantry_domain::api::job::Job {
    let id = id.parse().unwrap();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(300);
    loop {
        let job = app.app.jobs.get(id).await.unwrap();
        if job.state.is_final() || enough(&job) {
            return job;
        }
        assert!(std::time::Instant::now() < until, "the job takes too long: {job:#?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// Waits until a job has ended.
pub async fn job_ends(app: &super::TestApp, id: &str) -> gantry_domain::api::job::Job {
    job_until(app, id, |_| false).await
}
