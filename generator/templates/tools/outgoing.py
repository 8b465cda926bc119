"""Requests of tools that say who asks: headers whose values only the environment knows, and no way to another address."""

from __future__ import annotations

import os
import urllib.request


class StayHere(urllib.request.HTTPRedirectHandler):
    """Follows nobody to another address, or the headers would go along."""

    def redirect_request(self, *arguments: object) -> None:
        return None


OPENER = urllib.request.build_opener(StayHere)


def header_values(variables: dict[str, str]) -> dict[str, str]:
    """Headers with their values; each comes with the name of the environment variable that has its value."""
    values = {}
    for header, variable in variables.items():
        value = os.environ.get(variable, "").strip()
        if not value or not value.isascii() or not value.isprintable():
            raise RuntimeError(f"{variable} is not set: set it to the value of the header {header}, in visible ASCII")
        values[header] = value
    return values
