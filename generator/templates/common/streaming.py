"""The framework works asynchronously; whoever runs the agent iterates over what happens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator

from .events import Event

Write = Callable[[Event], None]


def stream(work: Callable[[Write], Coroutine]) -> Iterator[Event]:
    """What `work` writes, as it happens, and then what it raises; whoever stops iterating stops the work.

    Threads may write, too.
    """
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        events: asyncio.Queue[Event | None] = asyncio.Queue()
        task = loop.create_task(work(lambda event: loop.call_soon_threadsafe(events.put_nowait, event)))
        task.add_done_callback(lambda _: events.put_nowait(None))
        while (event := runner.run(events.get())) is not None:
            yield event
        task.result()
