//! Extractors whose refusals are problems: with the path of what is wrong and what was expected.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use gantry_domain::problem::FieldProblem;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// A JSON body.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        let is_json =
            request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
                let kind = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
                kind == "application/json" || kind.ends_with("+json")
            });
        if !is_json {
            return Err(Error::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "not_json",
                "The body must be JSON, sent with Content-Type: application/json.",
            ));
        }
        let body = Bytes::from_request(request, state).await.map_err(|rejection| {
            let status = rejection.status();
            if status == StatusCode::PAYLOAD_TOO_LARGE {
                Error::new(
                    status,
                    "body_too_large",
                    "The body is larger than is allowed here: 1 MiB, or 8 MiB with a file in it.",
                )
            } else {
                Error::new(status, "body_unreadable", "The body ended early or could not be read.")
            }
        })?;
        parse(&body).map(Json)
    }
}

/// Parses a body and says where it is wrong.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    refuse_nul(body)?;
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = pointer(error.path());
        let error = error.into_inner();
        if error.is_data() {
            Error::invalid(path, "invalid_value", sentence(&error))
        } else {
            Error::new(StatusCode::BAD_REQUEST, "malformed_json", format!("The body is not JSON: {error}."))
        }
    })?;
    deserializer.end().map_err(|error| {
        Error::new(StatusCode::BAD_REQUEST, "malformed_json", format!("The body is not JSON: {error}."))
    })?;
    Ok(value)
}

/// What serde says, without the position that means nothing to a person.
fn sentence(error: &serde_json::Error) -> String {
    let text = error.to_string();
    gantry_domain::problem::sentence(text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text))
}

/// A JSON Pointer (RFC 6901).
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => pointer.push_str(&format!("/{}", key.replace('~', "~0").replace('/', "~1"))),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

/// No text of ours holds U+0000: Postgres cannot store it, and no file or prompt needs it.
fn refuse_nul(body: &[u8]) -> Result<()> {
    const ESCAPE: &[u8] = b"\\u0000";
    if !body.windows(ESCAPE.len()).any(|window| window == ESCAPE) {
        return Ok(());
    }
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(body) else {
        return Ok(());
    };
    match nul_in(&value, String::new()) {
        Some(path) => Err(Error::many(vec![FieldProblem::new(
            path,
            "nul_character",
            "The character U+0000 cannot be used in text.",
        )])),
        None => Ok(()),
    }
}

fn nul_in(value: &serde_json::Value, path: String) -> Option<String> {
    match value {
        serde_json::Value::String(text) => text.contains('\0').then_some(path),
        serde_json::Value::Array(items) => {
            items.iter().enumerate().find_map(|(index, item)| nul_in(item, format!("{path}/{index}")))
        }
        serde_json::Value::Object(fields) => fields.iter().find_map(|(key, item)| {
            if key.contains('\0') { Some(path.clone()) } else { nul_in(item, format!("{path}/{key}")) }
        }),
        _ => None,
    }
}

/// Parts of the address.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        if parts.uri.path().contains("%00") {
            return Err(Error::new(
                StatusCode::BAD_REQUEST,
                "nul_character",
                "The character U+0000 cannot be used in an address.",
            ));
        }
        let axum::extract::Path(value) =
            axum::extract::Path::<T>::from_request_parts(parts, state).await.map_err(|rejection| {
                Error::new(StatusCode::NOT_FOUND, "not_found", format!("There is nothing at this address: {rejection}"))
            })?;
        Ok(Self(value))
    }
}

/// The query of the address.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        if parts.uri.query().is_some_and(|query| query.contains("%00")) {
            return Err(Error::new(
                StatusCode::BAD_REQUEST,
                "nul_character",
                "The character U+0000 cannot be used in an address.",
            ));
        }
        let axum::extract::Query(value) = axum::extract::Query::<T>::from_request_parts(parts, state)
            .await
            .map_err(|rejection| Error::new(StatusCode::BAD_REQUEST, "invalid_query", format!("{rejection}.")))?;
        Ok(Self(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_domain::api::token::CreateToken;

    #[test]
    fn a_fault_is_named_by_its_path() {
        let error = parse::<CreateToken>(br#"{"name":"ci","scopes":["read","fly"]}"#).unwrap_err();
        assert_eq!(error.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert!(error.detail().starts_with("/scopes/1: Unknown variant `fly`"), "{}", error.detail());
    }

    #[test]
    fn text_that_is_not_json_is_another_fault() {
        let error = parse::<CreateToken>(b"{").unwrap_err();
        assert_eq!((error.status(), error.code()), (StatusCode::BAD_REQUEST, "malformed_json"));
    }

    #[test]
    fn the_nul_character_is_refused_and_its_spelling_is_not() {
        let error = parse::<serde_json::Value>(br#"{"a":["x\u0000"]}"#).unwrap_err();
        assert!(error.detail().starts_with("/a/0: "), "{}", error.detail());
        assert!(parse::<serde_json::Value>(br#"{"a":"\\u0000"}"#).is_ok());
    }
}
