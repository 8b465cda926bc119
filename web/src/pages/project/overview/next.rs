//! What comes next for a project, decided from how far it has come. Pure: how it is shown and begun
//! is in [`super::action`].

use gantry_domain::Timestamp;
use gantry_domain::api::job::JobState;
use gantry_domain::api::project::{ProgressMark, Project};
use uuid::Uuid;

/// What comes next. Where something was tried and failed it comes again, with the way to why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A publication is under way.
    WatchPublication,
    /// A build is under way.
    WatchBuild(Uuid),
    /// A run is under way.
    WatchRun,
    /// Nothing of this revision was tried: say something to the agent.
    Test {
        /// Whether the last run failed.
        has_failed: bool,
    },
    /// Make an image.
    Build {
        /// The build that failed, if the last one did.
        failed: Option<Uuid>,
    },
    /// Send the newest image to a registry.
    Publish {
        /// The build that made it.
        build: Uuid,
        /// Whether the last attempt failed.
        has_failed: bool,
    },
    /// The newest image is published and nothing has changed since.
    Nothing,
}

/// Decides. `is_live` says whether the newest build's image is the one that is published.
pub(super) fn next(project: &Project, is_live: bool) -> Next {
    let (progress, changed) = (&project.summary.progress, project.summary.updated_at);
    let active = |mark: &Option<ProgressMark>| mark.clone().filter(|mark| !mark.state.is_final());
    if active(&progress.last_publication).is_some() {
        return Next::WatchPublication;
    }
    if let Some(build) = active(&progress.last_build) {
        return Next::WatchBuild(build.id);
    }
    if active(&progress.last_run).is_some() {
        return Next::WatchRun;
    }
    let run = since(&progress.last_run, changed);
    match since(&progress.last_build, changed) {
        Some(build) if build.state == JobState::Done => {
            if is_live {
                return Next::Nothing;
            }
            let publication = since(&progress.last_publication, build.at);
            let has_failed = publication.is_some_and(|publication| publication.state == JobState::Failed);
            Next::Publish { build: build.id, has_failed }
        }
        Some(build) if build.state == JobState::Failed => Next::Build { failed: Some(build.id) },
        _ => match run {
            Some(run) if run.state == JobState::Done => Next::Build { failed: None },
            run => Next::Test { has_failed: run.is_some_and(|run| run.state == JobState::Failed) },
        },
    }
}

/// The newest of its kind, if it is of the spec as it is now.
fn since(mark: &Option<ProgressMark>, moment: Timestamp) -> Option<&ProgressMark> {
    mark.as_ref().filter(|mark| mark.at >= moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(run: Option<(JobState, i64)>, build: Option<(JobState, i64)>, sent: Option<(JobState, i64)>) -> Project {
        let plan = gantry_generator::plan(&gantry_domain::api::plan::PlanRequest {
            prompt: "Tell the time.".to_owned(),
            constraints: Default::default(),
            ..Default::default()
        });
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        let mark = |mark: Option<(JobState, i64)>| {
            mark.map(|(state, seconds)| ProgressMark { id: Uuid::from_u128(seconds as u128), state, at: at(seconds) })
        };
        Project {
            summary: gantry_domain::api::project::ProjectSummary {
                id: Uuid::nil(),
                name: plan.spec.metadata.name.clone(),
                description: String::new(),
                framework: plan.spec.target.framework,
                version: "0.1.0".to_owned(),
                created_at: at(0),
                updated_at: at(10),
                progress: gantry_domain::api::project::ProjectProgress {
                    last_run: mark(run),
                    last_build: mark(build),
                    last_publication: mark(sent),
                },
            },
            spec: plan.spec,
            revision: 1,
        }
    }

    #[test]
    fn a_project_goes_from_test_to_build_to_publish() {
        use JobState::{Done, Failed, Running};
        let build = Uuid::from_u128(12);
        for (run, made, sent, is_live, expected) in [
            (None, None, None, false, Next::Test { has_failed: false }),
            (Some((Running, 11)), None, None, false, Next::WatchRun),
            (Some((Failed, 11)), None, None, false, Next::Test { has_failed: true }),
            (Some((Done, 11)), None, None, false, Next::Build { failed: None }),
            (Some((Done, 11)), Some((Running, 12)), None, false, Next::WatchBuild(build)),
            (Some((Done, 11)), Some((Failed, 12)), None, false, Next::Build { failed: Some(build) }),
            // Who builds without a test is not sent back to it.
            (None, Some((Done, 12)), None, false, Next::Publish { build, has_failed: false }),
            (None, Some((Done, 12)), Some((Running, 13)), false, Next::WatchPublication),
            (None, Some((Done, 12)), Some((Failed, 13)), false, Next::Publish { build, has_failed: true }),
            (None, Some((Done, 12)), Some((Done, 13)), true, Next::Nothing),
        ] {
            assert_eq!(next(&project(run, made, sent), is_live), expected, "{run:?} {made:?} {sent:?}");
        }
    }

    #[test]
    fn what_was_done_before_the_last_change_does_not_count() {
        use JobState::Done;
        let all_before = project(Some((Done, 1)), Some((Done, 2)), Some((Done, 3)));
        assert_eq!(next(&all_before, true), Next::Test { has_failed: false });
    }

    #[test]
    fn an_older_image_that_is_published_is_not_the_newest_build() {
        use JobState::Done;
        // Published at 11, then built again at 12: what is live is not what was built last.
        let project = project(None, Some((Done, 12)), Some((Done, 11)));
        assert_eq!(next(&project, false), Next::Publish { build: Uuid::from_u128(12), has_failed: false });
    }
}
