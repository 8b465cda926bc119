//! What makes a directory a Python project and an image: names, metadata, lock, Dockerfile.

use std::collections::HashSet;
use std::sync::LazyLock;

use gantry_domain::matrix::{Framework, Language as Target};
use gantry_domain::spec::{Model, is_python_identifier};

use serde_json::{Map, Value, json};

use super::language::{Dockerfile, Environment, Language as _, Python, Toml};
use super::template::fill;
use super::{File, Project, kit, python, tools};

/// Modules that a package of the same name would hide: Python's own (3.11 to 3.14), and ours.
const TAKEN: &str = "
abc aifc annotationlib antigravity argparse array ast asynchat asyncio asyncore atexit audioop
base64 bdb binascii bisect builtins bz2 cProfile calendar cgi cgitb chunk cmath cmd code codecs
codeop collections colorsys compileall compression concurrent configparser contextlib contextvars
copy copyreg crypt csv ctypes curses dataclasses datetime dbm decimal difflib dis distutils doctest
email encodings ensurepip enum errno fakes faulthandler fcntl filecmp fileinput fnmatch fractions
ftplib functools gc genericpath getopt getpass gettext glob graphlib grp gzip hashlib heapq hmac
html http idlelib imaplib imghdr imp importlib inspect io ipaddress itertools json keyword lib2to3
linecache locale logging lzma mailbox mailcap marshal math mimetypes mmap modulefinder msilib msvcrt
multiprocessing netrc nis nntplib nt ntpath nturl2path numbers opcode operator optparse os
ossaudiodev pathlib pdb pickle pickletools pip pipes pkg_resources pkgutil platform plistlib poplib
posix posixpath pprint profile pstats pty pwd py_compile pyclbr pydoc pydoc_data pyexpat queue
quopri random re readline reprlib resource rlcompleter runpy sched secrets select selectors
setuptools shelve shlex shutil signal site smtpd smtplib sndhdr sniffio socket socketserver spwd
sqlite3 sre_compile sre_constants sre_parse ssl stat statistics string stringprep struct subprocess
sunau symtable sys sysconfig syslog tabnanny tarfile telnetlib tempfile termios test tests textwrap
this threading time timeit tkinter token tokenize tomllib trace traceback tracemalloc tty turtle
turtledemo types typing unicodedata unittest urllib uu uuid venv warnings wave weakref webbrowser
winreg winsound wsgiref xdrlib xml xmlrpc zipapp zipfile zipimport zlib zoneinfo
";

/// The name of the Python package for a project: the slug with underscores, and `_agent` after it
/// where Python or a dependency of any framework has a module of that name already.
pub fn package_name(slug: &str) -> String {
    /// The names of all these modules.
    static MODULES: LazyLock<HashSet<&str>> = LazyLock::new(|| {
        let modules = Framework::ALL.into_iter().filter_map(kit::of).map(|kit| kit.modules);
        std::iter::once(TAKEN).chain(modules).flat_map(str::split_whitespace).collect()
    });
    let name = slug.replace('-', "_");
    if !is_python_identifier(&name) || MODULES.contains(name.as_str()) { format!("{name}_agent") } else { name }
}

pub(super) fn files(project: &Project) -> Vec<File> {
    let mut files = vec![file(".env.example", environment(project)), file("Dockerfile", dockerfile(project))];
    match project.spec.target.framework.language() {
        Target::Python => files.extend(python_files(project)),
        Target::Typescript => files.extend(node_files(project)),
    }
    files
}

fn file(path: &str, content: impl Into<String>) -> File {
    File { path: path.to_owned(), content: content.into() }
}

