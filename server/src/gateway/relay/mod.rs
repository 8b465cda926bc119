//! The way of one request: let in, checked, asked, read, decided, passed back.
//!
//! A turn whose calls were all denied is answered by the gateway itself, which tells the model and asks
//! it again; the project gets the answer to that. When only some were denied, the project gets the
//! others, and the denied ones are put back into the conversation with its next request.

mod check;
mod count;
mod embed;
mod limits;
mod notes;
mod settle;

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use gantry_domain::event::EventBody;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::app::App;
use crate::gateway::refusal::{self, Refusal};
use crate::gateway::scribe::{Scribe, result_event};
use crate::gateway::store::{self, Pass};
use crate::gateway::wire::fields::with_field;
use crate::gateway::wire::{Api, Call, Reader, Settled};
use crate::gateway::{self, Fact, claim, rehearse};
use crate::outside::model::{self, Endpoint, EventStream, Frame, Refused, Relayed};
use crate::provider;

use check::{check, object};
pub(super) use count::count_tokens;
pub(super) use embed::embed;
use limits::{check_budgets, deadline, out_of_time, until};
pub(super) use notes::notice;

/// How often a stream that waits says so, and how long a plain answer waits before it says anything.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// How often a stream asks whether its run is still under way.
const LOOK: Duration = Duration::from_secs(1);
/// How many events may wait for a slow reader.
const AHEAD: usize = 64;

/// Why a request goes no further.
enum Stop {
    /// Whoever asked has gone.
    Gone,
    Refused(Refusal),
    /// The endpoint refused; its words are passed on.
    Upstream {
        status: StatusCode,
        body: String,
    },
}

impl<E: Into<Refusal>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Refused(error.into())
    }
}

/// Who answers.
enum Source {
    Rehearsal,
    Endpoint { endpoint: Endpoint, prices: Option<(i64, i64)> },
}

/// An answer that has begun.
enum Opened {
    Events(Box<EventStream>),
    Whole(Bytes, Value),
}

/// One request on its way.
struct Relay {
    app: App,
    pass: Pass,
    api: Api,
    /// What the project's client said of its request.
    headers: HeaderMap,
    request: Value,
    source: Source,
    scribe: Scribe,
    deadline: Option<Instant>,
    used_tokens: i64,
    cost_micros: Option<i64>,
    denied_turns: u32,
}

/// Answers a request of a conversation.
///
/// # Errors
/// What the gateway refuses, in its own words.
pub(in crate::gateway) async fn answer(
    app: App,
    pass: Pass,
    api: Api,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let (to_note, run_id) = (app.clone(), pass.run_id);
    let answered = begin(app, pass, api, headers, body).await;
    if let Err(refusal) = &answered {
        gateway::note(&to_note, run_id, refusal).await;
    }
    answered
}

async fn begin(app: App, pass: Pass, api: Api, headers: HeaderMap, body: Bytes) -> Result<Response, Refusal> {
    let request = object(&body)?;
    check(api, &request, pass.mode)?;
    let streams = request["stream"] == true;
    let wants_usage = request["stream_options"]["include_usage"] == true;
    let mut relay = Relay {
        source: source(&app, &pass).await?,
        deadline: deadline(&app, &pass)?,
        scribe: Scribe::new(&app, &pass),
        used_tokens: pass.used_tokens,
        cost_micros: pass.cost_micros,
        denied_turns: 0,
        app,
        pass,
        api,
        headers,
        request,
    };
    relay.tell_results().await?;
    let body = relay.first_body(body, streams && !wants_usage).await?;
    let opened = match relay.ask(body).await {
        Ok(opened) => opened,
        Err(Stop::Refused(refusal)) => return Err(refusal),
        Err(stop) => return Ok(stopped(api, stop)),
    };
    if streams {
        return Ok(relay.answer_in_events(opened, wants_usage));
    }
    relay.answer_in_one(opened).await
}

async fn source(app: &App, pass: &Pass) -> Result<Source, Refusal> {
    let Some(provider_id) = pass.provider_id else {
        return Ok(Source::Rehearsal);
    };
    let access = provider::access(app, provider_id).await.map_err(|error| {
        if error.status().is_server_error() {
            return error.into();
        }
        let message = format!("The run's model provider cannot be used: {}", error.detail());
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "provider_unavailable", message)
    })?;
    Ok(Source::Endpoint {
        prices: access.input_price_micros.zip(access.output_price_micros),
        endpoint: access.endpoint(app, pass.model.clone()),
    })
}

