//! The typed client of `/api/v1`: one request function, one error type. The calls themselves, one
//! function per operation, are in [`calls`].

pub(crate) mod calls;
pub(crate) mod evals;
pub(crate) mod plans;
pub(crate) mod revisions;
mod upload;
pub(crate) mod work;

use std::cell::RefCell;
use std::fmt;

use gantry_domain::problem::Problem;
use gloo_net::http::{Method, Request, RequestBuilder, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(crate) use upload::{read_text, upload};

/// Where the REST interface begins.
pub(crate) const BASE: &str = "/api/v1";

/// What the server wants to see with every request that changes something.
const CSRF_HEADER: &str = "X-Gantry-Csrf";

/// Which interface the server has.
const BUILD_HEADER: &str = "x-gantry-build";

thread_local! {
    static FIRST_BUILD: RefCell<Option<String>> = const { RefCell::new(None) };
    static ON_UPGRADE: RefCell<Option<Box<dyn Fn()>>> = const { RefCell::new(None) };
    static CSRF_TOKEN: RefCell<Option<String>> = const { RefCell::new(None) };
    static ON_SIGNED_OUT: RefCell<Option<Box<dyn Fn()>>> = const { RefCell::new(None) };
}

/// Remembers the token against cross-site requests that the server gave with the session.
pub(crate) fn set_csrf_token(token: Option<String>) {
    CSRF_TOKEN.set(token);
}

/// Says what happens when the server no longer knows the session.
pub(crate) fn on_signed_out(act: impl Fn() + 'static) {
    ON_SIGNED_OUT.set(Some(Box::new(act)));
}

/// Says what happens when the server turns out to have another interface than this one.
pub(crate) fn on_upgrade(act: impl Fn() + 'static) {
    ON_UPGRADE.set(Some(Box::new(act)));
}

/// Compares the interface that the server has with the one that it had when this page was loaded.
fn notice_upgrade(answer: &Response) {
    let Some(build) = answer.headers().get(BUILD_HEADER) else { return };
    let first = FIRST_BUILD.with_borrow_mut(|first| first.get_or_insert_with(|| build.clone()).clone());
    if first != build {
        ON_UPGRADE.with_borrow(|act| {
            if let Some(act) = act {
                act();
            }
        });
    }
}

/// Asks the server which interface it has, for pages that have long asked for nothing.
pub(crate) async fn look_for_upgrade() {
    // Whoever is signed in or not may ask this, and a failure is no news.
    if let Ok(answer) = RequestBuilder::new(&format!("{BASE}/setup")).send().await {
        notice_upgrade(&answer);
    }
}

/// Why a request did not give what was asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ApiError {
    /// No answer came: the server is away, or the connection is.
    Unreachable(String),
    /// The server answered with a problem.
    Problem(Box<Problem>),
    /// The server, or something before it, answered with something else.
    Unexpected {
        /// The HTTP status.
        status: u16,
        /// What was not understood.
        message: String,
    },
}

impl ApiError {
    /// The HTTP status; 0 when no answer came.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Unreachable(_) => 0,
            Self::Problem(problem) => problem.status,
            Self::Unexpected { status, .. } => *status,
        }
    }

    /// The stable code of the problem; empty when there is none.
    pub(crate) fn code(&self) -> &str {
        match self {
            Self::Problem(problem) => &problem.code,
            _ => "",
        }
    }

    /// The request's id, to be found again in the server's log.
    pub(crate) fn request_id(&self) -> Option<&str> {
        match self {
            Self::Problem(problem) if !problem.request_id.is_empty() => Some(&problem.request_id),
            _ => None,
        }
    }

    /// What the server says about the field at this JSON Pointer, such as `/name`.
    pub(crate) fn field(&self, path: &str) -> Option<String> {
        match self {
            Self::Problem(problem) => {
                problem.errors.iter().find(|fault| fault.path == path).map(|fault| fault.message.clone())
            }
            _ => None,
        }
    }

    /// Whether every fault it names is at one of these paths, so that a form shows it beside its fields.
    pub(crate) fn is_only_about(&self, paths: &[&str]) -> bool {
        match self {
            Self::Problem(problem) => {
                !problem.errors.is_empty() && problem.errors.iter().all(|fault| paths.contains(&fault.path.as_str()))
            }
            _ => false,
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(_) => f.write_str("The server cannot be reached."),
            Self::Problem(problem) if problem.detail.is_empty() => f.write_str(&problem.title),
            Self::Problem(problem) => f.write_str(&problem.detail),
            Self::Unexpected { status, message } => {
                write!(f, "The answer was not understood (HTTP {status}): {message}")
            }
        }
    }
}

/// What every call gives.
pub(crate) type ApiResult<T> = Result<T, ApiError>;

