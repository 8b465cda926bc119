/** Requests of tools that say who asks: headers whose values only the environment knows. */

/** Headers with their values; each comes with the name of the environment variable that has its value. */
export function headerValues(variables: Record<string, string>): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [header, variable] of Object.entries(variables)) {
    const value = process.env[variable]?.trim() ?? "";
    if (!/^[\x20-\x7e]+$/.test(value)) {
      throw new Error(`${variable} is not set: set it to the value of the header ${header}, in visible ASCII`);
    }
    values[header] = value;
  }
  return values;
}
