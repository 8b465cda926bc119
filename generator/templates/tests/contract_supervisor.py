    def test_a_specialist_is_asked_and_its_answer_goes_back(self) -> None:
        for name, ask in ASKS.items():
            with self.subTest(name), FakeModel(ask, text("Found it"), text("Good day")) as model:
                events = list(run(HELLO))
                self.assertIn(AGENTS[name], said(model.requests[1]))
                self.assertIn({{ request }}, said(model.requests[1]))
                self.assertIn("Found it", outputs(model.requests[-1])[-1])
                self.assertEqual([event.name for event in events if isinstance(event, ToolCalled)], [f"ask_{name}"])
                self.assertEqual([event.name for event in events if isinstance(event, StepStarted)], [name])
                self.assertEqual([event.name for event in events if isinstance(event, StepFinished)], [name])
                self.assertEqual(events[-1], Answered("Good day"))

    def test_a_supervisor_that_asks_for_ever_is_stopped(self) -> None:
        # What asks for nothing that a specialist is offered is an answer of the specialist.
        ask = next(iter(ASKS.values()))
        turns = [ask, text("Found it")] * {{ most }}
        with FakeModel(*turns, ask) as model, self.assertRaisesRegex(ModelError, "no answer within"):
            list(run(HELLO))
        self.assertLessEqual(len(model.requests), len(turns))
