//! Import and export over HTTP.

use axum::extract::State;
use gantry_domain::api::exchange::{ExchangeFormat, Import, ImportRequest};
use gantry_domain::api::token::Scope;
use gantry_domain::matrix::Diagnostic;
use gantry_domain::matrix::diagnose::diagnose;
use gantry_domain::problem::FieldProblem;
use gantry_domain::spec::{self, yaml};
use gantry_generator::exchange::agent_spec;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{Error, Result};
use crate::http::{Json, Path};
use crate::identity::Actor;
use crate::project;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(import)).routes(routes!(export_agent_spec))
}

/// Says what spec a document of another format becomes, and what could not be carried over; nothing is kept.
#[utoipa::path(post, path = "/imports", tag = "projects", request_body = ImportRequest,
    responses((status = OK, body = Import)))]
async fn import(actor: Actor, Json(request): Json<ImportRequest>) -> Result<axum::Json<Import>> {
    actor.require(Scope::Read)?;
    let document = match request.document {
        Value::String(text) => yaml::read_value(&text).map_err(under_document)?,
        document => document,
    };
    let is_ours = document["apiVersion"].as_str().is_some_and(|version| version.starts_with("gantry/"));
    let format = request.format.unwrap_or(if is_ours { ExchangeFormat::Gantry } else { ExchangeFormat::AgentSpec });
    let (spec, diagnostics) = match format {
        ExchangeFormat::Gantry => {
            let spec = spec::from_value(document).map_err(under_document)?;
            let found = diagnose(&spec);
            (spec, found)
        }
        ExchangeFormat::AgentSpec => {
            let imported = agent_spec::import(&document).map_err(|found| refused(&found))?;
            (imported.spec, imported.diagnostics)
        }
    };
    Ok(axum::Json(Import { format, spec, diagnostics }))
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

fn under_document(found: Vec<FieldProblem>) -> Error {
    let errors = found
        .into_iter()
        .map(|problem| FieldProblem::new(format!("/document{}", problem.path), problem.code, problem.message))
        .collect();
    Error::many(errors).coded("document_refused")
}

fn refused(found: &[Diagnostic]) -> Error {
    under_document(
        found
            .iter()
            .map(|found| FieldProblem::new(found.path.clone(), found.code.clone(), found.message.clone()))
            .collect(),
    )
}
