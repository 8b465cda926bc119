//! Lists that are read a page at a time: the first page at once, each further one on request.
//!
//! Reading again reads all pages that are shown, so what is on the screen is what the server has
//! now: nothing falls between two pages, and nothing below the first one grows old.

use std::future::Future;

use gantry_domain::api::Page;
use leptos::prelude::*;

use crate::api::ApiResult;
use crate::load::{Loader, load};
use crate::parts::{Button, Icon};

/// All entries that were asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entries<T> {
    /// The entries, in the list's order.
    pub(crate) items: Vec<T>,
    /// Whether there are more.
    pub(crate) has_more: bool,
    /// How many pages they came in.
    pages: usize,
}

/// A list that is read a page at a time.
pub(crate) struct Paged<T: Send + Sync + 'static> {
    /// Its entries so far.
    pub(crate) loader: Loader<Entries<T>>,
    /// How many pages are wanted.
    wanted: RwSignal<usize>,
}

impl<T: Send + Sync + 'static> Clone for Paged<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for Paged<T> {}

/// Reads the first page of a list, and begins anew at the first page whenever `key` changes: the
/// project, or what the list is filtered by.
pub(crate) fn paged<Key, T, Answer>(
    key: impl Fn() -> Key + Send + Sync + 'static,
    request: impl Fn(Key, Option<String>) -> Answer + Clone + 'static,
) -> Paged<T>
where
    Key: Clone + PartialEq + Send + Sync + 'static,
    T: Send + Sync + 'static,
    Answer: Future<Output = ApiResult<Page<T>>> + 'static,
{
    let key = Memo::new(move |_| key());
    let wanted = RwSignal::new(1_usize);
    // Which key the wanted pages are of, so that another one is never asked for more than its first.
    let wanted_of = StoredValue::new(None::<Key>);
    let loader = load(move || {
        let (key, request) = (key.get(), request.clone());
        let pages = wanted.get();
        let pages = if wanted_of.with_value(|of| of.as_ref() == Some(&key)) { pages } else { 1 };
        if pages == 1 {
            wanted_of.set_value(Some(key.clone()));
            if wanted.get_untracked() != 1 {
                wanted.set(1);
            }
        }
        async move { read(key, pages, request).await }
    });
    Paged { loader, wanted }
}

async fn read<Key: Clone, T, Answer: Future<Output = ApiResult<Page<T>>>>(
    key: Key,
    pages: usize,
    request: impl Fn(Key, Option<String>) -> Answer,
) -> ApiResult<Entries<T>> {
    let mut items = Vec::new();
    let mut cursor = None;
    for page in 1..=pages {
        let answer = request(key.clone(), cursor).await?;
        items.extend(answer.items);
        cursor = answer.next_cursor;
        if cursor.is_none() {
            return Ok(Entries { items, has_more: false, pages: page });
        }
    }
    Ok(Entries { items, has_more: cursor.is_some(), pages })
}

impl<T: Clone + PartialEq + Send + Sync + 'static> Paged<T> {
    /// Asks the server again for everything that is shown.
    pub(crate) fn reload(self) {
        self.loader.reload();
    }

    /// The entries so far; tells only of changes.
    pub(crate) fn items(self) -> Memo<Vec<T>> {
        Memo::new(move |_| {
            self.loader.value.with(|entries| entries.as_ref().map(|entries| entries.items.clone()).unwrap_or_default())
        })
    }

    /// Whether the list is known to have no entry at all.
    pub(crate) fn is_empty(self) -> Memo<bool> {
        Memo::new(move |_| {
            self.loader.value.with(|entries| entries.as_ref().is_some_and(|entries| entries.items.is_empty()))
        })
    }

    /// What stands below the list: the way to more of it, or nothing when this is all. `many` is
    /// what the entries are called, such as `builds`.
    pub(crate) fn more(self, many: &'static str) -> AnyView {
        let state = Memo::new(move |_| {
            self.loader
                .value
                .with(|entries| entries.as_ref().map(|entries| (entries.items.len(), entries.has_more, entries.pages)))
        });
        let failed = Memo::new(move |_| self.loader.error.with(Option::is_some));
        let busy = Signal::derive(move || {
            !failed.get() && state.get().is_some_and(|(_, has_more, pages)| has_more && self.wanted.get() > pages)
        });
        let press = move |()| {
            let pages = state.get_untracked().map_or(0, |(.., pages)| pages);
            // After a failure this asks for the same page again.
            self.wanted.set(pages + 1);
            if failed.get_untracked() {
                self.loader.reload();
            }
        };
        let shown = move || match state.get() {
            Some((count, true, _)) => Some(
                view! {
                    <p class="hint number" role="status">{count} " " {many} " shown"</p>
                    <Button glyph=Icon::Down busy on_press=press>"Load more"</Button>
                }
                .into_any(),
            ),
            Some((count, false, pages)) if pages > 1 => Some(
                view! { <p class="hint number" role="status">"All " {count} " " {many} " are shown."</p> }.into_any(),
            ),
            _ => None,
        };
        view! { <div class="more">{shown}</div> }.into_any()
    }
}

/// All entries of a list, page after page: for choices, in which none may be missing.
pub(crate) async fn read_all<T, Answer: Future<Output = ApiResult<Page<T>>>>(
    request: impl Fn(Option<String>) -> Answer,
) -> ApiResult<Vec<T>> {
    let entries = read((), usize::MAX, |(), cursor| request(cursor)).await?;
    Ok(entries.items)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::future::ready;

    use super::*;
    use crate::api::ApiError;

    /// Entries 0 to 4, two a page.
    fn page(cursor: Option<String>) -> ApiResult<Page<u32>> {
        let begin: u32 = cursor.map_or(0, |cursor| cursor.parse().unwrap());
        let items: Vec<u32> = (begin..(begin + 2).min(5)).collect();
        Ok(Page { items, next_cursor: (begin + 2 < 5).then(|| (begin + 2).to_string()) })
    }

    fn now<T>(work: impl Future<Output = T>) -> T {
        let mut work = Box::pin(work);
        let waker = std::task::Waker::noop();
        match work.as_mut().poll(&mut std::task::Context::from_waker(waker)) {
            std::task::Poll::Ready(value) => value,
            std::task::Poll::Pending => panic!("nothing here waits"),
        }
    }

    #[test]
    fn pages_follow_one_another_without_gap_or_double() {
        let read = |pages| now(read((), pages, |(), cursor| ready(page(cursor)))).unwrap();
        assert_eq!(read(1), Entries { items: vec![0, 1], has_more: true, pages: 1 });
        assert_eq!(read(2), Entries { items: vec![0, 1, 2, 3], has_more: true, pages: 2 });
        assert_eq!(read(9), Entries { items: vec![0, 1, 2, 3, 4], has_more: false, pages: 3 });
        assert_eq!(now(read_all(|cursor| ready(page(cursor)))).unwrap(), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_page_that_fails_is_no_shorter_list() {
        let asked = RefCell::new(0);
        let answer = now(read((), 3, |(), cursor| {
            *asked.borrow_mut() += 1;
            ready(if cursor.is_some() { Err(ApiError::Unreachable(String::new())) } else { page(None) })
        }));
        assert!(answer.is_err());
        assert_eq!(*asked.borrow(), 2);
    }
}
