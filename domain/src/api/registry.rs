//! Registries: configured places to publish to.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Timestamp;

/// A place to publish to. Its credential is a secret and never leaves the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Registry {
    /// Its id.
    pub id: Uuid,
    /// What people here call it; unique.
    pub name: String,
    /// Its address: `host[:port]`, without a scheme.
    pub address: String,
    /// What repositories start with there, such as an organisation's name; may be empty.
    pub prefix: String,
    /// The user; empty when a token alone, or nothing, is needed.
    pub username: String,
    /// Whether a password or token is stored.
    pub has_credential: bool,
    /// Whether plain HTTP is spoken; only for registries on this machine.
    pub plain_http: bool,
    /// When it was created.
    pub created_at: Timestamp,
}

/// The body of `POST /registries`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SaveRegistry {
    /// What people here call it; 1 to 63 characters.
    pub name: String,
    /// Its address: `host[:port]`, without a scheme.
    pub address: String,
    /// What repositories start with there.
    #[serde(default)]
    pub prefix: String,
    /// The user.
    #[serde(default)]
    pub username: String,
    /// The password or token; left out on a change, the stored one stays; empty removes it.
    #[serde(default)]
    pub credential: Option<String>,
    /// Whether plain HTTP is spoken; refused unless the address is on this machine.
    #[serde(default)]
    pub plain_http: bool,
}

/// What a connection test found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ConnectionTest {
    /// Whether the other side answered and accepted the credential.
    pub ok: bool,
    /// What it answered, as a sentence with what to do.
    pub message: String,
    /// How long it took, in milliseconds.
    pub duration_ms: i64,
}
