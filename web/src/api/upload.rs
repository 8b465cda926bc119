//! Files that a person chose: sent as they are, or read as text.

use gantry_domain::problem::Problem;
use gloo_net::http::{Method, RequestBuilder};
use serde::de::DeserializeOwned;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

use super::{ApiError, ApiResult, BASE, CSRF_HEADER, CSRF_TOKEN, decode, notice_upgrade, unexpected};

/// Sends a file as the body of a request.
pub(crate) async fn upload<T: DeserializeOwned>(path: &str, kind: &str, file: web_sys::File) -> ApiResult<T> {
    let mut request = RequestBuilder::new(&format!("{BASE}{path}"))
        .method(Method::POST)
        .header("Accept", "application/json")
        .header("Content-Type", kind);
    if let Some(token) = CSRF_TOKEN.with_borrow(Clone::clone) {
        request = request.header(CSRF_HEADER, &token);
    }
    let answer = match request.body(JsValue::from(file)) {
        Ok(request) => request.send().await,
        Err(error) => Err(error),
    };
    let answer = answer.map_err(|error| ApiError::Unreachable(error.to_string()))?;
    notice_upgrade(&answer);
    if answer.ok() {
        return decode(answer).await;
    }
    let text = answer.text().await.map_err(|error| unexpected(&answer, error))?;
    Err(match serde_json::from_str::<Problem>(&text) {
        Ok(problem) => ApiError::Problem(Box::new(problem)),
        Err(_) => ApiError::Unexpected { status: answer.status(), message: text.chars().take(200).collect() },
    })
}

/// The text of a file; none if it cannot be read.
pub(crate) async fn read_text(file: &web_sys::File) -> Option<String> {
    JsFuture::from(file.text()).await.ok()?.as_string()
}
