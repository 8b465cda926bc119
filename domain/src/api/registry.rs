//! Registries: configured places to publish to.

use std::fmt;

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
    /// The named secret that holds it; none when there is none or it has one of its own.
    #[serde(default)]
    pub secret_id: Option<Uuid>,
    /// Whether plain HTTP is spoken; only for registries on this machine.
    pub plain_http: bool,
    /// Certificates (PEM) of its own authority, which are trusted for it besides the usual ones.
    #[serde(default)]
    pub ca_certificate: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// The body of `POST /registries` and `PUT /registries/{id}`.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
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
    /// A named secret to take it from, instead of `credential`; left out on a change, the stored one stays.
    #[serde(default)]
    pub secret_id: Option<Uuid>,
    /// Whether plain HTTP is spoken; refused unless the address is on this machine.
    #[serde(default)]
    pub plain_http: bool,
    /// Certificates (PEM) of its own authority, for a registry whose certificate no public authority
    /// signed; at most 65 536 bytes. Left out or empty, only the usual ones are trusted.
    #[serde(default)]
    pub ca_certificate: Option<String>,
}

impl fmt::Debug for SaveRegistry {
    /// Without the credential.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SaveRegistry")
            .field("name", &self.name)
            .field("address", &self.address)
            .field("prefix", &self.prefix)
            .field("username", &self.username)
            .field("credential", &self.credential.as_ref().map(|_| "[REDACTED]"))
            .field("secret_id", &self.secret_id)
            .field("plain_http", &self.plain_http)
            .field("ca_certificate", &self.ca_certificate)
            .finish()
    }
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
