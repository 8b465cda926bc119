"""What must hold whatever the model says{{# tools }}: tools are called, their output goes back{{/ tools }}, and every run ends."""

import json
import os
import threading
import unittest
import urllib.error
import urllib.request
from http.server import ThreadingHTTPServer
from unittest.mock import patch

from fakes import {{ fakes }}

from {{ package }} import {{ modules }}
from {{ package }}.agent import {{ agent_names }}
from {{ package }}.events import Answered
from {{ package }}.model import ConfigurationError{{# tools }}, ModelError{{/ tools }}

HELLO = [{"role": "user", "content": "Hello"}]
{{# calls }}

# Calls that the model is made to write{{# sequential }}, in which task (counted from 0){{/ sequential }}, and what must come of each.
CALLS = [
{{ calls }}
]
{{/ calls }}


class Contract(unittest.TestCase):
{{# setup }}
    def setUp(self) -> None:
{{ setup }}

{{/ setup }}
    def test_an_answer_of_the_model_is_the_answer(self) -> None:
        with FakeModel(text("Good day")) as model:
            events = list(run(HELLO))
        self.assertEqual(events[-1], Answered("Good day"))
        self.assertEqual(model.requests[0]["messages"][0]["role"], "system")
        self.assertEqual(model.requests[0]["messages"][1], HELLO[0])
{{# calls }}
{{^ sequential }}

    def test_a_tool_is_offered_and_called_and_its_output_goes_back_to_the_model(self) -> None:
        for name, arguments, output in CALLS:
            with self.subTest(name), FakeModel(tool_call(name, arguments), text("Done")) as model:
                events = list(run(HELLO))
                first, second = model.requests
                self.assertIn(name, [tool["function"]["name"] for tool in first["tools"]])
                self.assertEqual(second["messages"][-1]["role"], "tool")
                self.assertRegex(second["messages"][-1]["content"], output)
                self.assertEqual(events[-1], Answered("Done"))

    def test_arguments_that_are_not_json_go_back_as_an_error(self) -> None:
        with FakeModel(tool_call(CALLS[0][0], "{not json"), text("Sorry")) as model:
            events = list(run(HELLO))
        self.assertRegex(model.requests[1]["messages"][-1]["content"], "^Error: .*JSON")
        self.assertEqual(events[-1], Answered("Sorry"))

    def test_a_model_that_calls_tools_for_ever_is_stopped(self) -> None:
        name, arguments, _ = CALLS[0]
        with FakeModel(tool_call(name, arguments)) as model, self.assertRaisesRegex(ModelError, "no answer within"):
            list(run(HELLO))
        self.assertEqual(len(model.requests), MAX_STEPS)
{{/ sequential }}
{{# sequential }}

    def test_a_tool_is_offered_and_called_and_its_output_goes_back_to_the_model(self) -> None:
        for task, name, arguments, output in CALLS:
            before = [text("Done before")] * task
            with self.subTest(name), FakeModel(*before, tool_call(name, arguments), text("Done")) as model:
                events = list(run(HELLO))
                self.assertIn(name, [tool["function"]["name"] for tool in model.requests[task]["tools"]])
                result = model.requests[task + 1]["messages"][-1]
                self.assertEqual(result["role"], "tool")
                self.assertRegex(result["content"], output)
                self.assertEqual(events[-1], Answered("Done"))

    def test_arguments_that_are_not_json_go_back_as_an_error(self) -> None:
        task, name, _, _ = CALLS[0]
        with FakeModel(*[text("Done before")] * task, tool_call(name, "{not json"), text("Sorry")) as model:
            events = list(run(HELLO))
        self.assertRegex(model.requests[task + 1]["messages"][-1]["content"], "^Error: .*JSON")
        self.assertEqual(events[-1], Answered("Sorry"))

    def test_a_model_that_calls_tools_for_ever_is_stopped(self) -> None:
        task, name, arguments, _ = CALLS[0]
        with FakeModel(*[text("Done before")] * task, tool_call(name, arguments)) as model:
            with self.assertRaisesRegex(ModelError, "no answer within"):
                list(run(HELLO))
        self.assertEqual(len(model.requests), task + AGENTS[TASKS[task].agent].max_steps)
{{/ sequential }}
{{/ calls }}
{{# sequential }}

    def test_every_task_is_told_what_came_of_the_tasks_before(self) -> None:
        results = [f"result number {number}" for number in range(len(TASKS))]
        with FakeModel(*[text(result) for result in results]) as model:
            events = list(run(HELLO))
        self.assertEqual(len(model.requests), len(TASKS))
        for number, request in enumerate(model.requests):
            brief = request["messages"][-1]["content"]
            self.assertIn(TASKS[number].description, brief)
            for result in results[:number]:
                self.assertIn(result, brief)
        self.assertEqual(events[-1], Answered(results[-1]))
{{/ sequential }}

    def test_a_missing_setting_is_named(self) -> None:
        with patch.dict(os.environ, clear=True), self.assertRaisesRegex(ConfigurationError, "is not set"):
            list(run(HELLO))


class Server(unittest.TestCase):
    def setUp(self) -> None:
        web = ThreadingHTTPServer(("127.0.0.1", 0), server.Handler)
        threading.Thread(target=web.serve_forever, args=(0.01,), daemon=True).start()
        self.addCleanup(web.server_close)
        self.addCleanup(web.shutdown)
        self.address = f"http://127.0.0.1:{web.server_port}"
        self.enterContext(patch.object(server.Handler, "log_message"))

    def post(self, document: dict) -> bytes:
        body = json.dumps(document).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{self.address}/agui", body)) as response:
            return response.read()

    def test_it_says_that_it_is_up(self) -> None:
        with urllib.request.urlopen(f"{self.address}/healthz") as response:
            self.assertEqual(json.load(response), {"status": "ok"})

    def test_a_run_is_a_stream_of_agui_events(self) -> None:
        with FakeModel(text("Good day")):
            stream = self.post({"threadId": "t", "runId": "r", "messages": [{"id": "1", **HELLO[0]}]})
        events = [json.loads(line.removeprefix("data: ")) for line in stream.decode().split("\n\n") if line]
        self.assertEqual(events[0], {"type": "RUN_STARTED", "threadId": "t", "runId": "r", "protocolVersion": "1.0"})
        self.assertEqual(events[-1]["type"], "RUN_FINISHED")
        self.assertIn("Good day", [event.get("delta") for event in events])

    def test_what_is_no_run_is_refused(self) -> None:
        for document in ({}, {"messages": []}, {"messages": [{"role": "assistant", "content": "Hello"}]}):
            with self.subTest(document), self.assertRaises(urllib.error.HTTPError) as refused:
                self.post(document)
            self.assertEqual(refused.exception.code, 400)
            refused.exception.close()


if __name__ == "__main__":
    unittest.main()
