//! What makes a directory a Python project and an image: names, metadata, lock, Dockerfile.

use gantry_domain::matrix::Framework;
use gantry_domain::spec::{Model, is_python_identifier};

use super::language::{Dockerfile, Environment, Language as _, Python, Toml};
use super::template::fill;
use super::{File, Project, python};

/// Modules that a package of the same name would hide: Python's own (3.11) and the dependencies'.
const TAKEN: &str = "
abc aifc antigravity anyio argparse array ast asynchat asyncio asyncore atexit audioop base64 bdb
binascii bisect builtins bz2 cProfile calendar certifi cgi cgitb chunk cmath cmd code codecs codeop
collections colorsys compileall concurrent configparser contextlib contextvars copy copyreg crypt
csv ctypes curses dataclasses datetime dbm decimal difflib dis distro distutils doctest email
encodings ensurepip enum errno fakes faulthandler fcntl filecmp fileinput fnmatch fractions ftplib
functools gc genericpath getopt getpass gettext glob graphlib grp gzip h11 hashlib heapq hmac html
http httpcore httpx idlelib idna imaplib imghdr imp importlib inspect io ipaddress itertools jiter
json jsonpatch jsonpointer keyword langchain_core langchain_openai langgraph langsmith lib2to3
linecache locale logging lzma mailbox mailcap marshal math mimetypes mmap modulefinder msilib msvcrt
multiprocessing netrc nis nntplib nt ntpath nturl2path numbers opcode openai operator optparse
orjson ormsgpack os ossaudiodev packaging pathlib pdb pickle pickletools pip pipes pkg_resources
pkgutil platform plistlib poplib posix posixpath pprint profile pstats pty pwd py_compile pyclbr
pydantic pydoc pydoc_data pyexpat queue quopri random re readline regex reprlib requests resource
rlcompleter runpy sched secrets select selectors setuptools shelve shlex shutil signal site smtpd
smtplib sndhdr sniffio socket socketserver spwd sqlite3 sre_compile sre_constants sre_parse ssl stat
statistics string stringprep struct subprocess sunau symtable sys sysconfig syslog tabnanny tarfile
telnetlib tempfile tenacity termios test tests textwrap this threading tiktoken time timeit tkinter
token tokenize tomllib trace traceback tracemalloc truststore tty turtle turtledemo types typing
unicodedata unittest urllib urllib3 uu uuid venv warnings wave weakref webbrowser websockets winreg
winsound wsgiref xdrlib xml xmlrpc xxhash yaml zipapp zipfile zipimport zlib zoneinfo zstandard
";

/// The name of the Python package for a project: the slug with underscores, and `_agent` after it
/// where Python or a dependency has a module of that name already.
pub fn package_name(slug: &str) -> String {
    let name = slug.replace('-', "_");
    if !is_python_identifier(&name) || TAKEN.split_whitespace().any(|taken| taken == name) {
        format!("{name}_agent")
    } else {
        name
    }
}

pub(super) fn files(project: &Project) -> Vec<File> {
    let spec = project.spec;
    let package = &project.package;
    let is_langgraph = spec.target.framework == Framework::Langgraph;
    let description = summary(&spec.metadata.description, 300);

    let pyproject = fill(
        include_str!("../../templates/common/pyproject.toml"),
        &[
            ("name", Toml::string(spec.metadata.name.as_str())),
            ("version", Toml::string(&python_version(&spec.metadata.version))),
            ("description", Toml::string(&description)),
            ("dependencies", dependencies(spec.target.framework)),
            // A slug is a bare key.
            ("command", Toml::of(spec.metadata.name.to_string())),
            ("entry", Toml::string(&format!("{package}.__main__:main"))),
        ],
        &[],
    );
    let dockerfile = fill(
        include_str!("../../templates/common/Dockerfile"),
        &[
            // Each of these is checked to be one word of harmless characters.
            ("base", Dockerfile::of(spec.build.base.clone())),
            ("name", Dockerfile::of(spec.metadata.name.to_string())),
            ("version", Dockerfile::of(spec.metadata.version.clone())),
            ("package", Dockerfile::of(package.clone())),
        ],
        &[("packages", is_langgraph)],
    );
    let init = fill(
        include_str!("../../templates/common/__init__.py"),
        &[
            ("docstring", python::docstring(&sentence(&description, spec.metadata.name.as_str()), 0)),
            ("version", python::string(&python_version(&spec.metadata.version))),
        ],
        &[],
    );
    let main =
        fill(include_str!("../../templates/common/__main__.py"), &[("package", Python::of(package.clone()))], &[]);
    let file = |path: &str, content: String| File { path: path.to_owned(), content };
    vec![
        file(".dockerignore", include_str!("../../templates/common/dockerignore").to_owned()),
        file(".env.example", environment(project)),
        file(".gitignore", include_str!("../../templates/common/gitignore").to_owned()),
        file("Dockerfile", dockerfile),
        file("pyproject.toml", pyproject),
        file("requirements.lock", lock(spec.target.framework)),
        file(&project.source("__init__.py"), init),
        file(&project.source("__main__.py"), main),
    ]
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
    add("PORT", "the port of `serve`, 8080 if not set", "8080");
    variables
}

fn environment(project: &Project) -> String {
    let mut text = String::from("# Copy to .env, which git and Docker are told to leave out, and fill in.\n");
    for (name, meaning, example) in variables(project) {
        text.push_str(Environment::of(format!("\n# {meaning}\n{name}={example}\n")).text());
    }
    text
}

fn dependencies(framework: Framework) -> Toml {
    match framework {
        Framework::Langgraph => {
            let ranges =
                ["langchain-core>=1.7.2,<2", "langchain-openai>=1.7.3,<2", "langgraph>=1.2.22,<2", "openai>=3.52,<4"];
            Toml::of(format!("\n{}", ranges.map(|range| format!("    {},\n", Toml::string(range).text())).concat()))
        }
        // No cell of the matrix leads to another: the diagnosis refuses what has no emitter.
        _ => Toml::of(String::new()),
    }
}

fn lock(framework: Framework) -> String {
    match framework {
        Framework::React => "# Nothing to install: the agent runs on Python's standard library.\n".to_owned(),
        Framework::Langgraph => format!(
            "# Every package at the version that the generator was tested with. Update: pip install . && pip freeze\n{}",
            include_str!("../../templates/langgraph/requirements.lock"),
        ),
        _ => String::new(),
    }
}

/// A text on one line, cut after a word if it is longer than `limit` characters.
pub(super) fn summary(text: &str, limit: usize) -> String {
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
