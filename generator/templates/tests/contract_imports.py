"""What must hold whatever the model says{{# calls }}: tools are called, their output goes back{{/ calls }}, and every run ends."""

import json
import os
import threading
import unittest
import urllib.error
import urllib.request
from http.server import ThreadingHTTPServer
from unittest.mock import patch

{{# mcp_endpoint }}
from fake_mcp_endpoint import FakeMcpEndpoint
{{/ mcp_endpoint }}
from fakes import {{ fakes }}

from {{ package }} import {{ modules }}
from {{ package }}.agent import run
from {{ package }}.events import {{ events }}
from {{ package }}.model import {{ errors }}

