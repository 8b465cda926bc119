//! The interface, embedded in the binary: precompressed, tagged, and cached by the hash in its names.

use std::borrow::Cow;
use std::io::Read;
use std::sync::LazyLock;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::error::Error;

/// The files of the interface. Of its WebAssembly only the precompressed copies are embedded, which every
/// browser takes: the plain modules would make the binary four megabytes larger.
#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../dist"]
#[allow_missing = true]
#[cfg_attr(not(debug_assertions), exclude = "*.wasm")]
struct Interface;

/// Which interface is embedded: the beginning of the page's hash. Its names have the hashes of what
/// they name, so it changes whenever anything in it does. None when it was not built.
pub(super) fn build_id() -> Option<&'static HeaderValue> {
    static BUILD_ID: LazyLock<Option<HeaderValue>> = LazyLock::new(|| {
        let page = Interface::get("index.html")?;
        HeaderValue::from_str(&hex::encode(&page.metadata.sha256_hash()[..6])).ok()
    });
    BUILD_ID.as_ref()
}

/// Answers with a file, or with the page for every address that the interface may know.
pub(super) async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return Error::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Only GET works here.")
            .into_response();
    }
    let path = uri.path().trim_start_matches('/');
    let is_encoding = path.ends_with(".br") || path.ends_with(".gz");
    let is_there = |path: &str| Interface::get(path).is_some() || Interface::get(&format!("{path}.gz")).is_some();
    let path = if !path.is_empty() && !is_encoding && is_there(path) {
        path
    } else if path.starts_with("assets/")
        // A file that is not there is not the page: a stale script must fail, not parse HTML.
        // Under `projects/` a suffix is that of a project's file, which the page shows.
        || (!path.starts_with("projects/") && path.rsplit('/').next().is_some_and(has_file_suffix))
    {
        return Error::not_found("file").into_response();
    } else {
        "index.html"
    };
    match representation(path, &headers) {
        Some(representation) => respond(path, representation, &headers),
        None => not_built(),
    }
}

/// A file as it is sent.
struct Representation {
    content: Cow<'static, [u8]>,
    encoding: Option<&'static str>,
    tag: String,
}

impl Representation {
    fn new(file: EmbeddedFile, encoding: Option<&'static str>) -> Self {
        Self { tag: tag(&file), content: file.data, encoding }
    }
}

fn tag(file: &EmbeddedFile) -> String {
    hex::encode(&file.metadata.sha256_hash()[..12])
}

/// The best of a file's copies that the client takes.
fn representation(path: &str, headers: &HeaderMap) -> Option<Representation> {
    let encoded = accepted_encoding(headers)
        .find_map(|(name, suffix)| Interface::get(&format!("{path}.{suffix}")).map(|file| (name, file)));
    if let Some((name, file)) = encoded {
        return Some(Representation::new(file, Some(name)));
    }
    if let Some(plain) = Interface::get(path) {
        return Some(Representation::new(plain, None));
    }
    // For the rare client that takes no encoding.
    let packed = Interface::get(&format!("{path}.gz"))?;
    let mut content = Vec::new();
    flate2::read::GzDecoder::new(&*packed.data).read_to_end(&mut content).ok()?;
    Some(Representation { content: Cow::Owned(content), encoding: None, tag: format!("{}-plain", tag(&packed)) })
}

fn respond(path: &str, found: Representation, headers: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", found.tag);
    let unchanged = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut response =
        if unchanged { StatusCode::NOT_MODIFIED.into_response() } else { Body::from(found.content).into_response() };
    let out = response.headers_mut();
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    let kind = if kind.type_() == "text" { format!("{kind}; charset=utf-8") } else { kind.to_string() };
    if let Ok(kind) = HeaderValue::from_str(&kind) {
        out.insert(header::CONTENT_TYPE, kind);
    }
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        out.insert(header::ETAG, tag);
    }
    let keep = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(encoding) = found.encoding {
        out.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

/// The encodings that the build leaves beside a file and the browser takes, best first.
fn accepted_encoding(headers: &HeaderMap) -> impl Iterator<Item = (&'static str, &'static str)> {
    [("br", "br"), ("gzip", "gz")].into_iter().filter(|(name, _)| accepts(headers, name))
}

/// Whether the client takes an answer in gzip.
pub(super) fn accepts_gzip(headers: &HeaderMap) -> bool {
    accepts(headers, "gzip")
}

fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default().split(',').any(
        |part| {
            let mut pieces = part.split(';').map(str::trim);
            pieces.next() == Some(encoding) && pieces.next() != Some("q=0")
        },
    )
}

fn has_file_suffix(name: &str) -> bool {
    [".js", ".css", ".wasm", ".woff2", ".map", ".json", ".svg", ".png", ".ico", ".webmanifest"]
        .iter()
        .any(|suffix| name.ends_with(suffix))
}

fn not_built() -> Response {
    let text = "This gantry was built without its interface. Build it with: cargo xtask web --release\n\
                The REST API works: see /api/v1/openapi.json\n";
    (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}
