"""Runs the agent: `python -m {{ package }} "a message"` prints its answer, `python -m {{ package }} serve` serves HTTP."""

from __future__ import annotations

import sys

from . import server
from .agent import run
from .events import Answered
from .model import ConfigurationError, ModelError

USAGE = 'usage: python -m {{ package }} "a message" | serve'


def main() -> int:
    """Does what the command line asks; returns the exit code."""
    arguments = sys.argv[1:]
    if len(arguments) != 1:
        print(USAGE, file=sys.stderr)
        return 2
    try:
        if arguments == ["serve"]:
            server.serve()
        else:
            for event in run([{"role": "user", "content": arguments[0]}]):
                if isinstance(event, Answered):
                    print(event.text)
    except (ConfigurationError, ModelError) as error:
        print(f"{{ package }}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
