//! What is open in front of the reader: the run, its steps, and what an earlier attempt left half done.

use gantry_domain::agui::AgUiEvent;

use super::{Place, Runtime};

impl Runtime<'_> {
    /// Says that the run has begun, if the log does not say so.
    pub(super) fn open_run(&self) {
        let was_open = std::mem::replace(&mut self.shared().journal.open, true);
        if !was_open {
            self.emitter.push(AgUiEvent::RunStarted {
                thread_id: self.plan.thread_id.to_string(),
                run_id: self.plan.run_id.to_string(),
                protocol_version: "1.0".to_owned(),
            });
        }
    }

    /// Says what is at work, if the log does not say so, and what of an earlier attempt is void.
    pub(super) fn enter(&self, place: &Place) {
        self.open_run();
        self.discard_loose_ends();
        let Some(step) = &place.step else { return };
        let mut shared = self.shared();
        if !shared.journal.open_steps.contains(step) {
            shared.journal.open_steps.push(step.clone());
            self.emitter.push(AgUiEvent::StepStarted { step_name: step.clone() });
        }
    }

    /// Says that a step is over. One that was done by an earlier attempt is over already.
    pub(super) fn leave(&self, place: &Place) {
        let Some(step) = &place.step else { return };
        let mut shared = self.shared();
        if let Some(index) = shared.journal.open_steps.iter().position(|open| open == step) {
            let step_name = shared.journal.open_steps.remove(index);
            self.emitter.push(AgUiEvent::StepFinished { step_name });
        }
    }

    /// Ends all steps, the innermost first.
    pub(super) fn leave_all(&self) {
        for event in self.shared().journal.leave_steps() {
            self.emitter.push(event);
        }
    }

    /// A turn that was cut off by a crash is asked for anew: readers drop what they saw of it.
    fn discard_loose_ends(&self) {
        for event in self.shared().journal.discard_loose_ends() {
            self.emitter.push(event);
        }
    }

    /// AG-UI wants every message and call ended before the run is.
    pub(super) fn close_loose_ends(&self) {
        for event in self.shared().journal.end_loose_ends() {
            self.emitter.push(event);
        }
    }
}
