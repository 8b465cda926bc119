/** Asynchronous work, seen from outside as the events that it emits. */

import type { Event } from "./events.js";

/** What work is given: a way to tell of events, and a signal that nobody listens any more. */
export interface Listener {
  emit: (event: Event) => void;
  signal: AbortSignal;
}

/** Does `work` and yields what it emits, as it comes. The work is given up when nobody asks any more. */
export async function* stream(work: (listener: Listener) => Promise<void>): AsyncGenerator<Event> {
  const events: Event[] = [];
  const left = new AbortController();
  let isDone = false;
  let wake = (): void => undefined;
  const emit = (event: Event): void => {
    events.push(event);
    wake();
  };
  const working = work({ emit, signal: left.signal }).finally(() => {
    isDone = true;
    wake();
  });
  // A failure is told below, after the events before it.
  working.catch(() => undefined);
  try {
    for (;;) {
      const event = events.shift();
      if (event !== undefined) {
        yield event;
      } else if (isDone) {
        break;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
    await working;
  } finally {
    left.abort();
  }
}
