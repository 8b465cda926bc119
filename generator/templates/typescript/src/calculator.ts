/**
 * Arithmetic without `eval`: numbers, + - * / // % ** and parentheses, in double precision.
 *
 * The last digit of a power with a fraction is the platform's: engines round it differently.
 */

const LENGTH_LIMIT = 1_000;
const DEPTH_LIMIT = 50;
const NOT_FINITE = "the result is not a finite real number";
const NOT_AN_EXPRESSION = "not an arithmetic expression";
const DIVISION_BY_ZERO = "division by zero";
const TOKEN = /[ \t]*(?:((?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)|(\*\*|\/\/|[-+*/%^()]))/y;

/** The value of an expression as text, whole numbers without a fraction. */
export function evaluate(expression: string): string {
  const value = new Parser(expression).value();
  if (Number.isInteger(value) && Math.abs(value) < 1e15) {
    return String(value === 0 ? 0 : value);
  }
  return shortest(value);
}

/** The shortest digits that mean the number, with an exponent from 1e16 and below 1e-4. */
function shortest(value: number): string {
  const [digits = "", exponentText = "0"] = Math.abs(value).toExponential().split("e");
  const sign = value < 0 ? "-" : "";
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= 16) {
    return `${sign}${digits}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  const plain = digits.replace(".", "");
  if (exponent < 0) {
    return `${sign}0.${"0".repeat(-exponent - 1)}${plain}`;
  }
  const whole = plain.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  return `${sign}${whole}.${plain.slice(exponent + 1) || "0"}`;
}

function finite(value: number): number {
  if (!Number.isFinite(value)) {
    throw new Error(NOT_FINITE);
  }
  return value;
}

/** What is left of a division; it has the sign of the divisor. */
function remainder(left: number, right: number): number {
  const rest = left % right;
  return rest !== 0 && rest < 0 !== right < 0 ? rest + right : rest;
}

/** The quotient, rounded down. */
function quotient(left: number, right: number): number {
  const exact = (left - remainder(left, right)) / right;
  const floor = Math.floor(exact);
  return exact - floor > 0.5 ? floor + 1 : floor;
}

function power(base: number, exponent: number): number {
  if (base === 0 && exponent < 0) {
    throw new Error(DIVISION_BY_ZERO);
  }
  return base ** exponent;
}

/** A recursive descent through the expression, loosest operators first. */
class Parser {
  /** The numbers and signs, last first. */
  private readonly tokens: string[];
  private depth = 0;

  constructor(expression: string) {
    const text = expression.replace(/[ \t]+$/, "");
    if (text === "" || expression.length > LENGTH_LIMIT) {
      throw new Error(NOT_AN_EXPRESSION);
    }
    this.tokens = [];
    let position = 0;
    while (position < text.length) {
      TOKEN.lastIndex = position;
      const match = TOKEN.exec(text);
      if (match === null) {
        throw new Error(NOT_AN_EXPRESSION);
      }
      this.tokens.push(match[1] ?? (match[2] === "^" ? "**" : match[2]!));
      position = TOKEN.lastIndex;
    }
    this.tokens.reverse();
  }

  value(): number {
    const value = this.sum();
    if (this.tokens.length > 0) {
      throw new Error(NOT_AN_EXPRESSION);
    }
    return value;
  }

  /** Takes the next token if it is one of `signs`. */
  private next(...signs: string[]): string | undefined {
    return signs.includes(this.tokens.at(-1) ?? "") ? this.tokens.pop() : undefined;
  }

  private sum(): number {
    let value = this.product();
    for (let sign = this.next("+", "-"); sign; sign = this.next("+", "-")) {
      const right = this.product();
      value = finite(sign === "+" ? value + right : value - right);
    }
    return value;
  }

  private product(): number {
    let value = this.power();
    for (let sign = this.next("*", "/", "//", "%"); sign; sign = this.next("*", "/", "//", "%")) {
      const right = this.power();
      if (sign !== "*" && right === 0) {
        throw new Error(DIVISION_BY_ZERO);
      }
      if (sign === "*") {
        value = finite(value * right);
      } else if (sign === "/") {
        value = finite(value / right);
      } else if (sign === "//") {
        value = finite(quotient(value, right));
      } else {
        value = finite(remainder(value, right));
      }
    }
    return value;
  }

  /** Signs and `**`, which works from right to left: -2**-1**2 is -(2**(-(1**2))). */
  private power(): number {
    const operands = [this.operand()];
    while (this.next("**")) {
      operands.push(this.operand());
    }
    const last = operands.pop()!;
    let value = last.isNegative ? -last.value : last.value;
    for (const base of operands.reverse()) {
      value = finite(power(base.value, value));
      value = base.isNegative ? -value : value;
    }
    return value;
  }

  /** A number or a parenthesis, and whether it has a minus before it. */
  private operand(): { value: number; isNegative: boolean } {
    let isNegative = false;
    for (let sign = this.next("+", "-"); sign; sign = this.next("+", "-")) {
      isNegative = sign === "-" ? !isNegative : isNegative;
    }
    return { value: this.atom(), isNegative };
  }

  private atom(): number {
    const token = this.tokens.pop() ?? "";
    if (token === "(") {
      this.depth += 1;
      if (this.depth > DEPTH_LIMIT) {
        throw new Error(NOT_AN_EXPRESSION);
      }
      const value = this.sum();
      this.depth -= 1;
      if (!this.next(")")) {
        throw new Error(NOT_AN_EXPRESSION);
      }
      return value;
    }
    if (/^[0-9.]/.test(token)) {
      return finite(Number(token));
    }
    throw new Error(NOT_AN_EXPRESSION);
  }
}
