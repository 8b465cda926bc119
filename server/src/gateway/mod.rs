//! The gateway: the model's endpoint that a project sees while it runs outside of this process.
//!
//! It speaks OpenAI's wire and holds what the project must not have: the provider's key. Whoever asks
//! shows the token of a run, which opens nothing but the run's own model and only while that run is
//! under way. On the way the gateway counts tokens, keeps the run's limits and permissions, and writes
//! what it sees into the run's log.
//!
//! `relay` is the way of one request, `wire` what the two conversations look like, `hold` where a
//! person decides, `scribe` how the log hears of it once. How a project is started belongs in `run`;
//! how a provider is spoken to belongs in `outside/model`.

mod hold;
pub(crate) mod http;
mod judge;
mod refusal;
mod rehearse;
mod relay;
mod scribe;
mod store;
mod wire;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngCore;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::app::App;
use crate::db::Tx;
use crate::jobs::{JobContext, JobFailure};

/// What a token begins with, so that people and scanners know one when they see it.
const PREFIX: &str = "gantry_run_";
/// For how long a token opens anything at most, in milliseconds. The run's end comes before that.
const LIFETIME_MILLIS: i64 = 4 * 60 * 60 * 1_000;

/// Opens the gateway for an attempt at a run, and gives the token that it is opened with. A token that
/// was given to an earlier attempt opens nothing any more.
///
/// # Errors
/// Whatever the database answers.
pub async fn open(app: &App, job: &JobContext, run_id: Uuid) -> Result<SecretString, JobFailure> {
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
    store::open(&mut tx, access).await?;
    tx.commit().await?;
    Ok(SecretString::from(token.as_str()))
}

/// Closes the gateway for a run, within the transaction that ends it.
///
/// # Errors
/// Whatever the database answers.
pub async fn close(tx: &mut Tx, run_id: Uuid) -> sqlx::Result<()> {
    store::close(tx, run_id).await
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
}

impl Fact<'_> {
    fn key(&self) -> String {
        match self {
            Self::Call(id) => format!("call:{id}"),
            Self::Result(id) => format!("result:{id}"),
            // Blanks around a text come and go on its way.
            Self::Text(text) => format!("text:{}", hex::encode(Sha256::digest(text.trim().as_bytes()))),
            Self::Notice(code) => format!("notice:{code}"),
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
