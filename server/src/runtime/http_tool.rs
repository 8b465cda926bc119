//! `http` tools: one request, made from a template and the arguments of the call.
//!
//! The address comes from the spec's author, the arguments from the model: arguments are
//! percent-encoded, so none of them leaves its place. The service that hands out a cloud machine's
//! credentials (169.254.0.0/16 and its kin) is refused whatever name leads to it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::OnceLock;

use futures::StreamExt;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Method, redirect};
use serde_json::{Map, Value};
use url::{Host, Url};

/// Bytes of an answer that the model gets to read.
const LARGEST_ANSWER: usize = 256 * 1024;
/// How often a tool may be sent elsewhere.
const MOST_REDIRECTS: usize = 5;

/// Makes the request and gives the answer's text.
///
/// The time that it may take is kept by the caller.
///
/// # Errors
/// A sentence for the model.
pub(super) async fn call(method: &str, template: &str, arguments: &Map<String, Value>) -> Result<String, String> {
    let method: Method = match method {
        "GET" | "POST" | "PUT" | "PATCH" | "DELETE" => {
            method.parse().map_err(|_| "Error: unknown method".to_owned())?
        }
        other => return Err(format!("Error: the tool's method {other} is not GET, POST, PUT, PATCH or DELETE")),
    };
    let in_query = method == Method::GET || method == Method::DELETE;
    let (url, rest) = address(template, arguments, in_query)?;
    refuse_address(&url)?;
    let mut request = client()?.request(method, url);
    if !in_query {
        request = request.json(&rest);
    }
    let response = request.send().await.map_err(|error| format!("Error: the request failed: {}", cause(&error)))?;
    let status = response.status();
    let is_text = is_text(response.headers().get(reqwest::header::CONTENT_TYPE));
    let mut body = Vec::new();
    let mut truncated = false;
    let mut stream = response.bytes_stream();
    while let Some(bytes) = stream.next().await {
        let bytes = bytes.map_err(|error| format!("Error: the answer broke off: {}", cause(&error)))?;
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
    if status.is_success() { Ok(text) } else { Err(format!("Error: HTTP {status}\n{text}")) }
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

fn refuse_address(url: &Url) -> Result<(), String> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err("Error: only http and https addresses may be called".to_owned());
    }
    let forbidden = match url.host() {
        Some(Host::Ipv4(ip)) => is_forbidden(IpAddr::V4(ip)),
        Some(Host::Ipv6(ip)) => is_forbidden(IpAddr::V6(ip)),
        Some(Host::Domain(_)) => false,
        None => return Err("Error: the address has no host".to_owned()),
    };
    if forbidden {
        return Err("Error: link-local addresses may not be called".to_owned());
    }
    Ok(())
}

/// Link-local addresses: where clouds keep the metadata service.
fn is_forbidden(ip: IpAddr) -> bool {
    /// The metadata service of AWS over IPv6.
    const AWS: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    let link_local = |ip: Ipv4Addr| ip.is_link_local();
    match ip {
        IpAddr::V4(ip) => link_local(ip),
        IpAddr::V6(ip) => {
            ip.is_unicast_link_local()
                || ip == AWS
                || ip.to_ipv4().is_some_and(link_local)
                // NAT64 (RFC 6052) and 6to4 (RFC 3056) carry an IPv4 address inside.
                || (ip.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0] && link_local(embedded(ip, 6)))
                || (ip.segments()[0] == 0x2002 && link_local(embedded(ip, 1)))
        }
    }
}

fn embedded(ip: Ipv6Addr, segment: usize) -> Ipv4Addr {
    let segments = ip.segments();
    let [a, b] = segments[segment].to_be_bytes();
    let [c, d] = segments[segment + 1].to_be_bytes();
    Ipv4Addr::new(a, b, c, d)
}

/// Resolves names with the system's resolver and leaves out what may not be called, so that no name
/// leads there either.
struct CarefulResolver;

impl Resolve for CarefulResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|address| !is_forbidden(address.ip())).collect();
            if allowed.is_empty() {
                return Err("the name leads to no address that may be called".into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

fn client() -> Result<&'static Client, String> {
    static CLIENT: OnceLock<Option<Client>> = OnceLock::new();
    CLIENT
        .get_or_init(|| {
            Client::builder()
                .user_agent(concat!("gantry/", env!("CARGO_PKG_VERSION")))
                .dns_resolver(CarefulResolver)
                // A proxy would resolve names by itself, past the check above.
                .no_proxy()
                // Connections are not kept: a tool is called now and then, each time anew.
                .pool_max_idle_per_host(0)
                .redirect(redirect::Policy::custom(|attempt| {
                    if attempt.previous().len() > MOST_REDIRECTS {
                        return attempt.error("too many redirects");
                    }
                    match refuse_address(attempt.url()) {
                        Ok(()) => attempt.follow(),
                        Err(reason) => attempt.error(reason),
                    }
                }))
                .build()
                .inspect_err(|error| tracing::error!(%error, "no client for http tools"))
                .ok()
        })
        .as_ref()
        .ok_or_else(|| "Error: this server cannot make HTTP requests; its log says why".to_owned())
}

fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
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

    #[test]
    fn link_local_addresses_are_refused_in_every_spelling() {
        for bad in [
            "http://169.254.169.254/latest/meta-data",
            "http://2852039166/",
            "http://0xa9fea9fe/",
            "http://[fe80::1]/",
            "http://[::ffff:169.254.169.254]/",
            "http://[fd00:ec2::254]/",
            "http://[64:ff9b::a9fe:a9fe]/",
            "http://[2002:a9fe:a9fe::1]/",
            "file:///etc/passwd",
            "ftp://example.com/",
        ] {
            assert!(refuse_address(&Url::parse(bad).unwrap()).is_err(), "{bad}");
        }
        for good in ["http://127.0.0.1:8080/", "https://example.com/", "http://[::1]/", "http://10.0.0.1/"] {
            assert!(refuse_address(&Url::parse(good).unwrap()).is_ok(), "{good}");
        }
    }
}
