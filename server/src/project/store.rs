//! The SQL of projects. Their revisions' is in [`super::revision`].

use gantry_domain::Timestamp;
use gantry_domain::api::job::JobState;
use gantry_domain::api::project::{ProgressMark, Project, ProjectProgress, ProjectState, ProjectSummary};
use gantry_domain::api::revision::RevisionCause;
use gantry_domain::matrix::Framework;
use gantry_domain::spec::Spec;
use sea_query::{Expr, ExprTrait, LikeExpr, Order, Query};
use sqlx::types::Json;
use uuid::Uuid;

use super::ProjectName;
use super::new::NewProject;
use super::revision;
use crate::db::{Db, Engine, Tx};
use crate::error::{Error, Result, ResultExt};

#[derive(sqlx::FromRow)]
struct SummaryRow {
    id: Uuid,
    name: String,
    description: String,
    framework: Framework,
    version: String,
    created_at: Timestamp,
    updated_at: Timestamp,
    run_id: Option<Uuid>,
    run_state: Option<JobState>,
    run_at: Option<Timestamp>,
    build_id: Option<Uuid>,
    build_state: Option<JobState>,
    build_at: Option<Timestamp>,
    publication_id: Option<Uuid>,
    publication_state: Option<JobState>,
    publication_at: Option<Timestamp>,
}

fn mark(id: Option<Uuid>, state: Option<JobState>, at: Option<Timestamp>) -> Option<ProgressMark> {
    Some(ProgressMark { id: id?, state: state?, at: at? })
}

impl TryFrom<SummaryRow> for ProjectSummary {
    type Error = Error;

    fn try_from(row: SummaryRow) -> Result<Self> {
        Ok(Self {
            id: row.id,
            name: row.name.parse().map_err(anyhow::Error::from)?,
            description: row.description,
            framework: row.framework,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            progress: ProjectProgress {
                last_run: mark(row.run_id, row.run_state, row.run_at),
                last_build: mark(row.build_id, row.build_state, row.build_at),
                last_publication: mark(row.publication_id, row.publication_state, row.publication_at),
            },
        })
    }
}

#[derive(sqlx::FromRow)]
struct ProjectRow {
    #[sqlx(flatten)]
    summary: SummaryRow,
    spec: Json<Spec>,
    revision: i64,
}

impl TryFrom<ProjectRow> for Project {
    type Error = Error;

    fn try_from(row: ProjectRow) -> Result<Self> {
        Ok(Self { summary: row.summary.try_into()?, spec: row.spec.0, revision: row.revision })
    }
}

/// A project with the newest job of each kind. The index on `job (project_id, kind, id)` finds each
/// in one step, however many there were.
macro_rules! select_project {
    ($columns:literal, $condition:literal) => {
        concat!(
            "SELECT project.id, project.name, project.description, project.framework, project.version,
                    project.created_at, project.updated_at,
                    run.subject_id AS run_id, run.state AS run_state, run.created_at AS run_at,
                    build.subject_id AS build_id, build.state AS build_state, build.created_at AS build_at,
                    publication.subject_id AS publication_id, publication.state AS publication_state,
                    publication.created_at AS publication_at",
            $columns,
            " FROM project
               LEFT JOIN job run ON run.id = (SELECT id FROM job WHERE project_id = project.id AND kind = 'run' ORDER BY id DESC LIMIT 1)
               LEFT JOIN job build ON build.id = (SELECT id FROM job WHERE project_id = project.id AND kind = 'build' ORDER BY id DESC LIMIT 1)
               LEFT JOIN job publication ON publication.id = (SELECT id FROM job WHERE project_id = project.id AND kind = 'publish' ORDER BY id DESC LIMIT 1)
              WHERE ",
            $condition
        )
    };
}

pub(super) async fn by_id(db: &Db, id: Uuid) -> Result<Option<Project>> {
    let row: Option<ProjectRow> =
        db.sql(select_project!(", project.spec, project.revision", "project.id = $1")).bind(id).optional().await?;
    row.map(Project::try_from).transpose()
}

