//! Keys that become tokens of short life before they open anything: IBM Cloud's IAM.
//!
//! The contract is the one of IBM's documents ("Generating an IAM token by using an API key"): a form with
//! `grant_type=urn:ibm:params:oauth:grant-type:apikey` and `apikey`, answered with `access_token` and
//! `expires_in`. The address is the provider's own setting; without one a key is sent as it is. Tokens are
//! kept in memory until shortly before they end, and nowhere else.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use gantry_domain::provider::Finding;
use reqwest::header::ACCEPT;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::endpoint::{Endpoint, visible};
use super::fault::{ModelError, said_in};
use super::relay::read_body;

const GRANT: &str = "urn:ibm:params:oauth:grant-type:apikey";
/// How long before its end a token is not used any more.
const SPARE: Duration = Duration::from_secs(60);
/// How many tokens are kept; with more providers than that, some are asked for again.
const MOST_KEPT: usize = 256;

struct Kept {
    token: SecretString,
    until: Instant,
}

/// The tokens in use, by a hash of where they come from and of what.
static KEPT: LazyLock<Mutex<HashMap<[u8; 32], Kept>>> = LazyLock::new(Mutex::default);

fn name(address: &str, key: &SecretString) -> [u8; 32] {
    Sha256::new().chain_update(address).chain_update([0]).chain_update(key.expose_secret()).finalize().into()
}

fn kept() -> std::sync::MutexGuard<'static, HashMap<[u8; 32], Kept>> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The endpoint with the key that opens it now.
///
/// # Errors
/// What the address of tokens answered instead of one.
pub(super) async fn exchanged(http: &reqwest::Client, endpoint: &Endpoint) -> Result<Endpoint, ModelError> {
    let (Some(address), Some(key)) = (&endpoint.token_url, endpoint.key.as_ref().filter(|_| endpoint.has_key())) else {
        return Ok(endpoint.clone());
    };
    let name = name(address, key);
    let known = kept().get(&name).filter(|kept| kept.until > Instant::now()).map(|kept| kept.token.clone());
    let token = match known {
        Some(token) => token,
        None => {
            let (token, life) = ask(http, endpoint, address, key).await?;
            let mut kept = kept();
            if kept.len() >= MOST_KEPT {
                kept.clear();
            }
            let until = Instant::now() + life.saturating_sub(SPARE);
            kept.insert(name, Kept { token: token.clone(), until });
            token
        }
    };
    Ok(Endpoint { key: Some(token), ..endpoint.clone() })
}

/// A token was refused: the next request asks for another.
pub(super) fn forget(endpoint: &Endpoint) {
    if let (Some(address), Some(key)) = (&endpoint.token_url, &endpoint.key) {
        kept().remove(&name(address, key));
    }
}

async fn ask(
    http: &reqwest::Client,
    endpoint: &Endpoint,
    address: &str,
    key: &SecretString,
) -> Result<(SecretString, Duration), ModelError> {
    let at = Endpoint { base_url: address.to_owned(), ..endpoint.clone() };
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", GRANT)
        .append_pair("apikey", key.expose_secret())
        .finish();
    let request = http
        .post(address)
        .header(reqwest::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(ACCEPT, "application/json")
        .body(form);
    let response = match tokio::time::timeout(endpoint.idle_timeout, request.send()).await {
        Err(_) => return Err(at.timed_out()),
        Ok(Err(error)) => return Err(at.unreachable(&error)),
        Ok(Ok(response)) => response,
    };
    let status = response.status();
    let body = read_body(&at, response).await?;
    let place = visible(address);
    if !status.is_success() {
        let said = said_in(&endpoint.without_key(String::from_utf8_lossy(&body).into_owned()));
        // IAM answers a wrong API key with 400 and BXNIM0415E.
        let finding =
            if matches!(status.as_u16(), 400 | 401 | 403) { Finding::KeyRefused } else { Finding::EndpointFailing };
        return Err(endpoint.error(
            finding,
            format!("At {place} the key was not turned into a token ({status}: {said}). Check the key and the token address of the provider."),
        ));
    }
    let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
    match answer["access_token"].as_str().filter(|token| !token.is_empty()) {
        Some(token) => Ok((SecretString::from(token), Duration::from_secs(answer["expires_in"].as_u64().unwrap_or(0)))),
        None => Err(endpoint.error(
            Finding::NotACompletion,
            format!("The answer at {place} has no access_token. Check the token address of the provider."),
        )),
    }
}
