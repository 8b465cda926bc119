//! Model providers: endpoints that answer for a model.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Timestamp;
use crate::provider::{Finding, ProviderKind};

/// An endpoint that answers for a model. Its key is a secret and never leaves the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Provider {
    /// Its id.
    pub id: Uuid,
    /// What people here call it; unique.
    pub name: String,
    /// What kind of endpoint it is.
    #[serde(default)]
    pub kind: ProviderKind,
    /// Where it is, up to but without `/chat/completions`, such as `http://127.0.0.1:11434/v1`.
    pub base_url: String,
    /// The API's version, for kinds that have several (Azure OpenAI).
    #[serde(default)]
    pub api_version: Option<String>,
    /// Where the key becomes a token of short life, for kinds that ask for one (watsonx.ai).
    #[serde(default)]
    pub token_url: Option<String>,
    /// The model used when none is chosen.
    pub default_model: String,
    /// Whether a key is stored.
    pub has_key: bool,
    /// What it is paired as, when its key came from pairing it by a code (OllaBridge).
    #[serde(default)]
    pub pairing: Option<Pairing>,
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

/// What a provider knows this instance as, since it was paired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Pairing {
    /// The device's id there; empty when it gave none.
    pub device_id: String,
    /// When it was paired.
    pub paired_at: Timestamp,
}

/// What the test of a provider found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ProviderTest {
    /// Whether the default model answers.
    pub ok: bool,
    /// What was found; the codes are in `docs/problems.md`.
    pub code: Finding,
    /// What it answered, as a sentence with what to do.
    pub message: String,
    /// An address that does answer, when the one that was entered does not.
    #[serde(default)]
    pub suggested_base_url: Option<String>,
    /// The models in its list, the first hundred; empty when it has no such list.
    #[serde(default)]
    pub models: Vec<String>,
    /// How long it took, in milliseconds.
    pub duration_ms: i64,
}

/// The body of `POST /providers/{id}:pair`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PairProvider {
    /// The code that the other side shows: six digits, or four letters and four digits.
    pub code: String,
}

impl fmt::Debug for PairProvider {
    /// Without the code.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PairProvider").field("code", &"[REDACTED]").finish()
    }
}

/// What came of ending a pairing: here it is over in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Unpaired {
    /// Whether the other side confirmed that it has forgotten this instance.
    pub is_forgotten_there: bool,
}

/// The body of `POST /providers` and `PUT /providers/{id}`.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SaveProvider {
    /// What people here call it; 1 to 63 characters.
    pub name: String,
    /// What kind of endpoint it is; left out, one that speaks OpenAI's chat completions.
    #[serde(default)]
    pub kind: ProviderKind,
    /// Where it is: an http or https address.
    pub base_url: String,
    /// The API's version, for kinds that have several.
    #[serde(default)]
    pub api_version: Option<String>,
    /// Where the key becomes a token of short life: an http or https address, for kinds that ask for one.
    #[serde(default)]
    pub token_url: Option<String>,
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
            .field("kind", &self.kind)
            .field("base_url", &self.base_url)
            .field("api_version", &self.api_version)
            .field("token_url", &self.token_url)
            .field("default_model", &self.default_model)
            .field("key", &self.key.as_ref().map(|_| "[REDACTED]"))
            .field("secret_id", &self.secret_id)
            .field("input_price_micros", &self.input_price_micros)
            .field("output_price_micros", &self.output_price_micros)
            .finish()
    }
}
