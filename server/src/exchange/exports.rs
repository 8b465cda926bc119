//! What a project becomes elsewhere, apart from its files: each says only what the generated project does.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use gantry_domain::api::image::Image;
use gantry_domain::api::project::Project;
use gantry_domain::api::token::Scope;
use gantry_generator::exchange::{agent_spec, kagent, mcp_server};
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
        .routes(routes!(export_mcp_server))
        .routes(routes!(export_kagent))
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
    let at = service_address(&query.at)?;
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

/// Where the Gantry is that runs an agent, and whose servers it has.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
struct ServerQuery {
    /// The address of this Gantry as others reach it, such as `https://gantry.example.com`.
    at: String,
    /// The namespace of the server's name, such as `io.github.ada`; made of the address's host when left out
    /// (`com.example.gantry`).
    namespace: Option<String>,
}

/// Gives what a registry of MCP servers is told of an agent (`server.json`): it is asked through this Gantry, at
/// `/mcp/{project}`, with a token.
#[utoipa::path(get, path = "/projects/{project}/exports/mcp_server", tag = "projects", params(("project" = String, Path), ServerQuery),
    responses((status = OK, description = "MCP registry, server.json of 2025-12-11", body = Value)))]
async fn export_mcp_server(
    State(app): State<App>,
    actor: Actor,
    Path(project): Path<String>,
    Query(query): Query<ServerQuery>,
) -> Result<axum::Json<Value>> {
    actor.require(Scope::Read)?;
    let at = service_address(&query.at)?;
    let given = query.namespace.filter(|namespace| !namespace.trim().is_empty());
    let namespace = match &given {
        Some(given) => Some(given.trim().to_owned()).filter(|given| mcp_server::is_namespace(given)),
        None => at.host_str().and_then(mcp_server::namespace_of),
    };
    let namespace = namespace.ok_or_else(|| {
        Error::invalid(
            "/namespace",
            "namespace_invalid",
            "Expected a namespace for the server's name such as io.github.ada: letters, digits, dots and hyphens.",
        )
    })?;
    let project = project::find(&app.db, &project).await?;
    let endpoint = format!("{}/mcp/{}", at.as_str().trim_end_matches('/'), project.summary.name);
    Ok(axum::Json(mcp_server::export(&project.spec, &endpoint, &namespace)))
}

/// Which image is run.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
struct ImageQuery {
    /// The image, such as `registry.example.com/weather@sha256:…`; the one that was published last when left out.
    image: Option<String>,
}

/// Gives a manifest that has kagent run a project's published image on Kubernetes.
#[utoipa::path(get, path = "/projects/{project}/exports/kagent", tag = "projects", params(("project" = String, Path), ImageQuery),
    responses((status = OK, description = "kagent.dev/v1alpha2, Agent", content_type = "application/yaml", body = String)))]
async fn export_kagent(
    State(app): State<App>,
    actor: Actor,
    Path(project): Path<String>,
    Query(query): Query<ImageQuery>,
) -> Result<Response> {
    actor.require(Scope::Read)?;
    let project = project::find(&app.db, &project).await?;
    let given = query.image.as_deref().map(str::trim).filter(|image| !image.is_empty());
    let image = match given {
        Some(image) if is_image(image) => image.to_owned(),
        Some(_) => {
            let expected = "Expected an image such as registry.example.com/weather@sha256:… or …/weather:0.1.0.";
            return Err(Error::invalid("/image", "image_invalid", expected));
        }
        None => {
            let live = crate::image::live(&app.db, project.summary.id).await?;
            live.as_ref().and_then(published_as).ok_or_else(|| {
                no_such_part(
                    "A manifest names an image, and none of this project was published yet. Build and publish it first, or name an image.",
                )
            })?
        }
    };
    let text = kagent::export(&project.spec, &image)
        .ok_or_else(|| no_such_part("watsonx Orchestrate's agents run at IBM and become no image."))?;
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static("application/yaml; charset=utf-8"))], text).into_response())
}

/// Where an image was read back last, named by its digest.
fn published_as(image: &Image) -> Option<String> {
    let published = image.publications.iter().find_map(|publication| publication.pull_command.as_deref())?;
    published.rsplit(' ').next().map(str::to_owned)
}

/// Whether a text is an image's name, with a tag or digest: nothing in it means anything to YAML or a shell.
fn is_image(text: &str) -> bool {
    let is_harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"./:@_-".contains(&byte);
    let (name, version) = text.rsplit_once('/').map_or(("", text), |(name, version)| (name, version));
    text.len() <= 512 && text.bytes().all(is_harmless) && !name.is_empty() && version.contains([':', '@'])
}

/// Where a service is that others are told of.
fn service_address(text: &str) -> Result<url::Url> {
    let address = url::Url::parse(text.trim()).ok().filter(|at| {
        matches!(at.scheme(), "http" | "https")
            && at.query().is_none()
            && at.fragment().is_none()
            && at.password().is_none()
    });
    address.ok_or_else(|| {
        Error::invalid("/at", "address_invalid", "Expected the http or https address of the service, without ? and #.")
    })
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
