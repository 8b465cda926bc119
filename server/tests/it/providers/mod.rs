//! The kinds of model providers, each asked over its own wire by everything that asks a model.

mod anthropic;
mod azure;
mod diagnosis;
mod pairing;
mod watsonx;

use serde_json::{Value, json};

use crate::support::Persona;
use crate::support::world::unique;

/// Adds a provider of a kind and gives its id. `more` are fields beside the usual ones.
pub(super) async fn add(admin: &Persona<'_>, kind: &str, url: &str, model: &str, more: Value) -> Value {
    let mut body = json!({"name": unique(kind), "kind": kind, "baseUrl": url, "defaultModel": model});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    admin.post("/api/v1/providers", body).await.expect(201).json()["id"].clone()
}

/// What the test of a provider finds.
pub(super) async fn tested(admin: &Persona<'_>, provider: &Value) -> Value {
    admin.post(&format!("/api/v1/providers/{}:test", provider.as_str().unwrap()), json!({})).await.expect(200).json()
}
