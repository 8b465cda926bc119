def before(task: Task) -> set[str]:
    """The names of the tasks that a task waits for, directly or not."""
    found: set[str] = set()
    waiting = list(task.after)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(after for other in TASKS if other.name == name for after in other.after)
    return found


def joined(results: dict[str, str]) -> str:
    """The results of the tasks that no other waits for."""
    last = [task.name for task in TASKS if not any(task.name in other.after for other in TASKS)]
    if len(last) == 1:
        return results[last[0]]
    return "\n\n".join(f"## {name}\n\n{results[name]}" for name in last)
