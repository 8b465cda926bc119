"""The tools as watsonx Orchestrate imports them: the functions of `tools.py`, each with a description and a schema."""

from ibm_watsonx_orchestrate.agent_builder import tools as _kit

from . import tools as _functions


{{ tools }}
