"""Asynchronous work, seen from outside as the events that it emits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator

from .events import Event

Emit = Callable[[Event], None]


def stream(work: Callable[[Emit], Coroutine[None, None, None]]) -> Iterator[Event]:
    """Does `work` on an event loop of its own and yields what it emits, as it comes.

    The work goes on while the next event is waited for, and is given up when nobody asks any more.
    """
    with asyncio.Runner() as runner:
        events: asyncio.Queue[Event | None] = asyncio.Queue()

        async def begin() -> asyncio.Task[None]:
            task = asyncio.create_task(work(events.put_nowait))
            task.add_done_callback(lambda _: events.put_nowait(None))
            return task

        task = runner.run(begin())
        while (event := runner.run(events.get())) is not None:
            yield event
        task.result()
