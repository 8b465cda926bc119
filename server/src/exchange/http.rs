//! Import and export over HTTP.

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::StatusCode;
use gantry_domain::api::Accepted;
use gantry_domain::api::exchange::{ExchangeFormat, Import, ImportRequest, PushProject};
use gantry_domain::api::token::Scope;
use gantry_domain::matrix::diagnose::diagnose;
use gantry_domain::spec::{self, yaml};
use gantry_generator::exchange::{SourceFile, agent_spec, autogen};
use serde::Deserialize;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Arrived, archive, exports, push, read_project, repository, under_document};
use crate::app::App;
use crate::error::{Error, Result};
use crate::http::{Json, Path, Query};
use crate::identity::Actor;

pub(crate) fn routes() -> OpenApiRouter<App> {
    // A project is larger than any other body.
    let archives =
        OpenApiRouter::new().routes(routes!(import_archive)).layer(DefaultBodyLimit::max(archive::LARGEST_ARCHIVE));
    OpenApiRouter::new().routes(routes!(import)).routes(routes!(push_project)).merge(archives).merge(exports::routes())
}

/// Says what spec a document or a project in a git repository becomes, and what could not be carried over; nothing is
/// kept, and nothing of it is run. A repository takes the scope `write`, and `admin` when a secret opens it.
#[utoipa::path(post, path = "/imports", tag = "projects", request_body = ImportRequest,
    responses((status = OK, body = Import)))]
async fn import(
    State(app): State<App>,
    actor: Actor,
    Json(request): Json<ImportRequest>,
) -> Result<axum::Json<Import>> {
    actor.require(Scope::Read)?;
    let import = match (request.document, request.git) {
        (Some(document), None) => import_document(document, request.format).await?,
        (None, Some(source)) => {
            actor.require(Scope::Write)?;
            repository::may_use(&actor, source.secret_id)?;
            tracing::info!(actor = actor.name, url = source.url, "reading a project from a repository");
            repository::import(&app, source, request.format).await?
        }
        _ => {
            let fault = Error::invalid("", "import_source", "Expected a document or a git repository, and not both.");
            return Err(fault.coded("import_source"));
        }
    };
    Ok(axum::Json(import))
}

async fn import_document(document: Value, format: Option<ExchangeFormat>) -> Result<Import> {
    let document = match (document, format) {
        // One file of code is a project too.
        (Value::String(text), Some(ExchangeFormat::OpenaiAgents | ExchangeFormat::Autogen))
            if !text.trim_start().starts_with('{') =>
        {
            let is_typescript = text.contains("@openai/agents");
            let path = if is_typescript { "agent.ts" } else { "agent.py" }.to_owned();
            let arrived = Arrived { files: vec![SourceFile { path, text }], left_out: Vec::new() };
            return read_project(arrived, format).await;
        }
        (Value::String(text), _) => yaml::read_value(&text).map_err(under_document)?,
        (document, _) => document,
    };
    let is_ours = document["apiVersion"].as_str().is_some_and(|version| version.starts_with("gantry/"));
    let format = format.unwrap_or(if is_ours {
        ExchangeFormat::Gantry
    } else if autogen::is_component(&document) {
        ExchangeFormat::Autogen
    } else {
        ExchangeFormat::AgentSpec
    });
    let (spec, diagnostics) = match format {
        ExchangeFormat::Gantry => {
            let spec = spec::from_value(document).map_err(under_document)?;
            let found = diagnose(&spec);
            (spec, found)
        }
        ExchangeFormat::AgentSpec => {
            let imported = agent_spec::import(&document).map_err(|found| under(&found))?;
            (imported.spec, imported.diagnostics)
        }
        ExchangeFormat::Autogen => {
            let imported = autogen::import_component(&document).map_err(|found| under(&found))?;
            (imported.spec, imported.diagnostics)
        }
        ExchangeFormat::OpenaiAgents => {
            return Err(Error::invalid(
                "/document",
                "format_unknown",
                "Expected the code of a project on the OpenAI Agents SDK as text; several files come as a ZIP to /imports/archive.",
            ));
        }
    };
    Ok(Import { format, spec, diagnostics, commit: None })
}

fn under(found: &[gantry_domain::matrix::Diagnostic]) -> Error {
    under_document(
        found
            .iter()
            .map(|found| {
                gantry_domain::problem::FieldProblem::new(found.path.clone(), found.code.clone(), found.message.clone())
            })
            .collect(),
    )
}

/// What an archive is taken for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
struct ArchiveQuery {
    /// What it is; left out, it is told from what is in it.
    format: Option<ExchangeFormat>,
}

/// Says what spec the project in a ZIP archive becomes, and what could not be carried over; nothing is kept, and
/// nothing of it is run. At most 20 MiB.
#[utoipa::path(post, path = "/imports/archive", tag = "projects", params(ArchiveQuery),
    request_body(content = Vec<u8>, content_type = "application/zip"), responses((status = OK, body = Import)))]
async fn import_archive(
    actor: Actor,
    Query(query): Query<ArchiveQuery>,
    request: Request,
) -> Result<axum::Json<Import>> {
    actor.require(Scope::Read)?;
    let body = Bytes::from_request(request, &()).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Error::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            format!(
                "The archive is larger than {} MiB. Leave out what is no code.",
                archive::LARGEST_ARCHIVE / 1024 / 1024
            ),
        ),
        status => Error::new(status, "body_unreadable", "The body ended early or could not be read."),
    })?;
    let arrived = tokio::task::spawn_blocking(move || archive::read(&body)).await.map_err(anyhow::Error::from)??;
    Ok(axum::Json(read_project(arrived, query.format).await?))
}

/// Pushes a project's files to a branch of a git repository, on top of what it has; never forced. Takes the scope
/// `publish`, and `admin` when a secret opens the repository.
#[utoipa::path(post, path = "/projects/{project}/~push", tag = "projects", params(("project" = String, Path)),
    request_body = PushProject, responses((status = ACCEPTED, body = Accepted)))]
async fn push_project(
    State(app): State<App>,
    actor: Actor,
    Path(project): Path<String>,
    Json(body): Json<PushProject>,
) -> Result<(StatusCode, axum::Json<Accepted>)> {
    actor.require(Scope::Publish)?;
    repository::may_use(&actor, body.secret_id)?;
    let accepted = push::begin(&app, &project, body, &actor.name).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(accepted)))
}
