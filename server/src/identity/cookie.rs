//! The login cookie: its name, its attributes and how it is read.
//!
//! `__Host-` makes browsers refuse it unless it is Secure, has Path=/ and no Domain, so no other host,
//! subdomain or plain-HTTP page can plant one. Browsers take a Secure cookie over plain HTTP only from
//! this machine (`127.0.0.1`, `localhost`); `origin::is_cookie_kept` says where that is.

use axum::http::{HeaderMap, HeaderValue, header};

use super::ABSOLUTE_LIFETIME;
use super::opaque::Opaque;

const NAME: &str = "__Host-gantry";

/// The token in the request's cookie, if there is one of the right form.
pub(super) fn read(headers: &HeaderMap) -> Option<Opaque> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == NAME)
        .and_then(|(_, value)| Opaque::parse(value.trim()))
}

/// The header that gives the browser its token.
pub(super) fn give(token: &Opaque) -> Option<HeaderValue> {
    let text = format!(
        "{NAME}={}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={}",
        *token.text(),
        ABSOLUTE_LIFETIME.as_secs()
    );
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The header that makes the browser forget it.
pub(super) fn take_back() -> HeaderValue {
    HeaderValue::from_static("__Host-gantry=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_is_read_back_among_other_cookies() {
        let token = Opaque::generate();
        let given = give(&token).unwrap();
        let given = given.to_str().unwrap();
        for attribute in ["Path=/", "Secure", "HttpOnly", "SameSite=Strict"] {
            assert!(given.split("; ").any(|part| part == attribute), "{given}");
        }
        assert!(!given.contains("Domain"));
        let pair = given.split(';').next().unwrap();
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, format!("theme=dark; {pair}; x=y=z").parse().unwrap());
        assert_eq!(read(&headers).unwrap().stored(), token.stored());
    }

    #[test]
    fn anything_else_is_no_cookie() {
        for bad in ["", "__Host-gantry", "__Host-gantry=", "__Host-gantry=abc", "gantry=abc", "__Host-gantry=\"\""] {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, bad.parse().unwrap());
            assert!(read(&headers).is_none(), "{bad}");
        }
    }
}
