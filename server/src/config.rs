//! Every setting: a flag and an environment variable each, in one place.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use secrecy::SecretString;

/// Settings of `gantry serve`.
#[derive(clap::Args, Clone, Debug)]
pub struct Config {
    /// Where to listen. Anything but loopback should be behind a proxy that speaks HTTPS.
    #[arg(long, env = "GANTRY_LISTEN", default_value = "127.0.0.1:7777")]
    pub listen: SocketAddr,

    /// Directory for the database file, the master key and images.
    #[arg(long, env = "GANTRY_DATA", default_value = "data")]
    pub data: PathBuf,

    /// `sqlite:…` or `postgres:…`; by default the file `gantry.db` in the data directory.
    #[arg(long, env = "GANTRY_DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<SecretString>,

    /// The master key that secrets are encrypted under: 32 bytes as hexadecimal or base64.
    #[arg(long, env = "GANTRY_MASTER_KEY", hide_env_values = true)]
    pub master_key: Option<SecretString>,

    /// A file with the master key; by default `master.key` in the data directory, made on first start.
    #[arg(long, env = "GANTRY_MASTER_KEY_FILE")]
    pub master_key_file: Option<PathBuf>,

    /// The master key to rotate to, for `POST /api/v1/secrets:rotateMasterKey`.
    #[arg(long, env = "GANTRY_MASTER_KEY_NEXT", hide_env_values = true)]
    pub master_key_next: Option<SecretString>,

    /// A file with the master key to rotate to; read when the rotation is asked for.
    #[arg(long, env = "GANTRY_MASTER_KEY_NEXT_FILE")]
    pub master_key_next_file: Option<PathBuf>,

    /// Addresses of the proxies in front, separated by commas: their `X-Forwarded-For`, `-Proto` and `-Host` are believed.
    #[arg(long, env = "GANTRY_TRUSTED_PROXIES", value_delimiter = ',')]
    pub trusted_proxies: Vec<IpAddr>,

    /// The Docker Engine's socket.
    #[arg(long, env = "GANTRY_DOCKER", default_value = "unix:///var/run/docker.sock")]
    pub docker: String,

    /// The network that build steps see.
    #[arg(long, env = "GANTRY_BUILD_NETWORK", default_value = "default", value_parser = ["default", "host", "none"])]
    pub build_network: String,

    /// How large the files of one build may be together, in MiB.
    #[arg(long, env = "GANTRY_BUILD_CONTEXT_MIB", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub build_context_mib: u32,

    /// After how many minutes a build is stopped.
    #[arg(long, env = "GANTRY_BUILD_TIMEOUT_MINUTES", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=1440))]
    pub build_timeout_minutes: u16,

    /// How many jobs this node does at once.
    #[arg(long, env = "GANTRY_WORKERS", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub workers: u16,

    /// This node's name; must differ between nodes that share a database.
    #[arg(long, env = "GANTRY_NODE")]
    pub node: Option<String>,

    /// For how many days the events of finished jobs are kept.
    #[arg(long, env = "GANTRY_RETENTION_DAYS", default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=3650))]
    pub retention_days: u16,

    /// How long a tool call waits for a person, in seconds; then it is denied.
    #[arg(long, env = "GANTRY_APPROVAL_SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..=604_800))]
    pub approval_seconds: u32,

    /// How long a model's endpoint may be silent, in seconds: before its answer and in the middle of it.
    #[arg(long, env = "GANTRY_MODEL_IDLE_SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    pub model_idle_seconds: u32,

    /// How much memory a project may use when it runs in a container, in MiB.
    #[arg(long, env = "GANTRY_RUN_MEMORY_MIB", default_value_t = 512, value_parser = clap::value_parser!(u32).range(32..=65_536))]
    pub run_memory_mib: u32,

    /// How many processes and threads a project may have when it runs in a container.
    #[arg(long, env = "GANTRY_RUN_PROCESSES", default_value_t = 128, value_parser = clap::value_parser!(u32).range(8..=4_096))]
    pub run_processes: u32,

    /// After how many minutes of work a project in a container is stopped; waiting for people does not count.
    #[arg(long, env = "GANTRY_RUN_MINUTES", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=180))]
    pub run_minutes: u16,

    /// Whether projects may run as plain processes of this server's own user too: `allow` gives whoever may run a
    /// project all rights of that user on this machine, with no sandbox around it.
    #[arg(long, env = "GANTRY_PROCESS_RUNS", default_value = "refuse", value_parser = ["refuse", "allow"])]
    pub process_runs: String,

    /// Where the packages of projects that run as plain processes are kept, once for each lock file; by default
    /// `environments` in the data directory.
    #[arg(long, env = "GANTRY_PROCESS_ENVIRONMENTS")]
    pub process_environments: Option<PathBuf>,

    /// After how many minutes their installation is stopped.
    #[arg(long, env = "GANTRY_PROCESS_INSTALL_MINUTES", default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..=180))]
    pub process_install_minutes: u16,

    /// How the log is written: `text` for people, `json` for machines.
    #[arg(long, env = "GANTRY_LOG_FORMAT", default_value = "text", value_parser = ["text", "json"])]
    pub log_format: String,
}

impl Config {
    /// The database's address.
    pub fn database_address(&self) -> SecretString {
        self.database_url
            .clone()
            .unwrap_or_else(|| format!("sqlite://{}", self.data.join("gantry.db").display()).into())
    }

    /// Whether projects may run as plain processes.
    pub fn allows_processes(&self) -> bool {
        self.process_runs == "allow" && cfg!(target_os = "linux")
    }

    /// This node's name.
    pub fn node_name(&self) -> String {
        self.node.clone().unwrap_or_else(|| {
            let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
            let host = host.trim();
            let host = if host.is_empty() { "node" } else { host };
            format!("{host}-{}", std::process::id())
        })
    }
}
