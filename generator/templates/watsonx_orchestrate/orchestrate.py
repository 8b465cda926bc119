"""The tools as watsonx Orchestrate imports them: what the functions of `tools.py` do, with a description and a schema."""

from ibm_watsonx_orchestrate.agent_builder import tools as _kit

from . import tools as _functions


{{ tools }}
