//! Model providers: endpoints that answer for a model.

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
    /// Price of a million input tokens in millionths of a US dollar, if it was entered.
    pub input_price_micros: Option<i64>,
    /// Price of a million output tokens in millionths of a US dollar, if it was entered.
    pub output_price_micros: Option<i64>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// The body of `POST /providers` and `PUT /providers/{id}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
    /// Price of a million input tokens in millionths of a US dollar.
    #[serde(default)]
    pub input_price_micros: Option<i64>,
    /// Price of a million output tokens in millionths of a US dollar.
    #[serde(default)]
    pub output_price_micros: Option<i64>,
}
