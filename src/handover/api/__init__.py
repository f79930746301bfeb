"""The HTTP door: an endpoint is a few lines onto a service."""

import sys

# No model of ours is one of pydantic's first version. FastAPI would load that, 1.5 MB, to look at each of them.
sys.modules.setdefault("pydantic.v1", None)  # type: ignore[arg-type]  # how Python is told that there is none
