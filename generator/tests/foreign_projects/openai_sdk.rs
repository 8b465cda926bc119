//! Code on the OpenAI Agents SDK, in Python and TypeScript.

use super::*;

const AIRLINE: &str = r#"
from __future__ import annotations

import random
from pydantic import BaseModel

from agents import Agent, RunContextWrapper, Runner, function_tool, handoff, input_guardrail, WebSearchTool
from agents.extensions.handoff_prompt import RECOMMENDED_PROMPT_PREFIX

from .data import FARES, describe

DESK = "front desk"

class AirlineContext(BaseModel):
    name: str | None = None

@function_tool(name_override="faq_lookup_tool", description_override="Lookup frequently asked questions.")
async def faq_lookup_tool(question: str) -> str:
    question_lower = question.lower()
    if "bag" in question_lower:
        return "One bag of " + str(FARES["bag"]) + " kg."
    return "I don't know."

@function_tool
def update_seat(context: RunContextWrapper[AirlineContext], confirmation_number: str, new_seat: str = "1A") -> str:
    """
    Update the seat for a given confirmation number.

    Args:
        confirmation_number: The confirmation number for the flight.
        new_seat: The new seat to update to.
    """
    return describe(new_seat) + f" ({random.randint(100, 999)})"

async def on_seat_booking_handoff(context: RunContextWrapper[AirlineContext]) -> None:
    context.context.flight_number = "FLT-1"

faq_agent = Agent[AirlineContext](
    name="FAQ Agent",
    handoff_description="A helpful agent that can answer questions about the airline.",
    instructions=f"""{RECOMMENDED_PROMPT_PREFIX}
    You are an FAQ agent of the {DESK}.""",
    tools=[faq_lookup_tool, WebSearchTool()],
)

seat_booking_agent = Agent[AirlineContext](
    name="Seat Booking Agent",
    handoff_description="A helpful agent that can update a seat on a flight.",
    instructions="You are a seat booking agent.",
    tools=[update_seat],
    model="gpt-5",
)

triage_agent = Agent[AirlineContext](
    name="Triage Agent",
    instructions="You are a helpful triaging agent.",
    handoffs=[faq_agent, handoff(agent=seat_booking_agent, on_handoff=on_seat_booking_handoff)],
    input_guardrails=[input_guardrail(lambda *_: None)],
)

faq_agent.handoffs.append(triage_agent)
seat_booking_agent.handoffs.append(triage_agent)

async def main():
    current_agent: Agent = triage_agent
    while True:
        result = await Runner.run(current_agent, input("You: "))
        print(result.final_output)
        current_agent = result.last_agent
"#;

