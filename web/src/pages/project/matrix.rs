//! The compatibility matrix as this instance has it, and what it says of a spec: by the same compiled
//! code as the server's, in the browser.

use std::sync::Arc;

use gantry_domain::api::compatibility::{Compatibility, FrameworkEntry};
use gantry_domain::matrix::diagnose::diagnose_in;
use gantry_domain::matrix::{Diagnostic, Framework, compatibility};
use gantry_domain::spec::Spec;
use leptos::prelude::*;

use crate::api::calls;
use crate::load::{Loader, load};
use crate::parts::{Button, ButtonKind, Icon, icon};

/// The instance's matrix; until it came, the built-in one, which the instance only adds to.
#[derive(Clone, Copy)]
pub(crate) struct InstanceMatrix {
    /// The matrix.
    pub(crate) value: RwSignal<Arc<Compatibility>>,
    loader: Loader<Compatibility>,
}

impl InstanceMatrix {
    /// Begins to read it, for the calling component's lifetime.
    pub(crate) fn provide() -> Self {
        let loader = load(calls::compatibility);
        let value = RwSignal::new(Arc::new(compatibility().clone()));
        Effect::new(move |_| {
            if let Some(matrix) = loader.value.get()
                && value.with_untracked(|known| **known != matrix)
            {
                value.set(Arc::new(matrix));
            }
        });
        let matrix = Self { value, loader };
        provide_context(matrix);
        matrix
    }

    /// The one that was provided.
    pub(crate) fn expect() -> Self {
        expect_context()
    }

    /// What is wrong with a spec or worth knowing about it; follows the matrix.
    pub(crate) fn diagnose(self, spec: &Spec) -> Vec<Diagnostic> {
        self.value.with(|matrix| diagnose_in(matrix, spec))
    }

    /// What is wrong with a spec just now.
    pub(crate) fn diagnose_untracked(self, spec: &Spec) -> Vec<Diagnostic> {
        self.value.with_untracked(|matrix| diagnose_in(matrix, spec))
    }

    /// What is known of a framework.
    pub(crate) fn framework(self, id: Framework) -> Option<FrameworkEntry> {
        self.value.with(|matrix| matrix.frameworks.iter().find(|entry| entry.id == id).cloned())
    }

    /// The name of a cloud; its id, if the matrix does not know it.
    pub(crate) fn cloud_name(self, id: &str) -> String {
        self.value.with(|matrix| {
            matrix.clouds.iter().find(|cloud| cloud.id == id).map_or_else(|| id.to_owned(), |cloud| cloud.name.clone())
        })
    }
}

/// What keeps the matrix from being this instance's own; nothing while all is well.
#[component]
pub(crate) fn MatrixNotice() -> impl IntoView {
    let matrix = InstanceMatrix::expect();
    let unread = move || {
        matrix.loader.error.get().map(|error| {
            view! {
                <div class="notice warn" role="status">
                    {icon(Icon::Warning)}
                    <p>"What this instance adds to the compatibility matrix could not be read: " {error.to_string()} " The built-in matrix is shown; on creating, the server checks by its own."</p>
                    <Button kind=ButtonKind::Ghost glyph=Icon::Retry on_press=move |()| matrix.loader.reload()>"Retry"</Button>
                </div>
            }
        })
    };
    let faults = move || {
        let faults = matrix.value.with(|matrix| matrix.extension_problems.clone());
        (!faults.is_empty()).then(|| {
            let rows = faults
                .into_iter()
                .map(|fault| view! { <li><code>{fault.path}</code> " " {fault.message}</li> })
                .collect_view();
            view! {
                <div class="notice warn" role="status">
                    {icon(Icon::Warning)}
                    <div>
                        <p>"The file compatibility.toml of this instance has faults; the last sound one counts until its operator mends it."</p>
                        <ul class="faults">{rows}</ul>
                    </div>
                </div>
            }
        })
    };
    view! { {unread} {faults} }.into_any()
}
