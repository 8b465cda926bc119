//! New projects on their way into the database: those that arrive while one transaction is being
//! written share the next one.
//!
//! A commit costs about as much for one project as for many, so they are grouped; nobody is told that
//! a project is there before its transaction is committed. A name that is taken is the matter of the
//! one who asked for it: the others of the same transaction stay. When the database refuses a
//! transaction for any other reason, each of its projects is tried again in one of its own.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gantry_domain::api::project::Project;
use gantry_domain::api::revision::RevisionCause;
use tokio::sync::oneshot;

use super::revision::{self, NewRevision};
use super::store;
use crate::db::{Db, Engine};
use crate::error::{Error, Result};

/// How many share a transaction at most: others who want to write wait for it.
const TOGETHER: usize = 64;

/// A project that nobody has been told of yet.
pub(super) struct NewProject {
    pub(super) project: Project,
    pub(super) created_by: String,
    /// Its files as [`super::packed_files`] makes them.
    pub(super) files: Vec<u8>,
}

impl NewProject {
    /// Its revision, all of which the generator wrote.
    pub(super) fn first_revision(&self) -> NewRevision {
        NewRevision {
            project_id: self.project.summary.id,
            number: self.project.revision,
            cause: RevisionCause::Created,
            summary: revision::CREATED.to_owned(),
            created_by: self.created_by.clone(),
            created_at: self.project.summary.created_at,
            generator_version: revision::GENERATOR_VERSION.to_owned(),
            files: self.files.clone(),
            generated: None,
            conflicts: None,
            edited_files: 0,
        }
    }
}

/// The projects that wait to be written.
#[derive(Clone)]
pub struct NewProjects(Arc<Shared>);

struct Shared {
    db: Db,
    queue: Mutex<Queue>,
    /// How many transactions may be open at once.
    writers: usize,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    writing: usize,
}

struct Waiting {
    new: NewProject,
    told: oneshot::Sender<Result<Project>>,
}

impl NewProjects {
    pub(crate) fn new(db: Db) -> Self {
        let writers = match db.engine() {
            Engine::Sqlite => 1,
            // So that one is being prepared while Postgres makes another durable.
            Engine::Postgres => 2,
        };
        Self(Arc::new(Shared { db, queue: Mutex::default(), writers }))
    }

    /// Keeps a project, and says so when it is committed.
    pub(super) async fn keep(&self, new: NewProject) -> Result<Project> {
        let (told, answer) = oneshot::channel();
        let begins = {
            let mut queue = self.0.queue();
            queue.waiting.push_back(Waiting { new, told });
            let begins = queue.writing < self.0.writers;
            queue.writing += usize::from(begins);
            begins
        };
        if begins {
            // A task of its own: whoever asked may hang up, and the others' projects are written all the same.
            tokio::spawn(write_all(self.0.clone()));
        }
        answer.await.map_err(|_| anyhow::anyhow!("writing the project was cut off"))?
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes until nobody waits.
async fn write_all(shared: Arc<Shared>) {
    loop {
        let batch: Vec<Waiting> = {
            let mut queue = shared.queue();
            if queue.waiting.is_empty() {
                // Under the lock that looked: whoever comes after begins a new writer.
                queue.writing -= 1;
                return;
            }
            let count = queue.waiting.len().min(TOGETHER);
            queue.waiting.drain(..count).collect()
        };
        // A task of its own again: a panic ends one transaction, not all writing.
        if tokio::spawn(write(shared.db.clone(), batch)).await.is_err() {
            tracing::error!("writing new projects panicked");
        }
    }
}

/// Writes one transaction and tells everybody in it.
async fn write(db: Db, mut batch: Vec<Waiting>) {
    // Nodes that write the same names in the same order never wait for one another in a circle.
    batch.sort_by(|a, b| a.new.project.summary.name.cmp(&b.new.project.summary.name));
    match write_together(&db, &batch).await {
        Ok(kept) => {
            for (waiting, is_kept) in batch.into_iter().zip(kept) {
                waiting.tell(is_kept);
            }
        }
        Err(Refused::Statement(error)) if batch.len() > 1 => {
            tracing::warn!(%error, projects = batch.len(), "a transaction was refused; its projects are tried one by one");
            for waiting in batch {
                match write_together(&db, std::slice::from_ref(&waiting)).await {
                    Ok(kept) => waiting.tell(kept == [true]),
                    Err(error) => waiting.fail(sqlx::Error::from(error).into()),
                }
            }
        }
        Err(error) => {
            let error = sqlx::Error::from(error);
            let is_busy = matches!(error, sqlx::Error::PoolTimedOut);
            let cause = Arc::new(error);
            for waiting in batch {
                waiting.fail(if is_busy {
                    sqlx::Error::PoolTimedOut.into()
                } else {
                    anyhow::Error::from(cause.clone()).into()
                });
            }
        }
    }
}

/// Where a transaction failed.
enum Refused {
    /// The database refused a statement: it may have been about one project only.
    Statement(sqlx::Error),
    /// It could not be begun, reached or committed: the others would fare no better, or may be there already.
    Transaction(sqlx::Error),
}

impl From<Refused> for sqlx::Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Statement(error) | Refused::Transaction(error) => error,
        }
    }
}

/// One transaction. For each project: whether its name was free and it is kept.
async fn write_together(db: &Db, batch: &[Waiting]) -> Result<Vec<bool>, Refused> {
    let mut tx = db.begin().await.map_err(Refused::Transaction)?;
    tx.leave_access_alone();
    let mut kept = Vec::with_capacity(batch.len());
    for waiting in batch {
        kept.push(store::insert(&mut tx, &waiting.new).await.map_err(|error| match error {
            sqlx::Error::Database(_) => Refused::Statement(error),
            _ => Refused::Transaction(error),
        })?);
    }
    tx.commit().await.map_err(Refused::Transaction)?;
    Ok(kept)
}

impl Waiting {
    fn tell(self, is_kept: bool) {
        let project = self.new.project;
        // Whoever hung up is told nothing; the project is kept nevertheless.
        let _ = self.told.send(if is_kept { Ok(project) } else { Err(store::name_taken(&project.spec)) });
    }

    fn fail(self, error: Error) {
        let _ = self.told.send(Err(error));
    }
}
