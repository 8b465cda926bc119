//! Pairing with OllaBridge by a code that it shows: its cloud and the gateway on one's own machine.
//!
//! The cloud is asked at `POST /device/pair-simple`, the local gateway (`ollabridge` 0.1.9) at `POST /pair`;
//! where the first does not exist the second is tried, so one address and one code are enough. The two
//! and their versions differ in the name of the token and in how they refuse; every known form is read.
//! What the local gateway answers was seen; the cloud's answer is known from its documents and clients
//! only.

use std::time::Duration;

use reqwest::header::ACCEPT;
use reqwest::{RequestBuilder, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

/// How long each question may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// What this instance is called there.
const LABEL: &str = "Gantry";

/// A pairing code in the form that OllaBridge knows: `ABCD-1234` (cloud) or six digits (local).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Code(String);

impl Code {
    /// Reads what a person typed: blanks and hyphens do not matter, nor does the case.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let bare: String = text.chars().filter(|letter| letter.is_ascii_alphanumeric()).collect();
        let bare = bare.to_ascii_uppercase();
        let is_clean =
            text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-' || letter.is_whitespace());
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        match bare.len() {
            _ if !is_clean => None,
            6 if digits(&bare) => Some(Self(bare)),
            8 if bare[..4].bytes().all(|byte| byte.is_ascii_uppercase()) && digits(&bare[4..]) => {
                Some(Self(format!("{}-{}", &bare[..4], &bare[4..])))
            }
            _ => None,
        }
    }
}

/// What pairing gives.
#[derive(Clone, Debug)]
pub(crate) struct Paired {
    /// The device's id there; empty when it gave none.
    pub(crate) device_id: String,
    /// What opens it from now on.
    pub(crate) token: SecretString,
}

/// Why there is no pairing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It cannot be reached, or answers nonsense: why.
    Unreachable(String),
    /// Nothing there pairs by a code.
    NoPairing,
    /// The code is wrong, used or too old: its words.
    Code(String),
    /// It gave a token and does not accept it.
    TokenRefused,
}

/// Where OllaBridge's own paths begin.
fn root(base_url: &str) -> &str {
    let base = base_url.trim_end_matches('/');
    base.strip_suffix("/v1").unwrap_or(base)
}

/// Pairs by a code, and shows the token once to see that it opens something.
///
/// # Errors
/// See [`Refusal`]. A token that opens nothing is given back.
pub(crate) async fn pair(http: &reqwest::Client, base_url: &str, code: &Code) -> Result<Paired, Refusal> {
    let root = root(base_url);
    let client = json!({
        "name": LABEL, "version": env!("CARGO_PKG_VERSION"), "platform": std::env::consts::OS, "vendor": "gantry",
    });
    let simple = json!({ "code": code.0, "client": client });
    let (mut status, mut answer) = send(http.post(format!("{root}/device/pair-simple")).json(&simple)).await?;
    if matches!(status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) {
        let local = json!({ "code": code.0, "label": LABEL, "client": client });
        (status, answer) = send(http.post(format!("{root}/pair")).json(&local)).await?;
    }
    let paired = understood(status, &answer)?;
    let asked = http.get(format!("{root}/v1/models")).bearer_auth(paired.token.expose_secret());
    let (status, _) = send(asked).await?;
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        let _ = unpair(http, base_url, &paired.device_id).await;
        return Err(Refusal::TokenRefused);
    }
    Ok(paired)
}

/// Has OllaBridge forget this instance; whether it said that it did. The cloud has no such route.
pub(crate) async fn unpair(http: &reqwest::Client, base_url: &str, device_id: &str) -> bool {
    let revoke = http.post(format!("{}/pair/revoke", root(base_url))).json(&json!({ "device_id": device_id }));
    send(revoke).await.is_ok_and(|(status, _)| status.is_success())
}