pub(super) async fn by_name(db: &Db, name: &str) -> Result<Option<Project>> {
    let row: Option<ProjectRow> = db
        .sql(select_project!(", project.spec, project.revision", "project.name = $1"))
        .bind(name.to_owned())
        .optional()
        .await?;
    row.map(Project::try_from).transpose()
}

pub(super) async fn id_of(db: &Db, id_or_name: &str) -> Result<Option<Uuid>> {
    let row: Option<(Uuid,)> = match id_or_name.parse::<Uuid>() {
        Ok(id) => db.sql("SELECT id FROM project WHERE id = $1").bind(id).optional().await?,
        Err(_) => db.sql("SELECT id FROM project WHERE name = $1").bind(id_or_name.to_owned()).optional().await?,
    };
    Ok(row.map(|(id,)| id))
}

/// All names in their order.
pub(super) async fn names(db: &Db) -> sqlx::Result<Vec<ProjectName>> {
    db.sql("SELECT name, description, created_at FROM project ORDER BY name").all().await
}

/// Projects, newest first.
pub(super) async fn list(
    db: &Db,
    part_of_name: Option<&str>,
    state: Option<ProjectState>,
    before: Option<Uuid>,
    limit: u64,
) -> Result<Vec<ProjectSummary>> {
    // The page is chosen first and small; only its projects are joined with their newest jobs.
    let mut page = Query::select();
    page.column("id")
        .from("project")
        .and_where_option(
            part_of_name
                .map(|part| Expr::col("name").like(LikeExpr::new(format!("%{}%", escape_like(part))).escape('\\'))),
        )
        .and_where_option(state.map(|state| Expr::cust(condition(state))))
        .and_where_option(before.map(|id| Expr::col("id").lt(id)))
        .order_by("id", Order::Desc)
        .limit(limit);
    let mut query = Query::select();
    query
        .columns(
            ["id", "name", "description", "framework", "version", "created_at", "updated_at"]
                .map(|column| ("project", column)),
        )
        .from("project")
        .and_where(Expr::col(("project", "id")).in_subquery(page.to_owned()))
        .order_by(("project", "id"), Order::Desc);
    for (kind, alias, id, state, at) in [
        ("run", "run", "run_id", "run_state", "run_at"),
        ("build", "build", "build_id", "build_state", "build_at"),
        ("publish", "publication", "publication_id", "publication_state", "publication_at"),
    ] {
        let newest = Query::select()
            .column("id")
            .from("job")
            .and_where(Expr::col(("job", "project_id")).equals(("project", "id")))
            .and_where(Expr::col(("job", "kind")).eq(kind))
            .order_by(("job", "id"), Order::Desc)
            .limit(1)
            .to_owned();
        query
            .expr_as(Expr::col((alias, "subject_id")), id)
            .expr_as(Expr::col((alias, "state")), state)
            .expr_as(Expr::col((alias, "created_at")), at)
            .join_as(
                sea_query::JoinType::LeftJoin,
                "job",
                alias,
                Expr::col((alias, "id")).eq(sea_query::SimpleExpr::SubQuery(None, Box::new(newest.into()))),
            );
    }
    let rows: Vec<SummaryRow> = db.all(&query).await?;
    rows.into_iter().map(ProjectSummary::try_from).collect()
}

/// What holds for a project in a state.
fn condition(state: ProjectState) -> &'static str {
    match state {
        ProjectState::Active => {
            "EXISTS (SELECT 1 FROM job WHERE job.project_id = project.id AND job.state IN ('queued', 'running', 'waiting'))"
        }
        // Of each kind only the newest counts: what was done better since is no failure any more.
        ProjectState::Failed => {
            "EXISTS (SELECT 1 FROM job WHERE job.project_id = project.id AND job.state = 'failed' AND NOT EXISTS (
               SELECT 1 FROM job newer WHERE newer.project_id = job.project_id AND newer.kind = job.kind AND newer.id > job.id))"
        }
        ProjectState::Published => {
            "EXISTS (SELECT 1 FROM image JOIN publication ON publication.digest = image.digest
               WHERE image.project_id = project.id AND publication.published_at IS NOT NULL)"
        }
        ProjectState::Unpublished => {
            "NOT EXISTS (SELECT 1 FROM image JOIN publication ON publication.digest = image.digest
               WHERE image.project_id = project.id AND publication.published_at IS NOT NULL)"
        }
    }
}