fn python_files(project: &Project) -> Vec<File> {
    let spec = project.spec;
    let kit = project.kit;
    let package = &project.package;
    let description = summary(&spec.metadata.description, 300);
    let requirements: String =
        kit.dependencies.iter().map(|range| format!("    {},\n", Toml::string(range).text())).collect();
    let pyproject = fill(
        include_str!("../../templates/common/pyproject.toml"),
        &[
            ("name", Toml::string(spec.metadata.name.as_str())),
            ("version", Toml::string(&python_version(&spec.metadata.version))),
            ("description", Toml::string(&description)),
            ("python", Toml::string(kit.python)),
            (
                "dependencies",
                Toml::of(if requirements.is_empty() { requirements } else { format!("\n{requirements}") }),
            ),
            // A slug is a bare key.
            ("command", Toml::of(spec.metadata.name.to_string())),
            ("entry", Toml::string(&format!("{package}.__main__:main"))),
        ],
        &[],
    );
    let settings: Vec<String> = kit
        .environment
        .iter()
        .map(|(name, value)| {
            format!("os.environ.setdefault({}, {})", python::string(name).text(), python::string(value).text())
        })
        .collect();
    let init = fill(
        include_str!("../../templates/common/__init__.py"),
        &[
            ("docstring", python::docstring(&sentence(&description, spec.metadata.name.as_str()), 0)),
            ("version", python::string(&python_version(&spec.metadata.version))),
            ("environment", Python::of(settings.join("\n"))),
        ],
        &[("environment", !settings.is_empty())],
    );
    let main =
        fill(include_str!("../../templates/common/__main__.py"), &[("package", Python::of(package.clone()))], &[]);
    let lock = if kit.dependencies.is_empty() {
        kit.lock.to_owned()
    } else {
        format!(
            "# Every package at the version that the generator was tested with. Update: pip install . && pip freeze\n{}",
            kit.lock
        )
    };
    vec![
        file(".dockerignore", include_str!("../../templates/common/dockerignore")),
        file(".gitignore", include_str!("../../templates/common/gitignore")),
        file("pyproject.toml", pyproject),
        file("requirements.lock", lock),
        file(&project.source("__init__.py"), init),
        file(&project.source("__main__.py"), main),
    ]
}

/// `package.json` and its lock. The lock is the kit's with the project's own name and version.
fn node_files(project: &Project) -> Vec<File> {
    let metadata = &project.spec.metadata;
    // What compiles is not needed where it runs.
    let is_for_development = |name: &str| name == "typescript" || name.starts_with("@types/");
    let (development, dependencies): (Map<String, Value>, Map<String, Value>) = project
        .kit
        .dependencies
        .iter()
        .filter_map(|dependency| dependency.rsplit_once('@'))
        .map(|(name, range)| (name.to_owned(), json!(range)))
        .partition(|(name, _)| is_for_development(name));
    let package = json!({
        "name": metadata.name.as_str(),
        "version": metadata.version,
        "description": summary(&metadata.description, 300),
        "private": true,
        "type": "module",
        "engines": {"node": project.kit.python},
        "scripts": {"build": "tsc", "start": "node dist/src/main.js", "test": "tsc && node --test dist/tests/"},
        "dependencies": dependencies,
        "devDependencies": development,
    });
    let lock = project
        .kit
        .lock
        .replace("\"GANTRY_NAME\"", &json!(metadata.name.as_str()).to_string())
        .replace("\"GANTRY_VERSION\"", &json!(metadata.version).to_string());
    vec![
        file(".dockerignore", include_str!("../../templates/typescript/dockerignore")),
        file(".gitignore", include_str!("../../templates/typescript/gitignore")),
        file("package.json", format!("{package:#}\n")),
        file("package-lock.json", lock),
        file("tsconfig.json", include_str!("../../templates/typescript/tsconfig.json")),
    ]
}

fn dockerfile(project: &Project) -> String {
    let spec = project.spec;
    let template = match spec.target.framework.language() {
        Target::Python => include_str!("../../templates/common/Dockerfile"),
        Target::Typescript => include_str!("../../templates/typescript/Dockerfile"),
    };
    fill(
        template,
        &[
            // Each of these is checked to be one word of harmless characters.
            ("base", Dockerfile::of(spec.build.base.clone())),
            ("name", Dockerfile::of(spec.metadata.name.to_string())),
            ("version", Dockerfile::of(spec.metadata.version.clone())),
            ("package", Dockerfile::of(project.package.clone())),
        ],
        &[("packages", !project.kit.dependencies.is_empty())],
    )
}

/// The models that agents with something to do use, by their keys.
pub(super) fn models<'a>(project: &Project<'a>) -> Vec<(&'a str, &'a Model)> {
    let is_used = |key: &str| project.agents.iter().any(|agent| agent.model == key);
    project.spec.models.iter().filter(|(key, _)| is_used(key)).map(|(key, model)| (key.as_str(), model)).collect()
}

