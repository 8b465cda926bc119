//! What a project becomes elsewhere, apart from its files: each says only what the generated project does.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use gantry_domain::api::project::Project;
use gantry_domain::api::token::Scope;
use gantry_generator::exchange::agent_spec;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::refused;
use crate::app::App;
use crate::error::{Error, Result};
use crate::http::{Path, Query};
use crate::identity::Actor;
use crate::project::{self, StoredFile};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(export_agent_spec))
        .routes(routes!(export_a2a_card))
        .routes(routes!(export_agents_md))
        .routes(routes!(export_skill))
}

/// Gives a project as an Open Agent Spec document.
#[utoipa::path(get, path = "/projects/{project}/exports/agent_spec", tag = "projects", params(("project" = String, Path)),
    responses((status = OK, description = "Open Agent Spec 25.4", body = Value)))]
async fn export_agent_spec(
    State(app): State<App>,
    actor: Actor,
    Path(project): Path<String>,
) -> Result<axum::Json<Value>> {
    actor.require(Scope::Read)?;
    let project = project::find(&app.db, &project).await?;
    let document = agent_spec::export(&project.spec).map_err(|found| refused(&[found]))?;
    Ok(axum::Json(document))
}

/// Where an agent is.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
struct CardQuery {
    /// The address of the agent's service, such as `https://agents.example.com/weather`.
    at: String,
}

/// Gives the card that other agents are shown of a project's agent where it runs (A2A 1.0); the running agent serves the
/// same one itself.
#[utoipa::path(get, path = "/projects/{project}/exports/a2a_card", tag = "projects", params(("project" = String, Path), CardQuery),
    responses((status = OK, description = "A2A 1.0, AgentCard", body = Value)))]
async fn export_a2a_card(
    State(app): State<App>,
    actor: Actor,
    Path(project): Path<String>,
    Query(query): Query<CardQuery>,
) -> Result<axum::Json<Value>> {
    actor.require(Scope::Read)?;
    let at = url::Url::parse(query.at.trim())
        .ok()
        .filter(|at| {
            matches!(at.scheme(), "http" | "https")
                && at.query().is_none()
                && at.fragment().is_none()
                && at.password().is_none()
        })
        .ok_or_else(|| {
            Error::invalid(
                "/at",
                "address_invalid",
                "Expected the http or https address of the agent's service, without ? and #.",
            )
        })?;
    let project = project::find(&app.db, &project).await?;
    let mut card = gantry_generator::agent_card(&project.spec)
        .ok_or_else(|| no_such_part("watsonx Orchestrate's agents run at IBM and serve no A2A card of their own."))?;
    let url = format!("{}/a2a", at.as_str().trim_end_matches('/'));
    card["supportedInterfaces"] = json!([{"url": url, "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}]);
    Ok(axum::Json(card))
}

/// Gives what coding agents read before they work on a project (AGENTS.md).
#[utoipa::path(get, path = "/projects/{project}/exports/agents_md", tag = "projects", params(("project" = String, Path)),
    responses((status = OK, description = "AGENTS.md", content_type = "text/markdown", body = String)))]
async fn export_agents_md(State(app): State<App>, actor: Actor, Path(project): Path<String>) -> Result<Response> {
    actor.require(Scope::Read)?;
    let (_, files) = files(&app, &project).await?;
    let file = files
        .into_iter()
        .find(|file| file.path == "AGENTS.md")
        .ok_or_else(|| no_such_part("The project has no AGENTS.md."))?;
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static("text/markdown; charset=utf-8"))], file.content)
        .into_response())
}

/// Gives the folder that lets a coding agent ask a project's agent (Agent Skills), as a ZIP archive.
#[utoipa::path(get, path = "/projects/{project}/exports/skill", tag = "projects", params(("project" = String, Path)),
    responses((status = OK, body = Vec<u8>, content_type = "application/zip")))]
async fn export_skill(State(app): State<App>, actor: Actor, Path(project): Path<String>) -> Result<Response> {
    actor.require(Scope::Read)?;
    let (project, files) = files(&app, &project).await?;
    let skill = |file: &StoredFile| {
        file.path
            .strip_prefix("skills/")
            .and_then(|path| path.split_once('/'))
            .map(|(name, path)| (name.to_owned(), path.to_owned()))
    };
    let name =
        files.iter().find_map(skill).map(|(name, _)| name).ok_or_else(|| no_such_part("The project has no skill."))?;
    let files: Vec<StoredFile> = files
        .into_iter()
        .filter_map(|file| {
            skill(&file).filter(|(found, _)| *found == name).map(|(_, path)| StoredFile { path, content: file.content })
        })
        .collect();
    let archive = project::export::archive(&name, files)?;
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{}.skill.zip\"", project.summary.name))
        .map_err(anyhow::Error::from)?;
    let kind = HeaderValue::from_static("application/zip");
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, disposition)], archive).into_response())
}

/// A project and its files.
async fn files(app: &App, project: &str) -> Result<(Project, Vec<StoredFile>)> {
    let project = project::find(&app.db, project).await?;
    let files = project::files(&app.db, project.summary.id, project.revision).await?;
    Ok((project, files))
}

fn no_such_part(message: &str) -> Error {
    Error::conflict("export_not_possible", message)
}
