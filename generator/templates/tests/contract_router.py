    def test_the_agent_that_is_chosen_answers(self) -> None:
        for name, choice in ROUTES.items():
            with self.subTest(name), FakeModel(choice, text("Good day")) as model:
                events = list(run(HELLO))
                self.assertIn(AGENTS[name], said(model.requests[-1]))
                self.assertIn("Hello", said(model.requests[-1]))
                self.assertEqual([event.name for event in events if isinstance(event, StepStarted)], [name])
                self.assertEqual([event.name for event in events if isinstance(event, StepFinished)], [name])
                self.assertEqual(events[-1], Answered("Good day"))

    def test_a_choice_of_nobody_is_made_again(self) -> None:
        name, choice = next(iter(ROUTES.items()))
        with FakeModel({{ route_to_nobody }}, choice, text("Good day")):
            events = list(run(HELLO))
        self.assertEqual([event.name for event in events if isinstance(event, StepStarted)], [name])
        self.assertEqual(events[-1], Answered("Good day"))

    def test_a_model_that_never_chooses_is_stopped(self) -> None:
        with FakeModel({{ route_to_nobody }}) as model, self.assertRaisesRegex(ModelError, "no answer within"):
            list(run(HELLO))
        self.assertEqual(len(model.requests), {{ most }})
