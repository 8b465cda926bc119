//! Set-up, signing in and out, and who is asking.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, http::HeaderValue};
use gantry_domain::api::identity::{Login, Me, Setup, SetupState, User};
use gantry_domain::api::token::Scope;
use gantry_domain::clean_name;
use gantry_domain::problem::FieldProblem;
use secrecy::SecretString;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::client::ClientAddress;
use super::layer::LoginOfRequest;
use super::opaque::Opaque;
use super::password::{self, NotHashed};
use super::store::{self, Account};
use super::{Actor, cookie, origin, setup, throttle};
use crate::app::App;
use crate::error::{Error, Result};
use crate::http::Json;

/// The longest address that mail can have (RFC 5321, section 4.5.3.1, and its erratum 1690).
const LONGEST_EMAIL: usize = 254;
const LONGEST_NAME: usize = 100;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(setup_state, set_up))
        .routes(routes!(login))
        .routes(routes!(logout))
        .routes(routes!(me))
}

/// Says whether the first account is still to be made.
#[utoipa::path(get, path = "/setup", tag = "identity", security(()), responses((status = OK, body = SetupState)))]
async fn setup_state(State(app): State<App>) -> Result<axum::Json<SetupState>> {
    Ok(axum::Json(SetupState { required: !store::is_set_up(&app.db).await? }))
}

/// Makes the first account with the set-up link's token, and signs its browser in.
#[utoipa::path(post, path = "/setup", tag = "identity", security(()), request_body = Setup, responses((status = CREATED, body = Me)))]
async fn set_up(State(app): State<App>, headers: HeaderMap, Json(body): Json<Setup>) -> Result<Response> {
    let password = SecretString::from(body.password);
    let token = SecretString::from(body.token);
    refuse_where_cookies_are_lost(&headers)?;
    if store::is_set_up(&app.db).await? {
        return Err(setup::already_done());
    }
    let (name, email) = checked(&body.name, &body.email, &password)?;
    let token = {
        use secrecy::ExposeSecret;
        Opaque::parse(token.expose_secret()).ok_or_else(setup::not_a_link)?
    };
    // Before the password is hashed: what has no link costs us nothing.
    if !store::is_setup_link(&app.db, token.stored()).await? {
        return Err(setup::not_a_link());
    }
    let password_hash = password::hash(password).await.map_err(not_hashed)?;
    let account = Account { id: Uuid::now_v7(), name, email };
    let login = Opaque::generate();
    store::set_up(&app.db, token.stored(), &account, password_hash, login.stored()).await?;
    tracing::info!(account.id = %account.id, "the first account was made");
    signed_in(StatusCode::CREATED, &account, &login)
}

/// Signs a browser in with a cookie.
#[utoipa::path(post, path = "/auth/login", tag = "identity", security(()), request_body = Login, responses((status = OK, body = Me)))]
async fn login(
    State(app): State<App>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    Json(body): Json<Login>,
) -> Result<Response> {
    let password = SecretString::from(body.password);
    refuse_where_cookies_are_lost(&headers)?;
    let counted = store::count_attempt(&app.db, throttle::account_key(&body.email), address.map(throttle::address_key))
        .await?
        .map_err(|wait| too_many_attempts(wait.0))?;

    let found = store::account_by_email(&app.db, &body.email).await?;
    let (account, password_hash) = found.map_or((None, None), |found| (Some(found.account), Some(found.password_hash)));
    let password = shortened(password);
    let matches = password::verify(password, password_hash).await.map_err(not_hashed)?;
    let Some(account) = account.filter(|_| matches) else {
        return Err(Error::new(
            StatusCode::UNAUTHORIZED,
            "wrong_credentials",
            "There is no account with this address and password. Check both and try again.",
        ));
    };
    let login = Opaque::generate();
    let before = cookie::read(&headers).map(|token| token.stored());
    store::sign_in(&app.db, account.id, login.stored(), before, &counted).await?;
    signed_in(StatusCode::OK, &account, &login)
}

/// Signs the browser out: its cookie works no more.
#[utoipa::path(post, path = "/auth/logout", tag = "identity", responses((status = NO_CONTENT)))]
async fn logout(State(app): State<App>, _: Actor, login: Option<Extension<LoginOfRequest>>) -> Result<Response> {
    let Some(Extension(login)) = login else {
        return Err(Error::conflict(
            "not_a_login",
            "A token has no login to end. To stop it working, delete it under Settings, Tokens.",
        ));
    };
    store::sign_out(&app.db, login.id).await?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie::take_back())]).into_response())
}

