/** HTTP requests for the tools: the host is fixed, the model only fills in arguments. */

{{# headers }}
import { headerValues } from "./outgoing.js";

{{/ headers }}
const RESULT_LIMIT = 100_000;
const DETAIL_LIMIT = 2_000;

/**
 * Calls `url` and returns the answer's text.
 *
 * `{name}` in the address stands for that argument. The other arguments go into the query (GET and
 * DELETE) or into a JSON body; those that are null or left out are not sent.
{{# headers }}
 * `variables` names the environment variable that has the value of each header; with headers nobody is followed to
 * another address.
{{/ headers }}
 */
export async function httpRequest(
  method: string,
  url: string,
  given: Record<string, unknown>,
  timeoutMilliseconds: number,
{{# headers }}
  variables: Record<string, string> = {},
{{/ headers }}
): Promise<string> {
  const placed = new Set<string>();
  let address = url.replace(/\{(\w+)\}/g, (_, name: string) => {
    placed.add(name);
    return encoded(asText(given[name]));
  });
  const remaining = Object.entries(given).filter(([name, value]) => value != null && !placed.has(name));
  const headers: Record<string, string> = {
    Accept: "application/json, text/*;q=0.9, */*;q=0.1",
    "User-Agent": {{ user_agent }},
{{# headers }}
    ...headerValues(variables),
{{/ headers }}
  };
{{# headers }}
  const redirect = Object.keys(variables).length > 0 ? "manual" : "follow";
{{/ headers }}
  let body: string | null = null;
  if (method === "GET" || method === "DELETE") {
    if (remaining.length > 0) {
      const query = remaining.map(([name, value]) => `${encoded(name)}=${encoded(asText(value)).replaceAll("%20", "+")}`);
      address += `${address.includes("?") ? "&" : "?"}${query.join("&")}`;
    }
  } else {
    body = JSON.stringify(Object.fromEntries(remaining));
    headers["Content-Type"] = "application/json";
  }
  let response: Response;
  try {
    response = await fetch(address, { method, headers, body,{{# headers }} redirect,{{/ headers }} signal: AbortSignal.timeout(timeoutMilliseconds) });
    if (response.ok) {
      return await textOf(response, RESULT_LIMIT);
    }
  } catch (error) {
    const { message, cause } = error as Error;
    throw new Error(`${method} ${address} failed: ${cause instanceof Error ? cause.message : message}`, { cause: error });
  }
  const detail = await textOf(response, DETAIL_LIMIT);
  throw new Error(`${method} ${address} answered ${response.status} ${response.statusText}: ${detail}`);
}

/** The first bytes of an answer, as text. */
async function textOf(response: Response, limit: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  if (response.body !== null) {
    for await (const chunk of response.body) {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= limit) {
        break;
      }
    }
  }
  return Buffer.concat(chunks).subarray(0, limit).toString();
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Percent-encodes everything but letters, digits and `-._~` (RFC 3986). */
function encoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}
