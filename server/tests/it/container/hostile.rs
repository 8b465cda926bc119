//! What a project in a container tries and does not get: processes, disk, memory, the network, keys.

use std::time::{Duration, Instant};

use gantry_domain::api::job::JobState;
use gantry_domain::matrix::Framework;
use serde_json::{Value, json};

use super::{containers, ended, python, spec_for, start_in_container, tidy, with_engine};
use crate::support::fake_model::{FakeModel, Reply};
use crate::support::stories::*;
use crate::support::world;

const FORK: &str = r#"import os, time
count = 0
try:
    while count < 1000:
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
        count += 1
except OSError as error:
    return f"after {count}: {error}"
return "never stopped"
"#;

const FILL: &str = r#"import os
told = []
for place in ("/", "/app", "/app/src", "/var/tmp", "/home", "/data", "/tmp", "/dev/shm"):
    path = os.path.join(place, "filled")
    written = 0
    try:
        with open(path, "wb", buffering=0) as file:
            while written < 1 << 30:
                written += file.write(bytes(1 << 20))
    except OSError as error:
        told.append(f"{place}: {written >> 20} MiB, {error.strerror}")
    else:
        told.append(f"{place}: NEVER STOPPED")
    finally:
        if os.path.exists(path):
            os.remove(path)
return "\n".join(told)
"#;

const REACH: &str = r#"import os, socket
told = [f"interfaces: {sorted(os.listdir('/sys/class/net'))}"]
for host, port in (("1.1.1.1", 80), ("172.17.0.1", 22), ("169.254.169.254", 80), ("10.0.2.2", 80)):
    try:
        socket.create_connection((host, port), timeout=3)
        told.append(f"{host}: REACHED")
    except OSError as error:
        told.append(f"{host}: {error}")
try:
    socket.getaddrinfo("example.com", 80)
    told.append("example.com: RESOLVED")
except OSError as error:
    told.append(f"example.com: {error}")
try:
    socket.create_connection(("127.0.0.1", 7777), timeout=3).close()
    told.append("gateway: reached")
except OSError as error:
    told.append(f"gateway: {error}")
return "\n".join(told)
"#;

const LOOK: &str = r#"import os
wanted = "-".join(["sk", "secret", "key"])
found, read = [], 0
for process in os.listdir("/proc"):
    if process.isdigit():
        for name in ("environ", "cmdline"):
            try:
                if wanted in open(f"/proc/{process}/{name}", errors="replace").read():
                    found.append(f"/proc/{process}/{name}")
                read += 1
            except OSError:
                pass
for folder in ("/app", "/tmp", "/etc", "/run", "/var", "/home", "/root"):
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                with open(os.path.join(place, name), "rb") as file:
                    if wanted.encode() in file.read(8 << 20):
                        found.append(os.path.join(place, name))
                read += 1
            except OSError:
                pass
status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
rights = {name: status[name].split()[0] for name in ("Uid", "CapEff", "CapBnd", "NoNewPrivs", "Seccomp")}
token = os.environ["OPENAI_API_KEY"].startswith("_".join(["gantry", "run", ""]))
return f"read {read}, found {found}, {rights}, token {token}, socket {os.path.exists('/var/run/docker.sock')}"
"#;

const EAT: &str = "held = []\nwhile True:\n    held.append(bytearray(16 << 20))\n";
const LEAVE: &str =
    "import os, sys\nprint('The key is ' + os.environ['OPENAI_API_KEY'], file=sys.stderr, flush=True)\nos._exit(3)\n";
const SLEEP: &str = "import time\ntime.sleep(60)\nreturn 'awake'\n";

