"""What `gateway.py` is compared with: a web application of FastAPI that does nothing, on the same server and loop.

python tests/bench/hello.py DESCRIPTOR
"""

import socket
import sys

import uvicorn
from fastapi import FastAPI

app = FastAPI()


@app.get("/")
async def hello() -> dict[str, str]:
    """The example of its documentation."""
    return {"message": "Hello World"}


def main() -> None:
    """Answer on a socket that was inherited."""
    config = uvicorn.Config(app, log_config=None, access_log=False, http="httptools", loop="uvloop", ws="none")
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(sys.argv[1]))])


if __name__ == "__main__":
    main()