#[test]
fn agents_that_hand_over_come_with_their_tools_and_what_those_need() {
    let data = "FARES = {\"bag\": 23}\n\ndef describe(seat):\n    return f\"Seat {seat} of {len(FARES)}\"\n";
    let (format, imported) = import(&[
        file("airline/src/airline/main.py", AIRLINE),
        file("airline/src/airline/data.py", data),
        file(
            "airline/pyproject.toml",
            "[project]\nname = \"airline-desk\"\ndescription = \"Helps at the desk\"\n[tool.x]\nname = \"no\"\n",
        ),
    ]);
    assert_eq!(format, ExchangeFormat::OpenaiAgents);
    let spec = sound(&imported);
    assert_eq!(spec.metadata.name.as_str(), "airline-desk");
    assert_eq!(spec.metadata.description, "Helps at the desk");
    assert_eq!((spec.target.framework, spec.target.pattern), (Framework::OpenaiAgents, Pattern::Handoff));
    let agents: Vec<(&str, &[String])> =
        spec.agents.iter().map(|agent| (agent.id.as_str(), agent.handoffs.as_slice())).collect();
    assert_eq!(agents[0], ("triage_agent", ["faq_agent".to_owned(), "seat_booking_agent".to_owned()].as_slice()));
    assert_eq!(agents[1], ("faq_agent", ["triage_agent".to_owned()].as_slice()));
    assert_eq!(spec.agents[1].instructions, "You are an FAQ agent of the front desk.");
    assert_eq!(spec.agents[1].role, "A helpful agent that can answer questions about the airline.");
    assert_eq!(spec.models["default"].model, "");
    assert!(spec.models.values().any(|model| model.model == "gpt-5"));

    let faq = &spec.tools[0];
    assert_eq!((faq.id.as_str(), faq.description.as_str()), ("faq_lookup_tool", "Lookup frequently asked questions."));
    let ToolSource::Python { body } = &faq.source else { panic!("{faq:?}") };
    assert!(body.contains("FARES = {\"bag\": 23}") && body.contains("async def carried_out(question):"), "{body}");
    let seat = &spec.tools[1];
    assert_eq!(seat.description, "Update the seat for a given confirmation number.");
    assert_eq!(seat.parameters["required"], json!(["confirmation_number"]));
    assert_eq!(seat.parameters["properties"]["new_seat"]["default"], "1A");
    assert_eq!(seat.parameters["properties"]["new_seat"]["description"], "The new seat to update to.");
    let ToolSource::Python { body } = &seat.source else { panic!("{seat:?}") };
    for piece in ["import random", "def describe(seat):", "if new_seat is None:\n    new_seat = \"1A\""] {
        assert_eq!(body.matches(piece).count(), 1, "{piece}: {body}");
    }

    assert_eq!(note(&imported, "context_left_out").0, "src/airline/main.py:25");
    assert!(note(&imported, "hosted_tool_left_out").1.contains("WebSearchTool"));
    assert!(note(&imported, "handoff_option_left_out").1.contains("on_handoff"));
    assert!(note(&imported, "agent_option_left_out").1.contains("input_guardrails of Triage Agent"));
    note(&imported, "prefix_left_out");
}

/// As the hosted builder gives it out.
const BUILDER: &str = r#"
import { webSearchTool, Agent, AgentInputItem, Runner, withTrace, tool } from "@openai/agents";
import { z } from "zod";

const lookUpOrder = tool({
  name: "lookUpOrder",
  description: "Looks an order up",
  parameters: z.object({ orderId: z.string().describe("The order's number"), days: z.number().int().optional() }),
  execute: async (input: { orderId: string; days: number }) => {
    const found = { id: input.orderId };
    return found;
  },
});
const refund = tool({
  name: "refund",
  description: "Refunds",
  parameters: z.object({ amount: z.number() }),
  execute: async (input: { amount: number }) => {
    // TODO: Unimplemented
  },
});
const ClassifySchema = z.object({ kind: z.enum(["returns", "other"]) });
const classify = new Agent({
  name: "Classify",
  instructions: "Say what the message is about.",
  model: "gpt-5-mini",
  outputType: ClassifySchema,
  modelSettings: { temperature: 0.2, topP: 1, store: true }
});
const returnsInstructions = (runContext: RunContext<Context>, _agent: Agent<Context>) => {
  const { stateName } = runContext.context;
  return `Help ${stateName} to return goods.`;
};
const returns = new Agent({ name: "Returns", instructions: returnsInstructions, tools: [lookUpOrder, refund] });
const information = new Agent({ name: "Information", instructions: `Answer.
Briefly.`, tools: [webSearchTool({ searchContextSize: "medium" })] });

type WorkflowInput = { input_as_text: string };

export const runWorkflow = async (workflow: WorkflowInput) => {
  return await withTrace("Shop", async () => {
    const conversationHistory: AgentInputItem[] = [{ role: "user", content: [] }];
    const runner = new Runner({ traceMetadata: {} });
    const classifyResultTemp = await runner.run(classify, [...conversationHistory]);
    if (!classifyResultTemp.finalOutput) {
      throw new Error("Agent result is undefined");
    }
    const classifyResult = { output_parsed: classifyResultTemp.finalOutput };
    if (classifyResult.output_parsed.kind == "returns") {
      const returnsResultTemp = await runner.run(returns, [...conversationHistory]);
    } else {
      const informationResultTemp = await runner.run(information, [...conversationHistory]);
    }
  });
}
"#;

