//! What the pages about providers, registries, secrets and tokens have in common: a list that is
//! read page by page, a dialog with a form to add or change an entry, and one to delete it. How an
//! entry looks and what its form asks is the pages' own.

use std::future::Future;

use gantry_domain::api::Page;
use leptos::prelude::*;
use uuid::Uuid;

use crate::api::ApiResult;
use crate::load::loaded;
use crate::paged::{Entries, Paged, paged};
use crate::pages::set_title;
use crate::parts::{Button, ButtonKind, ConfirmDialog, Dialog, EmptyState, Icon, Submission, skeleton_rows};

/// An entry of such a list.
pub(super) trait Item: Clone + PartialEq + Send + Sync + 'static {
    /// What one is called, such as `registry`.
    const ONE: &'static str;
    /// What several are called.
    const MANY: &'static str;
    /// What else is lost with one.
    const LOSS: &'static str;

    /// Its id.
    fn id(&self) -> Uuid;
    /// Its name.
    fn name(&self) -> &str;
    /// Reads a page of them.
    fn read(cursor: Option<String>) -> impl Future<Output = ApiResult<Page<Self>>>;
    /// Deletes one.
    fn delete(id: Uuid) -> impl Future<Output = ApiResult<()>>;
}

/// The list, and what its dialogs are about.
pub(super) struct Collection<T: Item> {
    list: Paged<T>,
    /// Whether the dialog with the form is open.
    pub(super) form_open: RwSignal<bool>,
    /// The entry that the form changes; none for a new one.
    subject: RwSignal<Option<T>>,
    deleted: RwSignal<Option<T>>,
}

impl<T: Item> Clone for Collection<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Item> Copy for Collection<T> {}

impl<T: Item> Collection<T> {
    /// Begins to read the list.
    pub(super) fn read() -> Self {
        Self {
            list: paged(|| (), |(), cursor| T::read(cursor)),
            form_open: RwSignal::new(false),
            subject: RwSignal::new(None),
            deleted: RwSignal::new(None),
        }
    }

    /// Opens the form for a new entry.
    fn add(self) {
        self.subject.set(None);
        self.form_open.set(true);
    }

    /// Closes the form, whose work is done, and reads the list again.
    pub(super) fn saved(self) {
        self.form_open.set(false);
        self.list.reload();
    }

    /// The head of the page: what it is about, and the button that opens the form.
    pub(super) fn head(self, title: &'static str, hint: impl IntoView + 'static, add: &'static str) -> AnyView {
        set_title(title);
        view! {
            <div class="section-head">
                <div><h2>{title}</h2><p class="hint">{hint}</p></div>
                <Button kind=ButtonKind::Primary glyph=Icon::Plus shortcut="create" on_press=move |()| self.add()>{add}</Button>
            </div>
        }
        .into_any()
    }

    /// The list, as `shown` draws its entries. Without entries it says that, and what one is for; a
    /// list that always has something of its own gives no such text.
    pub(super) fn view(
        self,
        nothing: Option<(&'static str, &'static str)>,
        shown: impl Fn(Vec<T>) -> AnyView + Send + Sync + 'static,
    ) -> AnyView {
        let what = StoredValue::new(format!("The list of {}", T::MANY));
        let list = loaded(
            self.list.loader,
            what.get_value(),
            || skeleton_rows(3),
            move |entries: Entries<T>| match nothing {
                Some((title, text)) if entries.items.is_empty() => view! { <EmptyState title text/> }.into_any(),
                _ => shown(entries.items),
            },
        );
        view! { {list} {self.list.more(T::MANY)} }.into_any()
    }

    /// The buttons at the end of an entry: one that opens the form with what `change` says, if it
    /// can be changed, and one that asks whether to delete it.
    pub(super) fn actions(self, item: &T, change: Option<&'static str>) -> AnyView {
        let (to_change, to_delete, name) = (item.clone(), item.clone(), item.name().to_owned());
        let change = change.map(|word| {
            let open = move |()| {
                self.subject.set(Some(to_change.clone()));
                self.form_open.set(true);
            };
            view! { <Button kind=ButtonKind::Ghost glyph=Icon::Edit label=format!("{word} {name}") on_press=open/> }
        });
        view! {
            <div class="row-actions">
                {change}
                <Button kind=ButtonKind::Ghost glyph=Icon::Trash label=format!("Delete {name}") on_press=move |()| self.deleted.set(Some(to_delete.clone()))/>
            </div>
        }
        .into_any()
    }

    /// The dialogs: the form under its title, and the question before an entry is deleted. Titles
    /// and forms get the entry that is changed, or none for a new one; `gone` hears of one deleted.
    pub(super) fn dialogs(
        self,
        title: impl Fn(Option<&T>) -> String + Send + Sync + 'static,
        form: impl Fn(Option<T>) -> AnyView + Send + Sync + 'static,
        gone: impl Fn(Uuid) + Copy + Send + Sync + 'static,
    ) -> AnyView {
        let title = Signal::derive(move || self.subject.with(|subject| title(subject.as_ref())));
        view! {
            <Dialog open=self.form_open title>{form(self.subject.get_untracked())}</Dialog>
            {self.delete_dialog(gone)}
        }
        .into_any()
    }

    fn delete_dialog(self, gone: impl Fn(Uuid) + Copy + Send + Sync + 'static) -> AnyView {
        let open = open_while_some(self.deleted);
        let submission = Submission::new();
        let title = Signal::derive(move || {
            format!(
                "Delete {}?",
                self.deleted.with(|item| item.as_ref().map(|item| item.name().to_owned()).unwrap_or_default())
            )
        });
        let confirm = move |()| {
            let Some(id) = self.deleted.with_untracked(|item| item.as_ref().map(Item::id)) else { return };
            submission.run(T::delete(id), move |()| {
                open.set(false);
                gone(id);
                self.list.reload();
            });
        };
        view! {
            <ConfirmDialog open title action=format!("Delete {}", T::ONE) busy=submission.busy error=submission.message() on_confirm=confirm>
                <p>{T::LOSS}</p>
            </ConfirmDialog>
        }
        .into_any()
    }
}

/// The end of a form in a dialog.
pub(super) fn form_actions(open: RwSignal<bool>, submit: &'static str, busy: RwSignal<bool>) -> AnyView {
    view! {
        <footer class="dialog-actions">
            <Button on_press=move |()| open.set(false)>"Cancel"</Button>
            <Button kind=ButtonKind::Primary submit=true busy>{submit}</Button>
        </footer>
    }
    .into_any()
}

/// A dialog about a thing: open while there is one, and none once it is closed.
fn open_while_some<T: Send + Sync + 'static>(subject: RwSignal<Option<T>>) -> RwSignal<bool> {
    let open = RwSignal::new(false);
    Effect::new(move |_| open.set(subject.with(Option::is_some)));
    Effect::new(move |was_open: Option<bool>| {
        let is_open = open.get();
        if was_open == Some(true) && !is_open {
            subject.set(None);
        }
        is_open
    });
    open
}
