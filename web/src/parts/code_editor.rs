//! Code for writing: the browser's own text field, so that undo, spelling out for screen readers and
//! input methods are the browser's too, with line numbers beside it and bands of colour behind it.
//!
//! Numbers and bands are drawn for the lines on the screen only, once per frame: a file of any length
//! costs what a short one does.

use std::ops::Range;

use leptos::prelude::*;
use leptos::{ev, html};
use wasm_bindgen::JsCast;
use web_sys::HtmlTextAreaElement;

use super::field::unique_id;
use crate::poll::OncePerFrame;

/// Lines of a text with a colour behind them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Band {
    /// The lines, counted from 0.
    pub(crate) lines: Range<usize>,
    /// The class that gives the colour.
    pub(crate) class: &'static str,
}

/// The way to an editor from beside it.
#[derive(Clone, Copy)]
pub(crate) struct EditorHandle {
    area: NodeRef<html::Textarea>,
}

impl EditorHandle {
    /// For an editor that is to be built.
    pub(crate) fn new() -> Self {
        Self { area: NodeRef::new() }
    }

    /// The field, while it is on the page.
    fn field(self) -> Option<HtmlTextAreaElement> {
        self.area.get_untracked().filter(|area| area.is_connected())
    }

    /// The text as it is now; none while the editor is not on the page.
    pub(crate) fn text(self) -> Option<String> {
        self.field().map(|area| area.value())
    }

    /// Shows a line, counted from 0, and puts the cursor there.
    pub(crate) fn go_to_line(self, line: usize) {
        let Some(area) = self.field() else { return };
        let at = line_start(&area.value(), line);
        let _ = area.focus();
        let _ = area.set_selection_range(at, at);
        let height = Metrics::of(&area).line_height;
        area.set_scroll_top(((line as f64 - 3.0) * height).max(0.0) as i32);
    }

    /// The line that the cursor is in, counted from 0.
    pub(crate) fn line(self) -> usize {
        let Some(area) = self.field() else { return 0 };
        let at = area.selection_start().ok().flatten().unwrap_or_default() as usize;
        area.value().encode_utf16().take(at).filter(|unit| *unit == u16::from(b'\n')).count()
    }

    /// Replaces lines, counted from 0, in a way that the browser can undo.
    pub(crate) fn replace_lines(self, lines: Range<usize>, text: &str) {
        let Some(area) = self.field() else { return };
        let before = area.value();
        let (begin, end) = (line_start(&before, lines.start), line_start(&before, lines.end));
        let _ = area.focus();
        let _ = area.set_selection_range(begin, end);
        type_in(&area, text);
    }
}

/// Where a line begins, in the units in which browsers count.
fn line_start(text: &str, line: usize) -> u32 {
    let bytes: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    text[..bytes].encode_utf16().count() as u32
}

/// Types a text over the selection, as the keyboard would: it can be undone.
fn type_in(area: &HtmlTextAreaElement, text: &str) {
    let document = document();
    let typed = document.dyn_ref::<web_sys::HtmlDocument>().is_some_and(|document| {
        let command = if text.is_empty() { "delete" } else { "insertText" };
        document.exec_command_with_show_ui_and_value(command, false, text).unwrap_or(false)
    });
    if !typed {
        // A browser without that command does it too; only its undo does not know.
        let _ = area.set_range_text(text);
        if let Ok(event) = web_sys::Event::new("input") {
            let _ = area.dispatch_event(&event);
        }
    }
}

/// Indents lines, or takes one indentation away.
fn shifted(lines: &str, indentation: &str, outwards: bool) -> String {
    let shift = |line: &str| {
        if outwards {
            let spaces = line.bytes().take(indentation.len()).take_while(|byte| *byte == b' ').count();
            let cut = if line.starts_with('\t') { 1 } else { spaces };
            line[cut..].to_owned()
        } else if line.trim().is_empty() {
            line.to_owned()
        } else {
            format!("{indentation}{line}")
        }
    };
    lines.split('\n').map(shift).collect::<Vec<_>>().join("\n")
}

/// What a press of Tab types in a file.
pub(crate) fn indentation_of(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "go" | "mod" => "\t",
        "yaml" | "yml" | "json" | "ts" | "js" | "mjs" | "md" | "html" | "css" => "  ",
        _ if path.rsplit('/').next() == Some("Makefile") => "\t",
        _ => "    ",
    }
}

/// What of the text is on the screen, in pixels.
struct Metrics {
    line_height: f64,
    padding: f64,
    scroll: f64,
    height: f64,
}

