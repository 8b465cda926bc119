//! A function's body, with what it needs of the file that it stood in.

use gantry_domain::spec::argument_names;
use serde_json::Value;

use super::python::{Signature, identifiers};
use crate::exchange::code::{Code, Function, Place, Symbol, Tongue};
use crate::exchange::draft::Draft;

/// How many definitions come along with one tool, and how many bytes.
const MOST_DEFINITIONS: usize = 100;
const MOST_BYTES: usize = 60_000;

/// What comes before a body.
#[derive(Default)]
struct Needed {
    imports: Vec<String>,
    definitions: Vec<String>,
    seen: Vec<(usize, String)>,
    /// Where the definitions stand that come along: one has several names when it is imported.
    taken: Vec<Place>,
    bytes: usize,
    packages: Vec<String>,
}

struct Carrier<'c> {
    code: &'c Code,
    tongue: Tongue,
    /// The tool that it is for.
    tool: &'c str,
    draft: &'c mut Draft,
    needed: Needed,
}

/// The body of a Python tool, from column 0.
pub(super) fn python_body(
    code: &Code,
    function: &Function,
    signature: &Signature,
    name: &str,
    draft: &mut Draft,
) -> String {
    let body = code.text(function.body_at);
    let inside = unindented(&whole_lines(code, function.body_at));
    let mut carrier = Carrier { code, tongue: Tongue::Python, tool: name, draft, needed: Needed::default() };
    let mut names = identifiers(body);
    names.extend(signature.needs.iter().cloned());
    if let Some(word) = ["global", "nonlocal"].into_iter().find(|word| names.iter().any(|name| name == word)) {
        let at = code.line(function.at);
        carrier.draft.warn(
            "tool_keeps_state",
            at,
            format!("{name} changes a variable of the file around it ({word}), which does not come along: rewrite it"),
        );
        // Such a name may not be set before it is declared, so it is left to be mended.
        let declared: Vec<String> = body
            .lines()
            .filter_map(|line| line.trim().strip_prefix(word))
            .flat_map(|rest| rest.split(',').map(|name| name.trim().to_owned()))
            .collect();
        names.retain(|name| !declared.contains(name));
    }
    carrier.take_along(&names, function.body_at, &signature.names, 0);
    let mut lines: Vec<String> = Vec::new();
    let returns_text = function.returns.as_ref().is_some_and(|kind| {
        matches!(kind.last_name(), Some("str")) || code.text(kind.at).trim_matches(['"', '\'']) == "str"
    });
    let is_wrapped = function.is_async || !returns_text;
    if is_wrapped {
        carrier.needed.imports.insert(0, "import json".to_owned());
        if function.is_async {
            carrier.needed.imports.insert(0, "import asyncio".to_owned());
            carrier.needed.imports.push("from concurrent.futures import ThreadPoolExecutor".to_owned());
        }
    }
    carrier.say_packages();
    let needed = carrier.needed;
    lines.extend(needed.imports);
    lines.extend(needed.definitions);
    lines.extend(signature.before.iter().cloned());
    if !is_wrapped {
        lines.push(inside);
        return lines.join("\n");
    }
    let arguments = signature.names.join(", ");
    let start = if function.is_async { "async def" } else { "def" };
    lines.push(format!("\n{start} carried_out({arguments}):\n{}\n", indented(&inside)));
    if function.is_async {
        // The tool may be called where a loop runs already, so it gets one of its own.
        lines.push(format!(
            "with ThreadPoolExecutor(1) as pool:\n    result = pool.submit(asyncio.run, carried_out({arguments})).result()"
        ));
    } else {
        lines.push(format!("result = carried_out({arguments})"));
    }
    lines.push("return result if isinstance(result, str) else json.dumps(result, default=str)".to_owned());
    lines.join("\n")
}

