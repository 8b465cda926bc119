//! How far a publication is, folded from the events of its job.

use gantry_domain::api::job::JobState;
use gantry_domain::event::{Event, EventBody, JobReason};

/// How far a publication is.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Publishing {
    /// What is under way.
    pub(crate) message: String,
    /// For each blob, how many bytes were moved and how many there are.
    blobs: Vec<(String, i64, i64)>,
    /// Where the job is; none until its first event says so.
    pub(crate) state: Option<JobState>,
    /// Why it failed, waits or is tried again.
    pub(crate) reason: Option<JobReason>,
    last_seq: i64,
}

impl Publishing {
    /// Folds in one event; one that was folded in before changes nothing.
    pub(crate) fn apply(&mut self, event: &Event) {
        if event.seq <= self.last_seq {
            return;
        }
        self.last_seq = event.seq;
        match &event.body {
            EventBody::JobState { state, reason, .. } => {
                self.state = Some(*state);
                self.reason.clone_from(reason);
                // Another attempt counts anew.
                if *state == JobState::Queued {
                    self.blobs.clear();
                }
            }
            EventBody::PublishProgress { message, blob, current, total } => {
                self.message.clone_from(message);
                let Some(blob) = blob else { return };
                match self.blobs.iter_mut().find(|(known, ..)| known == blob) {
                    Some(known) => (known.1, known.2) = (*current, *total),
                    None => self.blobs.push((blob.clone(), *current, *total)),
                }
            }
            EventBody::PublishDone { reference, .. } => self.message = format!("Read back from {reference}"),
            _ => {}
        }
    }

    /// Bytes moved and bytes in all, of the blobs that are known.
    pub(crate) fn bytes(&self) -> (i64, i64) {
        self.blobs.iter().fold((0, 0), |(moved, all), (_, current, total)| (moved + current, all + total))
    }
}

#[cfg(test)]
mod tests {
    use gantry_domain::Timestamp;
    use uuid::Uuid;

    use super::*;

    fn fold(bodies: Vec<EventBody>) -> Publishing {
        let mut publishing = Publishing::default();
        for (index, body) in bodies.into_iter().enumerate() {
            publishing.apply(&Event { seq: index as i64 + 1, at: Timestamp::default(), job_id: Uuid::nil(), body });
        }
        publishing
    }

    fn moved(blob: Option<&str>, current: i64, total: i64) -> EventBody {
        EventBody::PublishProgress { message: "Sending".to_owned(), blob: blob.map(str::to_owned), current, total }
    }

    #[test]
    fn bytes_are_those_of_all_blobs() {
        let publishing =
            fold(vec![moved(Some("a"), 1, 10), moved(Some("b"), 5, 5), moved(Some("a"), 4, 10), moved(None, 0, 0)]);
        assert_eq!(publishing.bytes(), (9, 15));
        assert_eq!(publishing.message, "Sending");
    }

    #[test]
    fn another_attempt_counts_anew() {
        let again = EventBody::JobState { state: JobState::Queued, attempt: 1, reason: None };
        assert_eq!(fold(vec![moved(Some("a"), 9, 10), again]).bytes(), (0, 0));
    }
}
