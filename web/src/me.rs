//! Who is signed in, for the whole application.

use gantry_domain::api::identity::Me;
use leptos::prelude::*;

use crate::api;

/// The signed-in person; none while that is unknown and after signing out.
#[derive(Clone, Copy)]
pub(crate) struct CurrentMe(RwSignal<Option<Me>>);

impl CurrentMe {
    /// Makes it available to every component below.
    pub(crate) fn provide() {
        provide_context(Self(RwSignal::new(None)));
    }

    /// The one that was provided.
    pub(crate) fn expect() -> Self {
        expect_context()
    }

    /// Remembers who signed in, and what changes have to carry.
    pub(crate) fn set(self, me: Me) {
        api::set_csrf_token(me.csrf_token.clone());
        self.0.set(Some(me));
    }

    /// Forgets who was signed in.
    pub(crate) fn clear(self) {
        api::set_csrf_token(None);
        self.0.set(None);
    }

    /// Who is signed in.
    pub(crate) fn get(self) -> Option<Me> {
        self.0.get()
    }

    /// Whether somebody is signed in; for use in a reactive context.
    pub(crate) fn is_known(self) -> bool {
        self.0.with(Option::is_some)
    }

    /// Whether somebody is signed in at this moment.
    pub(crate) fn is_known_now(self) -> bool {
        self.0.with_untracked(Option::is_some)
    }
}
