//! How a command ends when it does not end well, and the exit code that says so.

use gantry_domain::problem::Problem;

/// Why a command did not do what it was asked to do.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The work failed.
    Failed(String),
    /// The command line, or a file given on it, is wrong.
    Usage(String),
    /// The server could not be reached.
    Unreachable(String),
    /// There is nothing of that name.
    NotFound(String),
    /// The server answered with a problem.
    Refused(Box<Problem>),
    /// The person pressed Ctrl-C.
    Interrupted,
}

impl Failure {
    /// The work failed, for the reason given as a sentence.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::Failed(message.into())
    }

    /// Something on the command line is wrong, with what was expected.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    /// The exit code; the list is in `gantry --help`.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::Unreachable(_) => 3,
            Self::NotFound(_) => 5,
            Self::Refused(problem) => match problem.status {
                401 | 403 => 4,
                404 => 5,
                502..=504 if problem.code.is_empty() => 3,
                _ => 1,
            },
            Self::Interrupted => 130,
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Failed(message) | Self::Usage(message) | Self::Unreachable(message) | Self::NotFound(message) => {
                f.write_str(message)
            }
            Self::Refused(problem) => {
                f.write_str(&problem.detail)?;
                for fault in &problem.errors {
                    write!(f, "\n  {}: {}", if fault.path.is_empty() { "/" } else { &fault.path }, fault.message)?;
                }
                if problem.status == 401 {
                    f.write_str("\n  This program takes the token from GANTRY_TOKEN or --token.")?;
                }
                if problem.status >= 500 && !problem.request_id.is_empty() {
                    write!(f, "\n  The server's log has more under request {}.", problem.request_id)?;
                }
                Ok(())
            }
            Self::Interrupted => f.write_str("interrupted"),
        }
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use gantry_domain::problem::FieldProblem;

    use super::*;

    fn problem(status: u16, code: &str) -> Failure {
        Failure::Refused(Box::new(Problem {
            kind: String::new(),
            title: String::new(),
            status,
            detail: "The name is taken.".to_owned(),
            code: code.to_owned(),
            request_id: "abc".to_owned(),
            errors: vec![FieldProblem::new("/spec/metadata/name", "taken", "expected a name that is free")],
        }))
    }

    #[test]
    fn exit_codes_are_those_of_the_help_text() {
        assert_eq!(Failure::failed("x").exit_code(), 1);
        assert_eq!(Failure::usage("x").exit_code(), 2);
        assert_eq!(Failure::Unreachable(String::new()).exit_code(), 3);
        assert_eq!(problem(401, "unauthorized").exit_code(), 4);
        assert_eq!(problem(403, "forbidden").exit_code(), 4);
        assert_eq!(problem(404, "not_found").exit_code(), 5);
        assert_eq!(problem(409, "conflict").exit_code(), 1);
        assert_eq!(problem(503, "docker_unavailable").exit_code(), 1);
        assert_eq!(problem(502, "").exit_code(), 3);
        assert_eq!(Failure::Interrupted.exit_code(), 130);
    }

    #[test]
    fn a_refusal_names_every_fault_with_its_path() {
        let text = problem(409, "project_name_taken").to_string();
        assert_eq!(text, "The name is taken.\n  /spec/metadata/name: expected a name that is free");
    }
}
