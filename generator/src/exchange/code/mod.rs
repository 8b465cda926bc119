//! Source code as data: Python and TypeScript files read into one small tree, and names looked up in it.
//!
//! Nothing is run. A file is parsed by tree-sitter, which takes any bytes and never fails; what the tree
//! here has no form for stays as a place in the text. Both languages become the same forms, so that what
//! reads a framework's code is written once. Limits keep hostile files from costing more than they may.

mod conditions;
mod python;
mod symbols;
mod typescript;
mod values;

use std::ops::ControlFlow;

use tree_sitter::{Language, Node, ParseOptions, Parser, Tree};

pub(super) use conditions::conditions;
pub(super) use symbols::Symbol;
pub(super) use values::entry;

/// A file with its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path within the project, with `/` between the parts.
    pub path: String,
    /// What stands in it.
    pub text: String,
}

/// How large a file may be that is parsed, in bytes.
pub(super) const LARGEST_FILE: usize = 512 * 1024;
/// How many files are parsed.
pub(super) const MOST_FILES: usize = 400;
/// How deep expressions and blocks are followed.
const DEEPEST: usize = 120;
/// How often the parser may ask whether to go on; it asks every hundred or so steps.
const PATIENCE: usize = 100_000;

/// The languages that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tongue {
    Python,
    Typescript,
}

/// Where something stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// The index of the file.
    pub(super) file: usize,
    /// The line, from 1.
    pub(super) line: usize,
    /// The first byte.
    pub(super) start: usize,
    /// The byte after the last.
    pub(super) end: usize,
}

/// An expression.
#[derive(Clone, Debug)]
pub(super) struct Expr {
    pub(super) at: Place,
    pub(super) form: Form,
}

/// A part of a text.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    Plain(String),
    Value(Expr),
}

/// What an expression is.
#[derive(Clone, Debug)]
pub(super) enum Form {
    Text(Vec<Piece>),
    Number(serde_json::Number),
    Flag(bool),
    /// `None`, `null` and `undefined`.
    Nothing,
    List(Vec<Expr>),
    /// Entries in order; a key without a value is one that is spread in.
    Map(Vec<(Expr, Option<Expr>)>),
    Name(String),
    Member(Box<Expr>, String),
    Index(Box<Expr>, Box<Expr>),
    Call(Box<Call>),
    /// An operator with what it stands between, or before.
    Operation(String, Vec<Expr>),
    Function(Box<Function>),
    /// Something else; its text is at its place.
    Other,
}

/// A call or a construction.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) callee: Expr,
    /// Arguments, with the names that they were given.
    pub(super) arguments: Vec<(Option<String>, Expr)>,
}

/// A function of any kind.
#[derive(Clone, Debug)]
pub(super) struct Function {
    /// Empty when it has none.
    pub(super) name: String,
    pub(super) at: Place,
    pub(super) is_async: bool,
    pub(super) parameters: Vec<Parameter>,
    pub(super) returns: Option<Expr>,
    /// The text that a Python function begins with.
    pub(super) docstring: Option<String>,
    pub(super) body: Vec<Statement>,
    /// Where the body stands, without the docstring.
    pub(super) body_at: Place,
    /// Whether the body is one expression.
    pub(super) is_expression: bool,
    pub(super) decorators: Vec<Expr>,
}

/// A parameter of a function, or a field of a class.
#[derive(Clone, Debug)]
pub(super) struct Parameter {
    /// Its name; of a pattern, the pattern's text.
    pub(super) name: String,
    pub(super) kind: Option<Expr>,
    pub(super) default: Option<Expr>,
}

/// A class and its fields.
#[derive(Clone, Debug)]
pub(super) struct Class {
    pub(super) name: String,
    pub(super) at: Place,
    pub(super) bases: Vec<Expr>,
    pub(super) fields: Vec<Parameter>,
    pub(super) docstring: Option<String>,
    /// Everything in it, its methods among it.
    pub(super) body: Vec<Statement>,
}

/// A statement.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    pub(super) at: Place,
    pub(super) act: Act,
}

/// What a statement does.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Set {
        target: Expr,
        value: Expr,
    },
    Define(Box<Function>),
    Class(Class),
    Import(Vec<Import>),
    /// Branches with their conditions, tried in order; the last may have none.
    If(Vec<(Option<Expr>, Vec<Statement>)>),
    /// What is repeated, with what it is repeated over or while.
    Loop {
        over: Option<Expr>,
        body: Vec<Statement>,
    },
    Block(Vec<Statement>),
    Value(Expr),
    Return(Option<Expr>),
    Break,
    Other,
}

/// A name that comes from elsewhere.
#[derive(Clone, Debug)]
pub(super) struct Import {
    pub(super) module: String,
    /// The name there; none is the whole module.
    pub(super) name: Option<String>,
    pub(super) alias: String,
    /// The statement as Python or TypeScript would say it for this name alone.
    pub(super) alone: String,
}

/// A file that was read.
pub(super) struct Module {
    pub(super) path: String,
    pub(super) text: String,
    pub(super) tongue: Tongue,
    pub(super) statements: Vec<Statement>,
    /// The first line that the parser could not make sense of.
    pub(super) broken_at: Option<usize>,
}

