"""What happens during a run, in the order in which it happens."""

from __future__ import annotations

from dataclasses import dataclass
{{# steps }}


@dataclass(frozen=True)
class StepStarted:
    """{{ step }} begins."""

    name: str


@dataclass(frozen=True)
class StepFinished:
    """{{ step }} is done."""

    name: str
{{/ steps }}
{{# calls }}


@dataclass(frozen=True)
class ToolCalled:
    """The model calls a tool; `arguments` is JSON as the model wrote it."""

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class ToolAnswered:
    """What the tool returned, as the model gets to see it."""

    call_id: str
    content: str
{{/ calls }}


@dataclass(frozen=True)
class Answered:
    """The agent's answer; the last event of a run."""

    text: str


Event = {{ union }}
