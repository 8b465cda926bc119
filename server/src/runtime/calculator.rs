//! The built-in `calculator`. What it accepts and answers is defined in `gantry_domain::spec::builtin`;
//! the generated Python answers the same.

/// Characters of an expression.
const LONGEST: usize = 1_000;
/// Levels of parentheses.
const DEEPEST: usize = 50;

const NOT_AN_EXPRESSION: &str = "Error: not an arithmetic expression";
const DIVISION_BY_ZERO: &str = "Error: division by zero";
const NOT_FINITE: &str = "Error: the result is not a finite real number";

/// The value of an expression as text.
///
/// # Errors
/// One of the three sentences of the definition.
pub(super) fn calculate(expression: &str) -> Result<String, &'static str> {
    if expression.chars().count() > LONGEST {
        return Err(NOT_AN_EXPRESSION);
    }
    let tokens = tokens(expression).ok_or(NOT_AN_EXPRESSION)?;
    let mut parser = Parser { tokens: &tokens, at: 0, depth: 0 };
    let tree = parser.sum().ok_or(NOT_AN_EXPRESSION)?;
    if parser.at != tokens.len() {
        return Err(NOT_AN_EXPRESSION);
    }
    let value = value(&tree)?;
    if value.is_finite() { Ok(written(value)) } else { Err(NOT_FINITE) }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Token {
    Number(f64),
    Operator(Operator),
    Open,
    Close,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Remainder,
    Power,
}

enum Tree {
    Number(f64),
    Negative(Box<Tree>),
    Both(Operator, Box<Tree>, Box<Tree>),
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let bytes = text.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let doubled = bytes.get(at + 1) == Some(byte);
        let (token, length) = match byte {
            b' ' | b'\t' => {
                at += 1;
                continue;
            }
            b'(' => (Token::Open, 1),
            b')' => (Token::Close, 1),
            b'+' => (Token::Operator(Operator::Add), 1),
            b'-' => (Token::Operator(Operator::Subtract), 1),
            b'*' if doubled => (Token::Operator(Operator::Power), 2),
            b'*' => (Token::Operator(Operator::Multiply), 1),
            b'/' if doubled => (Token::Operator(Operator::FloorDivide), 2),
            b'/' => (Token::Operator(Operator::Divide), 1),
            b'%' => (Token::Operator(Operator::Remainder), 1),
            b'^' => (Token::Operator(Operator::Power), 1),
            b'0'..=b'9' | b'.' => {
                let length = number_length(&bytes[at..])?;
                (Token::Number(text.get(at..at + length)?.parse().ok()?), length)
            }
            _ => return None,
        };
        tokens.push(token);
        at += length;
    }
    Some(tokens)
}

fn number_length(bytes: &[u8]) -> Option<usize> {
    let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let whole = digits(0);
    let mut end = whole;
    if bytes.get(end) == Some(&b'.') {
        let fraction = digits(end + 1);
        if whole == 0 && fraction == 0 {
            return None;
        }
        end += 1 + fraction;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = if end + 1 + sign <= bytes.len() { digits(end + 1 + sign) } else { 0 };
        if exponent == 0 {
            return None;
        }
        end += 1 + sign + exponent;
    }
    Some(end)
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn take(&mut self, wanted: &[Operator]) -> Option<Operator> {
        match self.tokens.get(self.at) {
            Some(Token::Operator(operator)) if wanted.contains(operator) => {
                self.at += 1;
                Some(*operator)
            }
            _ => None,
        }
    }

    fn sum(&mut self) -> Option<Tree> {
        let mut left = self.product()?;
        while let Some(operator) = self.take(&[Operator::Add, Operator::Subtract]) {
            left = Tree::Both(operator, Box::new(left), Box::new(self.product()?));
        }
        Some(left)
    }

    fn product(&mut self) -> Option<Tree> {
        let mut left = self.signed()?;
        let products = [Operator::Multiply, Operator::Divide, Operator::FloorDivide, Operator::Remainder];
        while let Some(operator) = self.take(&products) {
            left = Tree::Both(operator, Box::new(left), Box::new(self.signed()?));
        }
        Some(left)
    }

    fn signed(&mut self) -> Option<Tree> {
        match self.take(&[Operator::Add, Operator::Subtract]) {
            Some(Operator::Subtract) => Some(Tree::Negative(Box::new(self.signed()?))),
            Some(_) => self.signed(),
            None => self.power(),
        }
    }

    fn power(&mut self) -> Option<Tree> {
        let base = self.single()?;
        match self.take(&[Operator::Power]) {
            Some(operator) => Some(Tree::Both(operator, Box::new(base), Box::new(self.signed()?))),
            None => Some(base),
        }
    }

    fn single(&mut self) -> Option<Tree> {
        let token = *self.tokens.get(self.at)?;
        self.at += 1;
        match token {
            Token::Number(number) => Some(Tree::Number(number)),
            Token::Open => {
                self.depth += 1;
                if self.depth > DEEPEST {
                    return None;
                }
                let inner = self.sum()?;
                if self.tokens.get(self.at) != Some(&Token::Close) {
                    return None;
                }
                self.at += 1;
                self.depth -= 1;
                Some(inner)
            }
            _ => None,
        }
    }
}

