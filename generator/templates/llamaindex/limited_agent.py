"""LlamaIndex' agent with a limit of its own."""

from __future__ import annotations

from typing import Any

from llama_index.core.agent.workflow import AgentOutput, FunctionAgent
from llama_index.core.workflow import Context
from llama_index.core.workflow.handler import WorkflowHandler

from .model import ModelError


class LimitedAgent(FunctionAgent):
    """An agent that asks its model `max_steps` times in one run and not once more.

    LlamaIndex counts as well, but refuses an answer that comes with the last step; its own limit is set out of reach.
    """

    max_steps: int

    def run(self, *positional: Any, **options: Any) -> WorkflowHandler:
        return super().run(*positional, max_iterations=self.max_steps + 2, **options)

    async def take_step(self, ctx: Context, *positional: Any, **options: Any) -> AgentOutput:
        key = f"steps of {self.name}"
        steps = await ctx.store.get(key, default=0)
        if steps == self.max_steps:
            raise ModelError(f"the model came to no answer within {self.max_steps} steps")
        await ctx.store.set(key, steps + 1)
        return await super().take_step(ctx, *positional, **options)
