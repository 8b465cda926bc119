//! Every way a request can fail, as RFC 9457 problem details with a stable code.
//!
//! The vocabulary of codes is documented in `docs/problems.md`. A fault of our own is logged here,
//! once, with the request's id; the caller learns the id and not the fault.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use gantry_domain::problem::{FieldProblem, Problem};

/// A failed request.
#[derive(Debug)]
pub struct Error(Box<Parts>);

#[derive(Debug)]
struct Parts {
    status: StatusCode,
    code: &'static str,
    detail: String,
    errors: Vec<FieldProblem>,
    headers: Vec<(HeaderName, HeaderValue)>,
    source: Option<anyhow::Error>,
}

/// What a handler answers with.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A failure with a status, a stable code and a sentence.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            status,
            code,
            detail: detail.into(),
            errors: Vec::new(),
            headers: Vec::new(),
            source: None,
        }))
    }

    /// `404`: there is no such thing, or not for this actor.
    pub fn not_found(noun: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("There is no such {noun}."))
    }

    /// `422`: one fault in the body, at a JSON Pointer.
    pub fn invalid(path: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self::many(vec![FieldProblem::new(path, code, message)])
    }

    /// `422`: faults in the body. The first one gives the code when there is no other.
    pub fn many(errors: Vec<FieldProblem>) -> Self {
        let detail = match errors.as_slice() {
            [] => "The request is not valid.".to_owned(),
            [only] if only.path.is_empty() => only.message.clone(),
            [only] => format!("{}: {}", only.path, only.message),
            [first, rest @ ..] => format!("{}: {} (and {} more)", first.path, first.message, rest.len()),
        };
        let mut error = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail);
        error.0.errors = errors;
        error
    }

    /// `409`: the state of things does not allow it.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// `401`: nobody is signed in.
    pub fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "Sign in, or send an API token as Authorization: Bearer gantry_….",
        )
        .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"gantry\""))
    }

    /// `403`: the actor may not do this.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// `503`: a part that is needed does not work.
    pub fn unavailable(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail)
    }

    /// The same failure with a header on its answer.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// The same failure with its faults by path.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<FieldProblem>) -> Self {
        self.0.errors = errors;
        self
    }

    /// The same failure under another stable code.
    #[must_use]
    pub fn coded(mut self, code: &'static str) -> Self {
        self.0.code = code;
        self
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// The sentence for the person.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    fn internal(source: anyhow::Error) -> Self {
        let mut error = Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Something failed on the server. Its log has the cause under this request's id.",
        );
        error.0.source = Some(source);
        error
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0.source {
            Some(source) => write!(f, "{} ({}): {source:#}", self.0.detail, self.0.code),
            None => write!(f, "{} ({})", self.0.detail, self.0.code),
        }
    }
}

impl std::error::Error for Error {}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::PoolTimedOut => {
                Self::unavailable("database_busy", "The database did not answer in time. Try again in a moment.")
            }
            other => Self::internal(other.into()),
        }
    }
}

impl From<anyhow::Error> for Error {
    fn from(error: anyhow::Error) -> Self {
        Self::internal(error)
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::internal(error.into())
    }
}

/// Turns a database constraint into the client's error.
pub trait ResultExt<T> {
    /// When `constraint` was violated, the error is what `error` makes of it.
    ///
    /// Postgres names the constraint (`project_name_key`); SQLite names the columns
    /// (`project.name`). Constraints are called `<table>_<column>_key`, so one name covers both.
    ///
    /// # Errors
    /// Any other database error as it is.
    fn on_constraint(self, constraint: &str, error: impl FnOnce() -> Error) -> Result<T>;
}

impl<T> ResultExt<T> for std::result::Result<T, sqlx::Error> {
    fn on_constraint(self, constraint: &str, error: impl FnOnce() -> Error) -> Result<T> {
        self.map_err(|failed| match &failed {
            sqlx::Error::Database(database) if violates(database.as_ref(), constraint) => error(),
            _ => failed.into(),
        })
    }
}

fn violates(error: &dyn sqlx::error::DatabaseError, constraint: &str) -> bool {
    if let Some(name) = error.constraint() {
        return name == constraint;
    }
    // SQLite: "UNIQUE constraint failed: project.name", or "…: index 'job_dedupe_key'" for an index on an expression.
    if !(error.is_unique_violation() || error.is_foreign_key_violation() || error.is_check_violation()) {
        return false;
    }
    let message = error.message();
    let columns = message.rsplit(": ").next().unwrap_or_default();
    let spelled = columns
        .split(", ")
        .enumerate()
        .map(|(index, column)| match column.split_once('.') {
            Some((table, column)) if index == 0 => format!("{table}_{column}"),
            Some((_, column)) => column.to_owned(),
            None => column.to_owned(),
        })
        .collect::<Vec<_>>()
        .join("_");
    spelled == constraint || format!("{spelled}_key") == constraint || message.contains(&format!("'{constraint}'"))
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let parts = *self.0;
        if let Some(source) = &parts.source {
            tracing::error!(error = format!("{source:#}"), "request failed");
        }
        let problem = Problem {
            kind: format!("/docs/problems#{}", parts.code),
            title: parts.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: parts.status.as_u16(),
            detail: parts.detail,
            code: parts.code.to_owned(),
            // Filled in by the layer that knows it.
            request_id: String::new(),
            errors: parts.errors,
        };
        let mut response = (parts.status, axum::Json(&problem)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        for (name, value) in parts.headers {
            response.headers_mut().append(name, value);
        }
        response.extensions_mut().insert(ProblemBody(problem));
        response
    }
}

/// The problem of a failed response, for the layer that adds the request's id.
#[derive(Clone)]
pub(crate) struct ProblemBody(pub(crate) Problem);
