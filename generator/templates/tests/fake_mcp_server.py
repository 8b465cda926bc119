"""A server of the Model Context Protocol that answers every call of a tool with its name and arguments."""

import json
import sys

for line in sys.stdin:
    message = json.loads(line)
    if message["method"] == "initialize":
        capabilities = {"protocolVersion": message["params"]["protocolVersion"], "capabilities": {"tools": {}}}
        result = {**capabilities, "serverInfo": {"name": "fake", "version": "1"}}
    elif message["method"] == "tools/call":
        called = json.dumps([message["params"]["name"], message["params"]["arguments"]])
        result = {"content": [{"type": "text", "text": f"called {called}"}]}
    else:
        continue
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
