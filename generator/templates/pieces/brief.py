def brief(task: Task, results: dict[str, str]) -> str:
    """What an agent is told of its task: the work itself and what came of the tasks before."""
    parts = [f"Your task: {task.description}"]
    if task.expected_output:
        parts.append(f"Expected output: {task.expected_output}")
    parts += [f"Result of {name}:\n{result}" for name, result in results.items()]
    return "\n\n".join(parts)
