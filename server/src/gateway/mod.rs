//! The gateway: the model's endpoint that a project sees while it runs outside of this process.
//!
//! It speaks OpenAI's wire and Anthropic's, and holds what the project must not have: the provider's key. Whoever asks
//! shows the token of a run, which opens nothing but the run's own model and only while that run is
//! under way. On the way the gateway counts tokens, keeps the run's limits and permissions, and writes
//! what it sees into the run's log.
//!
//! `relay` is the way of one request, `wire` what the conversations look like, `hold` where a
//! person decides, `scribe` how the log hears of it once, `spans` what
//! the project tells of itself by OpenTelemetry. How a project is started belongs in `run`;
//! how a provider is spoken to belongs in `outside/model`.

mod hold;
pub(crate) mod http;
mod judge;
mod refusal;
mod rehearse;
mod relay;
mod scribe;
mod spans;
mod store;
mod wire;

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gantry_domain::event::{EventBody, JobReason};
use rand::RngCore;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::app::App;
use crate::db::Tx;
use crate::jobs::{JobContext, JobFailure};

pub(crate) use scribe::{call_events, clean, result_event};
pub(crate) use spans::{LAST_SPANS_MILLIS, tells_spans};

/// What a token begins with, so that people and scanners know one when they see it.
const PREFIX: &str = "gantry_run_";
/// For how long a token opens anything at most, in milliseconds. The run's end comes before that.
const LIFETIME_MILLIS: i64 = 4 * 60 * 60 * 1_000;

/// Opens the gateway for an attempt at a run, and gives the token that it is opened with. A token that
/// was given to an earlier attempt opens nothing any more. `known_calls` are the ids that the run's log has
/// from earlier attempts: none of them is given again.
///
/// # Errors
/// Whatever the database answers.
pub async fn open(
    app: &App,
    job: &JobContext,
    run_id: Uuid,
    known_calls: &[String],
) -> Result<SecretString, JobFailure> {
    let mut random = Zeroizing::new([0_u8; 32]);
    rand::rng().fill_bytes(random.as_mut_slice());
    let token = Zeroizing::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random.as_slice())));
    let now = app.db.now();
    let access = store::NewAccess {
        run_id,
        token_hash: hash(&token),
        attempt: job.attempt(),
        opened_at: now,
        expires_at: now.plus_millis(LIFETIME_MILLIS),
    };
    let mut tx = app.db.begin().await?;
    store::forget(&mut tx, run_id).await?;
    store::open(&mut tx, access).await?;
    for id in known_calls {
        claim(&mut tx, run_id, &Fact::Call(id)).await?;
        claim(&mut tx, run_id, &Fact::Result(id)).await?;
    }
    tx.commit().await?;
    Ok(SecretString::from(token.as_str()))
}

/// The variables by which libraries in a project find the gateway on their own accord, beside those that the
/// project's spec names: Anthropic's clients, and OpenTelemetry's SDKs for their spans. `root` is where the
/// project reaches the gateway, up to and with `/gateway`; `service` is what its spans are told under. What
/// is in them is secret.
pub fn environment(root: &str, service: &str, token: &SecretString) -> Vec<(String, String)> {
    let token = token.expose_secret();
    let variables = [
        // Anthropic's clients add the `/v1` themselves.
        ("ANTHROPIC_BASE_URL", root.to_owned()),
        ("ANTHROPIC_API_KEY", token.to_owned()),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", root.to_owned()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf".to_owned()),
        // The values of this variable are percent-encoded.
        ("OTEL_EXPORTER_OTLP_HEADERS", format!("authorization=Bearer%20{token}")),
        ("OTEL_BSP_SCHEDULE_DELAY", spans::EVERY_MILLIS.to_string()),
        ("OTEL_SERVICE_NAME", service.to_owned()),
        // Nobody takes these in.
        ("OTEL_METRICS_EXPORTER", "none".to_owned()),
        ("OTEL_LOGS_EXPORTER", "none".to_owned()),
    ];
    variables.map(|(name, value)| (name.to_owned(), value)).into()
}

/// Shuts the gateway for a run: afterwards nothing of it comes into the run's log any more.
///
/// # Errors
/// Whatever the database answers.
pub async fn shut(app: &App, run_id: Uuid) -> sqlx::Result<()> {
    let mut tx = app.db.begin().await?;
    store::shut(&mut tx, run_id).await?;
    tx.commit().await
}

