    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return json.dumps({"characters": len(text), "words": len(text.split()), "lines": len(lines)})
