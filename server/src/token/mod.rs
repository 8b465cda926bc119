//! Tokens: API credentials for CI and the command line.
//!
//! A token is shown once and kept as a hash; see [`format`] for how it is written. How a request with
//! one becomes an [`Actor`] is here, when it is asked for is the layer of `identity`.

mod format;
pub(crate) mod http;
mod recent;
mod store;

use std::time::Instant;

use uuid::Uuid;

use crate::app::App;
use crate::db::Db;
use crate::error::Result;
use crate::identity::{Actor, ActorKind};

pub use recent::RecentTokens;

/// Those of some tokens that work now.
pub(crate) async fn working(db: &Db, ids: Vec<Uuid>) -> Result<Vec<Uuid>> {
    store::working(db, ids).await
}

/// The actor behind a token, and notes that it was used. `None` when it is unknown or has expired.
pub(crate) async fn actor(app: &App, text: &str) -> Result<Option<Actor>> {
    // What has not even the form of a token never reaches the database.
    if !format::is_well_formed(text) {
        return Ok(None);
    }
    let hash = format::hash(text);
    let (access_version, asked_at) = (app.db.access_version(), Instant::now());
    let mut token = app.tokens.get(&hash, access_version, app.db.now());
    if token.is_none() {
        token = store::by_hash(&app.db, hash.clone()).await?;
        if let Some(token) = &token {
            app.tokens.put(hash, token.clone(), access_version, asked_at);
        }
    }
    Ok(token.map(|token| Actor { id: token.id, name: token.name, kind: ActorKind::Token, scopes: token.scopes }))
}
