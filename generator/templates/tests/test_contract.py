HELLO = [{"role": "user", "content": "Hello"}]
{{# tables }}

{{ tables }}
{{/ tables }}


class Contract(unittest.TestCase):
{{# setup }}
    def setUp(self) -> None:
{{ setup }}

{{/ setup }}
{{^ router }}
{{^ graph }}
    def test_an_answer_of_the_model_is_the_answer(self) -> None:
        with FakeModel(text("Good day")) as model:
            events = list(run(HELLO))
        self.assertIn("Good day", events[-1].text)
        first = model.requests[0]
        self.assertIn(first["messages"][0]["role"], ("system", "developer"))
{{^ several }}
        self.assertIn({{ instructions }}, said(first))
{{/ several }}
        self.assertIn("Hello", said(first))

{{/ graph }}
{{/ router }}
{{# calls }}
    def test_a_tool_is_offered_and_called_and_its_output_goes_back_to_the_model(self) -> None:
{{^ several }}
        for name, arguments, output in CALLS:
            with self.subTest(name), FakeModel(call_once(name, arguments, "Done")) as model:
{{/ several }}
{{# several }}
        for name, arguments, output, before, after{{# limit }}, _{{/ limit }} in CALLS:
            with self.subTest(name), FakeModel(*before, call_once(name, arguments, *after)) as model:
{{/ several }}
                events = list(run(HELLO))
                self.assertRegex("\n".join(text for request in model.requests for text in outputs(request)), f"(?m){output}")
                called = [event for event in events if isinstance(event, ToolCalled) and event.name == name]
                self.assertEqual(len(called), 1)
                answered = [event for event in events if isinstance(event, ToolAnswered)]
                self.assertRegex("\n".join(event.content for event in answered), f"(?m){output}")
                self.assertIn({{# several }}after[-1]{{/ several }}{{^ several }}"Done"{{/ several }}, events[-1].text)

    def test_arguments_that_are_not_json_{{# mends }}go_back_as_an_error{{/ mends }}{{^ mends }}end_the_run{{/ mends }}(self) -> None:
        name, _, _{{# several }}, before, after{{# limit }}, _{{/ limit }}{{/ several }} = CALLS[0]
{{# mends }}
        with FakeModel({{# several }}*before, {{/ several }}call_once(name, "{not json", {{# several }}*after{{/ several }}{{^ several }}"Done"{{/ several }})) as model:
            events = list(run(HELLO))
        self.assertRegex("\n".join(text for request in model.requests for text in outputs(request)), "(?m)" + {{ bad_arguments }})
        self.assertIsInstance(events[-1], Answered)
{{/ mends }}
{{^ mends }}
        with FakeModel({{# several }}*before, {{/ several }}call_once(name, "{not json", {{# several }}*after{{/ several }}{{^ several }}"Done"{{/ several }})):
            with self.assertRaises(ModelError):
                list(run(HELLO))
{{/ mends }}

    def test_a_model_that_calls_tools_for_ever_is_stopped(self) -> None:
        name, arguments, _{{# several }}, before, _{{# limit }}, most{{/ limit }}{{/ several }} = CALLS[0]
        with FakeModel({{# several }}*before, {{/ several }}tool_call(name, arguments)) as model:
            with self.assertRaisesRegex(ModelError, "no answer within"):
                list(run(HELLO))
{{^ several }}
        self.assertEqual(len(model.requests), {{ most }})
{{/ several }}
{{# limit }}
        self.assertEqual(len(model.requests), len(before) + most)
{{/ limit }}

{{/ calls }}
{{# cases }}
{{ cases }}

{{/ cases }}
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

    def post(self, path: str, document: dict) -> bytes:
        body = json.dumps(document).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{self.address}{path}", body)) as response:
            return response.read()

    def test_it_says_that_it_is_up(self) -> None:
        with urllib.request.urlopen(f"{self.address}/healthz") as response:
            self.assertEqual(json.load(response), {"status": "ok"})

    def test_a_run_is_a_stream_of_agui_events(self) -> None:
        # What the agent does is tested above.
        with patch.object(server, "run", return_value=iter([Answered("Good day")])):
            stream = self.post("/agui", {"threadId": "t", "runId": "r", "messages": [{"id": "1", **HELLO[0]}]})
        events = [json.loads(line.removeprefix("data: ")) for line in stream.decode().split("\n\n") if line]
        self.assertEqual(events[0], {"type": "RUN_STARTED", "threadId": "t", "runId": "r", "protocolVersion": "1.0"})
        self.assertEqual(events[-1]["type"], "RUN_FINISHED")
        self.assertIn("Good day", [event.get("delta") for event in events])

    def test_its_card_says_where_other_agents_reach_it(self) -> None:
        with urllib.request.urlopen(f"{self.address}/.well-known/agent-card.json") as response:
            card = json.load(response)
        interface = {"url": f"{self.address}/a2a", "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}
        self.assertEqual(card["supportedInterfaces"], [interface])
        for required in ("name", "description", "version", "capabilities", "skills"):
            self.assertIn(required, card)

    def test_a_message_of_another_agent_is_answered(self) -> None:
        message = {"messageId": "1", "contextId": "c", "role": "ROLE_USER", "parts": [{"text": "Hello"}]}
        request = {"jsonrpc": "2.0", "id": 7, "method": "SendMessage", "params": {"message": message}}
        with patch.object(a2a, "run", return_value=iter([Answered("Good day")])):
            response = json.loads(self.post("/a2a", request))
        self.assertEqual(response["id"], 7)
        answer = response["result"]["message"]
        self.assertEqual((answer["role"], answer["contextId"]), ("ROLE_AGENT", "c"))
        self.assertEqual(answer["parts"][0]["text"], "Good day")

    def test_what_is_no_message_is_an_error_with_its_code(self) -> None:
        codes = {"GetTask": -32001, "SendStreamingMessage": -32004, "tasks/send": -32601, "SendMessage": -32602}
        for method, code in codes.items():
            response = json.loads(self.post("/a2a", {"jsonrpc": "2.0", "id": 1, "method": method, "params": {}}))
            self.assertEqual(response["error"]["code"], code)

    def test_what_is_no_run_is_refused(self) -> None:
        for document in ({}, {"messages": []}, {"messages": [{"role": "assistant", "content": "Hello"}]}):
            with self.subTest(document), self.assertRaises(urllib.error.HTTPError) as refused:
                self.post("/agui", document)
            self.assertEqual(refused.exception.code, 400)
            refused.exception.close()


if __name__ == "__main__":
    unittest.main()
