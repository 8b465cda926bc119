//! Answers that are the same for everybody for as long as this program runs: written once, compressed
//! once, and tagged, so that a browser which has them is told so.

use std::io::Write;
use std::sync::OnceLock;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::assets::accepts_gzip;
use crate::error::Result;

/// A body that never changes. Meant for a `static`.
pub(crate) struct Fixed {
    content_type: &'static str,
    written: OnceLock<Written>,
}

struct Written {
    plain: Bytes,
    gzip: OnceLock<Bytes>,
    tag: HeaderValue,
}

impl Fixed {
    /// Of this type; written when it is first asked for.
    pub(crate) const fn new(content_type: &'static str) -> Self {
        Self { content_type, written: OnceLock::new() }
    }

    /// Answers a request that came with `headers`; `value` is asked for once.
    ///
    /// # Errors
    /// When the value cannot be written as JSON.
    pub(crate) fn answer<T: Serialize>(&self, headers: &HeaderMap, value: impl FnOnce() -> T) -> Result<Response> {
        let written = match self.written.get() {
            Some(written) => written,
            None => {
                let written = Written::new(serde_json::to_vec(&value())?)?;
                self.written.get_or_init(|| written)
            }
        };
        let is_known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| is_among(known, &written.tag));
        let mut response = if is_known {
            StatusCode::NOT_MODIFIED.into_response()
        } else if accepts_gzip(headers) {
            let mut response = written.gzip().clone().into_response();
            response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            response
        } else {
            written.plain.clone().into_response()
        };
        let always: [(HeaderName, HeaderValue); 4] = [
            (header::CONTENT_TYPE, HeaderValue::from_static(self.content_type)),
            (header::ETAG, written.tag.clone()),
            // Kept by the browser, but asked about each time: the next version of the server has another.
            (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
            (header::VARY, HeaderValue::from_static("accept-encoding")),
        ];
        response.headers_mut().extend(always);
        Ok(response)
    }
}

impl Written {
    fn new(plain: Vec<u8>) -> Result<Self> {
        // Weak (RFC 9110, section 8.8.1): both encodings have the same one.
        let tag = format!("W/\"{}\"", hex::encode(&Sha256::digest(&plain)[..12]));
        let tag = HeaderValue::from_str(&tag).map_err(anyhow::Error::from)?;
        Ok(Self { plain: plain.into(), gzip: OnceLock::new(), tag })
    }

    fn gzip(&self) -> &Bytes {
        self.gzip.get_or_init(|| {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            // Writing into memory does not fail.
            let _ = encoder.write_all(&self.plain);
            encoder.finish().unwrap_or_default().into()
        })
    }
}

/// Whether a list of tags (`If-None-Match`, compared weakly: RFC 9110, section 13.1.2) has this one.
fn is_among(list: &HeaderValue, tag: &HeaderValue) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let (Ok(list), Ok(tag)) = (list.to_str(), tag.to_str()) else { return false };
    list.trim() == "*" || list.split(',').any(|known| opaque(known) == opaque(tag))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::to_bytes;
    use std::io::Read;

    fn asked(name: HeaderName, value: &str) -> HeaderMap {
        [(name, HeaderValue::from_str(value).unwrap())].into_iter().collect()
    }

    async fn body(response: Response) -> Vec<u8> {
        to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()
    }

    #[tokio::test]
    async fn it_is_written_once_and_comes_in_both_encodings() {
        let fixed = Fixed::new("application/json");
        let first = fixed.answer(&HeaderMap::new(), || "x".repeat(1_000)).unwrap();
        assert!(!first.headers().contains_key(header::CONTENT_ENCODING));
        let plain = body(first).await;
        assert_eq!(plain.len(), 1_002);
        let again = fixed
            .answer(&asked(header::ACCEPT_ENCODING, "br, gzip"), || -> String { unreachable!("it is known") })
            .unwrap();
        assert_eq!(again.headers()[header::CONTENT_ENCODING], "gzip");
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&*body(again).await).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, plain);
    }

    #[tokio::test]
    async fn who_has_it_is_told_so() {
        let fixed = Fixed::new("application/json");
        let first = fixed.answer(&HeaderMap::new(), || "x").unwrap();
        let tag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
        for (known, status) in
            [(tag.clone(), 304), (format!("\"a\", {}", tag.trim_start_matches("W/")), 304), ("\"a\"".to_owned(), 200)]
        {
            let answer = fixed.answer(&asked(header::IF_NONE_MATCH, &known), || "x").unwrap();
            assert_eq!(answer.status(), status, "{known}");
            assert_eq!(body(answer).await.is_empty(), status == 304);
        }
    }
}
