//! States: always an icon and a word, never a colour alone.

use gantry_domain::api::job::JobState;
use leptos::prelude::*;

use super::icon::{Icon, icon};

/// What a state means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Ended well.
    Good,
    /// Ended badly.
    Bad,
    /// Under way, or in need of attention.
    Busy,
    /// Nothing is happening.
    Idle,
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Self::Good => "pill good",
            Self::Bad => "pill bad",
            Self::Busy => "pill busy",
            Self::Idle => "pill idle",
        }
    }
}

/// A state in a word.
#[component]
pub(crate) fn Pill(
    /// What it means.
    tone: Tone,
    /// Its icon.
    glyph: Icon,
    /// The word.
    #[prop(into)]
    text: String,
) -> impl IntoView {
    view! { <span class=tone.class()>{icon(glyph)}{text}</span> }.into_any()
}

/// The word for the state of a job.
pub(crate) fn job_word(state: JobState) -> &'static str {
    match state {
        JobState::Queued => "Queued",
        JobState::Running => "Running",
        JobState::Waiting => "Waiting",
        JobState::Done => "Done",
        JobState::Failed => "Failed",
        JobState::Cancelled => "Cancelled",
    }
}

/// The state of a job: of a run, build or publication.
pub(crate) fn job_pill(state: JobState) -> AnyView {
    let (tone, glyph) = match state {
        JobState::Queued => (Tone::Idle, Icon::Clock),
        JobState::Running => (Tone::Busy, Icon::Spinner),
        JobState::Waiting => (Tone::Busy, Icon::Pause),
        JobState::Done => (Tone::Good, Icon::Check),
        JobState::Failed => (Tone::Bad, Icon::Cross),
        JobState::Cancelled => (Tone::Idle, Icon::Stop),
    };
    view! { <Pill tone glyph text=job_word(state)/> }.into_any()
}
