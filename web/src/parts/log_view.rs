//! A log on the screen: a hundred thousand lines at the display's pace.
//!
//! The text is not state: it lies in a [`LogStore`] outside of the reactive graph. A fixed pool of
//! rows is laid over the part that is scrolled to; scrolling by one line rewrites one row. The page
//! says once a frame that the log has grown. The bar above the rows is in [`super::log_bar`].

use gantry_domain::Timestamp;
use gantry_domain::event::LogLevel;
use leptos::prelude::*;
use leptos::{ev, html};
use leptos_router::hooks::use_location;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::ResizeObserver;

use super::icon::{Icon, icon};
use super::log_bar::{LogBar, grouped};
use super::log_store::{LevelFilter, LogFilter, LogRows, LogSearch, LogStore};

/// Height of a row in pixels, as in the style sheet.
const ROW_HEIGHT: f64 = 20.0;

/// How many rows there are in the document: more than any screen shows.
const POOL: usize = 84;

/// How many rows are kept ready above and below the visible ones.
const SPARE: usize = 12;

/// How many lines a search looks at before it lets the browser draw.
const SEARCH_SLICE: usize = 10_000;

/// Where the log is.
#[derive(Clone, Copy)]
pub(crate) struct LogSource(StoredValue<ReadLog, LocalStorage>);

type ReadLog = Box<dyn Fn(&mut dyn FnMut(&LogStore))>;

impl LogSource {
    /// A log that `read` lends out.
    pub(crate) fn new(read: impl Fn(&mut dyn FnMut(&LogStore)) + 'static) -> Self {
        Self(StoredValue::new_local(Box::new(read)))
    }

    /// Looks at the log; none once the page is gone.
    fn with<T>(self, look: impl FnOnce(&LogStore) -> T) -> Option<T> {
        let mut look = Some(look);
        let mut found = None;
        self.0.try_with_value(|read| {
            read(&mut |log| {
                if let Some(look) = look.take() {
                    found = Some(look(log));
                }
            });
        })?;
        found
    }
}

/// What is in one row of the pool.
#[derive(Clone, PartialEq)]
struct RowContent {
    /// The line's number from 1; none for the further pieces of a wrapped line.
    number: Option<usize>,
    /// When it was written, while times are shown.
    time: String,
    level: LogLevel,
    before: String,
    found: String,
    after: String,
    chosen: bool,
}

/// The state of a log on the screen, shared with its bar.
#[derive(Clone, Copy)]
pub(crate) struct LogState {
    source: LogSource,
    rows: StoredValue<LogRows, LocalStorage>,
    search: StoredValue<LogSearch, LocalStorage>,
    scroller: NodeRef<html::Div>,
    measure: NodeRef<html::Span>,
    /// How many rows there are.
    row_count: RwSignal<usize>,
    /// Changes whenever rows show something else than before.
    drawn: RwSignal<u32>,
    /// How many lines there are, how many are warnings and how many errors.
    pub(crate) counts: RwSignal<(usize, usize, usize)>,
    /// How many lines there was no room for.
    left_out: RwSignal<usize>,
    /// The first visible row.
    top: RwSignal<usize>,
    /// Height of the part that is visible, in pixels. Kept, because asking for it would lay out the page.
    height: RwSignal<f64>,
    /// Whether the newest line stays in sight.
    pub(crate) follow: RwSignal<bool>,
    /// Whether long lines are wrapped.
    pub(crate) wrap: RwSignal<bool>,
    /// Whether each line says when it was written.
    pub(crate) times: RwSignal<bool>,
    /// The least level that is shown.
    pub(crate) level: RwSignal<LevelFilter>,
    /// Only this group's lines.
    group: RwSignal<Option<String>>,
    /// What is searched for.
    pub(crate) words: RwSignal<String>,
    /// How many lines match so far.
    pub(crate) match_count: RwSignal<usize>,
    /// The line that the keys move from, from 0.
    pub(crate) chosen: RwSignal<Option<usize>>,
}

