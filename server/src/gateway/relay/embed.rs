//! Embeddings: passed on as they are, and counted.

use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use gantry_domain::event::EventBody;
use serde_json::Value;

use crate::app::App;
use crate::gateway::store::{self, Pass, Spent};
use crate::gateway::wire::Api;
use crate::gateway::{self, refusal::Refusal};
use crate::outside::model::{self, Relayed, Route, TokenCount};

use super::check::object;
use super::limits::{check_budgets, deadline};
use super::notes::usage_event;
use super::{Source, refused, source, stopped};

/// Passes a request for embeddings on.
///
/// # Errors
/// What the gateway refuses, in its own words.
pub(in crate::gateway) async fn embed(app: App, pass: Pass, body: Bytes) -> Result<Response, Refusal> {
    object(&body)?;
    let Source::Endpoint { endpoint, prices } = source(&app, &pass).await? else {
        return Err(Refusal::bad(
            "embeddings_unavailable",
            "The rehearsal model makes no embeddings. Start the run with a model provider that does.",
        ));
    };
    check_budgets(&pass, pass.used_tokens, pass.cost_micros)?;
    deadline(&app, &pass)?;
    match model::relay(&app.http, &endpoint, Route::Embeddings, body).await? {
        Relayed::Whole(body) => {
            let usage = serde_json::from_slice::<Value>(&body).unwrap_or_default()["usage"].take();
            let input = usage["prompt_tokens"].as_i64().unwrap_or(0).max(0);
            let spent = Spent { tokens: TokenCount { input, output: 0 }, tool_calls: 0, prices };
            let mut tx = app.db.begin().await?;
            let usage = store::count(&mut tx, pass.run_id, spent).await?;
            let told: Vec<EventBody> = usage.map(|usage| usage_event(&app, &pass, usage)).into_iter().collect();
            if !gateway::append(&app, &mut tx, &pass, &told).await? {
                return Err(Refusal::closed());
            }
            tx.commit().await?;
            Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
        }
        Relayed::Refused(told) => Ok(stopped(Api::Chat, refused(Api::Chat, &endpoint, told))),
        Relayed::Events(_) => {
            Err(Refusal::new(StatusCode::BAD_GATEWAY, "model_bad_response", "The endpoint streams embeddings."))
        }
    }
}