/// All the files that were read, with their names.
pub(super) struct Code {
    pub(super) modules: Vec<Module>,
    scopes: Vec<symbols::Scope>,
}

/// A file that was not read, and why.
pub(super) struct Unread {
    pub(super) path: String,
    pub(super) why: String,
}

/// A file that is too large to be parsed, or takes too long.
pub(crate) struct TooLong;

/// The first line of a file that is not the language that its name says; none of a file of no such language.
pub(crate) fn fault(path: &str, text: &str) -> Option<Result<Option<usize>, TooLong>> {
    let tongue = tongue_of(path)?;
    let tree = (text.len() <= LARGEST_FILE).then(|| parse(text, tongue, path.ends_with('x'))).flatten();
    Some(tree.map(|tree| first_error(&tree)).ok_or(TooLong))
}

/// The language of a file, by its name.
pub(super) fn tongue_of(path: &str) -> Option<Tongue> {
    let ending = path.rsplit_once('.').map(|(_, ending)| ending)?;
    match ending {
        "py" => Some(Tongue::Python),
        "ts" | "tsx" | "mts" | "cts" | "js" | "mjs" | "cjs" | "jsx" if !path.ends_with(".d.ts") => {
            Some(Tongue::Typescript)
        }
        _ => None,
    }
}

/// Whether a file is somebody else's, or only there to test or build the project.
pub(super) fn is_aside(path: &str) -> bool {
    const FOLDERS: [&str; 12] = [
        "node_modules",
        ".venv",
        "venv",
        "site-packages",
        "dist",
        "build",
        "tests",
        "test",
        "__tests__",
        ".git",
        "__pycache__",
        "evals",
    ];
    let name = path.rsplit('/').next().unwrap_or(path);
    path.split('/').any(|part| FOLDERS.contains(&part))
        || name.starts_with("test_")
        || name.ends_with("_test.py")
        || name.contains(".test.")
        || name.contains(".spec.")
        || name == "conftest.py"
}

impl Code {
    /// Reads the files of one language.
    pub(super) fn read(files: &[SourceFile], tongue: Tongue) -> (Self, Vec<Unread>) {
        let (mut modules, mut unread) = (Vec::new(), Vec::new());
        for file in files.iter().filter(|file| tongue_of(&file.path) == Some(tongue) && !is_aside(&file.path)) {
            let mut refuse = |why: String| unread.push(Unread { path: file.path.clone(), why });
            if modules.len() == MOST_FILES {
                refuse(format!("only {MOST_FILES} files of code are read"));
            } else if file.text.len() > LARGEST_FILE {
                refuse(format!("it is larger than {} KiB", LARGEST_FILE / 1024));
            } else {
                let index = modules.len();
                match parse(&file.text, tongue, file.path.ends_with('x')) {
                    Some(tree) => {
                        let reader = Lowering { text: &file.text, file: index };
                        let statements = match tongue {
                            Tongue::Python => python::statements(&reader, tree.root_node(), 0),
                            Tongue::Typescript => typescript::statements(&reader, tree.root_node(), 0),
                        };
                        modules.push(Module {
                            path: file.path.clone(),
                            text: file.text.clone(),
                            tongue,
                            statements,
                            broken_at: first_error(&tree),
                        });
                    }
                    None => refuse("it takes too long to parse".to_owned()),
                }
            }
        }
        let mut code = Self { modules, scopes: Vec::new() };
        code.find_scopes();
        (code, unread)
    }

    /// The text at a place.
    pub(super) fn text(&self, at: Place) -> &str {
        self.modules.get(at.file).and_then(|module| module.text.get(at.start..at.end)).unwrap_or_default()
    }

    /// The place as a person reads it, `src/agents.py:12`.
    pub(super) fn line(&self, at: Place) -> String {
        format!("{}:{}", self.modules.get(at.file).map_or("", |module| &module.path), at.line)
    }

    /// A short piece of the text at a place, on one line.
    pub(super) fn excerpt(&self, at: Place) -> String {
        let text = self.text(at).split_whitespace().collect::<Vec<_>>().join(" ");
        match text.char_indices().nth(80) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    }
}

/// The line, from 1, of the first thing in a file that is not its language. None when everything is, when the
/// file is of a language that is not read here, and when it is larger than what is parsed.
pub fn syntax_error(file: &SourceFile) -> Option<usize> {
    let tongue = tongue_of(&file.path).filter(|_| file.text.len() <= LARGEST_FILE)?;
    first_error(&parse(&file.text, tongue, file.path.ends_with('x'))?)
}

