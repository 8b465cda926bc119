"""From a framework that is asynchronous to code that waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator

from .events import Event


def iterate(events: AsyncGenerator[Event, None]) -> Iterator[Event]:
    """The events, each as soon as it happens, on an event loop of their own."""

    async def next_event() -> Event | None:
        return await anext(events, None)

    async def close() -> None:
        await events.aclose()

    with asyncio.Runner() as runner:
        try:
            while (event := runner.run(next_event())) is not None:
                yield event
        finally:
            runner.run(close())
