//! Names that become names in generated code.

use serde_json::Value;

/// Whether `name` can be a name in Python and is not one of its keywords. Only ASCII is accepted:
/// Python folds other letters (PEP 3131), so two names could become one.
pub fn is_python_identifier(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !KEYWORDS.contains(&name)
}

/// Whether a tool of this name would hide something that the generated module needs.
pub fn is_taken_by_generated_code(name: &str) -> bool {
    name.starts_with('_') || BUILTIN_FUNCTIONS.contains(&name) || GENERATED_NAMES.contains(&name)
}

/// The arguments of a tool in the order in which code declares them: required ones in the order
/// of `required`, then the others by name.
pub fn argument_names(parameters: &Value) -> Vec<(&str, bool)> {
    let Some(properties) = parameters.get("properties").and_then(Value::as_object) else { return Vec::new() };
    let mut names: Vec<(&str, bool)> = Vec::new();
    for name in parameters.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        if properties.contains_key(name) && !names.iter().any(|(known, _)| *known == name) {
            names.push((name, true));
        }
    }
    let mut optional: Vec<&str> =
        properties.keys().map(String::as_str).filter(|name| !names.iter().any(|(known, _)| known == name)).collect();
    optional.sort_unstable();
    names.extend(optional.into_iter().map(|name| (name, false)));
    names
}

/// Whether a character is a control, invisible, or able to reorder the text around it (Unicode
/// Technical Standard 55): such a one is written as an escape wherever text is generated.
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF0}'..='\u{FFFB}' | '\u{FFFE}' | '\u{FFFF}'
            | '\u{E0000}'..='\u{E0FFF}')
}

/// Python 3.14, `keyword.kwlist` and `keyword.softkwlist`.
const KEYWORDS: [&str; 39] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
    "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
    "not", "or", "pass", "raise", "return", "try", "while", "with", "yield", "_", "case", "match", "type",
];

/// Python's own functions in lower case: a tool of that name would hide one.
const BUILTIN_FUNCTIONS: [&str; 73] = [
    "abs",
    "aiter",
    "all",
    "anext",
    "any",
    "ascii",
    "bin",
    "bool",
    "breakpoint",
    "bytearray",
    "bytes",
    "callable",
    "chr",
    "classmethod",
    "compile",
    "complex",
    "copyright",
    "credits",
    "delattr",
    "dict",
    "dir",
    "divmod",
    "enumerate",
    "eval",
    "exec",
    "exit",
    "filter",
    "float",
    "format",
    "frozenset",
    "getattr",
    "globals",
    "hasattr",
    "hash",
    "help",
    "hex",
    "id",
    "input",
    "int",
    "isinstance",
    "issubclass",
    "iter",
    "len",
    "license",
    "list",
    "locals",
    "map",
    "max",
    "memoryview",
    "min",
    "next",
    "object",
    "oct",
    "open",
    "ord",
    "pow",
    "print",
    "property",
    "quit",
    "range",
    "repr",
    "reversed",
    "round",
    "set",
    "setattr",
    "slice",
    "sorted",
    "staticmethod",
    "str",
    "sum",
    "super",
    "tuple",
    "vars",
];

/// What the generated `tools.py` imports or defines for itself.
const GENERATED_NAMES: [&str; 33] = [
    "BaseTool",
    "Callable",
    "Collection",
    "Exception",
    "FunctionDeclaration",
    "FunctionTool",
    "RuntimeError",
    "SchemaValidator",
    "StructuredTool",
    "TOOLS",
    "Tool",
    "ToolContext",
    "ValueError",
    "annotations",
    "as_function_tool",
    "as_tool",
    "ast",
    "asyncio",
    "call_mcp",
    "call_mcp_at",
    "call_tool",
    "core_schema",
    "dataclass",
    "datetime",
    "evaluate",
    "explain",
    "http_request",
    "json",
    "re",
    "timedelta",
    "timezone",
    "tools",
    "typing",
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn identifiers() {
        for good in ["a", "get_weather", "X9", "_a"] {
            assert!(is_python_identifier(good), "{good}");
        }
        for bad in ["", "9a", "a-b", "a b", "class", "None", "match", "é", "a.b", &"a".repeat(65)] {
            assert!(!is_python_identifier(bad), "{bad}");
        }
        for taken in ["print", "json", "_private", "id"] {
            assert!(is_taken_by_generated_code(taken), "{taken}");
        }
    }

    #[test]
    fn arguments_come_required_first() {
        let parameters = json!({"properties": {"a": {}, "c": {}, "b": {}}, "required": ["c", "gone"]});
        assert_eq!(argument_names(&parameters), [("c", true), ("a", false), ("b", false)]);
        assert!(argument_names(&json!(true)).is_empty());
    }
}
