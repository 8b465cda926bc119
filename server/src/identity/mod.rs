//! Identity: who is asking, and whether they may.
//!
//! Two ways to be somebody: a browser's login (a cookie, made by the set-up link or by a password)
//! and an API token (`Authorization: Bearer gantry_…`, the noun `token`). [`layer`] finds out which
//! before any handler under `/api/v1` runs; handlers take an [`Actor`] and say what scope they need.
//!
//! Where what is not here yet goes: signing in with OAuth and OpenID Connect is another way to reach
//! `http::sign_in`, with its provider's client in `outside/` and a table of foreign identities beside
//! `account`; roles are what turns an account into an actor's scopes, in `Actor::from_account`;
//! tokens of federated CI identities are a third kind of actor.

mod client;
mod cookie;
pub(crate) mod http;
mod layer;
mod opaque;
pub(crate) mod origin;
mod password;
mod setup;
mod standing;
mod store;
mod throttle;

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use gantry_domain::api::token::Scope;
use uuid::Uuid;

use crate::app::App;
use crate::error::{Error, Result};

pub(crate) use client::AskedAt;
pub(crate) use layer::is_behind_the_gate;
pub use layer::layer;
pub use setup::{is_set_up, setup_link};
pub use standing::{Standing, Standings};
pub(crate) use standing::{Watch, watch};

/// For how long a login lasts that nobody uses.
const IDLE_LIFETIME: Duration = Duration::from_secs(14 * 24 * 60 * 60);
/// For how long a login lasts at most.
const ABSOLUTE_LIFETIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How precisely the last use of a login or token is known: a write per request would be a waste.
pub(crate) const USE_IS_NOTED_EVERY_MILLIS: i64 = 60_000;

/// What kind of actor is asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActorKind {
    /// A person in a browser.
    User,
    /// A program with an API token.
    Token,
}

/// Who is asking.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The account's or token's id.
    pub id: Uuid,
    /// The name to show, and to keep as `created_by`.
    pub name: String,
    /// A person or a program.
    pub kind: ActorKind,
    /// What the actor may do.
    pub scopes: Vec<Scope>,
}

impl Actor {
    /// Refuses an actor that may not do this.
    ///
    /// # Errors
    /// `403 forbidden` naming the scope that is missing.
    pub fn require(&self, scope: Scope) -> Result<()> {
        if self.scopes.contains(&scope) {
            return Ok(());
        }
        Err(Error::forbidden(format!(
            "This needs the scope \"{}\", which {} does not have. Use a token that was made with it.",
            scope.as_str(),
            self.name
        )))
    }

    /// Everybody with an account may do everything, until there are roles.
    fn from_account(account: &store::Account) -> Self {
        Self { id: account.id, name: account.name.clone(), kind: ActorKind::User, scopes: Scope::ALL.to_vec() }
    }
}

impl FromRequestParts<App> for Actor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self> {
        parts.extensions.get::<Self>().cloned().ok_or_else(Error::unauthorized)
    }
}

/// An address as accounts are compared by: without blanks around it, in lower case.
fn email_key(email: &str) -> String {
    email.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_scope_is_named() {
        let actor = Actor { id: Uuid::nil(), name: "ci".into(), kind: ActorKind::Token, scopes: vec![Scope::Read] };
        assert!(actor.require(Scope::Read).is_ok());
        let error = actor.require(Scope::Publish).unwrap_err();
        assert_eq!(error.status(), 403);
        assert!(error.detail().contains("\"publish\"") && error.detail().contains("ci"), "{}", error.detail());
    }
}
