import { Agent{{# router }}, handoff, user{{/ router }}{{# supervisor }}, type FunctionTool{{/ supervisor }} } from "@openai/agents";

import type { Event, Message } from "./events.js";
import { chatModel, {{# fails }}ModelError, {{/ fails }}MODELS } from "./model.js";
import { answer, items, Steps{{# calls }}, tellOfTools{{/ calls }} } from "./runs.js";
import { stream, type Listener } from "./stream.js";
{{# tools }}
import { offered } from "./tools.js";
{{/ tools }}
