//! Tokens over HTTP: made, listed and deleted by whoever may administer.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use gantry_domain::api::Page;
use gantry_domain::api::token::{CreateToken, CreatedToken, Scope, Token};
use gantry_domain::clean_name;
use gantry_domain::problem::FieldProblem;
use secrecy::ExposeSecret;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{format, store};
use crate::app::App;
use crate::error::{Error, Result};
use crate::http::idempotency::HoldsSecret;
use crate::http::{Json, PageQuery, Path, Query, page, page_limit};
use crate::identity::Actor;

const LONGEST_NAME: usize = 63;
const LONGEST_LIFE_DAYS: u16 = 365;
const DAY_MILLIS: i64 = 24 * 60 * 60 * 1_000;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(delete))
}

/// Lists tokens, newest first, without their secret part.
#[utoipa::path(get, path = "/tokens", tag = "tokens", params(PageQuery), responses((status = OK, body = Page<Token>)))]
async fn list(State(app): State<App>, actor: Actor, Query(query): Query<PageQuery>) -> Result<axum::Json<Page<Token>>> {
    actor.require(Scope::Admin)?;
    let limit = page_limit(query.limit);
    let items = store::list(&app.db, query.cursor, limit + 1).await?;
    Ok(axum::Json(page(items, limit, |token| token.id.to_string())))
}

/// Makes a token. The answer is the only one that holds its secret part.
#[utoipa::path(post, path = "/tokens", tag = "tokens", request_body = CreateToken, responses((status = CREATED, body = CreatedToken)))]
async fn create(State(app): State<App>, actor: Actor, Json(body): Json<CreateToken>) -> Result<Response> {
    actor.require(Scope::Admin)?;
    let (name, scopes) = checked(&body)?;
    if let Some(missing) = scopes.iter().find(|scope| !actor.scopes.contains(scope)) {
        return Err(Error::forbidden(format!(
            "{} does not have the scope \"{}\", so it cannot make a token that has it.",
            actor.name,
            missing.as_str()
        )));
    }
    let made = format::generate();
    let now = app.db.now();
    let token = Token {
        id: Uuid::now_v7(),
        name,
        prefix: made.shown,
        scopes,
        created_at: now,
        expires_at: body.expires_in_days.map(|days| now.plus_millis(i64::from(days) * DAY_MILLIS)),
        last_used_at: None,
    };
    store::insert(&app.db, &token, made.hash, &actor.name).await?;
    let answer = CreatedToken { token, secret: made.secret.expose_secret().to_owned() };
    let mut response = (StatusCode::CREATED, axum::Json(answer)).into_response();
    response.extensions_mut().insert(HoldsSecret);
    Ok(response)
}

/// Deletes a token: it works no more.
#[utoipa::path(delete, path = "/tokens/{id}", tag = "tokens", params(("id" = Uuid, Path)), responses((status = NO_CONTENT)))]
async fn delete(State(app): State<App>, actor: Actor, Path(id): Path<Uuid>) -> Result<StatusCode> {
    actor.require(Scope::Admin)?;
    store::delete(&app.db, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn checked(body: &CreateToken) -> Result<(String, Vec<Scope>)> {
    let mut faults = Vec::new();
    let name = clean_name(&body.name, LONGEST_NAME).unwrap_or_else(|expected| {
        faults.push(FieldProblem::new("/name", "invalid_name", expected));
        String::new()
    });
    let scopes: Vec<Scope> = Scope::ALL.into_iter().filter(|scope| body.scopes.contains(scope)).collect();
    if scopes.is_empty() {
        faults.push(FieldProblem::new(
            "/scopes",
            "no_scopes",
            "Expected at least one of read, write, build, publish, admin.",
        ));
    }
    if body.expires_in_days.is_some_and(|days| !(1..=LONGEST_LIFE_DAYS).contains(&days)) {
        faults.push(FieldProblem::new(
            "/expiresInDays",
            "out_of_range",
            "Expected 1 to 365 days, or nothing for a token that does not expire.",
        ));
    }
    if faults.is_empty() { Ok((name, scopes)) } else { Err(Error::many(faults)) }
}
