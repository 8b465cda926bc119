{{# walks }}
    def test_the_way_through_the_graph_follows_from_the_results(self) -> None:
        for walk in WALKS:
            with self.subTest(walk), FakeModel(*[text(result) for _, result in walk]) as model:
                events = list(run(HELLO))
                self.assertEqual(len(model.requests), len(walk))
                names = [name for name, _ in walk]
                self.assertEqual([event.name for event in events if isinstance(event, StepStarted)], names)
                self.assertEqual([event.name for event in events if isinstance(event, StepFinished)], names)
                self.assertEqual(events[-1], Answered(walk[-1][1]))
{{/ walks }}
{{# endless }}
{{# walks }}

{{/ walks }}
    def test_a_walk_that_never_ends_is_stopped(self) -> None:
        results = [*{{ endless_before }}, *{{ endless }} * {{ graph_steps }}]
        with FakeModel(*[text(result) for result in results]) as model, self.assertRaisesRegex(ModelError, "no end within"):
            list(run(HELLO))
        self.assertEqual(len(model.requests), {{ graph_steps }})
{{/ endless }}
