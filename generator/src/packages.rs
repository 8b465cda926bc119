//! The packages that a project's lock names: what an environment of them is called, and how it is installed. The
//! same for whoever installs them; where they come from is what pip or npm is configured with there.

use gantry_domain::matrix::Language;
use sha2::{Digest, Sha256};

/// The files that say what is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    language: Language,
    /// Their paths within the project and their texts.
    files: Vec<(String, String)>,
}

/// A program and its arguments.
pub type CommandLine = Vec<String>;

impl Lock {
    /// The lock among a project's files, as far as it has one.
    pub fn of<'a>(language: Language, files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let names: &[&str] = match language {
            Language::Python => &["requirements.lock"],
            Language::Typescript => &["package-lock.json", "package.json"],
        };
        let mut files: Vec<(String, String)> = files
            .into_iter()
            .filter(|(path, _)| names.contains(path))
            .map(|(path, text)| (path.to_owned(), text.to_owned()))
            .collect();
        files.sort();
        Self { language, files }
    }

    /// The files, by their paths.
    pub fn files(&self) -> &[(String, String)] {
        &self.files
    }

    /// Whether there is nothing to install: the project has its language alone.
    pub fn is_empty(&self) -> bool {
        self.language == Language::Python
            && self.files.iter().flat_map(|(_, text)| text.lines()).all(|line| {
                let line = line.trim();
                line.is_empty() || line.starts_with('#')
            })
    }

    /// How many packages it names.
    pub fn packages(&self) -> usize {
        let Some((_, text)) = self.files.first() else { return 0 };
        match self.language {
            Language::Python => text.lines().filter(|line| line.contains("==")).count(),
            Language::Typescript => text.matches("\"node_modules/").count(),
        }
    }

    /// The name of the environment that holds exactly these packages.
    pub fn name(&self) -> String {
        let text: String = self.files.iter().map(|(_, text)| text.as_str()).collect();
        let kind = match self.language {
            Language::Python => "venv",
            Language::Typescript => "node",
        };
        format!("{kind}-{}", &hex::encode(Sha256::digest(text))[..12])
    }

    /// The ways to install them into the directory that has the files: the commands of each, done there one after
    /// another. When the first command of a way does not work, the next way may.
    pub fn ways(&self, directory: &str) -> Vec<Vec<CommandLine>> {
        let command = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<CommandLine>();
        let python = format!("{directory}/bin/python");
        match self.language {
            Language::Python => vec![
                vec![
                    command(&["python3", "-m", "venv", directory]),
                    command(&[
                        &python,
                        "-m",
                        "pip",
                        "install",
                        "--disable-pip-version-check",
                        "--no-input",
                        "--progress-bar",
                        "off",
                        "-r",
                        "requirements.lock",
                    ]),
                ],
                // Where Python came without `venv`, as Debian has it apart.
                vec![
                    command(&["uv", "venv", "--no-python-downloads", "--allow-existing", directory]),
                    command(&["uv", "pip", "install", "--python", &python, "-r", "requirements.lock"]),
                ],
            ],
            Language::Typescript => vec![vec![command(&["npm", "ci", "--no-audit", "--no-fund"])]],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_has_its_name_from_the_lock_alone() {
        let lock = |text: &str| Lock::of(Language::Python, [("README.md", "x"), ("requirements.lock", text)]);
        assert_eq!(lock("a==1\nb==2\n"), lock("a==1\nb==2\n"));
        assert_ne!(lock("a==1\n").name(), lock("a==2\n").name());
        assert_eq!((lock("a==1\nb==2\n").packages(), lock("a==1\n").files().len()), (2, 1));
        assert!(lock("# nothing\n\n").is_empty() && !lock("./a.whl\n").is_empty());
        let package = Lock::of(
            Language::Typescript,
            [("package.json", "{}"), ("package-lock.json", r#"{"packages": {"node_modules/a": {}}}"#)],
        );
        assert_eq!((package.packages(), package.is_empty()), (1, false));
        assert!(package.name().starts_with("node-"));
    }
}
