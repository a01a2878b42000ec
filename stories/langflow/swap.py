"""Put a flow in the place of the one that is served, without a restart: `python -m stories.langflow.swap FILE URL`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from stories.langflow.users import call

if __name__ == "__main__":
    file, url = sys.argv[1:]
    served = json.loads(call(f"{url}/flows"))[0]
    flow = json.loads(Path(file).read_text("utf-8"))
    call(f"{url}/flows/upload/", {"id": served["id"], "name": flow["name"], "data": flow["data"], "replace": True})
    print(f"{file} is served at {url} as {served['id']}")