fn stopped(api: Api, stop: Stop) -> Response {
    match stop {
        Stop::Gone => Refusal::closed().on(api),
        Stop::Refused(refusal) => refusal.on(api),
        Stop::Upstream { status, body } => {
            let mut response = (status, body).into_response();
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            // The gateway has repeated what may be repeated.
            headers.insert("x-should-retry", HeaderValue::from_static("false"));
            response
        }
    }
}

/// What a project reads of a refusal of the endpoint: of its key it knows nothing, nor of another address.
fn refused(api: Api, endpoint: &Endpoint, refused: Refused) -> Stop {
    let understood = endpoint.refusal(&refused);
    if understood.code() == "model_unauthorized" || refused.status.is_redirection() {
        return understood.into();
    }
    Stop::Upstream { status: refused.status, body: refusal::passed_on(api, &refused) }
}

/// Does something while a reader waits, who is told every few seconds that there is still somebody.
async fn while_waiting<T>(out: &mpsc::Sender<Bytes>, work: impl Future<Output = T>) -> Result<T, Stop> {
    tokio::pin!(work);
    let mut every = tokio::time::interval_at(Instant::now() + KEEP_ALIVE, KEEP_ALIVE);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return Ok(done),
            () = out.closed() => return Err(Stop::Gone),
            _ = every.tick() => send(out, Bytes::from_static(b": waiting\n\n")).await?,
        }
    }
}

async fn send(out: &mpsc::Sender<Bytes>, bytes: Bytes) -> Result<(), Stop> {
    out.send(bytes).await.map_err(|_| Stop::Gone)
}

impl Relay {
    /// Tells what tools answered, as far as this request is the first to say it.
    async fn tell_results(&self) -> Result<(), Refusal> {
        let results = self.api.results_in(&self.request);
        if results.is_empty() {
            return Ok(());
        }
        let told = store::facts(&self.app.db, self.pass.run_id).await?;
        // Results of other calls are examples, or the thread before this run.
        let is_news = |id: &str| told.contains(&Fact::Call(id).key()) && !told.contains(&Fact::Result(id).key());
        let news: Vec<_> = results.into_iter().filter(|(id, _)| is_news(id)).collect();
        if news.is_empty() {
            return Ok(());
        }
        let mut tx = self.app.db.begin().await?;
        let mut events = Vec::new();
        for (id, content) in news {
            if claim(&mut tx, self.pass.run_id, &Fact::Result(&id)).await? {
                events.push(EventBody::RunEvent { run_id: self.pass.run_id, event: result_event(&id, &content) });
            }
        }
        self.append(&mut tx, &events).await?;
        Ok(tx.commit().await?)
    }

    async fn append(&self, tx: &mut crate::db::Tx, events: &[EventBody]) -> Result<(), Refusal> {
        if gateway::append(&self.app, tx, &self.pass, events).await? { Ok(()) } else { Err(Refusal::closed()) }
    }

    /// The body that goes to the endpoint: as it came, but for what has to be different.
    async fn first_body(&mut self, body: Bytes, count_usage: bool) -> Result<Bytes, Refusal> {
        let Source::Endpoint { endpoint, .. } = &self.source else { return Ok(body) };
        let mut changes: Vec<(&str, Value)> = Vec::new();
        // The model that was chosen for the run answers, whatever name the project has for it.
        if self.request["model"] != endpoint.model.as_str() {
            changes.push(("model", json!(endpoint.model)));
        }
        if count_usage && self.api == Api::Chat {
            let mut options = Some(&self.request["stream_options"]).filter(|known| known.is_object()).cloned();
            let options = options.get_or_insert_with(|| json!({}));
            options["include_usage"] = json!(true);
            changes.push(("stream_options", options.clone()));
        }
        let denials = store::denials(&self.app.db, self.pass.run_id).await?;
        if !denials.is_empty() && self.api.put_back(&mut self.request, &denials) {
            let name = self.api.conversation_field();
            changes.push((name, self.request[name].clone()));
        }
        let mut bytes = body;
        for (name, value) in changes {
            bytes = with_field(&bytes, name, &value.to_string()).into();
            self.request[name] = value;
        }
        Ok(bytes)
    }