impl LogState {
    /// Characters that fit into a row; 0 when lines are not wrapped.
    fn columns(self) -> usize {
        if !self.wrap.get_untracked() {
            return 0;
        }
        let (Some(scroller), Some(measure)) = (self.scroller.get_untracked(), self.measure.get_untracked()) else {
            return 0;
        };
        // The measure is a hundred characters; the gutter is eight, times are ten, and a scroll bar takes its room.
        let character = measure.get_bounding_client_rect().width() / 100.0;
        if character <= 0.0 {
            return 0;
        }
        let gutter = if self.times.get_untracked() { 21 } else { 11 };
        ((f64::from(scroller.client_width()) / character) as usize).saturating_sub(gutter).max(20)
    }

    /// Lays the rows out anew, and keeps the line at the top where it is.
    fn lay_out(self) {
        let filter = LogFilter { level: self.level.get_untracked(), group: self.group.get_untracked() };
        let columns = self.columns();
        let top = self.top.get_untracked();
        let anchor = self.rows.with_value(|rows| rows.row(top).map(|row| row.line));
        let mut rows = LogRows::new(filter, columns);
        self.source.with(|log| rows.update(log));
        let target = anchor.map_or(0, |line| rows.row_of(line));
        self.row_count.set(rows.len());
        self.rows.set_value(rows);
        self.drawn.update(|drawn| *drawn += 1);
        self.search_again();
        if !self.follow.get_untracked() {
            self.scroll_to_row(target);
        }
    }

    /// Takes in what came since the last frame.
    fn grow(self) {
        let counts = self.source.with(|log| {
            self.rows.update_value(|rows| rows.update(log));
            ((log.len(), log.warnings(), log.errors().len()), log.left_out())
        });
        let Some((counts, left_out)) = counts else { return };
        self.counts.set(counts);
        if self.left_out.get_untracked() != left_out {
            self.left_out.set(left_out);
        }
        let rows = self.rows.with_value(LogRows::len);
        if self.follow.get_untracked() {
            // The rows are written together with the new height, not after the event of the scrolling: what
            // changes in a frame is laid out once.
            self.top.set(((rows as f64 * ROW_HEIGHT - self.height.get_untracked()) / ROW_HEIGHT) as usize);
        }
        self.row_count.set(rows);
        self.search_on();
    }

    fn search_again(self) {
        let words = self.words.get_untracked();
        self.search.set_value(LogSearch::new(words.trim()));
        self.match_count.set(0);
        self.search_on();
        self.drawn.update(|drawn| *drawn += 1);
    }

    /// Searches a slice, and the rest after the browser had its turn.
    fn search_on(self) {
        let more = self.source.with(|log| {
            self.search.try_update_value(|search| self.rows.with_value(|rows| search.step(log, rows, SEARCH_SLICE)))
        });
        let found = self.search.try_with_value(|search| search.matches().len()).unwrap_or_default();
        if self.match_count.try_get_untracked().is_some_and(|before| before != found) {
            self.match_count.set(found);
            self.drawn.update(|drawn| *drawn += 1);
        }
        if more.flatten() == Some(true) {
            set_timeout(move || self.search_on(), std::time::Duration::ZERO);
        }
    }

    fn scroll_to_row(self, row: usize) {
        let scroller = self.scroller;
        // The new height is in the document only after the effects of this change, and within this frame.
        leptos::task::spawn_local(async move {
            leptos::task::tick().await;
            if let Some(Some(scroller)) = scroller.try_get_untracked() {
                scroller.set_scroll_top((row as f64 * ROW_HEIGHT) as i32);
            }
        });
    }