async fn send(request: RequestBuilder) -> Result<(StatusCode, Value), Refusal> {
    let answered = tokio::time::timeout(PATIENCE, async {
        let response = request.header(ACCEPT, "application/json").send().await?;
        let status = response.status();
        Ok::<_, reqwest::Error>((status, response.bytes().await?))
    });
    match answered.await {
        Err(_) => Err(Refusal::Unreachable("it does not answer".to_owned())),
        Ok(Err(error)) => {
            let mut cause: &dyn std::error::Error = &error;
            while let Some(next) = cause.source() {
                cause = next;
            }
            Err(Refusal::Unreachable(cause.to_string()))
        }
        Ok(Ok((status, body))) => Ok((status, serde_json::from_slice(&body).unwrap_or(Value::Null))),
    }
}

/// The token, in whichever field it is; or how it was refused.
fn understood(status: StatusCode, answer: &Value) -> Result<Paired, Refusal> {
    if matches!(status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) {
        return Err(Refusal::NoPairing);
    }
    let words = ["error", "detail", "message"].iter().find_map(|name| answer[*name].as_str());
    let is_refused = !status.is_success() || answer["ok"] == false || answer["status"] == "error";
    if is_refused && status.is_server_error() {
        return Err(Refusal::Unreachable(format!("it failed with {status}")));
    }
    if is_refused {
        return Err(Refusal::Code(words.unwrap_or("it was refused").trim_end_matches('.').to_owned()));
    }
    let token = ["token", "device_token", "access_token"].iter().find_map(|name| answer[*name].as_str());
    match token.filter(|token| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())) {
        Some(token) => Ok(Paired {
            device_id: answer["device_id"].as_str().unwrap_or_default().chars().take(200).collect(),
            token: SecretString::from(token),
        }),
        // A page of something else answered with 200.
        None if !answer.is_object() => Err(Refusal::NoPairing),
        None => Err(Refusal::Code("its answer has no token".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_people_type_it() {
        for (typed, read) in [
            ("078524", Some("078524")),
            ("078-524", Some("078524")),
            (" 078 524 ", Some("078524")),
            ("abcd-1234", Some("ABCD-1234")),
            ("ABCD1234", Some("ABCD-1234")),
            ("", None),
            ("12345", None),
            ("1234-ABCD", None),
            ("ABCD_1234", None),
            ("ABCD-1234\u{0}", None),
        ] {
            assert_eq!(Code::read(typed).map(|code| code.0).as_deref(), read, "{typed}");
        }
    }

    #[test]
    fn every_form_of_an_answer_is_understood() {
        let read = |status: u16, answer: Value| {
            understood(StatusCode::from_u16(status).unwrap(), &answer)
                .map(|paired| (paired.device_id, paired.token.expose_secret().to_owned()))
        };
        let paired = Ok(("d".to_owned(), "t".to_owned()));
        // The local gateway, the cloud's pair-simple, and what older clients wrote.
        assert_eq!(read(200, json!({"ok": true, "device_id": "d", "token": "t"})), paired);
        assert_eq!(read(200, json!({"status": "ok", "device_id": "d", "device_token": "t"})), paired);
        assert_eq!(read(200, json!({"device_id": "d", "access_token": "t"})), paired);
        let refused = |text: &str| Err(Refusal::Code(text.to_owned()));
        assert_eq!(
            read(401, json!({"detail": "Invalid or expired pairing code"})),
            refused("Invalid or expired pairing code")
        );
        assert_eq!(
            read(200, json!({"status": "error", "error": "Pairing code expired"})),
            refused("Pairing code expired")
        );
        assert_eq!(read(200, json!({"ok": false, "error": "Invalid pairing code"})), refused("Invalid pairing code"));
        assert_eq!(read(200, json!({"ok": true, "token": "a b"})), refused("its answer has no token"));
        assert_eq!(read(404, json!({"detail": "Not Found"})), Err(Refusal::NoPairing));
        assert_eq!(read(200, Value::Null), Err(Refusal::NoPairing));
        assert!(matches!(read(500, Value::Null), Err(Refusal::Unreachable(_))));
    }
}
