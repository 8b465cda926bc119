/** What happens during a run, in the order in which it happens. */
export type Event =
{{# steps }}
  /** {{ step }} begins. */
  | { kind: "step started"; name: string }
  /** {{ step }} is done. */
  | { kind: "step finished"; name: string }
{{/ steps }}
{{# calls }}
  /** The model calls a tool; `arguments` is JSON as the model wrote it. */
  | { kind: "tool called"; callId: string; name: string; arguments: string }
  /** What the tool returned, as the model gets to see it. */
  | { kind: "tool answered"; callId: string; content: string }
{{/ calls }}
  /** The agent's answer; the last event of a run. */
  | { kind: "answered"; text: string };

/** A message of the conversation so far. */
export interface Message {
  role: "user" | "assistant";
  content: string;
}
