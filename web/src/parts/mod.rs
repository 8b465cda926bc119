//! What pages are built from: our own components on native elements. No rules about nouns here.

pub(crate) mod button;
pub(crate) mod copy;
pub(crate) mod dialog;
pub(crate) mod empty;
pub(crate) mod error_state;
pub(crate) mod field;
pub(crate) mod form;
pub(crate) mod icon;
pub(crate) mod pill;
pub(crate) mod radio_card;
pub(crate) mod select;
pub(crate) mod skeleton;
pub(crate) mod tabs;
pub(crate) mod time;
pub(crate) mod toast;

pub(crate) use button::{Button, ButtonKind, LinkButton};
pub(crate) use copy::CopyButton;
pub(crate) use dialog::{ConfirmDialog, Dialog};
pub(crate) use empty::EmptyState;
pub(crate) use error_state::{ErrorLine, ErrorState};
pub(crate) use field::{CheckField, TextArea, TextField};
pub(crate) use form::Submission;
pub(crate) use icon::{Icon, icon};
pub(crate) use pill::{Pill, Tone, job_pill};
pub(crate) use radio_card::RadioCard;
pub(crate) use select::{Choice, SelectField};
pub(crate) use skeleton::{skeleton_block, skeleton_rows};
pub(crate) use tabs::{Tab, Tabs};
pub(crate) use time::{TimeAgo, duration_text, size_text};
pub(crate) use toast::{Toaster, use_toaster};
