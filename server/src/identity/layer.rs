//! The gate in front of `/api/v1`, `/v1`, `/mcp` and `/a2a`: who is asking is known before any handler runs, or nobody gets in.

use axum::extract::{OriginalUri, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::{Actor, Standing, cookie, origin, store};
use crate::app::App;
use crate::error::{Error, Result};

/// The header that a page proves itself with.
pub(super) const CSRF_HEADER: HeaderName = HeaderName::from_static("x-gantry-csrf");

/// What needs no account, because it leads to one or is the API's own description.
const OPEN: [(&Method, &str); 4] = [
    (&Method::GET, "/api/v1/setup"),
    (&Method::POST, "/api/v1/setup"),
    (&Method::POST, "/api/v1/auth/login"),
    (&Method::GET, "/api/v1/openapi.json"),
];

/// The login behind a request that came with a cookie.
#[derive(Clone)]
pub(super) struct LoginOfRequest {
    pub(super) id: Uuid,
    pub(super) email: String,
    pub(super) csrf_token: String,
}

/// Resolves the actor from the cookie or the token, and turns away what has neither.
///
/// A request with a cookie that changes something, and one that opens a WebSocket, must come from a
/// page of ours; a token is sent by no browser on its own, so it needs no such proof.
pub async fn layer(State(app): State<App>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match admit(&app, &mut parts).await {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(error) => error.into_response(),
    }
}

async fn admit(app: &App, parts: &mut Parts) -> Result<()> {
    let uri = parts.extensions.get::<OriginalUri>().map_or_else(|| parts.uri.clone(), |OriginalUri(uri)| uri.clone());
    if !is_behind_the_gate(uri.path()) {
        return Ok(());
    }
    let is_open = OPEN.iter().any(|(method, path)| {
        uri.path() == *path && (parts.method == **method || (parts.method == Method::HEAD && **method == Method::GET))
    });
    if !is_open && let Some(authorization) = parts.headers.get(header::AUTHORIZATION) {
        let actor = by_token(app, authorization).await?;
        parts.extensions.insert(Standing::Token(actor.id));
        parts.extensions.insert(actor);
        return Ok(());
    }
    let changes = !matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
    let opens_socket = parts.headers.get(header::UPGRADE).is_some();
    if (changes || opens_socket) && origin::is_cross_origin(&parts.headers, &uri) {
        return Err(Error::new(
            StatusCode::FORBIDDEN,
            "cross_origin",
            "This request comes from a page of another site. Open Gantry itself, use an API token, \
             or have the proxy in front pass the Host header on as it came.",
        ));
    }
    if is_open {
        return Ok(());
    }
    let token = cookie::read(&parts.headers).ok_or_else(Error::unauthorized)?;
    let login = store::login(&app.db, token.stored()).await?.ok_or_else(Error::unauthorized)?;
    let csrf_token = token.csrf_token();
    if changes {
        let sent = parts.headers.get(CSRF_HEADER).map(HeaderValue::as_bytes).unwrap_or_default();
        if !bool::from(sent.ct_eq(csrf_token.as_bytes())) {
            return Err(Error::new(
                StatusCode::FORBIDDEN,
                "csrf_token_invalid",
                "A request with the login cookie that changes something needs the header X-Gantry-Csrf with the \
                 csrfToken from GET /api/v1/auth/me. Reload the page; programs should use an API token.",
            ));
        }
    }
    parts.extensions.insert(Actor::from_account(&login.account));
    parts.extensions.insert(Standing::Login(login.login_id));
    parts.extensions.insert(LoginOfRequest { id: login.login_id, email: login.account.email, csrf_token });
    Ok(())
}

/// Whether whoever asks for this path has to be known.
pub(crate) fn is_behind_the_gate(path: &str) -> bool {
    matches!(path, "/mcp" | "/a2a") || ["/api/", "/v1/", "/mcp/", "/a2a/"].iter().any(|start| path.starts_with(start))
}

async fn by_token(app: &App, authorization: &HeaderValue) -> Result<Actor> {
    let refused = || {
        Error::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "The Authorization header holds no token that works: expected \"Bearer gantry_…\" with a token that exists \
             and has not expired. Make one under Settings, Tokens.",
        )
        .with_header(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Bearer realm=\"gantry\", error=\"invalid_token\""),
        )
    };
    let text = authorization.to_str().map_err(|_| refused())?;
    let (scheme, credential) = text.split_once(' ').ok_or_else(refused)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(refused());
    }
    crate::token::actor(app, credential.trim()).await?.ok_or_else(refused)
}