fn escape_like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

pub(super) fn name_taken(spec: &Spec) -> Error {
    Error::conflict(
        "project_name_taken",
        format!("There is a project named {} already. Choose another name.", spec.metadata.name),
    )
    .with_errors(vec![gantry_domain::problem::FieldProblem::new(
        "/spec/metadata/name",
        "project_name_taken",
        "Another project has this name.",
    )])
}

/// Inserts a project with its first files. `false`: its name is taken and nothing was inserted.
pub(super) async fn insert(tx: &mut Tx, new: &NewProject) -> sqlx::Result<bool> {
    let Project { summary, spec, revision: number } = &new.project;
    // One statement where the database can, because each is a round trip.
    let both = tx.pick(
        "INSERT INTO project (id, name, description, framework, version, spec, created_by, created_at, updated_at, revision)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9) ON CONFLICT (name) DO NOTHING",
        "WITH made AS (
           INSERT INTO project (id, name, description, framework, version, spec, created_by, created_at, updated_at, revision)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9) ON CONFLICT (name) DO NOTHING RETURNING id)
         INSERT INTO revision (project_id, number, generator_version, files, created_at, created_by, cause, summary)
         SELECT id, $9, $10, $11, $8, $7, $12, $13 FROM made",
    );
    let is_postgres = tx.engine() == Engine::Postgres;
    let mut statement = tx
        .sql(both)
        .bind(summary.id)
        .bind(summary.name.as_str().to_owned())
        .bind(summary.description.clone())
        .bind(summary.framework)
        .bind(summary.version.clone())
        .bind(Json(spec.clone()))
        .bind(new.created_by.clone())
        .bind(summary.created_at)
        .bind(*number);
    if is_postgres {
        statement = statement
            .bind(revision::GENERATOR_VERSION)
            .bind(new.files.clone())
            .bind(RevisionCause::Created)
            .bind(revision::CREATED);
    }
    let is_kept = statement.execute().await? == 1;
    if is_kept && !is_postgres {
        revision::store::insert(tx, new.first_revision()).await?;
    }
    Ok(is_kept)
}

/// Replaces the spec and goes on to the next revision, if this is still the one that the change was made from.
pub(super) async fn replace_spec(
    tx: &mut Tx,
    id: Uuid,
    spec: &Spec,
    expected_revision: i64,
    now: Timestamp,
) -> Result<bool> {
    let touched = tx
        .sql(
            "UPDATE project SET name = $3, description = $4, framework = $5, version = $6, spec = $7, updated_at = $8,
                    revision = revision + 1
              WHERE id = $1 AND revision = $2",
        )
        .bind(id)
        .bind(expected_revision)
        .bind(spec.metadata.name.as_str().to_owned())
        .bind(spec.metadata.description.clone())
        .bind(spec.target.framework)
        .bind(spec.metadata.version.clone())
        .bind(Json(spec.clone()))
        .bind(now)
        .execute()
        .await
        .on_constraint("project_name_key", || name_taken(spec))?;
    Ok(touched == 1)
}

/// Goes on to the next revision with the same spec, if this is still the one that the change was made from.
pub(super) async fn advance(tx: &mut Tx, id: Uuid, expected_revision: i64, now: Timestamp) -> Result<bool> {
    let touched = tx
        .sql("UPDATE project SET updated_at = $3, revision = revision + 1 WHERE id = $1 AND revision = $2")
        .bind(id)
        .bind(expected_revision)
        .bind(now)
        .execute()
        .await?;
    Ok(touched == 1)
}

pub(super) async fn delete(tx: &mut Tx, id: Uuid) -> sqlx::Result<bool> {
    Ok(tx.sql("DELETE FROM project WHERE id = $1").bind(id).execute().await? == 1)
}
