//! Following a job's log: one WebSocket, resumed by sequence number for as long as the job lasts.
//!
//! The log is gap-free by contract; what does not continue where the last event ended is asked for
//! again. What events mean is the pages' business.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_util::StreamExt;
use futures_util::future::{AbortHandle, abortable};
use gantry_domain::event::Event;
use gloo_net::websocket::futures::WebSocket;
use gloo_net::websocket::{Message, State, WebSocketError};
use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use uuid::Uuid;

use crate::api::{self, ApiError};

/// Pauses between attempts in milliseconds; the last one stays.
const PAUSES: [u32; 6] = [250, 500, 1_000, 2_000, 4_000, 8_000];

/// How the server closes a stream whose login works no more ("Unauthorized", IANA close codes).
const CLOSE_UNAUTHORIZED: u16 = 3000;

/// How the stream is doing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum StreamState {
    /// The first connection is being made.
    Connecting,
    /// Events arrive as they happen.
    Live,
    /// The connection was lost; the next attempt is in that many seconds.
    Reconnecting {
        /// Seconds until the next attempt, rounded up.
        seconds: u32,
    },
    /// The job ended and all its events are here.
    Ended,
    /// The log cannot be read: the job is gone, or is not ours to see.
    Refused(ApiError),
}

/// Follows a job's log from after `after` (0 for all of it), and calls `on_event` once for every event, in order.
///
/// Ends with the job, or when the owner that called it is cleaned up.
pub(crate) fn follow_job(job_id: Uuid, after: i64, on_event: impl FnMut(Event) + 'static) -> ReadSignal<StreamState> {
    let (state, set_state) = signal(StreamState::Connecting);
    let stop = follow_until_stopped(job_id, after, set_state, on_event);
    on_cleanup(move || stop.abort());
    state
}

/// Like [`follow_job`], but ended by the handle; for streams that begin after a component was built.
pub(crate) fn follow_until_stopped(
    job_id: Uuid,
    after: i64,
    state: WriteSignal<StreamState>,
    on_event: impl FnMut(Event) + 'static,
) -> AbortHandle {
    let (work, stop) = abortable(follow(job_id, after, state, on_event));
    leptos::task::spawn_local(async move {
        // Aborted means that nobody listens any more.
        let _ = work.await;
    });
    stop
}

/// How one connection came to its end.
enum ConnectionEnd {
    /// The job's last event was among its events.
    Finished,
    /// It broke, or events were missing.
    Lost,
    /// The server says that the login works no more.
    Unauthorized,
}

async fn follow(job_id: Uuid, after: i64, state: WriteSignal<StreamState>, on_event: impl FnMut(Event) + 'static) {
    let last_seen = Rc::new(Cell::new(after));
    let on_event = RefCell::new(on_event);
    let mut failures = 0;
    loop {
        let before = last_seen.get();
        let is_back = failures > 0;
        let live = || {
            state.try_set(StreamState::Live);
            // The server may be another one than before: a WebSocket does not say.
            if is_back {
                leptos::task::spawn_local(api::look_for_upgrade());
            }
        };
        let end = read_connection(job_id, &last_seen, &on_event, live).await;
        if matches!(end, ConnectionEnd::Finished) {
            state.try_set(StreamState::Ended);
            return;
        }
        failures = if last_seen.get() > before { 1 } else { failures + 1 };
        // A WebSocket does not say why it was refused; a plain request does, and leads to the login
        // when that is what is missing.
        if (failures > 1 || matches!(end, ConnectionEnd::Unauthorized))
            && let Err(error) = api::calls::job(job_id).await
            && matches!(error.status(), 401 | 403 | 404)
        {
            state.try_set(StreamState::Refused(error));
            return;
        }
        wait(failures, state).await;
    }
}

/// Waits before the next attempt and counts the seconds down.
async fn wait(failures: usize, state: WriteSignal<StreamState>) {
    let pause = PAUSES[failures.saturating_sub(1).min(PAUSES.len() - 1)];
    // Up to a quarter more, so that many browsers do not come back at the same moment.
    let mut left = pause + (js_sys::Math::random() * f64::from(pause) / 4.0) as u32;
    while left > 0 {
        state.try_set(StreamState::Reconnecting { seconds: left.div_ceil(1_000) });
        let step = left.min(1_000);
        TimeoutFuture::new(step).await;
        left -= step;
    }
}

async fn read_connection(
    job_id: Uuid,
    last_seen: &Cell<i64>,
    on_event: &RefCell<impl FnMut(Event)>,
    live: impl Fn(),
) -> ConnectionEnd {
    let url = api::websocket_url(&format!("/jobs/{job_id}/events?after={}", last_seen.get()));
    let Ok(mut socket) = WebSocket::open(&url) else {
        return ConnectionEnd::Lost;
    };
    while matches!(socket.state(), State::Connecting) {
        TimeoutFuture::new(20).await;
    }
    if matches!(socket.state(), State::Open) {
        live();
    }
    while let Some(message) = socket.next().await {
        let text = match message {
            Ok(Message::Text(text)) => text,
            Ok(Message::Bytes(_)) => continue,
            Err(WebSocketError::ConnectionClose(close)) if close.code == CLOSE_UNAUTHORIZED => {
                return ConnectionEnd::Unauthorized;
            }
            Err(_) => return ConnectionEnd::Lost,
        };
        let event = match serde_json::from_str::<Event>(&text) {
            Ok(event) => event,
            Err(error) => {
                leptos::logging::warn!("an event was not understood: {error}");
                return ConnectionEnd::Lost;
            }
        };
        if event.seq <= last_seen.get() {
            continue;
        }
        if event.seq > last_seen.get() + 1 {
            leptos::logging::warn!("event {} came after {}: asking again", event.seq, last_seen.get());
            return ConnectionEnd::Lost;
        }
        last_seen.set(event.seq);
        let last = event.body.is_last();
        (on_event.borrow_mut())(event);
        if last {
            return ConnectionEnd::Finished;
        }
    }
    ConnectionEnd::Lost
}