/// The body of a TypeScript tool.
pub(super) fn typescript_body(
    code: &Code,
    function: &Function,
    parameters: &Value,
    name: &str,
    draft: &mut Draft,
) -> String {
    let mut carrier = Carrier { code, tongue: Tongue::Typescript, tool: name, draft, needed: Needed::default() };
    carrier.take_along(&identifiers(code.text(function.body_at)), function.body_at, &[], 0);
    carrier.say_packages();
    let needed = carrier.needed;
    let arguments: Vec<String> = argument_names(parameters)
        .into_iter()
        .map(|(name, _)| match parameters["properties"][name].get("default") {
            Some(default) if !default.is_null() => format!("{name}: {name} ?? {default}"),
            _ => name.to_owned(),
        })
        .collect();
    let given = if arguments.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", arguments.join(", ")) };
    let pattern = function.parameters.first().map_or("_given", |parameter| parameter.name.as_str());
    let body = if function.is_expression {
        format!("({})", code.text(function.body_at))
    } else {
        format!("{{\n{}\n}}", indented(&unindented(code.text(function.body_at).trim_matches('\n'))))
    };
    let mut lines = needed.imports;
    lines.extend(needed.definitions);
    lines.push(format!("const carriedOut = async ({pattern}: any): Promise<any> => {body};"));
    lines.push(format!("const result: unknown = await carriedOut({given});"));
    lines.push("return typeof result === \"string\" ? result : (JSON.stringify(result) ?? \"\");".to_owned());
    lines.join("\n")
}

impl Carrier<'_> {
    /// Takes along what the names stand for, and what that needs in turn.
    fn take_along(&mut self, names: &[String], at: Place, own: &[String], depth: usize) {
        for name in names.iter().filter(|name| !own.contains(name)) {
            if self.needed.seen.len() > MOST_DEFINITIONS || depth > 20 {
                self.draft.warn(
                    "tool_needs_more",
                    self.code.line(at),
                    format!("{} needs more of its project than comes along with a tool: look at its body", self.tool),
                );
                return;
            }
            // A name that the function defines for itself needs nothing.
            if !self.code.is_of_module(name, at.file) || self.needed.seen.contains(&(at.file, name.clone())) {
                continue;
            }
            self.needed.seen.push((at.file, name.clone()));
            match self.code.look_up(name, at) {
                Some(Symbol::Elsewhere(import)) if self.code.is_here(&import, at.file) => self.draft.warn(
                    "module_left_out",
                    self.code.line(at),
                    format!("{} uses the module {} as a whole, which does not come along", self.tool, import.module),
                ),
                Some(Symbol::Elsewhere(import)) => {
                    let of_framework = ["agents", "@openai/agents", "autogen_agentchat", "autogen_core"];
                    let package = import.module.split('.').next().unwrap_or_default();
                    if import.module == "__future__" {
                        continue;
                    }
                    if import.module.starts_with('.') {
                        self.draft.warn(
                            "module_left_out",
                            self.code.line(at),
                            format!(
                                "{} uses {name} of {}, which is not among the files that were read",
                                self.tool, import.module
                            ),
                        );
                        continue;
                    }
                    if of_framework.contains(&package) || of_framework.contains(&import.module.as_str()) {
                        self.draft.warn(
                            "tool_uses_framework",
                            self.code.line(at),
                            format!(
                                "{} uses {name} of {}, which a tool does not have here: rewrite it",
                                self.tool, import.module
                            ),
                        );
                        continue;
                    }
                    if !self.needed.imports.contains(&import.alone) {
                        self.needed.imports.push(import.alone.clone());
                    }
                    let is_package = match self.tongue {
                        Tongue::Python => !STANDARD.contains(&package),
                        Tongue::Typescript => !import.module.starts_with("node:"),
                    };
                    if is_package && !self.needed.packages.contains(&import.module) {
                        self.needed.packages.push(import.module);
                    }
                }
                Some(symbol) => self.definition(name, &symbol, depth),
                None => {}
            }
        }
    }

    fn definition(&mut self, name: &str, symbol: &Symbol, depth: usize) {
        let Some(place) = symbol.at() else { return };
        if self.needed.taken.contains(&place) {
            return self.name_it(name, symbol);
        }
        self.needed.taken.push(place);
        if let Symbol::Value(value, at) = symbol
            && value.as_call().is_some_and(|call| {
                matches!(
                    call.callee.last_name(),
                    Some("Agent" | "AssistantAgent" | "Runner" | "tool" | "function_tool")
                )
            })
        {
            self.draft.warn(
                "tool_uses_agent",
                self.code.line(*at),
                format!("{} uses {name}, an agent or a tool itself, which does not come along: rewrite it", self.tool),
            );
            return;
        }
        let text = match self.tongue {
            Tongue::Python => unindented(&whole_lines(self.code, place)),
            Tongue::Typescript => unindented(self.code.text(place)),
        };
        self.needed.bytes += text.len();
        if self.needed.bytes > MOST_BYTES {
            self.draft.warn(
                "tool_needs_more",
                self.code.line(place),
                format!("{} needs more of its project than comes along with a tool: look at its body", self.tool),
            );
            return;
        }
        // What a definition needs comes before it.
        self.take_along(&identifiers(&text), place, &[], depth + 1);
        self.needed.definitions.push(text);
        self.name_it(name, symbol);
        self.say_state(name, symbol);
    }

    /// What was imported under another name gets that name as well.
    fn name_it(&mut self, name: &str, symbol: &Symbol) {
        let named = match symbol {
            Symbol::Function(function) => &function.name,
            Symbol::Class(class) => &class.name,
            _ => return,
        };
        let line = format!("{name} = {named}");
        if named != name && self.tongue == Tongue::Python && !self.needed.definitions.contains(&line) {
            self.needed.definitions.push(line);
        }
    }

    fn say_state(&mut self, name: &str, symbol: &Symbol) {
        use crate::exchange::code::Form;
        let Symbol::Value(value, at) = symbol else { return };
        if matches!(value.form, Form::List(_) | Form::Map(_) | Form::Call(_) | Form::Other) {
            self.draft.note(
                "value_made_anew",
                self.code.line(*at),
                format!(
                    "{name} comes along with {} and is made anew at every call: what is kept in it is not kept",
                    self.tool
                ),
            );
        }
    }

    fn say_packages(&mut self) {
        for package in self.needed.packages.clone() {
            self.draft.warn(
                "package_needed",
                "/tools",
                format!("{} uses the package {package}: add it to the dependencies of the project", self.tool),
            );
        }
    }
}

