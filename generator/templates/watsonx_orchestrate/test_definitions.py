"""What IBM's own development kit must accept before anything is imported: agents, tools, and how they belong together.

No server is asked. The kit writes its settings below HOME as soon as it is imported, so HOME is a directory of the
tests' own.
"""

import os
import sys
import tempfile
import unittest
from pathlib import Path

HOME = tempfile.TemporaryDirectory()
os.environ["HOME"] = HOME.name

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT / "src"))

from ibm_watsonx_orchestrate.agent_builder.agents import Agent  # noqa: E402
{{# tools }}
from ibm_watsonx_orchestrate.agent_builder.tools import PythonTool  # noqa: E402

from {{ package }} import orchestrate, tools  # noqa: E402
{{/ tools }}

AGENTS = {path.stem: Agent.from_spec(str(path)) for path in sorted(PROJECT.glob("agents/*.yaml"))}
{{# tools }}
TOOLS = {tool.__tool_spec__.name: tool for tool in vars(orchestrate).values() if isinstance(tool, PythonTool)}
{{/ tools }}
{{^ tools }}
TOOLS = {}
{{/ tools }}


class Definitions(unittest.TestCase):
    def test_every_agent_is_one_that_orchestrate_takes(self) -> None:
        self.assertEqual(sorted(AGENTS), {{ agents }})
        for name, agent in AGENTS.items():
            with self.subTest(name):
                self.assertEqual(agent.name, name)
                self.assertTrue(agent.llm and agent.instructions and agent.description)

    def test_agents_have_only_tools_and_collaborators_that_there_are(self) -> None:
        for name, agent in AGENTS.items():
            with self.subTest(name):
                self.assertLessEqual(set(agent.tools), set(TOOLS))
                self.assertLessEqual(set(agent.collaborators), set(AGENTS) - {name})

    def test_agents_are_imported_after_those_that_they_ask(self) -> None:
        script = (PROJECT / "import.sh").read_text()
        for name, agent in AGENTS.items():
            for other in agent.collaborators:
                self.assertLess(script.index(f"agents/{other}.yaml"), script.index(f"agents/{name}.yaml"))
{{# tools }}

    def test_every_tool_is_described_and_takes_what_its_schema_says(self) -> None:
        self.assertEqual(sorted(TOOLS), sorted(function.__name__ for function in tools.TOOLS))
        for name, tool in TOOLS.items():
            with self.subTest(name):
                self.assertTrue(tool.__tool_spec__.description)
                accepted = tool.fn.__code__.co_varnames[: tool.fn.__code__.co_argcount]
                self.assertEqual(sorted(tool.__tool_spec__.input_schema.properties or {}), sorted(accepted))
{{/ tools }}


if __name__ == "__main__":
    unittest.main()
