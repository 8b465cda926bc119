{{ docstring }}
{{# environment }}

import os

# What the framework reads when it is imported.
{{ environment }}
{{/ environment }}

__version__ = {{ version }}