/// Reads a resource; `path` begins after `/api/v1`.
pub(crate) async fn get<T: DeserializeOwned>(path: &str) -> ApiResult<T> {
    decode(send(Method::GET, path, None::<&()>).await?).await
}

/// Reads a resource as the text that it is.
pub(crate) async fn get_text(path: &str) -> ApiResult<String> {
    let answer = send(Method::GET, path, None::<&()>).await?;
    answer.text().await.map_err(|error| unexpected(&answer, error))
}

/// Creates something or asks for an action.
pub(crate) async fn post<T: DeserializeOwned>(path: &str, body: &impl Serialize) -> ApiResult<T> {
    decode(send(Method::POST, path, Some(body)).await?).await
}

/// Replaces a resource.
pub(crate) async fn put<T: DeserializeOwned>(path: &str, body: &impl Serialize) -> ApiResult<T> {
    decode(send(Method::PUT, path, Some(body)).await?).await
}

/// Changes parts of a resource.
pub(crate) async fn patch<T: DeserializeOwned>(path: &str, body: &impl Serialize) -> ApiResult<T> {
    decode(send(Method::PATCH, path, Some(body)).await?).await
}

/// Removes a resource.
pub(crate) async fn delete(path: &str) -> ApiResult<()> {
    send(Method::DELETE, path, None::<&()>).await.map(|_| ())
}

/// Removes a part of a resource, and reads what the resource is then.
pub(crate) async fn delete_for<T: DeserializeOwned>(path: &str) -> ApiResult<T> {
    decode(send(Method::DELETE, path, None::<&()>).await?).await
}

/// A part of a path or a value in a query, with everything encoded that means something there.
pub(crate) fn encode(text: &str) -> String {
    js_sys::encode_uri_component(text).into()
}

/// A cursor as the rest of a query.
fn after(cursor: Option<String>) -> String {
    cursor.map(|cursor| format!("&cursor={}", encode(&cursor))).unwrap_or_default()
}

/// The address of a WebSocket on this server; `path` begins after `/api/v1`.
pub(crate) fn websocket_url(path: &str) -> String {
    let location = leptos::prelude::window().location();
    let scheme = if location.protocol().as_deref() == Ok("https:") { "wss" } else { "ws" };
    format!("{scheme}://{}{BASE}{path}", location.host().unwrap_or_default())
}

/// A request with what every request carries.
fn request(method: Method, path: &str) -> RequestBuilder {
    let changes = method != Method::GET;
    let request = RequestBuilder::new(&format!("{BASE}{path}")).method(method).header("Accept", "application/json");
    match CSRF_TOKEN.with_borrow(Clone::clone) {
        Some(token) if changes => request.header(CSRF_HEADER, &token),
        _ => request,
    }
}

/// Sends a request and turns every answer that is not a success into an error.
async fn send<B: Serialize>(method: Method, path: &str, body: Option<&B>) -> ApiResult<Response> {
    let request = request(method, path);
    answered(
        path,
        match body {
            Some(body) => request.json(body),
            None => request.build(),
        },
    )
    .await
}

/// Sends what was made of a request, and turns every answer that is not a success into an error.
async fn answered(path: &str, request: Result<Request, gloo_net::Error>) -> ApiResult<Response> {
    let answer = match request {
        Ok(request) => request.send().await,
        Err(error) => Err(error),
    };
    let answer = answer.map_err(|error| ApiError::Unreachable(error.to_string()))?;
    notice_upgrade(&answer);
    if answer.ok() {
        return Ok(answer);
    }
    if answer.status() == 401 && !path.starts_with("/auth/") && path != "/setup" {
        ON_SIGNED_OUT.with_borrow(|act| {
            if let Some(act) = act {
                act();
            }
        });
    }
    let text = answer.text().await.map_err(|error| unexpected(&answer, error))?;
    Err(match serde_json::from_str::<Problem>(&text) {
        Ok(problem) => ApiError::Problem(Box::new(problem)),
        Err(_) => ApiError::Unexpected { status: answer.status(), message: text.chars().take(200).collect() },
    })
}

/// Reads the body; an empty one stands for `null`, so that `()` can be asked for.
async fn decode<T: DeserializeOwned>(answer: Response) -> ApiResult<T> {
    let text = answer.text().await.map_err(|error| unexpected(&answer, error))?;
    let decoded = if text.is_empty() { serde_json::from_value(Value::Null) } else { serde_json::from_str(&text) };
    decoded.map_err(|error| unexpected(&answer, error))
}

fn unexpected(answer: &Response, error: impl fmt::Display) -> ApiError {
    ApiError::Unexpected { status: answer.status(), message: error.to_string() }
}
