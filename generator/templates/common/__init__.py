{{ docstring }}

__version__ = {{ version }}