    /// Chooses a line and brings it to the middle. What hides it is switched off.
    pub(crate) fn go_to(self, line: usize) {
        self.follow.set(false);
        self.chosen.set(Some(line));
        if !self.rows.with_value(|rows| rows.shows(line)) {
            self.level.set(LevelFilter::All);
            self.group.set(None);
            self.lay_out();
        }
        let row = self.rows.with_value(|rows| rows.row_of(line));
        self.scroll_to_row(row.saturating_sub((self.height.get_untracked() / ROW_HEIGHT / 2.0) as usize));
    }

    /// The place among `lines` after, or before, the chosen line; around the end if need be.
    fn next_of(self, lines: &[u32], backwards: bool) -> Option<usize> {
        let last = lines.len().checked_sub(1)?;
        let place = match self.chosen.get_untracked() {
            None => 0,
            Some(chosen) if backwards => {
                lines.partition_point(|line| (*line as usize) < chosen).checked_sub(1).unwrap_or(last)
            }
            Some(chosen) => {
                let next = lines.partition_point(|line| *line as usize <= chosen);
                if next > last { 0 } else { next }
            }
        };
        Some(lines[place] as usize)
    }

    /// Goes to the next or the previous match.
    pub(crate) fn go_to_match(self, backwards: bool) {
        let line = self.search.with_value(|search| self.next_of(search.matches(), backwards));
        if let Some(line) = line {
            self.go_to(line);
        }
    }

    /// Goes to the next error.
    pub(crate) fn go_to_error(self) {
        let line = self.source.with(|log| self.next_of(log.errors(), false)).flatten();
        if let Some(line) = line {
            self.go_to(line);
        }
    }

    /// Which match is the chosen line, from 1.
    pub(crate) fn match_number(self) -> Option<usize> {
        let chosen = self.chosen.get()?;
        self.search.with_value(|search| search.matches().binary_search(&(chosen as u32)).ok()).map(|place| place + 1)
    }

    /// Shows the newest line, and those that follow.
    pub(crate) fn set_follow(self, follow: bool) {
        self.follow.set(follow);
        if follow {
            self.scroll_to_row(self.row_count.get_untracked());
        }
    }

    /// The address of the chosen line, or of the first visible one.
    pub(crate) fn permalink(self) -> String {
        let line = self.chosen.get_untracked().or_else(|| {
            let top = self.top.get_untracked();
            self.rows.with_value(|rows| rows.row(top).map(|row| row.line))
        });
        let location = window().location();
        let address = location.href().unwrap_or_default();
        let address = address.split('#').next().unwrap_or_default();
        format!("{address}#L{}", line.unwrap_or(0) + 1)
    }

    /// The shown lines as text.
    pub(crate) fn shown_text(self) -> String {
        self.source.with(|log| self.rows.with_value(|rows| rows.whole_text(log))).unwrap_or_default()
    }

    fn content(self, index: usize) -> Option<RowContent> {
        self.source.with(|log| {
            self.rows.with_value(|rows| {
                let row = rows.row(index)?;
                let text = rows.text(log, row);
                let found =
                    self.search.with_value(|search| if search.has(row.line) { search.find_in(text) } else { None });
                let (begin, end) = found.unwrap_or((text.len(), text.len()));
                Some(RowContent {
                    number: (row.piece == 0).then_some(row.line + 1),
                    time: if row.piece == 0 && self.times.get() {
                        log.moment(row.line).map(clock_text).unwrap_or_default()
                    } else {
                        String::new()
                    },
                    level: log.level(row.line),
                    before: text[..begin].to_owned(),
                    found: text[begin..end].to_owned(),
                    after: text[end..].to_owned(),
                    chosen: self.chosen.get() == Some(row.line),
                })
            })
        })?
    }
}

