//! Secrets over HTTP: written, described, deleted. There is no way to read a value.

use axum::extract::State;
use axum::http::StatusCode;
use gantry_domain::api::Page;
use gantry_domain::api::secret::{CreateSecret, CreateSecretVersion, KeyRotation, Secret, SecretVersion};
use gantry_domain::api::token::Scope;
use gantry_domain::problem::FieldProblem;
use secrecy::{ExposeSecret, SecretString};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{Belonging, LONGEST_VALUE, OwnerKind, store};
use crate::app::App;
use crate::error::{Error, Result};
use crate::http::{Json, NamedPageQuery, Path, Query, page, page_limit};
use crate::identity::Actor;

const LONGEST_NAME: usize = 128;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, delete))
        .routes(routes!(versions, create_version))
        .routes(routes!(rotate_master_key))
}

/// Lists the named secrets, without their values, by name.
#[utoipa::path(get, path = "/secrets", tag = "secrets", params(NamedPageQuery), responses((status = OK, body = Page<Secret>)))]
async fn list(
    State(app): State<App>,
    actor: Actor,
    Query(query): Query<NamedPageQuery>,
) -> Result<axum::Json<Page<Secret>>> {
    actor.require(Scope::Read)?;
    let limit = page_limit(query.limit);
    let items = store::list(&app.db, &query.cursor.unwrap_or_default(), limit + 1).await?;
    Ok(axum::Json(page(items, limit, |secret| secret.name.clone())))
}

/// Describes a named secret, without its value.
#[utoipa::path(get, path = "/secrets/{id}", tag = "secrets", params(("id" = Uuid, Path)), responses((status = OK, body = Secret)))]
async fn get(State(app): State<App>, actor: Actor, Path(id): Path<Uuid>) -> Result<axum::Json<Secret>> {
    actor.require(Scope::Read)?;
    Ok(axum::Json(store::get(&app.db, id).await?))
}

/// Keeps a value under a new name.
#[utoipa::path(post, path = "/secrets", tag = "secrets", request_body = CreateSecret, responses((status = CREATED, body = Secret)))]
async fn create(
    State(app): State<App>,
    actor: Actor,
    Json(body): Json<CreateSecret>,
) -> Result<(StatusCode, axum::Json<Secret>)> {
    let value = SecretString::from(body.value);
    actor.require(Scope::Admin)?;
    let mut faults: Vec<FieldProblem> = fault_of_value(&value).into_iter().collect();
    if !is_name(&body.name) {
        faults.push(FieldProblem::new(
            "/name",
            "invalid_name",
            "Expected 1 to 128 letters, digits and . _ - in parts separated by single slashes.",
        ));
    }
    if !faults.is_empty() {
        return Err(Error::many(faults));
    }
    let at = Belonging { owner: OwnerKind::Instance, secret_id: Uuid::now_v7(), version: 1 };
    let mut tx = app.db.begin().await?;
    store::insert(&mut tx, at, Some(&body.name), app.secrets.kind(), &actor.name).await?;
    app.secrets.put(&mut tx, at, &value, &actor.name).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, axum::Json(store::get(&app.db, at.secret_id).await?)))
}

/// Lists the versions of a named secret, newest first, without their values.
#[utoipa::path(get, path = "/secrets/{id}/versions", tag = "secrets", params(("id" = Uuid, Path)), responses((status = OK, body = Page<SecretVersion>)))]
async fn versions(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<Uuid>,
) -> Result<axum::Json<Page<SecretVersion>>> {
    actor.require(Scope::Read)?;
    store::get(&app.db, id).await?;
    Ok(axum::Json(Page { items: app.secrets.versions(&app.db, id).await?, next_cursor: None }))
}

/// Writes a new value of a named secret; whatever uses it takes the new one from now on.
#[utoipa::path(post, path = "/secrets/{id}/versions", tag = "secrets", params(("id" = Uuid, Path)), request_body = CreateSecretVersion, responses((status = CREATED, body = Secret)))]
async fn create_version(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<Uuid>,
    Json(body): Json<CreateSecretVersion>,
) -> Result<(StatusCode, axum::Json<Secret>)> {
    let value = SecretString::from(body.value);
    actor.require(Scope::Admin)?;
    if let Some(fault) = fault_of_value(&value) {
        return Err(Error::many(vec![fault]));
    }
    // Credentials of providers and registries are changed there, where their rules are.
    store::get(&app.db, id).await?;
    let mut tx = app.db.begin().await?;
    super::add_version(&app, &mut tx, id, &value, &actor.name).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, axum::Json(store::get(&app.db, id).await?)))
}

/// Deletes a named secret with all its versions, unless something uses it.
#[utoipa::path(delete, path = "/secrets/{id}", tag = "secrets", params(("id" = Uuid, Path)), responses((status = NO_CONTENT)))]
async fn delete(State(app): State<App>, actor: Actor, Path(id): Path<Uuid>) -> Result<StatusCode> {
    actor.require(Scope::Admin)?;
    if store::delete_unused(&app.db, id).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    let users = store::get(&app.db, id).await?.used_by;
    Err(Error::conflict(
        "secret_in_use",
        format!("This secret is used by {}. Give them another credential first.", users.join(", ")),
    ))
}

/// Wraps every data key anew under the key in `GANTRY_MASTER_KEY_NEXT` (or its file).
#[utoipa::path(post, path = "/secrets/~rotateMasterKey", tag = "secrets", responses((status = OK, body = KeyRotation)))]
async fn rotate_master_key(State(app): State<App>, actor: Actor) -> Result<axum::Json<KeyRotation>> {
    actor.require(Scope::Admin)?;
    Ok(axum::Json(app.secrets.rotate_master_key(&app.db).await?))
}

fn fault_of_value(value: &SecretString) -> Option<FieldProblem> {
    let length = value.expose_secret().len();
    if (1..=LONGEST_VALUE).contains(&length) {
        return None;
    }
    Some(FieldProblem::new("/value", "invalid_length", "Expected 1 to 65536 bytes."))
}

fn is_name(text: &str) -> bool {
    (1..=LONGEST_NAME).contains(&text.len())
        && text.split('/').all(|part| {
            !part.is_empty()
                && part != "."
                && part != ".."
                && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets() {
        for good in ["a", "OPENAI_API_KEY", "team/registry.example/token-1", &"a".repeat(128)] {
            assert!(is_name(good), "{good}");
        }
        for bad in
            ["", "/", "a/", "/a", "a//b", "..", "a/../b", "a b", "ключ", "a\n", &"a".repeat(129), &"a".repeat(65_536)]
        {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