/// The variables that say where the models answer, each with what it means and an example.
pub(super) fn variables(project: &Project) -> Vec<(String, String, String)> {
    let mut variables: Vec<(String, String, String)> = Vec::new();
    let mut add = |name: &str, meaning: &str, example: &str| {
        if !variables.iter().any(|(known, _, _)| known == name) {
            variables.push((name.to_owned(), meaning.to_owned(), example.to_owned()));
        }
    };
    for (_, model) in models(project) {
        add(&model.base_url_variable, "where the model answers (required)", "http://127.0.0.1:11434/v1");
        if model.model.is_empty() {
            add("MODEL_NAME", "the model's name there (required)", "");
        }
        add(&model.key_variable, "the key for it; empty if it wants none", "");
    }
    for (header, variable, tool) in tools::header_variables(project) {
        add(variable, &format!("the value of the header `{header}` for the tool `{tool}` (required)"), "");
    }
    if matches!(project.spec.target.framework, Framework::OpenaiAgents | Framework::OpenaiAgentsTypescript) {
        let meaning = "which API the endpoint speaks: `chat_completions` (if not set) or `responses`";
        add("OPENAI_API", meaning, "chat_completions");
    }
    add("PORT", "the port of `serve`, 8080 if not set", "8080");
    add("AGENT_URL", "where others reach `serve`, for its card; where they asked for it if not set", "");
    variables
}

fn environment(project: &Project) -> String {
    let mut text = String::from("# Copy to .env, which git and Docker are told to leave out, and fill in.\n");
    for (name, meaning, example) in variables(project) {
        text.push_str(Environment::of(format!("\n# {meaning}\n{name}={example}\n")).text());
    }
    text
}

/// A text on one line, cut after a word if it is longer than `limit` characters.
pub(crate) fn summary(text: &str, limit: usize) -> String {
    let mut line = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        let word_length = word.chars().count();
        if length + word_length + 1 > limit {
            if line.is_empty() {
                line.extend(word.chars().take(limit));
            }
            line.push('…');
            break;
        }
        if !line.is_empty() {
            line.push(' ');
            length += 1;
        }
        line.push_str(word);
        length += word_length;
    }
    line
}

/// `text`, or `otherwise` if there is none, ending like a sentence.
pub(super) fn sentence(text: &str, otherwise: &str) -> String {
    let text = if text.is_empty() { otherwise } else { text };
    let end = if text.ends_with(['.', '!', '?', '…', '。', '؟']) { "" } else { "." };
    format!("{text}{end}")
}

/// A semantic version as Python writes versions (PEP 440). What has no counterpart there becomes a
/// development version with the rest as its local label, which orders before the release as well.
fn python_version(version: &str) -> String {
    let (rest, build) = version.split_once('+').map_or((version, None), |(rest, build)| (rest, Some(build)));
    let (core, before) = rest.split_once('-').map_or((rest, None), |(core, before)| (core, Some(before)));
    let mut local: Vec<String> = Vec::new();
    let mut text = core.to_owned();
    if let Some(before) = before {
        let known = before
            .split_once('.')
            .filter(|(_, number)| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()));
        match known {
            Some(("alpha" | "a", number)) => text.push_str(&format!("a{number}")),
            Some(("beta" | "b", number)) => text.push_str(&format!("b{number}")),
            Some(("rc", number)) => text.push_str(&format!("rc{number}")),
            Some(("dev", number)) => text.push_str(&format!(".dev{number}")),
            _ => {
                text.push_str(".dev0");
                local.push(before.replace('-', "."));
            }
        }
    }
    local.extend(build.map(|build| build.replace('-', ".")));
    let local: Vec<&str> = local.iter().flat_map(|part| part.split('.')).filter(|part| !part.is_empty()).collect();
    if local.is_empty() { text } else { format!("{text}+{}", local.join(".").to_ascii_lowercase()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_importable_and_hide_nothing() {
        assert_eq!(package_name("weather-bot"), "weather_bot");
        assert_eq!(package_name("json"), "json_agent");
        assert_eq!(package_name("class"), "class_agent");
        assert_eq!(package_name("openai"), "openai_agent");
    }

    #[test]
    fn versions_in_pythons_way() {
        for (semantic, python) in [
            ("1.2.3", "1.2.3"),
            ("1.0.0-rc.1", "1.0.0rc1"),
            ("1.0.0-alpha.2", "1.0.0a2"),
            ("1.0.0-dev.7+abc", "1.0.0.dev7+abc"),
            ("1.0.0-x-y.Z", "1.0.0.dev0+x.y.z"),
            ("1.0.0--", "1.0.0.dev0"),
        ] {
            assert_eq!(python_version(semantic), python);
        }
    }

    #[test]
    fn summaries_are_one_line_cut_after_a_word() {
        assert_eq!(summary("a  b\nc", 10), "a b c");
        assert_eq!(summary("aaa bbb ccc", 8), "aaa bbb…");
        assert_eq!(summary(&"é".repeat(20), 5), "ééééé…");
    }
}
