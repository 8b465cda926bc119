//! The compatibility matrix as this instance has it: the built-in one, and what the operator adds or
//! does not allow in `compatibility.toml` of the data directory. The rules are the domain's.

pub(crate) mod http;

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use gantry_domain::api::compatibility::Compatibility;
use gantry_domain::matrix::{self, extension};
use gantry_domain::problem::FieldProblem;

use crate::http::fixed::Fixed;

/// The file's name within the data directory.
const FILE: &str = "compatibility.toml";
/// How long the file is not looked at after it was.
const REST: Duration = Duration::from_secs(1);

/// The matrix of this instance. The file is looked at again when somebody asks, at most once a second.
pub struct Matrix {
    path: PathBuf,
    state: RwLock<State>,
}

struct State {
    looked_at: Instant,
    /// When the file was changed and how long it is; none if there is no file.
    seen: Option<(SystemTime, u64)>,
    version: Arc<Version>,
}

/// The matrix between two changes of the file.
pub(crate) struct Version {
    pub(crate) matrix: Compatibility,
    /// Whether the operator's file changes nothing: asked for every project, and a matrix is long.
    pub(crate) is_builtin: bool,
    /// The same, as it is sent.
    document: Fixed,
}

impl Version {
    fn new(matrix: Compatibility) -> Arc<Self> {
        Arc::new(Self {
            is_builtin: matrix == *matrix::compatibility(),
            matrix,
            document: Fixed::new("application/json"),
        })
    }
}

impl Matrix {
    /// The matrix of an instance with this data directory.
    pub fn open(data: &Path) -> Self {
        let path = data.join(FILE);
        let seen = seen(&path);
        let version = Version::new(read(&path, seen.is_some(), matrix::compatibility()));
        Self { path, state: RwLock::new(State { looked_at: Instant::now(), seen, version }) }
    }

    /// The matrix as it is now. A file that cannot be read leaves it as it was and says so in it.
    pub(crate) fn current(&self) -> Arc<Version> {
        {
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            if state.looked_at.elapsed() < REST {
                return state.version.clone();
            }
        }
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.looked_at = Instant::now();
        let seen = seen(&self.path);
        if seen != state.seen {
            state.seen = seen;
            state.version = Version::new(read(&self.path, seen.is_some(), &state.version.matrix));
        }
        state.version.clone()
    }
}

fn seen(path: &Path) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// The matrix with the file, or the one before with what is wrong with the file.
fn read(path: &Path, is_there: bool, before: &Compatibility) -> Compatibility {
    let builtin = matrix::compatibility();
    if !is_there {
        return builtin.clone();
    }
    let document = std::fs::read_to_string(path)
        .map_err(|error| vec![FieldProblem::new("", "unreadable", error.to_string())])
        .and_then(|text| {
            toml::from_str(&text).map_err(|error| {
                let place = error.span().map_or(0, |span| text[..span.start.min(text.len())].lines().count().max(1));
                vec![FieldProblem::new("", "toml_invalid", format!("line {place}: {}", error.message()))]
            })
        });
    match document.and_then(|document| extension::read(document, builtin)) {
        Ok(extension) => {
            tracing::info!(path = %path.display(), "the compatibility matrix was extended");
            extension::extended(builtin, &extension)
        }
        Err(problems) => {
            tracing::warn!(path = %path.display(), ?problems, "the compatibility matrix stays as it was");
            Compatibility { extension_problems: problems, ..before.clone() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_extends_the_matrix_and_a_broken_one_leaves_it_as_it_was() {
        let data = tempfile::tempdir().unwrap();
        let matrix = Matrix::open(data.path());
        assert_eq!(matrix.current().matrix, *matrix::compatibility());
        let path = data.path().join(FILE);
        let now = |text: &str| {
            std::fs::write(&path, text).unwrap();
            matrix.state.write().unwrap().looked_at -= REST;
            matrix.current().matrix.clone()
        };
        let extended = now("[[clouds]]\nid = 'cellar'\nname = 'Our cellar'\nvendor = 'us'\n");
        assert!(extended.clouds.iter().any(|cloud| cloud.id == "cellar"));
        let broken = now("\n[[clouds]\n");
        assert!(broken.clouds.iter().any(|cloud| cloud.id == "cellar"));
        assert_eq!(broken.extension_problems[0].code, "toml_invalid");
        assert!(broken.extension_problems[0].message.starts_with("line 2"), "{:?}", broken.extension_problems);
        std::fs::remove_file(&path).unwrap();
        matrix.state.write().unwrap().looked_at -= REST;
        assert_eq!(matrix.current().matrix, *matrix::compatibility());
    }
}
