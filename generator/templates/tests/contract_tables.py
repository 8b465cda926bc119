{{# calls }}
# Calls that the model is made to write, and what must come of each{{# several }}; what the model says before it, and after{{/ several }}{{# limit }};
# how often the agent with the tool may ask the model{{/ limit }}.
CALLS = [
{{ calls }}
]

{{/ calls }}
{{# sequential }}
# The tasks in their order, and how what is said about each begins.
TASKS = [
{{ tasks }}
]
{{/ sequential }}
{{# parallel }}
# The tasks, how what is said about each begins, and which come before.
TASKS = [
{{ tasks }}
]
{{/ parallel }}
{{# router }}
# The agents, and how their instructions begin.
AGENTS = {
{{ agents }}
}

# What the model says to choose each.
ROUTES = {
{{ routes }}
}
{{/ router }}
{{# supervisor }}
# The agents, and how their instructions begin.
AGENTS = {
{{ agents }}
}

# What the model says to ask each.
ASKS = {
{{ asks }}
}
{{/ supervisor }}
{{# handoff }}
# The agents, and how their instructions begin.
AGENTS = {
{{ agents }}
}

# Ways of the conversation, and what models say for it to go so.
PATHS = [
{{ paths }}
]
{{/ handoff }}
{{# graph }}
{{# walks }}
# Ways through the graph: the tasks, and what their agents say for it to go on so.
WALKS = [
{{ walks }}
]
{{/ walks }}
{{/ graph }}
