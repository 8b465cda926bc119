//! Tokens: API credentials for CI and the command line.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Timestamp;

/// What a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Read everything but secrets' values, which nobody can read.
    Read,
    /// Create and change projects, and talk to agents.
    Write,
    /// Build images.
    Build,
    /// Publish images.
    Publish,
    /// Change providers, registries, secrets and tokens.
    Admin,
}

impl Scope {
    /// All of them, least first.
    pub const ALL: [Self; 5] = [Self::Read, Self::Write, Self::Build, Self::Publish, Self::Admin];

    /// The word on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Build => "build",
            Self::Publish => "publish",
            Self::Admin => "admin",
        }
    }
}

/// A token without its secret part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Token {
    /// Its id.
    pub id: Uuid,
    /// What it is for.
    pub name: String,
    /// Its first characters, to recognise it by.
    pub prefix: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it stops working; none is never.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
}

/// The body of `POST /tokens`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateToken {
    /// What it is for; 1 to 63 characters.
    pub name: String,
    /// What it may do; at least one.
    pub scopes: Vec<Scope>,
    /// After how many days it stops working, 1 to 365; none is never.
    #[serde(default)]
    pub expires_in_days: Option<u16>,
}

/// A token just made, with the only showing of its secret part.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CreatedToken {
    /// The token.
    #[serde(flatten)]
    pub token: Token,
    /// What to send as `Authorization: Bearer …`. It is not stored and cannot be shown again.
    pub secret: String,
}
