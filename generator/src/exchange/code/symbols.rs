//! Names: where they are defined, in the same file or in the one that they come from.

use std::collections::BTreeMap;

use super::{Act, Class, Code, Expr, Form, Function, Import, Place, Statement, Tongue};

/// A file or a function, with the names that are defined in it.
pub(super) struct Scope {
    at: Place,
    names: BTreeMap<String, Symbol>,
}

/// What a name stands for.
#[derive(Clone, Debug)]
pub(in crate::exchange) enum Symbol {
    /// A value, with the whole statement's place.
    Value(Expr, Place),
    Function(Box<Function>),
    Class(Class),
    /// Something of a package that is not part of the project.
    Elsewhere(Import),
}

impl Symbol {
    /// Where the definition stands; none if that is not here.
    pub(in crate::exchange) fn at(&self) -> Option<Place> {
        match self {
            Self::Value(_, at) => Some(*at),
            Self::Function(function) => Some(function.at),
            Self::Class(class) => Some(class.at),
            Self::Elsewhere(_) => None,
        }
    }
}

impl Code {
    pub(super) fn find_scopes(&mut self) {
        let mut scopes = Vec::new();
        for (file, module) in self.modules.iter().enumerate() {
            let at = Place { file, line: 1, start: 0, end: module.text.len() };
            collect(&module.statements, at, &mut scopes);
        }
        self.scopes = scopes;
    }

    /// What a name stands for where it is used.
    pub(in crate::exchange) fn look_up(&self, name: &str, at: Place) -> Option<Symbol> {
        let holds = |scope: &&Scope| scope.at.file == at.file && scope.at.start <= at.start && at.end <= scope.at.end;
        let scope = self
            .scopes
            .iter()
            .filter(holds)
            .filter(|scope| scope.names.contains_key(name))
            .min_by_key(|scope| scope.at.end - scope.at.start)?;
        self.follow(scope.names.get(name)?.clone(), at.file, 0)
    }

    /// Whether a name is defined outside of every function of its file.
    pub(in crate::exchange) fn is_of_module(&self, name: &str, file: usize) -> bool {
        self.scopes.iter().any(|scope| scope.at.file == file && scope.at.start == 0 && scope.names.contains_key(name))
    }

    /// A name of a file's own.
    fn of_module(&self, file: usize, name: &str, depth: usize) -> Option<Symbol> {
        let scope = self.scopes.iter().find(|scope| scope.at.file == file)?;
        self.follow(scope.names.get(name)?.clone(), file, depth)
    }

    /// An imported name as what it is in the file that it comes from, if that is part of the project.
    fn follow(&self, symbol: Symbol, file: usize, depth: usize) -> Option<Symbol> {
        let Symbol::Elsewhere(import) = &symbol else { return Some(symbol) };
        let Some(name) = import.name.as_deref().filter(|_| depth < 10) else { return Some(symbol) };
        let Some(target) = self.file_of(&import.module, file) else { return Some(symbol) };
        self.of_module(target, name, depth + 1).or(Some(symbol))
    }

    /// Whether an import is of a file of the project.
    pub(in crate::exchange) fn is_here(&self, import: &Import, file: usize) -> bool {
        self.file_of(&import.module, file).is_some()
    }

    /// A name of a module that was imported as a whole: `prompts.TRIAGE`.
    pub(in crate::exchange) fn member(&self, import: &Import, file: usize, name: &str) -> Option<Symbol> {
        let module = match &import.name {
            Some(inner) => format!("{}.{inner}", import.module),
            None => import.module.clone(),
        };
        self.of_module(self.file_of(&module, file)?, name, 0)
    }