/// A log.
#[component]
pub(crate) fn LogView(
    /// Where the lines are.
    source: LogSource,
    /// Changes at most once a frame, when lines came.
    #[prop(into)]
    grown: Signal<u32>,
    /// Only the lines of this group; none for all.
    group: RwSignal<Option<String>>,
    /// A line to go to, from 0; taken when it was gone to.
    jump: RwSignal<Option<usize>>,
    /// Where the whole log is as plain text.
    #[prop(into)]
    raw: String,
    /// Whether more lines may come.
    #[prop(into)]
    live: Signal<bool>,
) -> impl IntoView {
    let state = LogState {
        source,
        rows: StoredValue::new_local(LogRows::default()),
        search: StoredValue::new_local(LogSearch::default()),
        scroller: NodeRef::new(),
        measure: NodeRef::new(),
        row_count: RwSignal::new(0),
        drawn: RwSignal::new(0),
        counts: RwSignal::new((0, 0, 0)),
        left_out: RwSignal::new(0),
        top: RwSignal::new(0),
        height: RwSignal::new(POOL as f64 * ROW_HEIGHT),
        follow: RwSignal::new(live.get_untracked()),
        wrap: RwSignal::new(false),
        times: RwSignal::new(false),
        level: RwSignal::new(LevelFilter::All),
        group,
        words: RwSignal::new(String::new()),
        match_count: RwSignal::new(0),
        chosen: RwSignal::new(None),
    };
    Effect::new(move |_| {
        grown.track();
        state.grow();
    });
    Effect::new(move |before: Option<()>| {
        state.level.track();
        state.group.track();
        state.wrap.track();
        state.times.track();
        if before.is_some() {
            state.lay_out();
        }
    });
    Effect::new(move |before: Option<()>| {
        state.words.track();
        if before.is_some() {
            state.search_again();
        }
    });
    Effect::new(move |_| {
        state.row_count.track();
        if state.follow.get_untracked() {
            state.scroll_to_row(state.row_count.get_untracked());
        }
    });
    go_where_asked(state, jump);
    notice_size(state);

    // Only a move up ends following: a scroll event may come after the log has grown.
    let last_top = StoredValue::new(0);
    let on_scroll = move |_| {
        let Some(scroller) = state.scroller.get_untracked() else { return };
        let top = scroller.scroll_top();
        state.top.set((f64::from(top) / ROW_HEIGHT) as usize);
        let at_end = top + scroller.client_height() >= scroller.scroll_height() - ROW_HEIGHT as i32;
        if at_end && live.get_untracked() {
            state.follow.set(true);
        } else if top < last_top.get_value() {
            state.follow.set(false);
        }
        last_top.set_value(top);
    };
    let first = Memo::new(move |_| state.top.get().saturating_sub(SPARE));
    let rows = (0..POOL).map(|place| row(state, first, place)).collect_view();
    let whole_log = raw.clone();
    let left_out = move || {
        let count = state.left_out.get();
        (count > 0).then(|| {
            let shown = state.counts.with(|(lines, ..)| grouped(*lines));
            view! {
                <div class="notice warn">
                    {icon(Icon::Warning)}
                    <p>{format!("This log is too long to be shown here as a whole: these are its first {shown} lines, and {} more came since. Search and counts are about what is shown.", grouped(count))}</p>
                    <a class="button" href=whole_log.clone() download="" rel="external">{icon(Icon::Download)} "Download the whole log"</a>
                </div>
            }
        })
    };
    view! {
        <section class="log" class:with-times=state.times aria-label="Log">
            <LogBar state raw live/>
            <div role="status">{left_out}</div>
            <div class="log-scroller" node_ref=state.scroller on:scroll=on_scroll tabindex="0" role="region" aria-label="Lines of the log">
                <span class="log-measure" node_ref=state.measure aria-hidden="true">{"0".repeat(100)}</span>
                <div class="log-lines" style:height=move || format!("{}px", state.row_count.get() as f64 * ROW_HEIGHT)>{rows}</div>
            </div>
        </section>
    }
    .into_any()
}