/// Says who is asking and what they may do.
#[utoipa::path(get, path = "/auth/me", tag = "identity", responses((status = OK, body = Me)))]
async fn me(actor: Actor, login: Option<Extension<LoginOfRequest>>) -> axum::Json<Me> {
    let login = login.map(|Extension(login)| login);
    axum::Json(Me {
        user: login.as_ref().map(|login| User { id: actor.id, name: actor.name.clone(), email: login.email.clone() }),
        name: actor.name,
        scopes: actor.scopes,
        csrf_token: login.map(|login| login.csrf_token),
    })
}

/// The answer that signs a browser in: the cookie, and what the page needs with it.
fn signed_in(status: StatusCode, account: &Account, login: &Opaque) -> Result<Response> {
    let cookie = cookie::give(login).ok_or_else(|| anyhow::anyhow!("the cookie cannot be written"))?;
    let me = Me {
        user: Some(User { id: account.id, name: account.name.clone(), email: account.email.clone() }),
        name: account.name.clone(),
        scopes: Scope::ALL.to_vec(),
        csrf_token: Some(login.csrf_token()),
    };
    Ok((status, [(header::SET_COOKIE, cookie)], axum::Json(me)).into_response())
}

fn checked(name: &str, email: &str, password: &SecretString) -> Result<(String, String)> {
    use secrecy::ExposeSecret;
    let mut faults = Vec::new();
    let name = clean_name(name, LONGEST_NAME).unwrap_or_else(|expected| {
        faults.push(FieldProblem::new("/name", "invalid_name", expected));
        String::new()
    });
    let email = email.trim();
    if !is_email(email) {
        faults.push(FieldProblem::new("/email", "invalid_email", "Expected an address such as ada@example.com."));
    }
    let password = password.expose_secret();
    if password.chars().take(password::SHORTEST).count() < password::SHORTEST {
        faults.push(FieldProblem::new("/password", "password_too_short", "Expected at least 12 characters."));
    } else if password.len() > password::LONGEST {
        faults.push(FieldProblem::new("/password", "password_too_long", "Expected at most 1024 bytes."));
    }
    if faults.is_empty() { Ok((name, email.to_owned())) } else { Err(Error::many(faults)) }
}

/// Something, an `@`, and something with no blanks: whether mail arrives there only mail can tell.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    text.len() <= LONGEST_EMAIL
        && !local.is_empty()
        && !domain.is_empty()
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
        && clean_name(text, LONGEST_EMAIL).is_ok()
}

/// No password is longer than what was accepted; hashing megabytes would only cost time.
fn shortened(password: SecretString) -> SecretString {
    use secrecy::ExposeSecret;
    if password.expose_secret().len() > password::LONGEST { SecretString::from("") } else { password }
}

fn refuse_where_cookies_are_lost(headers: &HeaderMap) -> Result<()> {
    if origin::is_cookie_kept(headers) {
        return Ok(());
    }
    Err(Error::new(
        StatusCode::FORBIDDEN,
        "https_required",
        "Over plain HTTP a browser keeps Gantry's login cookie only on the machine that Gantry runs on. \
         Put a proxy with HTTPS in front of it, or open it there at http://127.0.0.1 or http://localhost.",
    ))
}

fn too_many_attempts(seconds: i64) -> Error {
    Error::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too_many_attempts",
        format!("Too many attempts to sign in. Try again in {seconds} seconds."),
    )
    .with_header(header::RETRY_AFTER, HeaderValue::from(seconds))
}

fn not_hashed(why: NotHashed) -> Error {
    match why {
        NotHashed::Busy => {
            Error::unavailable("busy", "Too many people are signing in at this moment. Try again in a few seconds.")
        }
        NotHashed::Failed => anyhow::anyhow!("a password could not be hashed or compared").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for good in ["ada@example.com", "a@b", "\"odd\"@example.com", "用户@例子.广告", "a+b@c.d"] {
            assert!(is_email(good), "{good}");
        }
        for bad in ["", "ada", "@example.com", "ada@", "a b@c.d", "a\n@c.d", &format!("{}@c.d", "a".repeat(254))] {
            assert!(!is_email(bad), "{bad}");
        }
    }

    #[test]
    fn every_fault_of_a_set_up_is_named_at_once() {
        let error = checked("", "nobody", &"short".into()).unwrap_err();
        assert_eq!(error.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert!(checked("Ada", " ada@example.com ", &"correct horse".into()).is_ok());
        assert!(checked("Ada", "ada@example.com", &"ééééééééééé".into()).is_err(), "11 characters of 22 bytes");
    }
}
