//! Identity: the first account, signing in, and who is asking.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::token::Scope;

/// Whether this instance has its first account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SetupState {
    /// `true` until the first account was made with the set-up link.
    pub required: bool,
}

/// The body of `POST /setup`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Setup {
    /// The one-time token from the set-up link.
    pub token: String,
    /// The person's name; 1 to 100 characters.
    pub name: String,
    /// What they sign in with.
    pub email: String,
    /// At least 12 characters.
    pub password: String,
}

/// The body of `POST /auth/login`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Login {
    /// The account's address.
    pub email: String,
    /// Its password.
    pub password: String,
}

/// A person with an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Their id.
    pub id: Uuid,
    /// Their name.
    pub name: String,
    /// What they sign in with.
    pub email: String,
}

/// Who is asking: the answer of `GET /auth/me`, `POST /auth/login` and `POST /setup`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Me {
    /// The person; none for a token.
    pub user: Option<User>,
    /// The name to show: the person's or the token's.
    pub name: String,
    /// What the actor may do.
    pub scopes: Vec<Scope>,
    /// For cookie sessions: what to send as `X-Gantry-Csrf` with every request that changes something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csrf_token: Option<String>,
}

impl fmt::Debug for Me {
    /// Without the token against forged requests.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Me")
            .field("user", &self.user)
            .field("name", &self.name)
            .field("scopes", &self.scopes)
            .field("csrf_token", &self.csrf_token.as_ref().map(|_| "[REDACTED]"))
            .finish()
    }
}