/// The text at a place, from the beginning of its line if nothing stands before it there.
fn whole_lines(code: &Code, at: Place) -> String {
    let text = code.modules.get(at.file).map_or("", |module| module.text.as_str());
    let line = text.get(..at.start).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
    let margin = text.get(line..at.start).unwrap_or_default();
    let start = if margin.trim().is_empty() { line } else { at.start };
    text.get(start..at.end).unwrap_or_default().to_owned()
}

/// Lines without the margin of the first that has something on it.
fn unindented(text: &str) -> String {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let margin = &first[..first.len() - first.trim_start().len()];
    let lines: Vec<&str> = text
        .lines()
        .map(|line| match line.strip_prefix(margin) {
            Some(rest) => rest,
            // Part of a long text, or nothing at all.
            None => line.trim_start(),
        })
        .collect();
    lines.join("\n").trim_end().to_owned()
}

fn indented(text: &str) -> String {
    let lines: Vec<String> =
        text.lines().map(|line| if line.trim().is_empty() { String::new() } else { format!("    {line}") }).collect();
    lines.join("\n")
}

/// Python's own modules that tools use (3.14, "The Python Standard Library").
const STANDARD: &[&str] = &[
    "abc",
    "argparse",
    "array",
    "ast",
    "asyncio",
    "base64",
    "bisect",
    "builtins",
    "bz2",
    "calendar",
    "cmath",
    "codecs",
    "collections",
    "colorsys",
    "concurrent",
    "configparser",
    "contextlib",
    "contextvars",
    "copy",
    "csv",
    "ctypes",
    "dataclasses",
    "datetime",
    "decimal",
    "difflib",
    "dis",
    "email",
    "enum",
    "errno",
    "fcntl",
    "filecmp",
    "fnmatch",
    "fractions",
    "functools",
    "gc",
    "getpass",
    "gettext",
    "glob",
    "graphlib",
    "gzip",
    "hashlib",
    "heapq",
    "hmac",
    "html",
    "http",
    "imaplib",
    "importlib",
    "inspect",
    "io",
    "ipaddress",
    "itertools",
    "json",
    "keyword",
    "locale",
    "logging",
    "lzma",
    "math",
    "mimetypes",
    "multiprocessing",
    "numbers",
    "operator",
    "os",
    "pathlib",
    "pickle",
    "platform",
    "pprint",
    "queue",
    "random",
    "re",
    "sched",
    "secrets",
    "select",
    "selectors",
    "shelve",
    "shlex",
    "shutil",
    "signal",
    "smtplib",
    "socket",
    "sqlite3",
    "ssl",
    "stat",
    "statistics",
    "string",
    "struct",
    "subprocess",
    "sys",
    "tempfile",
    "textwrap",
    "threading",
    "time",
    "traceback",
    "typing",
    "unicodedata",
    "urllib",
    "uuid",
    "tomllib",
    "types",
    "warnings",
    "wave",
    "weakref",
    "webbrowser",
    "xml",
    "zipfile",
    "zlib",
    "zoneinfo",
];
