//! Values that stand in the code as they are: texts, lists, JSON. What is only known at run time is said to be so.

use serde_json::{Map, Value};

use super::symbols::Symbol;
use super::{Act, Code, Expr, Form, Function, Piece, Place, Statement};

/// How many names are followed to reach a value.
const FARTHEST: usize = 20;

/// A text, with what could not be known of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::exchange) struct Words {
    /// The text; a value that is only known at run time stands as `{its code}`.
    pub(in crate::exchange) text: String,
    /// Those values.
    pub(in crate::exchange) open: Vec<Place>,
    /// Whether a text that a framework brings along was left out.
    pub(in crate::exchange) is_without_prefix: bool,
}

impl Code {
    /// What a name stands for, as far as it can be followed; anything else is what it is.
    pub(in crate::exchange) fn value(&self, expr: &Expr) -> Expr {
        let mut value = expr.clone();
        for _ in 0..FARTHEST {
            match self.one_step(&value) {
                Some(next) => value = next,
                None => break,
            }
        }
        value
    }

    fn one_step(&self, expr: &Expr) -> Option<Expr> {
        match &expr.form {
            Form::Name(name) => match self.look_up(name, expr.at)? {
                // A value that names itself, `agent = agent or …`, leads nowhere.
                Symbol::Value(value, _) if value.at != expr.at => Some(value),
                _ => None,
            },
            Form::Member(base, name) => self.of_module_or_map(base, name),
            Form::Index(base, key) => {
                let key = self.words(key).filter(|words| words.open.is_empty())?;
                entry(&self.value(base), &key.text)
            }
            _ => None,
        }
    }

    fn of_module_or_map(&self, base: &Expr, name: &str) -> Option<Expr> {
        if let Form::Name(module) = &base.form
            && let Some(Symbol::Elsewhere(import)) = self.look_up(module, base.at)
        {
            return match self.member(&import, base.at.file, name)? {
                Symbol::Value(value, _) => Some(value),
                _ => None,
            };
        }
        entry(&self.value(base), name)
    }

