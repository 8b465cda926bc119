    def test_every_task_is_done_once(self) -> None:
        with FakeModel(text("Done")) as model:
            events = list(run(HELLO))
        self.assertEqual(len(model.requests), len(TASKS))
        names = sorted(name for name, _, _ in TASKS)
        self.assertEqual(sorted(event.name for event in events if isinstance(event, StepStarted)), names)
        self.assertEqual(sorted(event.name for event in events if isinstance(event, StepFinished)), names)
{{# at_once }}

    def test_tasks_that_wait_for_nothing_are_done_at_the_same_time(self) -> None:
        everybody = threading.Barrier({{ at_once }})

        def meet(request: dict) -> dict:
            everybody.wait(timeout=20)
            return text("Done")

        with FakeModel(*[meet] * {{ at_once }}, text("Done")):
            events = list(run(HELLO))
        self.assertIsInstance(events[-1], Answered)
{{/ at_once }}
{{# distinct }}

    def test_a_task_is_told_what_came_of_those_that_it_waits_for(self) -> None:
        def task_of(request: dict) -> tuple[str, str, list[str]]:
            return next(task for task in TASKS if task[1] in asked(request))

        with FakeModel(lambda request: text(f"<{task_of(request)[0]}>")) as model:
            events = list(run(HELLO))
        for request in model.requests:
            _, _, before = task_of(request)
            for name, _, _ in TASKS:
                self.assertEqual(f"<{name}>" in said(request), name in before)
        for name in {{ last }}:
            self.assertIn({{# one_end }}f"<{name}>"{{/ one_end }}{{^ one_end }}f"## {name}\n\n<{name}>"{{/ one_end }}, events[-1].text)
{{/ distinct }}