/// One row of the pool. Row `first + k` of the log is in the element whose place is that number
/// modulo the pool's size, so an element keeps its row until that leaves the screen.
fn row(state: LogState, first: Memo<usize>, place: usize) -> AnyView {
    let index = Memo::new(move |_| {
        let first = first.get();
        first + (place + POOL - first % POOL) % POOL
    });
    let shown = Memo::new(move |_| {
        let wanted = (state.height.get() / ROW_HEIGHT) as usize + 2 * SPARE + 1;
        index.get() < state.row_count.get().min(first.get() + wanted)
    });
    let content = Memo::new(move |_| {
        state.drawn.track();
        if shown.get() { state.content(index.get()) } else { None }
    });
    let part = move |part: fn(&RowContent) -> &String| {
        move || content.with(|content| content.as_ref().map(part).cloned().unwrap_or_default())
    };
    let class = move || {
        content.with(|content| match content {
            None => "log-row gone".to_owned(),
            Some(content) => {
                let level = match content.level {
                    LogLevel::Info => "",
                    LogLevel::Warning => " warning",
                    LogLevel::Error => " error",
                };
                format!("log-row{level}{}", if content.chosen { " chosen" } else { "" })
            }
        })
    };
    let number = Memo::new(move |_| content.with(|content| content.as_ref().and_then(|content| content.number)));
    let choose = move |event: ev::MouseEvent| {
        event.prevent_default();
        if let Some(number) = number.get_untracked() {
            state.follow.set(false);
            state.chosen.set(Some(number - 1));
            let address = format!("#L{number}");
            if let Ok(history) = window().history() {
                let _ = history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&address));
            }
        }
    };
    let number_text = move || number.get().map(|number| number.to_string());
    view! {
        <div class=class style:transform=move || format!("translateY({}px)", index.get() as f64 * ROW_HEIGHT)>
            <a class="log-number" tabindex="-1" href=move || number.get().map(|number| format!("#L{number}")) on:click=choose>
                {number_text}
            </a>
            <span class="log-time">{part(|content| &content.time)}</span>
            <code>{part(|content| &content.before)}<mark>{part(|content| &content.found)}</mark>{part(|content| &content.after)}</code>
        </div>
    }
    .into_any()
}

/// "14:03:07" on the clock of whoever looks.
fn clock_text(moment: Timestamp) -> String {
    let date = js_sys::Date::new(&wasm_bindgen::JsValue::from_f64(moment.micros() as f64 / 1_000.0));
    format!("{:02}:{:02}:{:02}", date.get_hours(), date.get_minutes(), date.get_seconds())
}

/// Goes to the line in the address (`#L120`), and to lines that the page asks for.
fn go_where_asked(state: LogState, jump: RwSignal<Option<usize>>) {
    let hash = use_location().hash;
    Effect::new(move |_| {
        let number = hash.with(|hash| hash.trim_start_matches('#').strip_prefix('L')?.parse::<usize>().ok());
        if let Some(line) = number.and_then(|number| number.checked_sub(1)) {
            jump.set(Some(line));
        }
    });
    Effect::new(move |_| {
        let Some(line) = jump.get() else { return };
        // It may not have come yet.
        if line < state.counts.get().0 {
            jump.set(None);
            state.go_to(line);
        }
    });
}

/// The height decides how many rows are shown, the width how lines are wrapped.
fn notice_size(state: LogState) {
    let width = StoredValue::new(0);
    let on_resize = Closure::<dyn FnMut()>::new(move || {
        let Some(Some(scroller)) = state.scroller.try_get_untracked() else { return };
        state.height.set(f64::from(scroller.client_height()));
        let now = scroller.client_width();
        if now != width.get_value() {
            width.set_value(now);
            if state.wrap.get_untracked() {
                state.lay_out();
            }
        }
    });
    let Ok(observer) = ResizeObserver::new(on_resize.as_ref().unchecked_ref()) else { return };
    let kept = StoredValue::new_local((observer, on_resize));
    Effect::new(move |_| {
        if let Some(scroller) = state.scroller.get() {
            kept.with_value(|(observer, _)| observer.observe(&scroller));
        }
    });
    on_cleanup(move || {
        kept.try_with_value(|(observer, _)| observer.disconnect());
    });
}
