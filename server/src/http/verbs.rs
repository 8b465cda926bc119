//! Actions are `POST /noun/{id}:verb` on the wire. The router cannot match a parameter followed by
//! text, so the verb becomes a segment of its own before routing: `/noun/{id}/~verb`.

use axum::extract::Request;
use axum::http::{Method, Uri};
use utoipa::openapi::{OpenApi, Paths};

/// A layer that moves the verb into a segment of its own.
pub(super) fn rewrite() -> tower::util::MapRequestLayer<fn(Request) -> Request> {
    tower::util::MapRequestLayer::new(rewrite_request)
}

fn rewrite_request(mut request: Request) -> Request {
    if request.method() == Method::POST
        && let Some(uri) = rewritten(request.uri())
    {
        *request.uri_mut() = uri;
    }
    request
}

fn rewritten(uri: &Uri) -> Option<Uri> {
    let (rest, verb) = uri.path().rsplit_once(':')?;
    let is_verb = !verb.is_empty() && verb.len() <= 32 && verb.chars().all(|c| c.is_ascii_alphabetic());
    if !is_verb || !rest.starts_with("/api/v1/") {
        return None;
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{rest}/~{verb}{query}").parse().ok()
}

/// The document as people see it: with colons.
pub(super) fn with_colons(mut document: OpenApi) -> OpenApi {
    let mut paths = Paths::new();
    paths.extensions = document.paths.extensions.take();
    for (path, item) in document.paths.paths {
        paths.paths.insert(path.replace("/~", ":"), item);
    }
    document.paths = paths;
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path_after(path: &str) -> Option<String> {
        rewritten(&path.parse().unwrap()).map(|uri| uri.to_string())
    }

    #[test]
    fn a_verb_becomes_a_segment() {
        assert_eq!(path_after("/api/v1/jobs/1:cancel").as_deref(), Some("/api/v1/jobs/1/~cancel"));
        assert_eq!(
            path_after("/api/v1/images/sha256:00ff:publish?x=1").as_deref(),
            Some("/api/v1/images/sha256:00ff/~publish?x=1")
        );
    }

    #[test]
    fn what_is_no_verb_stays() {
        for path in ["/api/v1/jobs", "/a:b", "/api/v1/images/sha256:0123456789", "/api/v1/x:"] {
            assert_eq!(path_after(path), None, "{path}");
        }
    }
}
