//! `http` tools: one request, made from a template and the arguments of the call.
//!
//! The address comes from the spec's author, the arguments from the model: arguments are
//! percent-encoded, so none of them leaves its place. Which addresses are called at all is said in
//! `outside/careful`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use futures::StreamExt;
use reqwest::header::HeaderValue;
use reqwest::{Client, Method, redirect};
use secrecy::ExposeSecret;
use serde_json::{Map, Value};
use url::Url;

use crate::app::App;
use crate::outside::careful::{self, refuse_address, without_secrets};
use crate::secret;

/// Bytes of an answer that the model gets to read.
const LARGEST_ANSWER: usize = 256 * 1024;

/// Makes the request and gives the answer's text.
///
/// The time that it may take is kept by the caller.
///
/// # Errors
/// A sentence for the model.
pub(super) async fn call(
    app: &App,
    method: &str,
    template: &str,
    headers: &BTreeMap<String, String>,
    arguments: &Map<String, Value>,
) -> Result<String, String> {
    let method: Method = match method {
        "GET" | "POST" | "PUT" | "PATCH" | "DELETE" => {
            method.parse().map_err(|_| "Error: unknown method".to_owned())?
        }
        other => return Err(format!("Error: the tool's method {other} is not GET, POST, PUT, PATCH or DELETE")),
    };
    let in_query = method == Method::GET || method == Method::DELETE;
    let (url, rest) = address(template, arguments, in_query)?;
    refuse_address(&url).map_err(|fault| format!("Error: {fault}"))?;
    // Headers that say who asks go to the address that they are for, and to no other one. Which secrets those
    // are is said by the address as it is called, whatever a template made of it.
    let headers = secret::header_values(app, url.as_str(), headers).await.map_err(|fault| format!("Error: {fault}"))?;
    let clients = clients()?;
    let client = if headers.is_empty() { &clients.following } else { &clients.staying };
    let mut request = client.request(method, url);
    for (name, value) in &headers {
        let mut value = HeaderValue::from_str(value.expose_secret().trim())
            .map_err(|_| format!("Error: the secret for the header {name} has a value that no header can have"))?;
        value.set_sensitive(true);
        request = request.header(name, value);
    }
    if !in_query {
        request = request.json(&rest);
    }
    let response =
        request.send().await.map_err(|error| format!("Error: the request failed: {}", careful::cause(&error)))?;
    let status = response.status();
    let place = response.headers().get(reqwest::header::LOCATION);
    let elsewhere = place.map(|place| String::from_utf8_lossy(place.as_bytes()).into_owned());
    let is_text = is_text(response.headers().get(reqwest::header::CONTENT_TYPE));
    let mut body = Vec::new();
    let mut truncated = false;
    let mut stream = response.bytes_stream();
    while let Some(bytes) = stream.next().await {
        let bytes = bytes.map_err(|error| format!("Error: the answer broke off: {}", careful::cause(&error)))?;
        body.extend_from_slice(&bytes);
        if body.len() > LARGEST_ANSWER {
            body.truncate(LARGEST_ANSWER);
            truncated = true;
            break;
        }
    }
    let mut text = if is_text {
        String::from_utf8_lossy(&body).into_owned()
    } else {
        format!("[{} bytes that are not text]", body.len())
    };
    if truncated {
        text.push_str("\n[cut off after 256 KiB]");
    }
    let text = without_secrets(&headers, text);
    if status.is_success() {
        return Ok(text);
    }
    let elsewhere = if status.is_redirection() { elsewhere.as_deref() } else { None };
    match elsewhere {
        Some(place) => Err(format!("Error: HTTP {status}: it sends on to {place}, which is not followed with headers")),
        None => Err(format!("Error: HTTP {status}\n{text}")),
    }
}

