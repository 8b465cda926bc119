//! Where a model answers, how it is asked there, and what may be said about it.

use std::time::Duration;

use gantry_domain::provider::{KeyHeader, ProviderKind};
use reqwest::header::HeaderName;
use secrecy::{ExposeSecret, SecretString};

/// The shortest key that is hidden in texts, in bytes. Below that it is a word such as `none` or `EMPTY`
/// that an endpoint without keys is given, and hiding it would only garble what the endpoint says.
const SHORTEST_SECRET: usize = 8;

/// Where a model answers and how it is asked.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    /// What kind of endpoint it is, from which its wire follows.
    pub(crate) kind: ProviderKind,
    /// Its address as people entered it.
    pub(crate) base_url: String,
    /// The API's version, for kinds that have several.
    pub(crate) api_version: Option<String>,
    /// Where the key becomes a token of short life, for kinds that ask for one.
    pub(crate) token_url: Option<String>,
    /// The key, if the endpoint wants one.
    pub(crate) key: Option<SecretString>,
    /// The model's name there.
    pub(crate) model: String,
    /// How long the endpoint may be silent: before its answer and between two pieces of it.
    pub(crate) idle_timeout: Duration,
    /// How often a request is sent in all when the endpoint says that it is busy.
    pub(crate) attempts: u32,
}

impl Endpoint {
    /// Its address without a slash at its end, and with the `/v1` that its kind may leave out.
    pub(super) fn root(&self) -> String {
        let base = self.base_url.trim_end_matches('/');
        if self.kind.facts().adds_v1 && !base.ends_with("/v1") { format!("{base}/v1") } else { base.to_owned() }
    }

    /// What people may see of the address: no user, no query.
    pub(super) fn place(&self) -> String {
        visible(&self.base_url)
    }

    /// An endpoint may quote the request, and with it the key, in its error.
    pub(super) fn without_key(&self, text: String) -> String {
        match &self.key {
            Some(key) if key.expose_secret().len() >= SHORTEST_SECRET => text.replace(key.expose_secret(), "[key]"),
            _ => text,
        }
    }

    /// Whether there is a key to show.
    pub(super) fn has_key(&self) -> bool {
        self.key.as_ref().is_some_and(|key| !key.expose_secret().is_empty())
    }

    /// The request with the key, in the header that the kind reads it from.
    pub(super) fn with_key(&self, builder: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        let Some(key) = self.key.as_ref().filter(|_| self.has_key()) else { return builder };
        match self.kind.facts().key_header {
            KeyHeader::Bearer => builder.bearer_auth(key.expose_secret()),
            KeyHeader::ApiKey => secret_header(builder, "api-key", key),
            KeyHeader::XApiKey => secret_header(builder, "x-api-key", key),
        }
    }
}

/// A header that no log shows.
fn secret_header(builder: reqwest::RequestBuilder, name: &'static str, key: &SecretString) -> reqwest::RequestBuilder {
    match reqwest::header::HeaderValue::from_str(key.expose_secret()) {
        Ok(mut value) => {
            value.set_sensitive(true);
            builder.header(HeaderName::from_static(name), value)
        }
        // Keys are checked when they are stored: what cannot be in a header is in none.
        Err(_) => builder,
    }
}

/// An address without what may be secret in it.
pub(super) fn visible(address: &str) -> String {
    match url::Url::parse(address) {
        Ok(url) => format!("{}{}", url.origin().ascii_serialization(), url.path().trim_end_matches('/')),
        Err(_) => "its address".to_owned(),
    }
}

/// An endpoint for tests of these rooms.
#[cfg(test)]
pub(super) fn sample(kind: ProviderKind, base_url: &str) -> Endpoint {
    Endpoint {
        kind,
        base_url: base_url.to_owned(),
        api_version: None,
        token_url: None,
        key: None,
        model: "m".to_owned(),
        idle_timeout: Duration::ZERO,
        attempts: 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_hidden_and_a_word_that_stands_in_for_one_garbles_nothing() {
        let hide = |key: &str, text: &str| {
            let key = Some(key.to_owned().into());
            Endpoint { key, ..sample(ProviderKind::Openai, "") }.without_key(text.to_owned())
        };
        assert_eq!(hide("sk-12345", "no such key: sk-12345!"), "no such key: [key]!");
        assert_eq!(hide("e", "the model is loading"), "the model is loading");
        assert_eq!(hide("none", "there is none"), "there is none");
    }

    #[test]
    fn an_address_may_leave_out_what_its_kind_always_has() {
        for (kind, base, root) in [
            (ProviderKind::Ollama, "http://127.0.0.1:11434", "http://127.0.0.1:11434/v1"),
            (ProviderKind::Ollama, "http://127.0.0.1:11434/v1/", "http://127.0.0.1:11434/v1"),
            (ProviderKind::Anthropic, "https://a.example", "https://a.example/v1"),
            (ProviderKind::OpenaiCompatible, "https://a.example/api/", "https://a.example/api"),
            (ProviderKind::Gemini, "https://g.example/v1beta/openai", "https://g.example/v1beta/openai"),
        ] {
            assert_eq!(sample(kind, base).root(), root);
        }
    }
}
