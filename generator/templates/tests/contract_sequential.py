    def test_every_task_is_told_what_came_of_the_tasks_before(self) -> None:
        results = [f"result number {number}" for number in range(len(TASKS))]
        with FakeModel(*[text(result) for result in results]) as model:
            events = list(run(HELLO))
        self.assertEqual(len(model.requests), len(TASKS))
        for number, request in enumerate(model.requests):
            self.assertIn(TASKS[number][1], said(request))
            for result in results[:number]:
                self.assertIn(result, said(request))
        self.assertEqual([event.name for event in events if isinstance(event, StepStarted)], [name for name, _ in TASKS])
        self.assertEqual([event.name for event in events if isinstance(event, StepFinished)], [name for name, _ in TASKS])
        self.assertEqual(events[-1], Answered(results[-1]))