/// Fills the template; gives the address and the arguments that have no place in it and are not
/// null. With `in_query` those are in the address's query as well. Values that are not text are
/// written as JSON, here as in the generated code.
fn address(
    template: &str,
    arguments: &Map<String, Value>,
    in_query: bool,
) -> Result<(Url, Map<String, Value>), String> {
    let mut filled = String::with_capacity(template.len());
    let mut used = Vec::new();
    let mut left = template;
    while let Some((before, after)) = left.split_once('{') {
        let Some((name, after)) = after.split_once('}') else {
            return Err("Error: the tool's address has a { without a }".to_owned());
        };
        filled.push_str(before);
        let value =
            arguments.get(name).ok_or_else(|| format!("Error: the argument {name} is needed for the address"))?;
        filled.extend(percent_encoded(&plain(value)));
        used.push(name.to_owned());
        left = after;
    }
    filled.push_str(left);
    let mut url = Url::parse(&filled).map_err(|error| format!("Error: the tool's address is not valid: {error}"))?;
    let rest: Map<String, Value> = arguments
        .iter()
        .filter(|(name, value)| !used.contains(name) && !value.is_null())
        .map(|(n, v)| (n.clone(), v.clone()))
        .collect();
    if in_query && !rest.is_empty() {
        let mut query = url.query_pairs_mut();
        for (name, value) in &rest {
            query.append_pair(name, &plain(value));
        }
    }
    Ok((url, rest))
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Everything but RFC 3986's unreserved characters is encoded. `.` and `..` as a whole would climb
/// in the path even when encoded, so they are refused by being made visible: `%252E`.
fn percent_encoded(text: &str) -> impl Iterator<Item = char> {
    let dots = matches!(text, "." | "..");
    text.bytes()
        .flat_map(move |byte| match byte {
            b'.' if dots => "%252E".to_owned().into_bytes(),
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => vec![byte],
            other => format!("%{other:02X}").into_bytes(),
        })
        .map(char::from)
        .collect::<Vec<_>>()
        .into_iter()
}

/// What makes requests. Connections are not kept: a tool is called now and then, each time anew.
struct Clients {
    /// Follows redirects.
    following: Client,
    /// Does not.
    staying: Client,
}

impl Clients {
    fn new() -> reqwest::Result<Self> {
        let build = |policy| careful::builder().pool_max_idle_per_host(0).redirect(policy).build();
        Ok(Self { following: build(careful::redirects())?, staying: build(redirect::Policy::none())? })
    }
}

fn clients() -> Result<&'static Clients, String> {
    static CLIENTS: OnceLock<Option<Clients>> = OnceLock::new();
    CLIENTS
        .get_or_init(|| Clients::new().inspect_err(|error| tracing::error!(%error, "no client for http tools")).ok())
        .as_ref()
        .ok_or_else(|| "Error: this server cannot make HTTP requests; its log says why".to_owned())
}

fn is_text(content_type: Option<&reqwest::header::HeaderValue>) -> bool {
    let Some(kind) = content_type.and_then(|value| value.to_str().ok()) else {
        return true;
    };
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind.starts_with("text/")
        || ["json", "xml", "yaml", "javascript", "x-www-form-urlencoded", "csv"].iter().any(|name| kind.ends_with(name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filled(template: &str, arguments: Value, in_query: bool) -> Result<String, String> {
        address(template, arguments.as_object().unwrap(), in_query).map(|(url, _)| url.to_string())
    }

    #[test]
    fn arguments_stay_in_their_place() {
        let template = "https://api.example.com/v1/{city}/now?units={units}";
        for (city, expected) in [
            (json!("Oslo"), "Oslo"),
            (json!("São Paulo"), "S%C3%A3o%20Paulo"),
            (json!("a/b?c#d&e"), "a%2Fb%3Fc%23d%26e"),
            (json!(".."), "%252E%252E"),
            (json!("{units}"), "%7Bunits%7D"),
            (json!(7), "7"),
        ] {
            let url = filled(template, json!({"city": city, "units": "°C"}), true).unwrap();
            assert_eq!(url, format!("https://api.example.com/v1/{expected}/now?units=%C2%B0C"));
        }
        let error = filled(template, json!({"units": "x"}), true).unwrap_err();
        assert!(error.contains("city"), "{error}");
    }

    #[test]
    fn what_has_no_place_goes_into_the_query_or_the_body() {
        let arguments = json!({"id": 1, "q": "a&b", "tags": ["x", "y"], "none": null});
        let url = filled("http://h/{id}?k=v", arguments.clone(), true).unwrap();
        assert_eq!(url, "http://h/1?k=v&q=a%26b&tags=%5B%22x%22%2C%22y%22%5D");
        let (url, rest) = address("http://h/{id}", arguments.as_object().unwrap(), false).unwrap();
        assert_eq!(url.as_str(), "http://h/1");
        assert_eq!(Value::from(rest), json!({"q": "a&b", "tags": ["x", "y"]}));
    }
}
