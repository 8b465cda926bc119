//! Lists are read page by page: which page is asked for, and what it is made of.

use gantry_domain::api::Page;
use serde::Deserialize;
use uuid::Uuid;

/// Which page of a list that is in the order of time.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
pub(crate) struct PageQuery {
    /// `nextCursor` of the page before.
    pub(crate) cursor: Option<Uuid>,
    /// How many, 1 to 100; 50 when left out.
    pub(crate) limit: Option<u64>,
}

/// Which page of a list that is in the order of names.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
pub(crate) struct NamedPageQuery {
    /// `nextCursor` of the page before.
    pub(crate) cursor: Option<String>,
    /// How many, 1 to 100; 50 when left out.
    pub(crate) limit: Option<u64>,
}

/// How many entries a page has: 50 unless the caller says, 1 to 100.
pub(crate) fn page_limit(asked: Option<u64>) -> u64 {
    asked.unwrap_or(50).clamp(1, 100)
}

/// Makes a page of `limit` entries out of up to `limit + 1`; the one too many says that there is more.
pub(crate) fn page<T>(mut items: Vec<T>, limit: u64, cursor: impl Fn(&T) -> String) -> Page<T> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = items.len() > limit;
    items.truncate(limit);
    let next_cursor = if more { items.last().map(cursor) } else { None };
    Page { items, next_cursor }
}
