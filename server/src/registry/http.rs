//! Registries over HTTP.

use axum::extract::State;
use axum::http::StatusCode;
use gantry_domain::api::Page;
use gantry_domain::api::registry::{ConnectionTest, Registry, SaveRegistry};
use gantry_domain::api::token::Scope;
use gantry_domain::problem::FieldProblem;
use gantry_domain::{RepositoryName, clean_name};
use secrecy::{ExposeSecret, SecretString};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::store::Saved;
use super::{address, store};
use crate::app::App;
use crate::error::{Error, Result};
use crate::http::{Json, NamedPageQuery, Path, Query, page, page_limit};
use crate::identity::Actor;
use crate::outside::oci;
use crate::secret::{self, Change, OwnerKind};

const LONGEST_NAME: usize = 63;
/// Leaves room for a project's name after it: a repository has at most 255 characters.
const LONGEST_PREFIX: usize = 128;
const LONGEST_USERNAME: usize = 255;
const LONGEST_CA: usize = 65_536;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, update, delete)).routes(routes!(test))
}

/// Lists the registries by name.
#[utoipa::path(get, path = "/registries", tag = "registries", params(NamedPageQuery), responses((status = OK, body = Page<Registry>)))]
async fn list(
    State(app): State<App>,
    actor: Actor,
    Query(query): Query<NamedPageQuery>,
) -> Result<axum::Json<Page<Registry>>> {
    actor.require(Scope::Read)?;
    let limit = page_limit(query.limit);
    let items = store::list(&app.db, &query.cursor.unwrap_or_default(), limit + 1).await?;
    Ok(axum::Json(page(items, limit, |registry| registry.name.clone())))
}

/// Describes a registry.
#[utoipa::path(get, path = "/registries/{id}", tag = "registries", params(("id" = Uuid, Path)), responses((status = OK, body = Registry)))]
async fn get(State(app): State<App>, actor: Actor, Path(id): Path<Uuid>) -> Result<axum::Json<Registry>> {
    actor.require(Scope::Read)?;
    Ok(axum::Json(described(&app, id).await?))
}

/// Adds a registry.
#[utoipa::path(post, path = "/registries", tag = "registries", request_body = SaveRegistry, responses((status = CREATED, body = Registry)))]
async fn create(
    State(app): State<App>,
    actor: Actor,
    Json(body): Json<SaveRegistry>,
) -> Result<(StatusCode, axum::Json<Registry>)> {
    actor.require(Scope::Admin)?;
    let (saved, credential, secret_id) = checked(body)?;
    let id = Uuid::now_v7();
    let mut tx = app.db.begin().await?;
    let change = Change { value: credential.as_ref(), secret_id, by: &actor.name };
    let credential = secret::change(&app, &mut tx, OwnerKind::Registry, None, change).await?;
    store::insert(&mut tx, id, saved, credential.secret_id, &actor.name).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, axum::Json(described(&app, id).await?)))
}

/// Changes a registry. A credential that is left out stays.
#[utoipa::path(put, path = "/registries/{id}", tag = "registries", params(("id" = Uuid, Path)), request_body = SaveRegistry, responses((status = OK, body = Registry)))]
async fn update(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<Uuid>,
    Json(body): Json<SaveRegistry>,
) -> Result<axum::Json<Registry>> {
    actor.require(Scope::Admin)?;
    let (saved, credential, secret_id) = checked(body)?;
    let mut tx = app.db.begin().await?;
    let current = store::hold(&mut tx, id).await?;
    let change = Change { value: credential.as_ref(), secret_id, by: &actor.name };
    let credential = secret::change(&app, &mut tx, OwnerKind::Registry, current, change).await?;
    store::update(&mut tx, id, saved, credential.secret_id).await?;
    secret::discard(&mut tx, credential.replaced).await?;
    tx.commit().await?;
    Ok(axum::Json(described(&app, id).await?))
}

