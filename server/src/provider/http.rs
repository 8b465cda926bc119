//! Providers over HTTP.

use axum::extract::State;
use axum::http::StatusCode;
use gantry_domain::api::Page;
use gantry_domain::api::provider::{Provider, ProviderTest, SaveProvider};
use gantry_domain::api::token::Scope;
use gantry_domain::clean_name;
use gantry_domain::problem::FieldProblem;
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
use crate::outside::model::test_connection;
use crate::secret::{self, Change, OwnerKind};

const LONGEST_NAME: usize = 63;
const LONGEST_MODEL: usize = 200;
const LONGEST_API_VERSION: usize = 40;
/// A million dollars for a million tokens: what is above is a slip.
const HIGHEST_PRICE: i64 = 1_000_000_000_000;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, update, delete))
        .routes(routes!(test))
        .merge(super::pairing::routes())
}

/// Lists the providers by name.
#[utoipa::path(get, path = "/providers", tag = "providers", params(NamedPageQuery), responses((status = OK, body = Page<Provider>)))]
async fn list(
    State(app): State<App>,
    actor: Actor,
    Query(query): Query<NamedPageQuery>,
) -> Result<axum::Json<Page<Provider>>> {
    actor.require(Scope::Read)?;
    let limit = page_limit(query.limit);
    let items = store::list(&app.db, &query.cursor.unwrap_or_default(), limit + 1).await?;
    Ok(axum::Json(page(items, limit, |provider| provider.name.clone())))
}

/// Describes a provider.
#[utoipa::path(get, path = "/providers/{id}", tag = "providers", params(("id" = Uuid, Path)), responses((status = OK, body = Provider)))]
async fn get(State(app): State<App>, actor: Actor, Path(id): Path<Uuid>) -> Result<axum::Json<Provider>> {
    actor.require(Scope::Read)?;
    Ok(axum::Json(described(&app, id).await?))
}

/// Adds a provider.
#[utoipa::path(post, path = "/providers", tag = "providers", request_body = SaveProvider, responses((status = CREATED, body = Provider)))]
async fn create(
    State(app): State<App>,
    actor: Actor,
    Json(body): Json<SaveProvider>,
) -> Result<(StatusCode, axum::Json<Provider>)> {
    actor.require(Scope::Admin)?;
    let (saved, key, secret_id) = checked(body)?;
    let id = Uuid::now_v7();
    let mut tx = app.db.begin().await?;
    let change = Change { value: key.as_ref(), secret_id, by: &actor.name };
    let key = secret::change(&app, &mut tx, OwnerKind::Provider, None, change).await?;
    refuse_readable_key(&saved, key.secret_id)?;
    store::insert(&mut tx, id, saved, key.secret_id, &actor.name).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, axum::Json(described(&app, id).await?)))
}

/// Changes a provider. A key that is left out stays.
#[utoipa::path(put, path = "/providers/{id}", tag = "providers", params(("id" = Uuid, Path)), request_body = SaveProvider, responses((status = OK, body = Provider)))]
async fn update(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<Uuid>,
    Json(body): Json<SaveProvider>,
) -> Result<axum::Json<Provider>> {
    actor.require(Scope::Admin)?;
    let (saved, key, secret_id) = checked(body)?;
    let keeps_key = key.is_none() && secret_id.is_none();
    let mut tx = app.db.begin().await?;
    let current = store::hold(&mut tx, id).await?;
    let change = Change { value: key.as_ref(), secret_id, by: &actor.name };
    let key = secret::change(&app, &mut tx, OwnerKind::Provider, current, change).await?;
    refuse_readable_key(&saved, key.secret_id)?;
    store::update(&mut tx, id, saved, key.secret_id, keeps_key).await?;
    secret::discard(&mut tx, key.replaced).await?;
    tx.commit().await?;
    Ok(axum::Json(described(&app, id).await?))
}

