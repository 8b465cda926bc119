//! The parts of a running server, wired together in one place.

use std::ops::Deref;
use std::os::unix::fs::DirBuilderExt;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::compatibility::Matrix;
use crate::config::Config;
use crate::db::Db;
use crate::identity::Standings;
use crate::jobs::{Queue, WorkerCount};
use crate::outside::docker::Docker;
use crate::outside::layout::ImageStore;
use crate::project::NewProjects;
use crate::secret::{KeySettings, OwnStore, SecretBackend};
use crate::token::RecentTokens;

/// Everything that a handler or a job may reach. Cloning it is cheap.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// One field per outside world.
pub struct Parts {
    /// Every setting.
    pub config: Config,
    /// This node's name among those that share the database.
    pub node: String,
    /// The database.
    pub db: Db,
    /// What goes with what, as this instance has it.
    pub matrix: Matrix,
    /// Long work.
    pub jobs: Queue,
    /// What the open streams of this node were let in by.
    pub standings: Standings,
    /// What the database said of tokens a moment ago.
    pub tokens: RecentTokens,
    /// Projects on their way into the database.
    pub new_projects: NewProjects,
    /// Where secrets' values are kept.
    pub secrets: Arc<dyn SecretBackend>,
    /// How many of this node's workers run.
    pub workers: WorkerCount,
    /// Plain HTTP and HTTPS to the outside; no redirect is followed unless asked for.
    pub http: reqwest::Client,
    /// The Docker Engine, which may be absent.
    pub docker: Docker,
    /// The images on this node's disk.
    pub images: ImageStore,
    /// Cancelled when the server is to stop.
    pub shutdown: CancellationToken,
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    /// Opens the database and puts the parts together. Nothing runs yet.
    ///
    /// # Errors
    /// When the database cannot be opened, or the master key is missing or wrong.
    pub async fn open(config: Config) -> anyhow::Result<Self> {
        use secrecy::ExposeSecret;
        make_data_directory(&config)?;
        let db = Db::open(config.database_address().expose_secret()).await?;
        let secrets = OwnStore::open(&db, KeySettings::from(&config)).await?;
        let http = reqwest::Client::builder()
            .user_agent(concat!("gantry/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(std::time::Duration::from_secs(10))
            // A key in a header of its own would travel along to wherever an endpoint sends.
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let images = ImageStore::open(config.data.join("images")).map_err(|error| {
            anyhow::anyhow!("the image store in {} cannot be opened: {error}", config.data.display())
        })?;
        Ok(Self(Arc::new(Parts {
            node: config.node_name(),
            matrix: Matrix::open(&config.data),
            jobs: Queue::new(db.clone()),
            standings: Standings::default(),
            tokens: RecentTokens::default(),
            new_projects: NewProjects::new(db.clone()),
            secrets,
            db,
            workers: WorkerCount::default(),
            http,
            docker: Docker::new(&config.docker),
            images,
            shutdown: CancellationToken::new(),
            config,
        })))
    }
}

/// Makes the data directory if it is not there.
pub(crate) fn make_data_directory(config: &Config) -> anyhow::Result<()> {
    // Password hashes and, by default, the master key are in it: nobody else on the machine needs to look.
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&config.data)
        .map_err(|error| anyhow::anyhow!("the data directory {} cannot be made: {error}", config.data.display()))
}