#[test]
fn what_the_hosted_builder_gives_out_becomes_a_graph() {
    let (_, imported) = import(&[file("workflow.ts", BUILDER), file("package.json", r#"{"name": "@acme/shop"}"#)]);
    let spec = sound(&imported);
    assert_eq!(spec.metadata.name.as_str(), "shop");
    assert_eq!((spec.target.framework, spec.target.pattern), (Framework::OpenaiAgentsTypescript, Pattern::Graph));
    let graph = spec.graph.as_ref().unwrap();
    assert_eq!(graph.start, "classify");
    let edges: Vec<(&str, &str, Option<&Condition>)> =
        graph.edges.iter().map(|edge| (edge.from.as_str(), edge.to.as_str(), edge.when.as_ref())).collect();
    assert_eq!(
        edges,
        [
            ("classify", "returns", Some(&Condition::Contains("returns".to_owned()))),
            ("classify", "information", None),
            ("returns", "end", None),
            ("information", "end", None),
        ]
    );
    assert!(spec.agents[0].instructions.contains("returns"), "{}", spec.agents[0].instructions);
    assert_eq!(spec.models["default"].temperature, Some(0.2));
    assert_eq!(spec.agents[1].instructions, "Help {stateName} to return goods.");
    assert_eq!(spec.agents[2].instructions, "Answer.\nBriefly.");
    let order = &spec.tools[0];
    assert_eq!(order.id, "look_up_order");
    assert_eq!(order.parameters["required"], json!(["orderId"]));
    assert_eq!(order.parameters["properties"]["days"]["type"], "integer");
    let ToolSource::Typescript { body } = &order.source else { panic!("{order:?}") };
    assert!(body.contains("carriedOut = async (input: any)"), "{body}");
    assert!(note(&imported, "tool_without_body").1.contains("refund"));
    assert!(note(&imported, "hosted_tool_left_out").1.contains("webSearchTool"));
    assert!(note(&imported, "model_setting_left_out").1.contains("topP"));
    assert_eq!(note(&imported, "instructions_made").0, "workflow.ts:30");
}

const JUDGE: &str = r#"
import asyncio
from agents import Agent, Runner, ItemHelpers, trace

writer = Agent(name="writer", instructions="Write an outline.")
judge = Agent(name="judge", instructions="Say pass or needs_improvement.")
spanish = Agent(name="spanish", instructions="Translate.")
picker = Agent(name="picker", instructions="Pick the best.")

async def looped(msg):
    with trace("judge"):
        while True:
            outline = await Runner.run(writer, msg)
            result = await Runner.run(judge, outline)
            if result.final_output == "pass":
                break

async def side_by_side(msg):
    one, two, three = await asyncio.gather(
        Runner.run(spanish, msg), Runner.run(writer, msg), Runner.run(judge, "Judge the message."),
    )
    best = await Runner.run(picker, one.final_output)
"#;

#[test]
fn runs_in_order_side_by_side_and_in_loops_become_tasks() {
    // The function that runs the most agents is what the project does.
    let (_, imported) = import(&[file("main.py", JUDGE)]);
    let spec = sound(&imported);
    assert_eq!(spec.target.pattern, Pattern::Parallel);
    assert_eq!(spec.tasks.len(), 4);
    assert_eq!(spec.tasks[3].depends_on, ["spanish", "writer", "judge"]);
    assert_eq!(spec.tasks[2].description, "Judge the message.");

    let looped = JUDGE.split("async def side_by_side").next().unwrap();
    let (_, imported) = import(&[file("main.py", looped)]);
    let spec = sound(&imported);
    assert_eq!(spec.target.pattern, Pattern::Graph);
    let edges: Vec<(&str, &str, bool)> = spec
        .graph
        .as_ref()
        .unwrap()
        .edges
        .iter()
        .map(|edge| (edge.from.as_str(), edge.to.as_str(), edge.when.is_some()))
        .collect();
    // What has a condition is tried before what has none.
    assert_eq!(edges, [("judge", "end", true), ("writer", "judge", false), ("judge", "writer", false)]);
}

#[test]
fn agents_as_tools_become_a_supervisor() {
    let code = r#"
from agents import Agent, ModelSettings, OpenAIChatCompletionsModel, function_tool, Runner
import requests

def make():
    return Agent(name="Spanish Translator", instructions="You translate.", handoff_description="An English to Spanish translator")

spanish_agent = make()
orchestrator = Agent(
    "orchestrator",
    instructions=("You are a translation agent. "
                  "You use the tools."),
    model=OpenAIChatCompletionsModel(model="llama3", openai_client=client),
    model_settings=ModelSettings(temperature=0.5, tool_choice="required"),
    tools=[
        spanish_agent.as_tool(tool_name="translate_to_spanish", tool_description="Translate the user's message to Spanish"),
    ],
)

def main():
    print(Runner.run_sync(orchestrator, "Hi").final_output)
"#;
    let (_, imported) = import(&[file("main.py", code)]);
    let spec = sound(&imported);
    assert_eq!(spec.target.pattern, Pattern::Supervisor);
    assert_eq!(spec.agents[0].id, "orchestrator");
    assert_eq!(spec.agents[0].instructions, "You are a translation agent. You use the tools.");
    assert_eq!(spec.agents[1].role, "Translate the user's message to Spanish");
    let model = &spec.models[&spec.agents[0].model];
    assert_eq!((model.model.as_str(), model.temperature), ("llama3", Some(0.5)));
    assert!(note(&imported, "model_setting_left_out").1.contains("tool_choice"));
    note(&imported, "address_from_environment");
}

#[test]
fn a_tool_with_types_of_its_own_brings_them_along() {
    let code = r#"
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Literal, Optional
import requests
from pydantic import BaseModel, Field
from agents import Agent, function_tool

class Size(str, Enum):
    SMALL = "small"
    LARGE = "large"

class Order(BaseModel):
    """An order."""
    number: int = Field(description="Its number", ge=1)
    sizes: list[Size]
    note: Optional[str] = None

@function_tool
def place(order: Order, speed: Literal["slow", "fast"] = "slow", tags: Annotated[list[str], "Words"] = []) -> dict:
    """Places an order.

    :param speed: How fast
    """
    return {"status": requests.post("https://example.com", json=order.model_dump()).status_code}

agent = Agent(name="shop", instructions="Sell.", tools=[place])
"#;
    let (_, imported) = import(&[file("main.py", code)]);
    let spec = sound(&imported);
    assert_eq!(spec.target.pattern, Pattern::React);
    let parameters = &spec.tools[0].parameters;
    assert_eq!(parameters["required"], json!(["order"]));
    assert_eq!(parameters["properties"]["order"]["properties"]["sizes"]["items"]["enum"], json!(["small", "large"]));
    assert_eq!(parameters["properties"]["order"]["required"], json!(["number", "sizes"]));
    assert_eq!(parameters["properties"]["order"]["properties"]["number"]["minimum"], 1);
    assert_eq!(parameters["properties"]["speed"]["description"], "How fast");
    assert_eq!(parameters["properties"]["tags"]["description"], "Words");
    let ToolSource::Python { body } = &spec.tools[0].source else { panic!() };
    for piece in [
        "class Size(str, Enum):",
        "class Order(BaseModel):",
        "order = Order(**order)",
        "import requests",
        "json.dumps(result",
    ] {
        assert!(body.contains(piece), "{piece}: {body}");
    }
    assert!(body.find("class Size").unwrap() < body.find("class Order").unwrap());
    assert!(note(&imported, "package_needed").1.contains("requests"));
}
