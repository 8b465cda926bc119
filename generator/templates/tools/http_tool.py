"""HTTP requests for the tools: the host is fixed, the model only fills in arguments."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.parse
import urllib.request
{{# headers }}

from .outgoing import OPENER, header_values
{{/ headers }}

RESULT_LIMIT = 100_000


{{^ headers }}
def http_request(method: str, url: str, arguments: dict, timeout: float) -> str:
{{/ headers }}
{{# headers }}
def http_request(method: str, url: str, arguments: dict, timeout: float, variables: dict[str, str] | None = None) -> str:
{{/ headers }}
    """Calls `url` and returns the answer's text.

    `{name}` in the address stands for that argument. The other arguments go into the query (GET and
    DELETE) or into a JSON body; those that are None are left out.
{{# headers }}
    `variables` names the environment variable that has the value of each header; with headers nobody is followed to
    another address.
{{/ headers }}
    """
    placed = set(re.findall(r"\{(\w+)\}", url))
    url = re.sub(r"\{(\w+)\}", lambda match: urllib.parse.quote(as_text(arguments[match[1]]), safe=""), url)
    remaining = {name: value for name, value in arguments.items() if value is not None and name not in placed}
    headers = {"Accept": "application/json, text/*;q=0.9, */*;q=0.1", "User-Agent": {{ user_agent }}}
    body = None
    if method in ("GET", "DELETE"):
        if remaining:
            query = urllib.parse.urlencode({name: as_text(value) for name, value in remaining.items()})
            url = f"{url}{'&' if '?' in url else '?'}{query}"
    else:
        body = json.dumps(remaining).encode()
        headers["Content-Type"] = "application/json"
{{# headers }}
    headers.update(header_values(variables or {}))
{{/ headers }}
    request = urllib.request.Request(url, body, headers, method=method)
{{# headers }}
    opened = OPENER.open if variables else urllib.request.urlopen
    try:
        with opened(request, timeout=timeout) as response:
{{/ headers }}
{{^ headers }}
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
{{/ headers }}
            text = response.read(RESULT_LIMIT).decode(errors="replace")
    except urllib.error.HTTPError as error:
        detail = error.read(2_000).decode(errors="replace")
        raise RuntimeError(f"{method} {url} answered {error.code} {error.reason}: {detail}") from error
    except OSError as error:
        raise RuntimeError(f"{method} {url} failed: {error}") from error
    return text


def as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
