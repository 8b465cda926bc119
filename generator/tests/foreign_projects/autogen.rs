//! AutoGen's teams, as code and as components, for its successor.

use super::*;

const AUTOGEN: &str = r#"
import asyncio
from autogen_agentchat.agents import AssistantAgent, UserProxyAgent
from autogen_agentchat.conditions import MaxMessageTermination, TextMentionTermination
from autogen_agentchat.teams import RoundRobinGroupChat
from autogen_ext.models.openai import OpenAIChatCompletionClient

async def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b

async def main() -> None:
    client = OpenAIChatCompletionClient(model="gpt-4o", api_key="sk-secret-value")
    primary = AssistantAgent("primary", model_client=client, tools=[add], system_message="You write.", description="Writes")
    critic = AssistantAgent(name="critic", model_client=client, system_message="Give feedback. Respond with 'APPROVE' when done.")
    person = UserProxyAgent("person", input_func=input)
    end = TextMentionTermination("APPROVE") | MaxMessageTermination(11)
    team = RoundRobinGroupChat([primary, critic, person], termination_condition=end)
    await team.run(task="Write a poem")
"#;

#[test]
fn a_round_robin_of_autogen_becomes_a_graph_for_its_successor() {
    let (format, imported) = import(&[file("main.py", AUTOGEN)]);
    assert_eq!(format, ExchangeFormat::Autogen);
    let spec = sound(&imported);
    assert_eq!((spec.target.framework, spec.target.pattern), (Framework::AgentFramework, Pattern::Graph));
    let graph = spec.graph.as_ref().unwrap();
    assert_eq!(graph.max_steps, 10);
    let edges: Vec<(&str, &str, bool)> =
        graph.edges.iter().map(|edge| (edge.from.as_str(), edge.to.as_str(), edge.when.is_some())).collect();
    assert_eq!(
        edges,
        [("primary", "end", true), ("primary", "critic", false), ("critic", "end", true), ("critic", "primary", false)]
    );
    assert_eq!(spec.tools[0].parameters["properties"]["a"]["type"], "integer");
    assert!(note(&imported, "agent_left_out").1.contains("person (UserProxyAgent)"));
    note(&imported, "key_left_out");
    assert!(!serde_json::to_string(&imported.spec).unwrap().contains("sk-secret-value"));
}

#[test]
fn a_graph_flow_and_a_swarm_of_autogen() {
    let flow = r#"
from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.teams import DiGraphBuilder, GraphFlow
generator = AssistantAgent("generator", model_client=client)
reviewer = AssistantAgent("reviewer", model_client=client)
summary = AssistantAgent("summary", model_client=client)
builder = DiGraphBuilder()
builder.add_node(generator).add_node(reviewer).add_node(summary)
builder.add_edge(generator, reviewer)
builder.add_edge(reviewer, summary, condition=lambda msg: "APPROVE" in msg.to_model_text())
builder.add_edge(reviewer, generator, condition="REVISE")
builder.set_entry_point(generator)
flow = GraphFlow(participants=builder.get_participants(), graph=builder.build())
"#;
    let (_, imported) = import(&[file("flow.py", flow)]);
    let spec = sound(&imported);
    assert_eq!(spec.target.pattern, Pattern::Graph);
    let graph = spec.graph.as_ref().unwrap();
    assert_eq!(graph.start, "generator");
    let when =
        |from: &str, to: &str| graph.edges.iter().find(|edge| edge.from == from && edge.to == to).unwrap().when.clone();
    assert_eq!(when("reviewer", "summary"), Some(Condition::Contains("APPROVE".to_owned())));
    assert_eq!(when("reviewer", "generator"), Some(Condition::Contains("REVISE".to_owned())));
    assert_eq!(when("summary", "end"), None);

    let swarm = r#"
from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.teams import Swarm
from autogen_agentchat.base import Handoff
a = AssistantAgent("planner", model_client=c, handoffs=["writer", "user"])
b = AssistantAgent("writer", model_client=c, handoffs=[Handoff(target="planner")])
team = Swarm([a, b])
"#;
    let (_, imported) = import(&[file("swarm.py", swarm)]);
    let spec = sound(&imported);
    assert_eq!(spec.target.pattern, Pattern::Handoff);
    assert_eq!(spec.agents[0].handoffs, ["writer"]);
    assert!(note(&imported, "handoff_left_out").1.contains("user"));
}

#[test]
fn a_component_of_autogen_is_read() {
    let component: Value = json!({
        "provider": "autogen_agentchat.teams.SelectorGroupChat", "component_type": "team", "version": 1, "component_version": 1,
        "description": "A team", "label": "research",
        "config": {
            "participants": [
                {"provider": "autogen_agentchat.agents.AssistantAgent", "component_type": "agent", "config": {
                    "name": "searcher", "description": "Searches", "system_message": "Search.",
                    "model_client": {"provider": "autogen_ext.models.openai.OpenAIChatCompletionClient", "config": {"model": "gpt-4o", "api_key": "**********"}},
                    "workbench": [{"provider": "autogen_core.tools.StaticStreamWorkbench", "config": {"tools": [
                        {"provider": "autogen_core.tools.FunctionTool", "component_type": "tool", "config": {
                            "source_code": "def find(word: str) -> str:\n    return re.sub('a', 'b', word)\n", "name": "find",
                            "description": "Finds", "global_imports": ["re"], "has_cancellation_support": false}}]}}],
                }},
                {"provider": "autogen_agentchat.agents.AssistantAgent", "component_type": "agent", "config": {
                    "name": "writer", "system_message": "Write.", "model_client": {"provider": "x.OpenAIChatCompletionClient", "config": {"model": "gpt-4o"}}}},
            ],
            "termination_condition": {"provider": "autogen_agentchat.conditions.TextMentionTermination", "config": {"text": "DONE"}},
        },
    });
    let (format, imported) = import(&[file("team.json", &component.to_string())]);
    assert_eq!(format, ExchangeFormat::Autogen);
    let spec = sound(&imported);
    assert_eq!((spec.metadata.name.as_str(), spec.target.pattern), ("research", Pattern::Supervisor));
    assert_eq!(
        spec.agents.iter().map(|agent| agent.id.as_str()).collect::<Vec<_>>(),
        ["selector", "searcher", "writer"]
    );
    let ToolSource::Python { body } = &spec.tools[0].source else { panic!() };
    assert_eq!(body, "import re\nreturn re.sub('a', 'b', word)");
    assert!(note(&imported, "termination_left_out").1.contains("DONE"));
}