fn value(tree: &Tree) -> Result<f64, &'static str> {
    Ok(match tree {
        Tree::Number(number) => *number,
        Tree::Negative(inner) => -value(inner)?,
        Tree::Both(operator, left, right) => {
            let (left, right) = (value(left)?, value(right)?);
            match operator {
                Operator::Add => left + right,
                Operator::Subtract => left - right,
                Operator::Multiply => left * right,
                Operator::Divide | Operator::FloorDivide | Operator::Remainder if right == 0.0 => {
                    return Err(DIVISION_BY_ZERO);
                }
                Operator::Divide => left / right,
                Operator::FloorDivide => floor_and_remainder(left, right).0,
                Operator::Remainder => floor_and_remainder(left, right).1,
                Operator::Power if left == 0.0 && right < 0.0 => return Err(DIVISION_BY_ZERO),
                Operator::Power => {
                    let power = left.powf(right);
                    if !power.is_finite() && left.is_finite() && right.is_finite() {
                        return Err(NOT_FINITE);
                    }
                    power
                }
            }
        }
    })
}

/// Python's `divmod` for floats (`float_divmod` in CPython's floatobject.c), step by step.
fn floor_and_remainder(left: f64, right: f64) -> (f64, f64) {
    let mut remainder = left % right;
    let mut quotient = (left - remainder) / right;
    if remainder == 0.0 {
        remainder = 0.0_f64.copysign(right);
    } else if (right < 0.0) != (remainder < 0.0) {
        remainder += right;
        quotient -= 1.0;
    }
    let mut floor = 0.0_f64.copysign(left / right);
    if quotient != 0.0 {
        floor = quotient.floor();
        if quotient - floor > 0.5 {
            floor += 1.0;
        }
    }
    (floor, remainder)
}

fn written(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if value.fract() == 0.0 && value.abs() < 1e15 {
        return format!("{value:.0}");
    }
    python_repr(value)
}

/// Python's `repr` of a finite float: the shortest digits that read back, with an exponent when it
/// is below -4 or at least 16.
fn python_repr(value: f64) -> String {
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = value.to_string();
        return if plain.contains('.') { plain } else { format!("{plain}.0") };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_python() {
        for (expression, expected) in [
            ("2+3*4", "14"),
            ("(2 + 3) * 4", "20"),
            ("-2**2", "-4"),
            ("2**-1", "0.5"),
            ("2^10", "1024"),
            ("2**3**2", "512"),
            ("0.1+0.2", "0.30000000000000004"),
            ("10/4", "2.5"),
            ("7//2", "3"),
            ("-7//2", "-4"),
            ("-7 % 3", "2"),
            ("7 % -3", "-2"),
            ("5.5 % 2", "1.5"),
            ("1e16", "1e+16"),
            ("1e15", "1000000000000000.0"),
            ("999999999999999", "999999999999999"),
            ("0.00001", "1e-05"),
            ("0.0001", "0.0001"),
            ("1.5e-7", "1.5e-07"),
            ("--3", "3"),
            ("-0", "0"),
            ("\t.5 * 2", "1"),
            ("1e22*10", "1e+23"),
            ("2. + 1", "3"),
        ] {
            assert_eq!(calculate(expression).as_deref(), Ok(expected), "{expression}");
        }
    }

    #[test]
    fn what_has_no_value_says_why() {
        for expression in ["1/0", "1//0", "1%0", "0**-1"] {
            assert_eq!(calculate(expression), Err(DIVISION_BY_ZERO), "{expression}");
        }
        for expression in ["1e308*10", "(-8)**0.5", "1e999", "10**400"] {
            assert_eq!(calculate(expression), Err(NOT_FINITE), "{expression}");
        }
        let long = "1+".repeat(500) + "1";
        let deep = "(".repeat(51) + "1" + &")".repeat(51);
        for expression in [
            "",
            " ",
            "1+",
            "(1",
            "1)",
            "2x",
            ".",
            "1_000",
            "0x10",
            "a",
            "1 2",
            "1e",
            "٣",
            "__import__('os')",
            &long,
            &deep,
        ] {
            assert_eq!(calculate(expression), Err(NOT_AN_EXPRESSION), "{expression}");
        }
        let deepest = "(".repeat(50) + "1" + &")".repeat(50);
        assert_eq!(calculate(&deepest).as_deref(), Ok("1"));
    }
}
