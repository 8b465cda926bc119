def before(task: Task) -> set[str]:
    """The names of the tasks that a task waits for, directly or not."""
    direct = [other for other in TASKS if other.name in task.after]
    return {other.name for other in direct}.union(*(before(other) for other in direct))


def joined(results: dict[str, str]) -> str:
    """The results of the tasks that no other waits for."""
    last = [task.name for task in TASKS if not any(task.name in other.after for other in TASKS)]
    if len(last) == 1:
        return results[last[0]]
    return "\n\n".join(f"## {name}\n\n{results[name]}" for name in last)