/// Parses a text; none if that takes more than it may.
fn parse(text: &str, tongue: Tongue, has_markup: bool) -> Option<Tree> {
    let language: Language = match (tongue, has_markup) {
        (Tongue::Python, _) => tree_sitter_python::LANGUAGE.into(),
        (Tongue::Typescript, true) => tree_sitter_typescript::LANGUAGE_TSX.into(),
        (Tongue::Typescript, false) => tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
    };
    let mut parser = Parser::new();
    parser.set_language(&language).ok()?;
    let mut asked = 0;
    let mut may_go_on = |_: &tree_sitter::ParseState| {
        asked += 1;
        if asked > PATIENCE { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = ParseOptions::new().progress_callback(&mut may_go_on);
    let bytes = text.as_bytes();
    parser.parse_with_options(&mut |at, _| bytes.get(at..).unwrap_or_default(), None, Some(options))
}

/// The line of the first thing that is not the language; from 1.
fn first_error(tree: &Tree) -> Option<usize> {
    if !tree.root_node().has_error() {
        return None;
    }
    let mut cursor = tree.walk();
    loop {
        let node = cursor.node();
        if node.is_error() || node.is_missing() {
            return Some(node.start_position().row + 1);
        }
        if node.has_error() && cursor.goto_first_child() {
            continue;
        }
        loop {
            if cursor.goto_next_sibling() {
                break;
            }
            if !cursor.goto_parent() {
                return Some(1);
            }
        }
    }
}

/// What turns the parser's tree into ours.
struct Lowering<'t> {
    text: &'t str,
    file: usize,
}

impl<'t> Lowering<'t> {
    fn place(&self, node: Node<'_>) -> Place {
        Place { file: self.file, line: node.start_position().row + 1, start: node.start_byte(), end: node.end_byte() }
    }

    fn text(&self, node: Node<'_>) -> &'t str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    fn field_text(&self, node: Node<'_>, field: &str) -> String {
        node.child_by_field_name(field).map(|node| self.text(node)).unwrap_or_default().to_owned()
    }

    fn other(&self, node: Node<'_>) -> Expr {
        Expr { at: self.place(node), form: Form::Other }
    }
}

/// The named parts of a node, without comments.
fn parts<'t>(node: Node<'t>) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).filter(|part| part.kind() != "comment").collect()
}

/// The parts of a node under one field.
fn fields<'t>(node: Node<'t>, field: &str) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.children_by_field_name(field, &mut cursor).filter(|part| part.is_named()).collect()
}

/// A number as both languages write it; none if JSON cannot say it.
fn number(text: &str) -> Option<serde_json::Number> {
    let text = text.replace('_', "");
    if let Ok(whole) = text.parse::<i64>() {
        return Some(whole.into());
    }
    text.parse::<f64>().ok().and_then(serde_json::Number::from_f64)
}

impl Expr {
    /// The name that is called or meant at the end of a path: `agents.Agent` is `Agent`.
    pub(super) fn last_name(&self) -> Option<&str> {
        match &self.form {
            Form::Name(name) | Form::Member(_, name) => Some(name),
            Form::Index(base, _) => base.last_name(),
            _ => None,
        }
    }

    /// The call that this is, if it is one.
    pub(super) fn as_call(&self) -> Option<&Call> {
        match &self.form {
            Form::Call(call) => Some(call),
            _ => None,
        }
    }

    /// The text, if it is one without values in it.
    pub(super) fn as_plain(&self) -> Option<String> {
        match &self.form {
            Form::Text(pieces) => pieces
                .iter()
                .map(|piece| match piece {
                    Piece::Plain(text) => Some(text.as_str()),
                    Piece::Value(_) => None,
                })
                .collect(),
            _ => None,
        }
    }

    /// Does `visit` with this and everything within it that stands in the same function.
    pub(super) fn each(&self, visit: &mut dyn FnMut(&Expr)) {
        visit(self);
        match &self.form {
            Form::Text(pieces) => {
                for piece in pieces {
                    if let Piece::Value(value) = piece {
                        value.each(visit);
                    }
                }
            }
            Form::List(items) | Form::Operation(_, items) => items.iter().for_each(|item| item.each(visit)),
            Form::Map(entries) => {
                for (key, value) in entries {
                    key.each(visit);
                    if let Some(value) = value {
                        value.each(visit);
                    }
                }
            }
            Form::Member(base, _) => base.each(visit),
            Form::Index(base, key) => {
                base.each(visit);
                key.each(visit);
            }
            Form::Call(call) => {
                call.callee.each(visit);
                call.arguments.iter().for_each(|(_, argument)| argument.each(visit));
            }
            Form::Number(_) | Form::Flag(_) | Form::Nothing | Form::Name(_) | Form::Function(_) | Form::Other => {}
        }
    }
}

impl Call {
    /// The argument of that name, or, where that name says nothing, at that position.
    pub(super) fn argument(&self, name: &str, position: usize) -> Option<&Expr> {
        self.named(name).or_else(|| self.positional().nth(position))
    }

    /// The argument of that name.
    pub(super) fn named(&self, name: &str) -> Option<&Expr> {
        self.arguments.iter().find(|(given, _)| given.as_deref() == Some(name)).map(|(_, value)| value)
    }

    /// The arguments without names, in order.
    pub(super) fn positional(&self) -> impl Iterator<Item = &Expr> {
        self.arguments.iter().filter(|(name, _)| name.is_none()).map(|(_, value)| value)
    }
}
