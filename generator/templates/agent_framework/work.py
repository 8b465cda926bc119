@dataclass(frozen=True)
class Progress:
    """The conversation, what came of each task, and what came of the last."""

    messages: list[dict]
    results: dict[str, str] = field(default_factory=dict)
    last: str = ""


class Work(Executor):
    """Has a task done, and hands on what came of it."""

    def __init__(self, task: Task, emit: Emit{{# graph }}, count: Count{{/ graph }}) -> None:
        super().__init__(id=task.name)
        self.task = task
        self.emit = emit
{{# graph }}
        self.count = count
{{/ graph }}

    @handler
    async def perform(self, progress: Progress, context: WorkflowContext[Progress{{^ graph }}, Progress{{/ graph }}]) -> None:
{{# graph }}
        self.count.step()
{{/ graph }}
        self.emit(StepStarted(self.task.name))
        messages = [*progress.messages, {"role": "user", "content": brief(self.task, progress.results)}]
        result = await answer(build_agent(self.task.agent{{# tools }}, self.emit{{/ tools }}), messages)
        self.emit(StepFinished(self.task.name))
        # The last results in the order in which they came.
        results = {name: known for name, known in progress.results.items() if name != self.task.name}
        done = Progress(progress.messages, {**results, self.task.name: result}, result)
        await context.send_message(done)
{{^ graph }}
        await context.yield_output(done)
{{/ graph }}
