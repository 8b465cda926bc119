/** Counting in texts. */

const SPACE = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;

/** The characters, words and lines of a text, as JSON. */
export function textStatistics(text: string): string {
  const lines = text.split("\n");
  if (lines.at(-1) === "") {
    lines.pop();
  }
  const words = text.split(SPACE).filter((word) => word !== "");
  return `{"characters": ${[...text].length}, "words": ${words.length}, "lines": ${lines.length}}`;
}
