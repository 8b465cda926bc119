//! Secrets: named references to values that never leave the server in clear.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Timestamp;

/// A secret without its value. No endpoint returns a value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Secret {
    /// Its id.
    pub id: Uuid,
    /// Its name, unique on this instance.
    pub name: String,
    /// The newest version, from 1.
    pub version: i64,
    /// What uses it: names of providers and registries.
    pub used_by: Vec<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its newest version was written.
    pub updated_at: Timestamp,
}

/// The body of `POST /secrets`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateSecret {
    /// Its name: letters, digits, `.`, `_`, `-` and `/`; 1 to 128 characters.
    pub name: String,
    /// Its value; 1 to 65 536 bytes.
    pub value: String,
}

/// The body of `POST /secrets/{id}/versions`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateSecretVersion {
    /// The new value; 1 to 65 536 bytes.
    pub value: String,
}

/// The versions of a secret, newest first; the answer of `GET /secrets/{id}/versions`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SecretVersion {
    /// The version, from 1.
    pub version: i64,
    /// Who wrote it.
    pub created_by: String,
    /// When it was written.
    pub created_at: Timestamp,
}

/// What a rotation of the master key did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct KeyRotation {
    /// How many data keys were wrapped anew.
    pub rewrapped: i64,
    /// The id of the master key now in use (not the key).
    pub master_key_id: String,
    /// What is left to do, as sentences: what to back up, which setting to change.
    pub advice: String,
}