impl Metrics {
    fn of(area: &HtmlTextAreaElement) -> Self {
        let style = window().get_computed_style(area).ok().flatten();
        let pixels = |name: &str, otherwise: f64| {
            let value = style.as_ref().and_then(|style| style.get_property_value(name).ok());
            value.and_then(|value| value.trim_end_matches("px").parse().ok()).unwrap_or(otherwise)
        };
        Self {
            line_height: pixels("line-height", 20.0),
            padding: pixels("padding-top", 0.0),
            scroll: f64::from(area.scroll_top()),
            height: f64::from(area.client_height()),
        }
    }

    /// The lines on the screen.
    fn visible(&self, count: usize) -> Range<usize> {
        let first = ((self.scroll - self.padding) / self.line_height).floor().max(0.0) as usize;
        let rows = (self.height / self.line_height).ceil() as usize + 2;
        first.min(count)..(first + rows).min(count)
    }

    /// Where a line is, from the upper edge of the editor.
    fn top(&self, line: usize) -> f64 {
        line as f64 * self.line_height + self.padding - self.scroll
    }
}

/// A field for code.
#[component]
pub(crate) fn CodeEditor(
    /// What is written, such as `Text of src/agent.py`.
    #[prop(into)]
    label: String,
    /// The text at first. What becomes of it is told to `on_change`.
    initial: String,
    /// What a press of Tab types.
    indentation: &'static str,
    /// The way to this editor from beside it.
    handle: EditorHandle,
    /// Lines with a colour behind them.
    #[prop(optional, into)]
    bands: Signal<Vec<Band>>,
    /// Whether nothing can be typed just now.
    #[prop(optional, into)]
    read_only: Signal<bool>,
    /// Whether it has the focus at first.
    #[prop(optional)]
    focus: bool,
    /// Takes every new text.
    #[prop(into)]
    on_change: Callback<String>,
) -> impl IntoView {
    let area = handle.area;
    let (numbers, stripes) = (NodeRef::<html::Pre>::new(), NodeRef::<html::Div>::new());
    let line_count = StoredValue::new(lines_of(&initial));
    let draw = OncePerFrame::new(move || {
        let (Some(area), Some(numbers), Some(stripes)) =
            (area.get_untracked(), numbers.get_untracked(), stripes.get_untracked())
        else {
            return;
        };
        let metrics = Metrics::of(&area);
        let visible = metrics.visible(line_count.get_value());
        let text = visible.clone().fold(String::new(), |text, line| text + &(line + 1).to_string() + "\n");
        numbers.set_text_content(Some(&text));
        let _ = web_sys::HtmlElement::style(&numbers)
            .set_property("transform", &format!("translateY({}px)", metrics.top(visible.start)));
        bands.with_untracked(|bands| draw_bands(&stripes, bands, &metrics, &visible));
    });
    // The text is told once per frame: a fast typist in a long file is not held up by copies of it.
    let tell = OncePerFrame::new(move || {
        let Some(text) = handle.text() else { return };
        line_count.set_value(lines_of(&text));
        draw.ask();
        on_change.run(text);
    });
    Effect::new(move |_| {
        bands.track();
        draw.ask();
    });
    // The text goes in before the cursor is placed: a new value takes the cursor to its end.
    let initial = StoredValue::new(Some(initial));
    Effect::new(move |_| {
        let Some(area) = area.get() else { return };
        if let Some(initial) = initial.try_update_value(Option::take).flatten() {
            area.set_value(&initial);
        }
        if focus {
            let _ = area.focus();
            let _ = area.set_selection_range(0, 0);
            area.set_scroll_top(0);
        }
        draw.ask();
    });
    let resized = window_event_listener(ev::resize, move |_| draw.ask());
    on_cleanup(move || resized.remove());

    // Esc lets the next Tab leave the field.
    let leaving = StoredValue::new(false);
    let on_key = move |event: ev::KeyboardEvent| {
        let (key, was_leaving) = (event.key(), leaving.get_value());
        leaving.set_value(key == "Escape" || (was_leaving && key == "Shift"));
        let plain = !(event.ctrl_key() || event.meta_key() || event.alt_key() || event.is_composing());
        let Some(area) = area.get_untracked().filter(|_| plain && !read_only.get_untracked()) else { return };
        match key.as_str() {
            "Tab" if !was_leaving => {
                event.prevent_default();
                indent(&area, indentation, event.shift_key());
            }
            "Enter" if !event.shift_key() => {
                let indentation = indentation_at_cursor(&area);
                if !indentation.is_empty() {
                    event.prevent_default();
                    type_in(&area, &format!("\n{indentation}"));
                }
            }
            _ => {}
        }
    };
    let hint = unique_id("editor-hint");
    view! {
        <div class="code-editor">
            <div class="code-editor-field">
                <div class="code-editor-gutter" aria-hidden="true"><pre node_ref=numbers></pre></div>
                <div class="code-editor-bands" aria-hidden="true" node_ref=stripes></div>
                <textarea
                    node_ref=area
                    aria-label=label
                    aria-describedby=hint.clone()
                    wrap="off"
                    spellcheck="false"
                    autocomplete="off"
                    autocapitalize="off"
                    prop:readOnly=move || read_only.get()
                    on:input=move |_| tell.ask()
                    on:scroll=move |_| draw.ask()
                    on:keydown=on_key
                    on:blur=move |_| leaving.set_value(false)
                ></textarea>
            </div>
            <p class="hint" id=hint>"Tab indents; Esc, then Tab, leaves the text."</p>
        </div>
    }
    .into_any()
}

