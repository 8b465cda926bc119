//! Identity: who is asking.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use gantry_domain::api::token::Scope;
use uuid::Uuid;

use crate::app::App;
use crate::error::{Error, Result};

/// Who is asking.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The user's or token's id.
    pub id: Uuid,
    /// The name to show.
    pub name: String,
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
            "This needs the scope \"{}\", which {} does not have.",
            scope.as_str(),
            self.name
        )))
    }
}

impl FromRequestParts<App> for Actor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self> {
        parts.extensions.get::<Self>().cloned().ok_or_else(Error::unauthorized)
    }
}