/// Removes a registry, and the credential that was its own. What was published there stays there.
#[utoipa::path(delete, path = "/registries/{id}", tag = "registries", params(("id" = Uuid, Path)), responses((status = NO_CONTENT)))]
async fn delete(State(app): State<App>, actor: Actor, Path(id): Path<Uuid>) -> Result<StatusCode> {
    actor.require(Scope::Admin)?;
    let mut tx = app.db.begin().await?;
    let credential = store::hold(&mut tx, id).await?;
    store::delete(&mut tx, id).await?;
    secret::discard(&mut tx, credential).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Asks a registry whether it answers and accepts the credential.
#[utoipa::path(post, path = "/registries/{id}/~test", tag = "registries", params(("id" = Uuid, Path)), responses((status = OK, body = ConnectionTest)))]
async fn test(State(app): State<App>, actor: Actor, Path(id): Path<Uuid>) -> Result<axum::Json<ConnectionTest>> {
    actor.require(Scope::Admin)?;
    let access = super::credentials(&app, id).await?;
    Ok(axum::Json(oci::test_connection(&access).await))
}

async fn described(app: &App, id: Uuid) -> Result<Registry> {
    Ok(store::get(&app.db, id).await?.ok_or_else(|| Error::not_found("registry"))?.into())
}

fn checked(body: SaveRegistry) -> Result<(Saved, Option<SecretString>, Option<Uuid>)> {
    let credential = body.credential.map(SecretString::from);
    let mut faults = Vec::new();
    let name = clean_name(&body.name, LONGEST_NAME).unwrap_or_else(|expected| {
        faults.push(FieldProblem::new("/name", "invalid_name", expected));
        String::new()
    });
    let address = address::checked(&body.address).unwrap_or_else(|fault| {
        faults.push(fault);
        String::new()
    });
    if body.plain_http && !address.is_empty() && !address::is_local(&address) {
        faults.push(FieldProblem::new(
            "/plainHttp",
            "plain_http_not_local",
            "Plain HTTP is spoken only to a registry on this machine (127.0.0.1, ::1 or localhost). Give the registry a certificate and use HTTPS.",
        ));
    }
    let prefix = body.prefix.trim().trim_matches('/');
    if !prefix.is_empty() && (prefix.len() > LONGEST_PREFIX || prefix.parse::<RepositoryName>().is_err()) {
        faults.push(FieldProblem::new(
            "/prefix",
            "invalid_prefix",
            "Expected at most 128 lower-case letters, digits and . _ - in parts separated by /, or nothing.",
        ));
    }
    let username = body.username.trim();
    // A colon would end it (RFC 7617, section 2).
    let username_is_good = username.is_empty() || clean_name(username, LONGEST_USERNAME).is_ok();
    if !username_is_good || username.contains(':') {
        faults.push(FieldProblem::new(
            "/username",
            "invalid_username",
            "Expected at most 255 characters without a colon or line breaks.",
        ));
    }
    if let Some(credential) = &credential {
        let credential = credential.expose_secret();
        if credential.len() > secret::LONGEST_KEY || credential.chars().any(char::is_control) {
            faults.push(FieldProblem::new(
                "/credential",
                "invalid_credential",
                "Expected at most 8192 bytes without line breaks or other control characters.",
            ));
        }
        if body.secret_id.is_some() {
            faults.push(FieldProblem::new(
                "/secretId",
                "two_credentials",
                "Expected either a credential or a named secret, not both.",
            ));
        }
    }
    let ca_certificate = body.ca_certificate.map(|pem| pem.trim().to_owned()).filter(|pem| !pem.is_empty());
    if ca_certificate.as_ref().is_some_and(|pem| pem.len() > LONGEST_CA || !oci::is_authority(pem)) {
        faults.push(FieldProblem::new(
            "/caCertificate",
            "invalid_certificate",
            "Expected the certificate of an authority as PEM (-----BEGIN CERTIFICATE----- …), or several, in at most 65536 bytes.",
        ));
    }
    if !faults.is_empty() {
        return Err(Error::many(faults));
    }
    let saved = Saved {
        name,
        address,
        prefix: prefix.to_owned(),
        username: username.to_owned(),
        plain_http: body.plain_http,
        ca_certificate,
    };
    Ok((saved, credential, body.secret_id))
}
