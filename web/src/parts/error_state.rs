//! What went wrong, where to look for more, and how to try again.

use leptos::prelude::*;

use super::button::{Button, ButtonKind};
use super::icon::{Icon, icon};
use crate::api::ApiError;

fn request_line(error: &ApiError) -> Option<AnyView> {
    let id = error.request_id()?.to_owned();
    Some(view! { <p class="hint">"Request " <code>{id}</code></p> }.into_any())
}

/// In the place of what could not be loaded.
#[component]
pub(crate) fn ErrorState(
    /// What could not be loaded, at the beginning of a sentence.
    #[prop(into)]
    what: String,
    /// Why.
    error: ApiError,
    /// Tries again.
    #[prop(into)]
    retry: Callback<()>,
) -> impl IntoView {
    view! {
        <div class="notice bad" role="alert">
            {icon(Icon::Warning)}
            <div>
                <p><b>{what} " could not be loaded."</b></p>
                <p>{error.to_string()}</p>
                {request_line(&error)}
            </div>
            <Button glyph=Icon::Retry on_press=retry>"Retry"</Button>
        </div>
    }
    .into_any()
}

/// Above what is shown although the newest attempt to read it failed.
#[component]
pub(crate) fn StaleNotice(
    /// Why it failed.
    #[prop(into)]
    error: Signal<Option<ApiError>>,
    /// Tries again.
    #[prop(into)]
    retry: Callback<()>,
) -> impl IntoView {
    view! {
        <div class="notice warn" role="status">
            {icon(Icon::Warning)}
            <p>"Not up to date. " {move || error.get().map(|error| error.to_string())}</p>
            <Button kind=ButtonKind::Ghost glyph=Icon::Retry on_press=retry>"Retry"</Button>
        </div>
    }
    .into_any()
}

/// Why an action failed, within the form or card that it belongs to. Nothing while there is no error.
#[component]
pub(crate) fn ErrorLine(
    /// Why the action failed.
    #[prop(into)]
    error: Signal<Option<ApiError>>,
) -> impl IntoView {
    let shown = move || {
        error.get().map(|error| {
            let faults = match &error {
                // A single fault is what the sentence above says already.
                ApiError::Problem(problem) if problem.errors.len() > 1 => problem.errors.clone(),
                _ => Vec::new(),
            };
            let faults = faults
                .into_iter()
                .map(|fault| view! { <li><code>{fault.path}</code> " " {fault.message}</li> })
                .collect_view();
            view! {
                <div class="notice bad">
                    {icon(Icon::Warning)}
                    <div><p>{error.to_string()}</p><ul class="faults">{faults}</ul>{request_line(&error)}</div>
                </div>
            }
        })
    };
    view! { <div class="error-line" role="alert">{shown}</div> }.into_any()
}