/// The number of lines that an editor shows: a new line at the end begins one.
fn lines_of(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count() + 1
}

fn draw_bands(stripes: &web_sys::HtmlElement, bands: &[Band], metrics: &Metrics, visible: &Range<usize>) {
    stripes.set_text_content(None);
    for band in bands {
        let (begin, end) = (band.lines.start.max(visible.start), band.lines.end.min(visible.end));
        if begin >= end {
            continue;
        }
        let Ok(stripe) = document().create_element("div") else { return };
        stripe.set_class_name(band.class);
        let style = stripe.unchecked_ref::<web_sys::HtmlElement>().style();
        let _ = style.set_property("top", &format!("{}px", metrics.top(begin)));
        let _ = style.set_property("height", &format!("{}px", (end - begin) as f64 * metrics.line_height));
        let _ = stripes.append_child(&stripe);
    }
}

/// The selection, in units of UTF-16.
fn selection(area: &HtmlTextAreaElement) -> Range<usize> {
    let at = |end: Result<Option<u32>, _>| end.ok().flatten().unwrap_or_default() as usize;
    at(area.selection_start())..at(area.selection_end())
}

fn indent(area: &HtmlTextAreaElement, indentation: &str, outwards: bool) {
    let selected = selection(area);
    let units: Vec<u16> = area.value().encode_utf16().collect();
    let newline = u16::from(b'\n');
    if !outwards && !units[selected.clone()].contains(&newline) {
        type_in(area, indentation);
        return;
    }
    let begin = units[..selected.start].iter().rposition(|unit| *unit == newline).map_or(0, |at| at + 1);
    // A selection that ends where a line begins does not have that line.
    let last = if selected.end > selected.start { selected.end - 1 } else { selected.end };
    let end = units[last..].iter().position(|unit| *unit == newline).map_or(units.len(), |at| last + at);
    let before = String::from_utf16_lossy(&units[begin..end]);
    let after = shifted(&before, indentation, outwards);
    if after == before {
        return;
    }
    let _ = area.set_selection_range(begin as u32, end as u32);
    type_in(area, &after);
    let end = begin + after.encode_utf16().count();
    let begin = if selected.is_empty() { end.min(selected.start) } else { begin };
    let end = if selected.is_empty() { begin } else { end };
    let _ = area.set_selection_range(begin as u32, end as u32);
}

/// The white space that the cursor's line begins with, up to the cursor.
fn indentation_at_cursor(area: &HtmlTextAreaElement) -> String {
    let at = selection(area).start;
    let before: Vec<u16> = area.value().encode_utf16().take(at).collect();
    let before = String::from_utf16_lossy(&before);
    let line = before.rsplit('\n').next().unwrap_or_default();
    line.chars().take_while(|character| matches!(character, ' ' | '\t')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_indented_and_taken_back() {
        let text = "def f():\n\n    return 1";
        let further = shifted(text, "    ", false);
        assert_eq!(further, "    def f():\n\n        return 1");
        assert_eq!(shifted(&further, "    ", true), text);
        assert_eq!(shifted("  two\n\tone\nnone", "    ", true), "two\none\nnone");
    }

    #[test]
    fn a_line_begins_where_browsers_count_it() {
        let text = "é\n𝄞a\nz";
        assert_eq!([0, 1, 2, 3].map(|line| line_start(text, line)), [0, 2, 6, 7]);
    }

    #[test]
    fn a_new_line_at_the_end_begins_one() {
        assert_eq!(["", "a", "a\n", "a\nb"].map(lines_of), [1, 1, 2, 2]);
    }

    #[test]
    fn only_lines_on_the_screen_are_drawn() {
        let metrics = Metrics { line_height: 20.0, padding: 10.0, scroll: 10_010.0, height: 400.0 };
        assert_eq!(metrics.visible(100_000), 500..522);
        assert_eq!(metrics.visible(510), 500..510);
        assert_eq!(metrics.top(500), 0.0);
    }
}
