    def test_the_conversation_goes_on_with_the_agent_that_it_is_passed_on_to(self) -> None:
        for path, transfers in PATHS:
            with self.subTest(path[-1]), FakeModel(*transfers, text("Good day")) as model:
                events = list(run(HELLO))
                self.assertEqual(len(model.requests), len(path))
                for name, request in zip(path, model.requests, strict=True):
                    self.assertIn(AGENTS[name], said(request))
                    self.assertIn("Hello", said(request))
                self.assertEqual([event.name for event in events if isinstance(event, StepStarted)], path)
                self.assertEqual([event.name for event in events if isinstance(event, StepFinished)], path)
                self.assertEqual(events[-1], Answered("Good day"))
{{# circle }}

    def test_a_conversation_that_is_passed_round_for_ever_is_stopped(self) -> None:
        transfers = [*{{ to_circle }}, *{{ circle }} * 11]
        with FakeModel(*transfers) as model, self.assertRaisesRegex(ModelError, "passed on more than"):
            list(run(HELLO))
        self.assertEqual(len(model.requests), 11)
{{/ circle }}
