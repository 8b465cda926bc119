//! Whether what a stream was opened with still works: a stream outlives its request, and must not
//! outlive the login or token that let it in.
//!
//! While streams are open, one task asks the database every second which of their logins and tokens
//! still work, all of them at once: on every node, whoever ended them. Without streams nothing runs.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::store;
use crate::app::App;
use crate::error::{Error, Result};

/// How long a stream lives at most after what let it in has ended.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// What let a request in, as far as it can end before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// A browser's login.
    Login(Uuid),
    /// An API token.
    Token(Uuid),
}

impl FromRequestParts<App> for Standing {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self> {
        parts.extensions.get::<Self>().copied().ok_or_else(Error::unauthorized)
    }
}

/// Tells a stream when what let it in works no more. Clones are told the same.
#[derive(Clone)]
pub(crate) struct Watch(Arc<CancellationToken>);

impl Watch {
    /// Comes back once it works no more.
    pub(crate) async fn ended(&self) {
        self.0.cancelled().await;
    }

    /// Whether it works no more.
    pub(crate) fn has_ended(&self) -> bool {
        self.0.is_cancelled()
    }
}

/// What the open streams of this node were let in by.
#[derive(Default)]
pub struct Standings(Mutex<Watched>);

#[derive(Default)]
struct Watched {
    by_standing: HashMap<Standing, Weak<CancellationToken>>,
    is_asking: bool,
}

/// Watches what let a request in, until the answer is dropped.
pub(crate) fn watch(app: &App, standing: Standing) -> Watch {
    let mut watched = lock(app);
    let known = watched.by_standing.get(&standing).and_then(Weak::upgrade);
    let token = known.unwrap_or_default();
    watched.by_standing.insert(standing, Arc::downgrade(&token));
    if !std::mem::replace(&mut watched.is_asking, true) {
        tokio::spawn(ask_until_nobody_watches(app.clone()));
    }
    Watch(token)
}

async fn ask_until_nobody_watches(app: App) {
    loop {
        tokio::time::sleep(ASK_EVERY).await;
        let asked: Vec<Standing> = {
            let mut watched = lock(&app);
            watched.by_standing.retain(|_, token| token.strong_count() > 0);
            if watched.by_standing.is_empty() {
                watched.is_asking = false;
                return;
            }
            watched.by_standing.keys().copied().collect()
        };
        match still_working(&app, &asked).await {
            Ok(working) => {
                let mut watched = lock(&app);
                for over in asked.iter().filter(|standing| !working.contains(standing)) {
                    if let Some(token) = watched.by_standing.remove(over).and_then(|token| token.upgrade()) {
                        token.cancel();
                    }
                }
            }
            // Without a database there is nothing to read in a stream either.
            Err(error) => tracing::warn!(%error, "whether open streams may go on could not be asked; trying again"),
        }
    }
}

async fn still_working(app: &App, asked: &[Standing]) -> Result<HashSet<Standing>> {
    let (mut logins, mut tokens) = (Vec::new(), Vec::new());
    for standing in asked {
        match standing {
            Standing::Login(id) => logins.push(*id),
            Standing::Token(id) => tokens.push(*id),
        }
    }
    let logins = store::working_logins(&app.db, logins).await?.into_iter().map(Standing::Login);
    let tokens = crate::token::working(&app.db, tokens).await?.into_iter().map(Standing::Token);
    Ok(logins.chain(tokens).collect())
}

fn lock(app: &App) -> std::sync::MutexGuard<'_, Watched> {
    app.standings.0.lock().unwrap_or_else(PoisonError::into_inner)
}