    /// Asks whoever answers in this run.
    async fn ask(&mut self, body: Bytes) -> Result<Opened, Stop> {
        check_budgets(&self.pass, self.used_tokens, self.cost_micros)?;
        let Source::Endpoint { endpoint, .. } = &self.source else {
            let answer = rehearse::answer(self.api, &self.request, &self.pass.spec, &self.pass.input)?;
            return Ok(Opened::Whole(answer.to_string().into(), answer));
        };
        let relayed = tokio::select! {
            biased;
            () = until(self.deadline) => return Err(self.out_of_time().into()),
            relayed = model::relay_as(&self.app.http, endpoint, self.api.route(), body, &self.headers) => relayed,
        };
        match relayed? {
            Relayed::Events(events) => Ok(Opened::Events(Box::new(events))),
            Relayed::Whole(bytes) => match serde_json::from_slice(&bytes) {
                Ok(answer) => Ok(Opened::Whole(bytes, answer)),
                Err(_) => Err(endpoint.bad_response("it is not JSON").into()),
            },
            Relayed::Refused(told) => {
                let understood = endpoint.refusal(&told);
                self.tell(vec![notice(self.pass.run_id, "model_refused", &understood.message)]).await?;
                Err(refused(self.api, endpoint, told))
            }
        }
    }

    async fn tell(&self, events: Vec<EventBody>) -> Result<(), Refusal> {
        let mut tx = self.app.db.begin().await?;
        self.append(&mut tx, &events).await?;
        Ok(tx.commit().await?)
    }

    fn out_of_time(&self) -> Refusal {
        out_of_time(self.pass.spec.guardrails.max_seconds.unwrap_or_default())
    }

    fn bad_response(&self, what: &str) -> Refusal {
        match &self.source {
            Source::Endpoint { endpoint, .. } => endpoint.bad_response(what).into(),
            Source::Rehearsal => Refusal::new(StatusCode::BAD_GATEWAY, "model_bad_response", what),
        }
    }

    fn truncated(&self) -> Refusal {
        match &self.source {
            Source::Endpoint { endpoint, .. } => endpoint.truncated().into(),
            Source::Rehearsal => Refusal::new(StatusCode::BAD_GATEWAY, "model_stream_truncated", "It broke off."),
        }
    }

    /// Answers a project that wants events.
    fn answer_in_events(mut self, opened: Opened, wants_usage: bool) -> Response {
        let (out, receiver) = mpsc::channel(AHEAD);
        tokio::spawn(async move {
            let told = match self.pass_on(opened, wants_usage, &out).await {
                Ok(()) | Err(Stop::Gone) => return,
                Err(Stop::Refused(refusal)) => {
                    gateway::note(&self.app, self.pass.run_id, &refusal).await;
                    self.api.error_event(refusal.code, &refusal.message)
                }
                Err(Stop::Upstream { status, .. }) => {
                    self.api.error_event("model_refused", &format!("The model's endpoint answered {status}."))
                }
            };
            self.scribe.end_message();
            let _ = out.send(told).await;
        });
        let events = futures::stream::unfold(receiver, |mut receiver| async {
            receiver.recv().await.map(|bytes| (Ok::<_, Infallible>(bytes), receiver))
        });
        let headers = [
            (header::CONTENT_TYPE, "text/event-stream"),
            (header::CACHE_CONTROL, "no-store"),
            (header::HeaderName::from_static("x-accel-buffering"), "no"),
        ];
        (headers, Body::from_stream(events)).into_response()
    }

    /// Passes a stream on, turn by turn until the project has something to do.
    async fn pass_on(&mut self, opened: Opened, wants_usage: bool, out: &mpsc::Sender<Bytes>) -> Result<(), Stop> {
        let mut reader = self.api.reader(wants_usage);
        let mut opened = opened;
        loop {
            match opened {
                Opened::Events(events) => self.read(*events, &mut reader, out).await?,
                // An endpoint that ignores `stream` has said everything at once.
                Opened::Whole(_, answer) => {
                    self.api.understood(&answer).map_err(|text| self.bad_response(&text))?;
                    for frame in self.api.streamed(&answer) {
                        self.take(frame, &mut reader, out).await?;
                    }
                }
            }
            let said = reader.said();
            if !said.complete {
                return Err(self.truncated().into());
            }
            let settled = while_waiting(out, self.settle(&said)).await??;
            if !are_all_denied(&settled) {
                for bytes in reader.release(&settled) {
                    send(out, bytes).await?;
                }
                return Ok(());
            }
            self.api.go_on(&mut self.request, &said, &settled);
            reader = reader.next_turn();
            let body = self.request.to_string().into();
            opened = while_waiting(out, self.ask(body)).await??;
        }
    }