#[tokio::test(flavor = "multi_thread")]
async fn what_a_container_tries_ends_in_a_limit_and_with_a_reason() {
    let Some(test) = with_engine(&["--run-memory-mib", "128", "--run-processes", "40"]).await else { return };
    test.start_workers().await;
    let admin = test.admin().await;
    let tools = json!([
        python("fork", FORK),
        python("fill", FILL),
        python("reach", REACH),
        python("look", LOOK),
        python("eat", EAT),
        python("leave", LEAVE),
        python("sleep", SLEEP),
    ]);
    let mut spec = spec_for(Framework::React, tools);
    spec["guardrails"] = json!({"maxSeconds": 30});
    let created = admin.post("/api/v1/projects", json!({"spec": spec})).await.expect(201).json();
    let project = id(&created["id"]);
    // A folder that is a volume would be one on the disk of the machine.
    let files = admin.get(&format!("/api/v1/projects/{project}/files/Dockerfile")).await.expect(200).json();
    let dockerfile = files["content"]
        .as_str()
        .unwrap()
        .replace("USER 10001:10001", "RUN mkdir /data && chmod 777 /data\nVOLUME /data\nUSER 0");
    let change = json!({"content": dockerfile, "expectedRevision": created["revision"]});
    admin.put(&format!("/api/v1/projects/{project}/files/Dockerfile"), change).await.expect(200);
    super::build(&test, &admin, project).await;

    let tried = async |tool: &'static str| {
        let model = FakeModel::start(vec![Reply::Calls(vec![(tool, "{}")]), Reply::Text("Done.")]).await;
        let provider = provider(&admin, &model.url).await;
        let (run, job) = start_in_container(&admin, project, &provider, "dev").await;
        let (_, job, log) = ended(&test, &admin, run, job).await;
        let told = results(&log).pop().unwrap_or_default();
        eprintln!("{tool}: {:?} {:?}\n{told}", job.state, job.reason);
        (job, told)
    };

    let (job, told) = tried("fork").await;
    assert_eq!(job.state, JobState::Done, "{job:#?}");
    assert!(told.starts_with("after ") && told.contains("temporarily unavailable"), "{told}");

    let (job, told) = tried("fill").await;
    assert_eq!(job.state, JobState::Done, "{job:#?}");
    for place in ["/", "/app", "/app/src", "/var/tmp", "/home"] {
        let refused = format!("{place}: 0 MiB, Read-only file system");
        assert!(told.lines().any(|line| line == refused), "{place} in {told}");
    }
    assert!(told.contains("/tmp: 63 MiB, No space") || told.contains("/tmp: 64 MiB, No space"), "{told}");
    assert!(told.contains("/data: 15 MiB, No space") || told.contains("/data: 16 MiB, No space"), "{told}");
    assert!(!told.contains("NEVER STOPPED"), "{told}");

    let (job, told) = tried("reach").await;
    assert_eq!(job.state, JobState::Done, "{job:#?}");
    assert!(told.contains("interfaces: ['lo']") && told.contains("gateway: reached"), "{told}");
    assert!(!told.contains("REACHED") && !told.contains("RESOLVED"), "{told}");

    let (job, told) = tried("look").await;
    assert_eq!(job.state, JobState::Done, "{job:#?}");
    for said in [
        "found []",
        "'Uid': '10001'",
        "'CapEff': '0000000000000000'",
        "'CapBnd': '0000000000000000'",
        "'NoNewPrivs': '1'",
        "'Seccomp': '2'",
        "token True",
        "socket False",
    ] {
        assert!(told.contains(said), "{said} in {told}");
    }

    let (job, _) = tried("eat").await;
    let reason = job.reason.unwrap();
    assert_eq!((job.state, reason.code.as_str()), (JobState::Failed, "container_out_of_memory"), "{reason:?}");
    assert!(reason.message.contains("128 MiB"), "{}", reason.message);

    let (job, _) = tried("leave").await;
    let reason = job.reason.unwrap();
    assert_eq!((job.state, reason.code.as_str()), (JobState::Failed, "container_exited"), "{reason:?}");
    assert!(
        reason.message.contains("exit code 3") && reason.message.contains("The key is [hidden]"),
        "{}",
        reason.message
    );

    let began = Instant::now();
    let (job, _) = tried("sleep").await;
    let reason = job.reason.unwrap();
    assert_eq!((job.state, reason.code.as_str()), (JobState::Failed, "time_budget"), "{reason:?}");
    assert!(began.elapsed() < Duration::from_secs(50), "{:?}", began.elapsed());
    tidy(&test, &admin, project).await;
}

/// What the engine says of a run's container.
async fn inspected(test: &crate::support::TestApp, run: uuid::Uuid) -> Value {
    let found = test.app.docker.labelled_containers("dev.gantry.run", &run.to_string()).await.unwrap();
    let socket = test.app.docker.socket().to_string_lossy().into_owned();
    let engine = bollard::Docker::connect_with_unix(&socket, 30, bollard::API_DEFAULT_VERSION).unwrap();
    let engine = engine.negotiate_version().await.unwrap();
    let options = None::<bollard::query_parameters::InspectContainerOptions>;
    serde_json::to_value(engine.inspect_container(&found[0].id, options).await.unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_in_a_container_is_stopped_within_a_second() {
    let Some(test) = with_engine(&[]).await else { return };
    test.start_workers().await;
    let admin = test.admin().await;
    let project = super::built(&test, &admin, &spec_for(Framework::React, json!([python("sleep", SLEEP)]))).await;
    let model = FakeModel::start(vec![Reply::Calls(vec![("sleep", "{}")])]).await;
    let provider = provider(&admin, &model.url).await;
    for mode in ["dev", "ask"] {
        let (run, job) = start_in_container(&admin, project, &provider, mode).await;
        // At work on a tool in the one, in front of a person in the other.
        let until = if mode == "dev" { "run.event" } else { "approval.requested" };
        let is_called =
            |event: &Value| event["type"] == until && (mode == "ask" || event["event"]["type"] == "TOOL_CALL_END");
        let began = Instant::now();
        while !log(&test.app, job).await.iter().any(is_called) {
            assert!(began.elapsed() < Duration::from_secs(60), "{:#?}", log(&test.app, job).await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(containers(&test, run).await, 1);
        let inspected = inspected(&test, run).await;
        assert!(!inspected.to_string().contains("sk-secret-key"), "the provider's key is in {inspected}");
        let host = &inspected["HostConfig"];
        assert_eq!((&host["NetworkMode"], &host["ReadonlyRootfs"]), (&json!("none"), &json!(true)));
        assert_eq!((&host["CapDrop"], &host["PidsLimit"]), (&json!(["ALL"]), &json!(128)));
        assert_eq!((&host["Memory"], &host["MemorySwap"]), (&json!(512 << 20), &json!(512 << 20)));
        assert_eq!((&host["Binds"], &inspected["Config"]["User"]), (&Value::Null, &json!("10001:10001")));
        let asked = Instant::now();
        admin.post(&format!("/api/v1/runs/{run}:cancel"), json!({})).await.expect(202);
        let stopped = world::job_ends(&test, &job.to_string()).await;
        let took = asked.elapsed();
        eprintln!("stopped within {took:?}");
        assert!(took < Duration::from_secs(1), "{mode}: {took:?}");
        assert_eq!(stopped.state, JobState::Cancelled);
        ended(&test, &admin, run, job).await;
    }
    let asked = admin.get("/api/v1/approvals?state=pending").await.json();
    assert!(!asked.to_string().contains("\"pending\""), "{asked}");
    tidy(&test, &admin, project).await;
}
