//! `Idempotency-Key`: the same key with the same request gets the same answer, done once.
//!
//! Follows the IETF draft "The Idempotency-Key HTTP Header Field" (draft-ietf-httpapi-idempotency-key-header):
//! a key with another request is `422`, a key whose first request is still under way is `409`.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use gantry_domain::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::types::Json;

use crate::app::App;
use crate::error::{Error, Result};
use crate::identity::Actor;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Says that the answer is the one given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// For how long an answer is remembered.
const KEEP_MILLIS: i64 = 24 * 60 * 60 * 1_000;

/// Answers repeated requests from memory.
pub(super) async fn layer(State(app): State<App>, request: Request, next: Next) -> Response {
    let Some(key) = request.headers().get(KEY).cloned() else {
        return next.run(request).await;
    };
    let actor = request.extensions().get::<Actor>().cloned();
    let (Some(actor), true) = (actor, request.method() == Method::POST) else {
        return next.run(request).await;
    };
    match answer(&app, &actor, &key, request, next).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    }
}

/// Put into the extensions of an answer that holds a secret: that it was given is remembered, what it was is not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HoldsSecret;

#[derive(sqlx::FromRow)]
struct Remembered {
    request_hash: String,
    status: Option<i64>,
    response: Option<Value>,
}

async fn answer(app: &App, actor: &Actor, key: &HeaderValue, request: Request, next: Next) -> Result<Response> {
    let key = key.to_str().ok().filter(|key| (1..=255).contains(&key.len())).ok_or_else(|| {
        Error::new(
            StatusCode::BAD_REQUEST,
            "idempotency_key_invalid",
            "Idempotency-Key must be 1 to 255 visible ASCII characters.",
        )
    })?;
    let (parts, body) = request.into_parts();
    // The most that any address takes; one that takes less says so itself.
    let body = to_bytes(body, super::FILE_BODY_LIMIT)
        .await
        .map_err(|_| Error::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "The body is larger than 8 MiB."))?;
    // Neither the key nor the request is kept, only hashes, and the key goes into both: a body that
    // holds a password cannot be guessed from the row by somebody who has only the database.
    let hash = hash(&[key.as_bytes(), parts.uri.to_string().as_bytes(), &body]);
    let key = hash_of_key(key);
    let actor_id = actor.id.to_string();
    let taken = app
        .db
        .sql(
            "INSERT INTO idempotency (actor_id, key, request_hash, created_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (actor_id, key) DO NOTHING",
        )
        .bind(actor_id.clone())
        .bind(key.clone())
        .bind(hash.clone())
        .bind(app.db.now())
        .execute()
        .await?;
    if taken == 0 {
        return replay(app, &actor_id, &key, &hash).await;
    }
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    remember(app, &actor_id, &key, response).await
}

async fn replay(app: &App, actor_id: &str, key: &str, hash: &str) -> Result<Response> {
    let known: Remembered = app
        .db
        .sql("SELECT request_hash, status, response FROM idempotency WHERE actor_id = $1 AND key = $2")
        .bind(actor_id.to_owned())
        .bind(key.to_owned())
        .one()
        .await?;
    if known.request_hash != hash {
        return Err(Error::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency_key_reused",
            "This Idempotency-Key was sent before with another request. Use a new key for a new request.",
        ));
    }
    let (Some(status), Some(body)) = (known.status, known.response) else {
        return Err(Error::conflict(
            "idempotency_in_progress",
            "The first request with this Idempotency-Key is still under way. Try again in a moment.",
        ));
    };
    if body.is_null() {
        return Err(Error::conflict(
            "answer_not_kept",
            "This was done before with this Idempotency-Key. Its answer held a secret, so it was not kept.",
        ));
    }
    let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
    let mut response = (status.unwrap_or(StatusCode::OK), axum::Json(body)).into_response();
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

/// Remembers a success; forgets a failure, so that it can be tried again with the same key.
async fn remember(app: &App, actor_id: &str, key: &str, response: Response) -> Result<Response> {
    let is_json = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if !response.status().is_success() || !is_json {
        app.db
            .sql("DELETE FROM idempotency WHERE actor_id = $1 AND key = $2 AND status IS NULL")
            .bind(actor_id.to_owned())
            .bind(key.to_owned())
            .execute()
            .await?;
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let body: Bytes = to_bytes(body, usize::MAX).await.map_err(anyhow::Error::from)?;
    let value: Value =
        if parts.extensions.get::<HoldsSecret>().is_some() { Value::Null } else { serde_json::from_slice(&body)? };
    app.db
        .sql("UPDATE idempotency SET status = $3, response = $4 WHERE actor_id = $1 AND key = $2")
        .bind(actor_id.to_owned())
        .bind(key.to_owned())
        .bind(i64::from(parts.status.as_u16()))
        .bind(Json(value))
        .execute()
        .await?;
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn hash_of_key(key: &str) -> String {
    hash(&[b"key", key.as_bytes()])
}

/// SHA-256 over the parts, each with its length before it so that no two lists look alike.
fn hash(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hex::encode(hasher.finalize())
}

/// Forgets answers past their time, and requests that the server's end cut off.
pub(crate) async fn delete_old(app: &App) -> Result<()> {
    let now = app.db.now();
    let old: Timestamp = now.plus_millis(-KEEP_MILLIS);
    let cut_off: Timestamp = now.plus_millis(-5 * 60 * 1_000);
    app.db
        .sql("DELETE FROM idempotency WHERE created_at < $1 OR (status IS NULL AND created_at < $2)")
        .bind(old)
        .bind(cut_off)
        .execute()
        .await?;
    Ok(())
}
