//! Pairing a provider by a code: its key comes from there and is kept like any other.

use axum::extract::State;
use axum::http::StatusCode;
use gantry_domain::api::provider::{PairProvider, Provider, Unpaired};
use gantry_domain::api::token::Scope;
use gantry_domain::provider::ProviderKind;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{address, store};
use crate::app::App;
use crate::error::{Error, Result};
use crate::http::{Json, Path};
use crate::identity::Actor;
use crate::outside::ollabridge::{self, Code, Refusal};
use crate::secret::{self, Change, OwnerKind};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(pair)).routes(routes!(unpair))
}

/// Pairs with the provider by a code that it shows (OllaBridge). Its token becomes the provider's key.
#[utoipa::path(post, path = "/providers/{id}/~pair", tag = "providers", params(("id" = Uuid, Path)), request_body = PairProvider, responses((status = OK, body = Provider)))]
async fn pair(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<Uuid>,
    Json(body): Json<PairProvider>,
) -> Result<axum::Json<Provider>> {
    actor.require(Scope::Admin)?;
    let row = pairable(&app, id).await?;
    let code = Code::read(&body.code).ok_or_else(|| {
        Error::invalid(
            "/code",
            "invalid_pairing_code",
            "Expected the code that OllaBridge shows: six digits, or four letters and four digits such as ABCD-1234.",
        )
    })?;
    if address::is_plain_and_elsewhere(&row.base_url) {
        return Err(Error::conflict(
            "plain_http_not_local",
            "Over plain HTTP to another machine everybody on the way could read the token. Change the provider's address to https first.",
        ));
    }
    let paired = ollabridge::pair(&app.http, &row.base_url, &code).await.map_err(|refusal| explained(&row, refusal))?;
    let mut tx = app.db.begin().await?;
    let current = store::hold(&mut tx, id).await?;
    // A named secret stays what it is: the token is the provider's own.
    let change = Change { value: Some(&paired.token), secret_id: None, by: &actor.name };
    let key = secret::change(&app, &mut tx, OwnerKind::Provider, current, change).await?;
    store::set_paired(&mut tx, id, key.secret_id, Some(&paired.device_id)).await?;
    secret::discard(&mut tx, key.replaced).await?;
    tx.commit().await?;
    Ok(axum::Json(super::http::described(&app, id).await?))
}

/// Ends a pairing: the provider's key is deleted here, and the other side is asked to forget this instance.
#[utoipa::path(post, path = "/providers/{id}/~unpair", tag = "providers", params(("id" = Uuid, Path)), responses((status = OK, body = Unpaired)))]
async fn unpair(State(app): State<App>, actor: Actor, Path(id): Path<Uuid>) -> Result<axum::Json<Unpaired>> {
    actor.require(Scope::Admin)?;
    let row = pairable(&app, id).await?;
    let Some(device_id) = row.paired_device else {
        return Err(Error::conflict(
            "provider_not_paired",
            "This provider is not paired. Reload the page to see its state.",
        ));
    };
    let mut tx = app.db.begin().await?;
    let current = store::hold(&mut tx, id).await?;
    store::set_paired(&mut tx, id, None, None).await?;
    secret::discard(&mut tx, current).await?;
    tx.commit().await?;
    // Forgotten here whatever comes of it there.
    let is_forgotten_there = ollabridge::unpair(&app.http, &row.base_url, &device_id).await;
    Ok(axum::Json(Unpaired { is_forgotten_there }))
}

async fn pairable(app: &App, id: Uuid) -> Result<store::Row> {
    let row = store::get(&app.db, id).await?.ok_or_else(|| Error::not_found("provider"))?;
    if row.kind != ProviderKind::Ollabridge {
        return Err(Error::conflict(
            "pairing_unsupported",
            format!("{} is not paired by a code. Enter its key instead.", row.kind.facts().label),
        ));
    }
    Ok(row)
}

fn explained(row: &store::Row, refusal: Refusal) -> Error {
    let address = &row.base_url;
    match refusal {
        Refusal::Code(said) => Error::invalid(
            "/code",
            "pairing_code_refused",
            format!(
                "OllaBridge refused the code ({said}). Codes are good once and for a few minutes: have it show a new one."
            ),
        ),
        Refusal::NoPairing => Error::conflict(
            "pairing_not_there",
            format!("Nothing at {address} pairs by a code. Check the address: it is where OllaBridge itself answers."),
        ),
        Refusal::TokenRefused => Error::conflict(
            "pairing_token_refused",
            format!(
                "OllaBridge at {address} gave a token and does not accept it, so it was given back. Set its AUTH_MODE to pairing, or enter one of its API keys."
            ),
        ),
        Refusal::Unreachable(why) => Error::new(
            StatusCode::BAD_GATEWAY,
            "pairing_unreachable",
            format!(
                "OllaBridge at {address} cannot be asked ({why}). Check that it runs and that the address is right."
            ),
        ),
    }
}
