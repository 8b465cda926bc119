/** The clock. */

/** The date and time at an offset from UTC such as +02:00, to the second (RFC 3339). */
export function currentTime(utcOffset = "+00:00"): string {
  const match = /^([+-])([01][0-9]|2[0-3]):([0-5][0-9])$/.exec(utcOffset.replaceAll("Z", "+00:00"));
  if (match === null) {
    throw new Error("utc_offset must look like +02:00");
  }
  const minutes = Number(match[2]) * 60 + Number(match[3]);
  const offset = match[1] === "-" ? -minutes : minutes;
  const there = new Date(Date.now() + offset * 60_000).toISOString().slice(0, "2026-01-01T00:00:00".length);
  return `${there}${offset < 0 ? "-" : "+"}${match[2]}:${match[3]}`;
}