/// Removes a provider, and the key that was its own.
#[utoipa::path(delete, path = "/providers/{id}", tag = "providers", params(("id" = Uuid, Path)), responses((status = NO_CONTENT)))]
async fn delete(State(app): State<App>, actor: Actor, Path(id): Path<Uuid>) -> Result<StatusCode> {
    actor.require(Scope::Admin)?;
    let mut tx = app.db.begin().await?;
    let key = store::hold(&mut tx, id).await?;
    store::delete(&mut tx, id).await?;
    secret::discard(&mut tx, key).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Asks the provider's default model for a word, and says what came of it or what is the matter.
#[utoipa::path(post, path = "/providers/{id}/~test", tag = "providers", params(("id" = Uuid, Path)), responses((status = OK, body = ProviderTest)))]
async fn test(State(app): State<App>, actor: Actor, Path(id): Path<Uuid>) -> Result<axum::Json<ProviderTest>> {
    actor.require(Scope::Admin)?;
    let access = super::access(&app, id).await?;
    let model = access.default_model.clone();
    let endpoint = access.endpoint(&app, model);
    Ok(axum::Json(test_connection(&app.http, endpoint).await))
}

pub(super) async fn described(app: &App, id: Uuid) -> Result<Provider> {
    Ok(store::get(&app.db, id).await?.ok_or_else(|| Error::not_found("provider"))?.into())
}

/// The key travels with every request, so it must not be readable on the way.
fn refuse_readable_key(saved: &Saved, secret_id: Option<Uuid>) -> Result<()> {
    let addresses = [("/baseUrl", Some(&saved.base_url)), ("/tokenUrl", saved.token_url.as_ref())];
    let readable =
        addresses.into_iter().find(|(_, at)| at.is_some_and(|address| address::is_plain_and_elsewhere(address)));
    let Some((path, _)) = readable.filter(|_| secret_id.is_some()) else {
        return Ok(());
    };
    Err(Error::invalid(
        path,
        "plain_http_not_local",
        "Over plain HTTP to another machine everybody on the way could read the key. Use https, or remove the key if the endpoint needs none.",
    ))
}

fn checked(body: SaveProvider) -> Result<(Saved, Option<SecretString>, Option<Uuid>)> {
    let key = body.key.map(|key| SecretString::from(key.trim()));
    let mut faults = Vec::new();
    let mut or_fault = |path: &str, code: &str, checked: std::result::Result<String, String>| {
        checked.unwrap_or_else(|expected| {
            faults.push(FieldProblem::new(path, code, expected));
            String::new()
        })
    };
    let name = or_fault("/name", "invalid_name", clean_name(&body.name, LONGEST_NAME));
    let default_model = or_fault("/defaultModel", "invalid_model", clean_name(&body.default_model, LONGEST_MODEL));
    let base_url = address::checked("/baseUrl", &body.base_url).unwrap_or_else(|fault| {
        faults.push(fault);
        String::new()
    });
    let facts = body.kind.facts();
    let entered = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let api_version = entered(body.api_version);
    if let Some(version) = &api_version {
        if facts.api_version.is_none() {
            faults.push(FieldProblem::new(
                "/apiVersion",
                "field_not_of_kind",
                format!("{} has no versions to choose from. Leave it out.", facts.label),
            ));
        } else if version.len() > LONGEST_API_VERSION
            || !version.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
        {
            faults.push(FieldProblem::new(
                "/apiVersion",
                "invalid_api_version",
                "Expected a version such as 2024-10-21, of letters, digits, dots and hyphens.",
            ));
        }
    }
    let token_url = entered(body.token_url).and_then(|url| match address::checked("/tokenUrl", &url) {
        Ok(_) if facts.token_url.is_none() => {
            faults.push(FieldProblem::new(
                "/tokenUrl",
                "field_not_of_kind",
                format!("{} takes its key as it is. Leave the token address out.", facts.label),
            ));
            None
        }
        Ok(url) => Some(url),
        Err(fault) => {
            faults.push(fault);
            None
        }
    });
    if let Some(key) = &key {
        // It travels in a header (RFC 9110, section 5.5), and in no header is there a line break.
        let key = key.expose_secret();
        if key.len() > secret::LONGEST_KEY || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            faults.push(FieldProblem::new(
                "/key",
                "invalid_key",
                "Expected at most 8192 visible ASCII characters without blanks or line breaks.",
            ));
        }
        if body.secret_id.is_some() {
            faults.push(FieldProblem::new(
                "/secretId",
                "two_credentials",
                "Expected either a key or a named secret, not both.",
            ));
        }
    }
    for (path, price) in
        [("/inputPriceMicros", body.input_price_micros), ("/outputPriceMicros", body.output_price_micros)]
    {
        if price.is_some_and(|price| !(0..=HIGHEST_PRICE).contains(&price)) {
            faults.push(FieldProblem::new(
                path,
                "out_of_range",
                "Expected 0 to 1000000000000 millionths of a US dollar.",
            ));
        }
    }
    if !faults.is_empty() {
        return Err(Error::many(faults));
    }
    let saved = Saved {
        name,
        kind: body.kind,
        base_url,
        api_version,
        token_url,
        default_model,
        input_price_micros: body.input_price_micros,
        output_price_micros: body.output_price_micros,
    };
    Ok((saved, key, body.secret_id))
}
