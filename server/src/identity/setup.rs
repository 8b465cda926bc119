//! The set-up link: how the first account is made without a default password.
//!
//! While there is no account, `gantry serve` prints a link with a one-time token at each start. Only
//! the token's hash is kept. Whoever opens the link first makes the account; after that no link works.

use std::net::SocketAddr;

use axum::http::StatusCode;

use super::opaque::Opaque;
use super::store;
use crate::app::App;
use crate::error::{Error, Result};

/// For how long a link works; a restart makes a new one.
const WORKS_FOR_MILLIS: i64 = 24 * 60 * 60 * 1_000;

/// Whether somebody has an account here.
///
/// # Errors
/// Whatever the database answers.
pub async fn is_set_up(app: &App) -> Result<bool> {
    store::is_set_up(&app.db).await
}

/// Makes this node's set-up link, or answers `None` when there is an account already.
///
/// The link is for the terminal of whoever started the server: keep it out of logs.
///
/// # Errors
/// Whatever the database answers.
pub async fn setup_link(app: &App, listen: SocketAddr) -> Result<Option<String>> {
    if store::is_set_up(&app.db).await? {
        return Ok(None);
    }
    let token = Opaque::generate();
    let expires_at = app.db.now().plus_millis(WORKS_FOR_MILLIS);
    store::put_setup_link(&app.db, &app.node, token.stored(), expires_at).await?;
    Ok(Some(format!("http://{}/setup?token={}", reachable(listen), *token.text())))
}

/// Where a browser on this machine reaches a server that listens there.
fn reachable(listen: SocketAddr) -> String {
    if listen.ip().is_unspecified() {
        // A browser cannot open 0.0.0.0, and on this machine it keeps the cookie without HTTPS.
        return format!("127.0.0.1:{}", listen.port());
    }
    listen.to_string()
}

/// What a set-up gets once there is an account.
pub(super) fn already_done() -> Error {
    Error::conflict("already_set_up", "This instance has its first account. Sign in with it at /login.")
}

/// What a token gets that is not a set-up link's.
pub(super) fn not_a_link() -> Error {
    Error::new(
        StatusCode::FORBIDDEN,
        "setup_link_invalid",
        "This set-up link does not work: it was used, it is older than a day, or the server was started again since. \
         Restart `gantry serve` and open the link that it prints.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_leads_to_where_a_browser_gets_in() {
        for (listen, host) in [
            ("127.0.0.1:7777", "127.0.0.1:7777"),
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("[::]:7777", "127.0.0.1:7777"),
            ("[::1]:7777", "[::1]:7777"),
        ] {
            assert_eq!(reachable(listen.parse().unwrap()), host);
        }
    }
}