/// Closes the gateway for a run and forgets what it told, within the transaction that ends the run.
///
/// # Errors
/// Whatever the database answers.
pub async fn close(tx: &mut Tx, run_id: Uuid) -> sqlx::Result<()> {
    store::shut(tx, run_id).await?;
    store::forget(tx, run_id).await
}

/// For how long a run has worked, in milliseconds, without the time in which it waited for people; none
/// when the gateway is not open for it.
///
/// # Errors
/// Whatever the database answers.
pub(crate) async fn worked_millis(app: &App, run_id: Uuid) -> sqlx::Result<Option<i64>> {
    Ok(store::clock(&app.db, run_id).await?.map(|clock| clock.worked_millis(app.db.now())))
}

/// Appends to a run's log, if the gateway is open for it; whether it is. If not, nothing was appended.
/// Whoever takes more rows than these two takes them in the order fact, run, access, approval, job.
async fn append(app: &App, tx: &mut Tx, pass: &store::Pass, events: &[EventBody]) -> sqlx::Result<bool> {
    Ok(store::keep_open(tx, pass).await? && app.jobs.append_for(tx, pass.job_id, pass.attempt, events).await?)
}

/// What is stored of a token. 256 random bits need no slow hash: there is nothing to guess.
fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

/// A fact of a run that is told once, whoever sees it first.
#[derive(Clone, Debug)]
pub(crate) enum Fact<'a> {
    /// The model asked for this call.
    Call(&'a str),
    /// This call was answered.
    Result(&'a str),
    /// An agent said this.
    Text(&'a str),
    /// The person was told of something that needs no second time.
    Notice(&'static str),
    /// The project told of this span: the ids of its trace and its own.
    Span(&'a str, &'a str),
}

impl Fact<'_> {
    fn key(&self) -> String {
        match self {
            Self::Call(id) => format!("call:{id}"),
            Self::Result(id) => format!("result:{id}"),
            // Blanks around a text come and go on its way.
            Self::Text(text) => format!("text:{}", hex::encode(Sha256::digest(text.trim().as_bytes()))),
            Self::Notice(code) => format!("notice:{code}"),
            Self::Span(trace, span) => format!("{}{trace}:{span}", store::SPAN_FACT),
        }
    }
}

/// Writes a fact of a run down; whether it is new, and therefore this caller's to tell, within the
/// transaction in which it is told.
///
/// # Errors
/// Whatever the database answers.
pub(crate) async fn claim(tx: &mut Tx, run_id: Uuid, fact: &Fact<'_>) -> sqlx::Result<bool> {
    store::claim(tx, run_id, &fact.key()).await
}

/// What a fact begins with that says what the gateway refused to a run.
const REFUSED: &str = "refused:";

/// Keeps why something was refused to a run, so that its end can say so: projects wrap it into words of
/// their own. Nothing depends on it.
async fn note(app: &App, run_id: Uuid, refusal: &refusal::Refusal) {
    if refusal.status == StatusCode::UNAUTHORIZED {
        return;
    }
    let reason = JobReason { code: refusal.code.to_owned(), message: clean(&refusal.message) };
    let fact = format!("{REFUSED}{}", serde_json::to_string(&reason).unwrap_or_default());
    let noted = async {
        let mut tx = app.db.begin().await?;
        store::claim(&mut tx, run_id, &fact).await?;
        tx.commit().await
    };
    if let Err(error) = noted.await {
        tracing::warn!(%error, "what the gateway refused could not be noted");
    }
}

/// Why something was refused to a run, if anything was: a limit that it has reached first.
///
/// # Errors
/// Whatever the database answers.
pub(crate) async fn why_refused(app: &App, run_id: Uuid) -> sqlx::Result<Option<JobReason>> {
    let facts = store::facts(&app.db, run_id).await?;
    let reasons = facts.iter().filter_map(|fact| serde_json::from_str(fact.strip_prefix(REFUSED)?).ok());
    Ok(reasons.max_by_key(|reason: &JobReason| reason.code.ends_with("_budget")))
}

/// Whether a fact of a run was told.
///
/// # Errors
/// Whatever the database answers.
pub(crate) async fn is_told(app: &App, run_id: Uuid, fact: &Fact<'_>) -> sqlx::Result<bool> {
    store::is_told(&app.db, run_id, &fact.key()).await
}
