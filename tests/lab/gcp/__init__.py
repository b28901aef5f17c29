"""A stand-in of Google Cloud: what OpenAI's calls and the probe's calls need of IAM, STS, Cloud KMS and the projects.

``discovery`` says which calls there are and refuses what Google refuses; ``rules`` decides who may do what; ``cloud``
is what the calls do; ``server`` serves them; ``walk`` is OpenAI's part.
"""

from tests.lab.gcp.cloud import CALLS, EXPIRED, REFRESH, TOKEN
from tests.lab.gcp.server import HOSTS, become, calls, change, serve
from tests.lab.gcp.walk import walk

__all__ = ["CALLS", "EXPIRED", "HOSTS", "REFRESH", "TOKEN", "become", "calls", "change", "serve", "walk"]
