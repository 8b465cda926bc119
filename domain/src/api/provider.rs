//! Model providers: endpoints that answer for a model.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Timestamp;

/// An endpoint that speaks OpenAI's chat completions. Its key is a secret and never leaves the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Provider {
    /// Its id.
    pub id: Uuid,
    /// What people here call it; unique.
    pub name: String,
    /// Where it is, up to but without `/chat/completions`, such as `http://127.0.0.1:11434/v1`.
    pub base_url: String,
    /// The model used when none is chosen.
    pub default_model: String,
    /// Whether a key is stored.
    pub has_key: bool,
    /// The named secret that holds the key; none when there is no key or it has one of its own.
    #[serde(default)]
    pub secret_id: Option<Uuid>,
    /// Price of a million input tokens in millionths of a US dollar, if it was entered.
    pub input_price_micros: Option<i64>,
    /// Price of a million output tokens in millionths of a US dollar, if it was entered.
    pub output_price_micros: Option<i64>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// The body of `POST /providers` and `PUT /providers/{id}`.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SaveProvider {
    /// What people here call it; 1 to 63 characters.
    pub name: String,
    /// Where it is: an http or https address.
    pub base_url: String,
    /// The model used when none is chosen.
    pub default_model: String,
    /// The key; left out on a change, the stored one stays; empty removes it.
    #[serde(default)]
    pub key: Option<String>,
    /// A named secret to take the key from, instead of `key`; left out on a change, the stored one stays.
    #[serde(default)]
    pub secret_id: Option<Uuid>,
    /// Price of a million input tokens in millionths of a US dollar.
    #[serde(default)]
    pub input_price_micros: Option<i64>,
    /// Price of a million output tokens in millionths of a US dollar.
    #[serde(default)]
    pub output_price_micros: Option<i64>,
}

impl fmt::Debug for SaveProvider {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SaveProvider")
            .field("name", &self.name)
            .field("base_url", &self.base_url)
            .field("default_model", &self.default_model)
            .field("key", &self.key.as_ref().map(|_| "[REDACTED]"))
            .field("secret_id", &self.secret_id)
            .field("input_price_micros", &self.input_price_micros)
            .field("output_price_micros", &self.output_price_micros)
            .finish()
    }
}