    fn file_of(&self, module: &str, from: usize) -> Option<usize> {
        let here = self.modules.get(from)?;
        let folder = here.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        match here.tongue {
            Tongue::Python => {
                let dots = module.len() - module.trim_start_matches('.').len();
                let path = module.trim_start_matches('.').replace('.', "/");
                let candidates = |base: &str| {
                    let joined = if base.is_empty() { path.clone() } else { format!("{base}/{path}") };
                    [format!("{joined}.py"), format!("{joined}/__init__.py")]
                };
                if dots > 0 {
                    let mut base = folder;
                    for _ in 1..dots {
                        base = base.rsplit_once('/').map_or("", |(above, _)| above);
                    }
                    return candidates(base).iter().find_map(|path| self.file_named(path, from));
                }
                // A script's own folder comes first, then any folder that could be on the path.
                candidates(folder).iter().find_map(|path| self.file_named(path, from)).or_else(|| {
                    let ends = candidates("");
                    self.modules
                        .iter()
                        .position(|module| {
                            ends.iter().any(|end| module.path == *end || module.path.ends_with(&format!("/{end}")))
                        })
                        .filter(|found| *found != from)
                })
            }
            Tongue::Typescript => {
                if !module.starts_with('.') {
                    return None;
                }
                let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
                for part in module.split('/') {
                    match part {
                        "." | "" => {}
                        ".." => drop(parts.pop()),
                        part => parts.push(part),
                    }
                }
                let path = parts.join("/");
                let stem = [".js", ".ts", ".mjs", ".jsx", ".tsx"]
                    .iter()
                    .find_map(|ending| path.strip_suffix(ending))
                    .unwrap_or(&path);
                ["ts", "tsx", "mts", "js", "mjs", "jsx"].iter().find_map(|ending| {
                    self.file_named(&format!("{stem}.{ending}"), from)
                        .or_else(|| self.file_named(&format!("{path}/index.{ending}"), from))
                })
            }
        }
    }

    fn file_named(&self, path: &str, from: usize) -> Option<usize> {
        self.modules.iter().position(|module| module.path == path).filter(|found| *found != from)
    }
}

/// Adds a scope with the names of these statements, then those of the functions within.
fn collect(statements: &[Statement], at: Place, scopes: &mut Vec<Scope>) {
    let index = scopes.len();
    scopes.push(Scope { at, names: BTreeMap::new() });
    let mut names = BTreeMap::new();
    fill(statements, &mut names, scopes);
    scopes[index].names = names;
}

fn fill(statements: &[Statement], names: &mut BTreeMap<String, Symbol>, scopes: &mut Vec<Scope>) {
    for statement in statements {
        match &statement.act {
            Act::Set { target, value } => {
                functions_within(value, scopes);
                if let Form::Name(name) = &target.form {
                    // What is set first is what it starts as; later values are the run's.
                    let symbol = match &value.form {
                        Form::Function(function) => {
                            let mut function = function.clone();
                            function.at = statement.at;
                            function.name.clone_from(name);
                            Symbol::Function(function)
                        }
                        _ => Symbol::Value(value.clone(), statement.at),
                    };
                    names.entry(name.clone()).or_insert(symbol);
                }
            }
            Act::Define(function) => {
                collect(&function.body, function.at, scopes);
                names.insert(function.name.clone(), Symbol::Function(function.clone()));
            }
            Act::Class(class) => {
                // A method does not see the names of its class.
                fill(&class.body, &mut BTreeMap::new(), scopes);
                names.insert(class.name.clone(), Symbol::Class(class.clone()));
            }
            Act::Import(imports) => {
                for import in imports {
                    names.entry(import.alias.clone()).or_insert_with(|| Symbol::Elsewhere(import.clone()));
                }
            }
            Act::If(branches) => branches.iter().for_each(|(_, body)| fill(body, names, scopes)),
            Act::Loop { body, .. } | Act::Block(body) => fill(body, names, scopes),
            Act::Value(value) | Act::Return(Some(value)) => functions_within(value, scopes),
            Act::Return(None) | Act::Break | Act::Other => {}
        }
    }
}

/// Functions that are arguments have names of their own too: `withTrace("…", async () => { … })`.
fn functions_within(value: &Expr, scopes: &mut Vec<Scope>) {
    let mut found = Vec::new();
    value.each(&mut |inner| {
        if let Form::Function(function) = &inner.form {
            found.push(function.clone());
        }
    });
    for function in found {
        collect(&function.body, function.at, scopes);
    }
}