    async fn read(
        &mut self,
        mut events: EventStream,
        reader: &mut Reader,
        out: &mpsc::Sender<Bytes>,
    ) -> Result<(), Stop> {
        let mut look = tokio::time::interval_at(Instant::now() + LOOK, LOOK);
        loop {
            let frame = tokio::select! {
                biased;
                () = out.closed() => return Err(Stop::Gone),
                () = until(self.deadline) => return Err(self.out_of_time().into()),
                _ = look.tick() => {
                    if !store::is_open(&self.app.db, &self.pass, self.app.db.now()).await? {
                        return Err(Refusal::closed().into());
                    }
                    continue;
                }
                frame = events.next() => frame?,
            };
            let Some(frame) = frame else { return Ok(()) };
            let is_last = frame.data.trim() == "[DONE]";
            self.take(frame, reader, out).await?;
            if is_last || (self.api != Api::Chat && reader.said().complete) {
                // Read to its very end, the connection can be used again.
                tokio::spawn(async move {
                    let _ = tokio::time::timeout(LOOK, events.next()).await;
                });
                return Ok(());
            }
        }
    }

    async fn take(&mut self, frame: Frame, reader: &mut Reader, out: &mpsc::Sender<Bytes>) -> Result<(), Stop> {
        let step = reader.take(frame).map_err(|text| self.bad_response(&text))?;
        if let Some(bytes) = step.forward {
            send(out, bytes).await?;
        }
        self.scribe.say(&step.text);
        Ok(())
    }

    /// Answers a project that wants one body. While a person thinks, blanks are sent, which JSON allows
    /// before a value: else the project's client would give up.
    async fn answer_in_one(mut self, opened: Opened) -> Result<Response, Refusal> {
        let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
        let api = self.api;
        let mut work = Box::pin(async move { self.whole(opened).await });
        if let Ok(done) = tokio::time::timeout(KEEP_ALIVE, &mut work).await {
            return Ok(match done {
                Ok(bytes) => (headers, bytes).into_response(),
                Err(stop) => stopped(api, stop),
            });
        }
        let body = futures::stream::unfold(Some(work), |work| async {
            let mut work = work?;
            match tokio::time::timeout(KEEP_ALIVE, &mut work).await {
                Err(_) => Some((Ok(Bytes::from_static(b" ")), Some(work))),
                Ok(Ok(bytes)) => Some((Ok(bytes), None)),
                // The status is sent already: an answer that breaks off is one that clients ask for again.
                Ok(Err(_)) => Some((Err(std::io::Error::other("the gateway gave no answer")), None)),
            }
        });
        Ok((headers, Body::from_stream(body)).into_response())
    }

    async fn whole(&mut self, opened: Opened) -> Result<Bytes, Stop> {
        let whole = self.whole_or_stop(opened).await;
        if let Err(Stop::Refused(refusal)) = &whole {
            gateway::note(&self.app, self.pass.run_id, refusal).await;
        }
        whole
    }

    async fn whole_or_stop(&mut self, opened: Opened) -> Result<Bytes, Stop> {
        let mut opened = opened;
        loop {
            let Opened::Whole(bytes, answer) = opened else {
                return Err(self.bad_response("it is a stream, which nobody asked for").into());
            };
            let said = self.api.understood(&answer).map_err(|text| self.bad_response(&text))?;
            self.scribe.say(&said.text);
            let settled = self.settle(&said).await?;
            if settled.iter().zip(&said.calls).all(|(settled, call)| is_as_it_was(settled, call)) {
                return Ok(bytes);
            }
            if !are_all_denied(&settled) {
                return Ok(self.api.rewritten(answer, &settled).to_string().into());
            }
            self.api.go_on(&mut self.request, &said, &settled);
            let body = self.request.to_string().into();
            opened = self.ask(body).await?;
        }
    }
}

fn are_all_denied(settled: &[Settled]) -> bool {
    !settled.is_empty() && settled.iter().all(|settled| matches!(settled, Settled::Denied { .. }))
}

fn is_as_it_was(settled: &Settled, call: &Call) -> bool {
    matches!(settled, Settled::Released { id, arguments } if *id == call.id && *arguments == call.arguments)
}