    /// The function that an expression is or names.
    pub(in crate::exchange) fn function(&self, expr: &Expr) -> Option<Function> {
        match &self.value(expr).form {
            Form::Function(function) => Some((**function).clone()),
            Form::Name(name) => match self.look_up(name, expr.at)? {
                Symbol::Function(function) => Some(*function),
                _ => None,
            },
            Form::Member(base, name) => {
                let Form::Name(module) = &base.form else { return None };
                let Some(Symbol::Elsewhere(import)) = self.look_up(module, base.at) else { return None };
                match self.member(&import, base.at.file, name)? {
                    Symbol::Function(function) => Some(*function),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// Where a name comes from, if that is no file of the project.
    pub(in crate::exchange) fn module_of(&self, expr: &Expr) -> Option<String> {
        let name = match &expr.form {
            Form::Name(name) => name,
            Form::Member(base, _) | Form::Index(base, _) => return self.module_of(base),
            _ => return None,
        };
        match self.look_up(name, expr.at)? {
            Symbol::Elsewhere(import) => Some(import.module),
            _ => None,
        }
    }

    /// The entries of a list, across names, sums and spreads; what is no list is one entry.
    pub(in crate::exchange) fn items(&self, expr: &Expr) -> Vec<Expr> {
        let mut found = Vec::new();
        self.add_items(expr, 0, &mut found);
        found
    }

    fn add_items(&self, expr: &Expr, depth: usize, found: &mut Vec<Expr>) {
        if depth > FARTHEST || found.len() > 1000 {
            return;
        }
        let value = self.value(expr);
        match &value.form {
            Form::List(items) => {
                for item in items {
                    // A name that stands for a list is one that was spread in, or a list in a list.
                    match &self.value(item).form {
                        Form::List(_) => self.add_items(item, depth + 1, found),
                        _ => found.push(item.clone()),
                    }
                }
            }
            Form::Operation(operator, sides) if operator == "+" => {
                sides.iter().for_each(|side| self.add_items(side, depth + 1, found));
            }
            Form::Nothing => {}
            _ => found.push(expr.clone()),
        }
    }

    /// The text that an expression is; none if it is something else.
    pub(in crate::exchange) fn words(&self, expr: &Expr) -> Option<Words> {
        let mut words = Words::default();
        self.add_words(expr, 0, &mut words).then_some(words)
    }

    fn add_words(&self, expr: &Expr, depth: usize, words: &mut Words) -> bool {
        if depth > FARTHEST || words.text.len() > 400_000 {
            return false;
        }
        let value = self.value(expr);
        match &value.form {
            Form::Text(pieces) => {
                for piece in pieces {
                    match piece {
                        Piece::Plain(text) => words.text.push_str(text),
                        Piece::Value(inner) => {
                            if !self.add_words(inner, depth + 1, words) {
                                match &self.value(inner).form {
                                    Form::Number(number) => words.text.push_str(&number.to_string()),
                                    _ => {
                                        words.text.push_str(&format!("{{{}}}", self.excerpt(inner.at)));
                                        words.open.push(inner.at);
                                    }
                                }
                            }
                        }
                    }
                }
                true
            }
            Form::Operation(operator, sides) if operator == "+" => {
                let mut all = Words::default();
                let mut is_text = false;
                for side in sides {
                    if self.add_words(side, depth + 1, &mut all) {
                        is_text = true;
                    } else {
                        all.text.push_str(&format!("{{{}}}", self.excerpt(side.at)));
                        all.open.push(side.at);
                    }
                }
                if is_text {
                    words.text.push_str(&all.text);
                    words.open.extend(all.open);
                    words.is_without_prefix |= all.is_without_prefix;
                }
                is_text
            }
            Form::Name(name) | Form::Member(_, name) if name == "RECOMMENDED_PROMPT_PREFIX" => {
                words.is_without_prefix = true;
                true
            }
            Form::Call(call) => {
                let mut inner = Words::default();
                let of_first = |words: &mut Words| {
                    call.positional().next().is_some_and(|first| self.add_words(first, depth + 1, words))
                };
                let text = match (&call.callee.form, call.callee.last_name().unwrap_or_default()) {
                    (_, "dedent" | "cleandoc" | "outdent" | "stripIndent") if of_first(&mut inner) => {
                        super::python::clean(&format!("\n{}", inner.text))
                    }
                    (_, "prompt_with_handoff_instructions" | "promptWithHandoffInstructions")
                        if of_first(&mut inner) =>
                    {
                        inner.is_without_prefix = true;
                        inner.text.clone()
                    }
                    (Form::Member(base, _), "strip" | "trim" | "lstrip" | "rstrip" | "trimStart" | "trimEnd")
                        if self.add_words(base, depth + 1, &mut inner) =>
                    {
                        inner.text.trim().to_owned()
                    }
                    // Places in braces stay: they are filled at run time.
                    (Form::Member(base, _), "format") if self.add_words(base, depth + 1, &mut inner) => {
                        inner.open.push(value.at);
                        inner.text.clone()
                    }
                    (Form::Member(base, _), "join") => {
                        // Python joins with a text, JavaScript joins a list.
                        let first = call.positional().next();
                        let (glue, list) = match (&self.value(base).form, first) {
                            (Form::List(_), glue) => (glue, Some(&**base)),
                            (_, list) => (Some(&**base), list),
                        };
                        let glue = match glue {
                            Some(glue) => self.words(glue).map(|words| words.text),
                            None => Some(",".to_owned()),
                        };
                        let (Some(glue), Some(list)) = (glue, list) else { return false };
                        let mut joined: Vec<String> = Vec::new();
                        for item in self.items(list) {
                            let mut one = Words::default();
                            if !self.add_words(&item, depth + 1, &mut one) {
                                return false;
                            }
                            inner.open.extend(one.open);
                            joined.push(one.text);
                        }
                        joined.join(&glue)
                    }
                    _ => return false,
                };
                words.text.push_str(&text);
                words.open.extend(inner.open);
                words.is_without_prefix |= inner.is_without_prefix;
                true
            }
            _ => false,
        }
    }

    /// A value as JSON; none if a part of it is not known.
    pub(in crate::exchange) fn json(&self, expr: &Expr) -> Option<Value> {
        self.json_at(expr, 0)
    }

    fn json_at(&self, expr: &Expr, depth: usize) -> Option<Value> {
        if depth > FARTHEST {
            return None;
        }
        let value = self.value(expr);
        Some(match &value.form {
            Form::Number(number) => Value::Number(number.clone()),
            Form::Flag(flag) => Value::Bool(*flag),
            Form::Nothing => Value::Null,
            Form::List(items) => items.iter().map(|item| self.json_at(item, depth + 1)).collect::<Option<_>>()?,
            Form::Map(entries) => {
                let mut map = Map::new();
                for (key, value) in entries {
                    let key = self.words(key)?.text;
                    map.insert(key, self.json_at(value.as_ref()?, depth + 1)?);
                }
                Value::Object(map)
            }
            Form::Operation(operator, sides) if operator == "-" && sides.len() == 1 => {
                let number = self.json_at(&sides[0], depth + 1)?.as_f64()?;
                if number.fract() == 0.0 && number.abs() < 1e15 {
                    // The cast is exact: the number is whole and small.
                    Value::from(-(number as i64))
                } else {
                    Value::from(-number)
                }
            }
            _ => Value::String(self.words(&value).filter(|words| words.open.is_empty())?.text),
        })
    }

    /// Every call in these statements, within functions too.
    pub(in crate::exchange) fn calls<'c>(statements: &'c [Statement], found: &mut Vec<&'c Expr>) {
        for statement in statements {
            match &statement.act {
                Act::Set { target, value } => {
                    in_value(target, found);
                    in_value(value, found);
                }
                Act::Define(function) => {
                    function.decorators.iter().for_each(|decorator| in_value(decorator, found));
                    Self::calls(&function.body, found);
                }
                Act::If(branches) => {
                    for (condition, body) in branches {
                        if let Some(condition) = condition {
                            in_value(condition, found);
                        }
                        Self::calls(body, found);
                    }
                }
                Act::Loop { over, body } => {
                    if let Some(over) = over {
                        in_value(over, found);
                    }
                    Self::calls(body, found);
                }
                Act::Block(body) => Self::calls(body, found),
                Act::Value(value) | Act::Return(Some(value)) => in_value(value, found),
                Act::Class(class) => Self::calls(&class.body, found),
                Act::Import(_) | Act::Return(None) | Act::Break | Act::Other => {}
            }
        }
    }
}

/// The calls in an expression, those in functions within it included.
fn in_value<'c>(value: &'c Expr, found: &mut Vec<&'c Expr>) {
    match &value.form {
        Form::Call(call) => {
            found.push(value);
            in_value(&call.callee, found);
            call.arguments.iter().for_each(|(_, argument)| in_value(argument, found));
        }
        Form::Text(pieces) => {
            for piece in pieces {
                if let Piece::Value(value) = piece {
                    in_value(value, found);
                }
            }
        }
        Form::List(items) | Form::Operation(_, items) => items.iter().for_each(|item| in_value(item, found)),
        Form::Map(entries) => {
            for (key, value) in entries {
                in_value(key, found);
                if let Some(value) = value {
                    in_value(value, found);
                }
            }
        }
        Form::Member(base, _) => in_value(base, found),
        Form::Index(base, key) => {
            in_value(base, found);
            in_value(key, found);
        }
        Form::Function(function) => Code::calls(&function.body, found),
        Form::Number(_) | Form::Flag(_) | Form::Nothing | Form::Name(_) | Form::Other => {}
    }
}

/// The value of a key in a map.
pub(in crate::exchange) fn entry(map: &Expr, key: &str) -> Option<Expr> {
    let Form::Map(entries) = &map.form else { return None };
    entries.iter().find(|(name, _)| name.as_plain().as_deref() == Some(key)).and_then(|(_, value)| value.clone())
}
