/** Runs the agent: `node dist/src/main.js "a message"` prints its answer, `node dist/src/main.js serve` serves HTTP. */

import { run } from "./agent.js";
import { ConfigurationError, ModelError } from "./model.js";
import { serve } from "./server.js";

const USAGE = 'usage: node dist/src/main.js "a message" | serve';

/** Does what the command line asks; gives the exit code. */
async function main(given: string[]): Promise<number> {
  const [message] = given;
  if (message === undefined || given.length > 1) {
    console.error(USAGE);
    return 2;
  }
  try {
    if (message === "serve") {
      await serve();
    } else {
      for await (const event of run([{ role: "user", content: message }])) {
        if (event.kind === "answered") {
          console.log(event.text);
        }
      }
    }
  } catch (error) {
    if (error instanceof ConfigurationError || error instanceof ModelError) {
      console.error({{ name }} + `: ${error.message}`);
      return 1;
    }
    throw error;
  }
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
