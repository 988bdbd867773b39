"""A connection that is kept alive to an HTTP server on this machine."""

import http.client


class Web:
    """Asks one request after the other."""

    def __init__(self, port: int):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def ask(self, method: str, path: str, body: bytes | None = None, kind: str = "application/json") -> bytes:
        """The body of the answer; anything but 2xx is an error."""
        self.connection.request(method, path, body, {"content-type": kind} if body is not None else {})
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status // 100 != 2:
            raise OSError(f"{method} {path}: {answer.status}: {content[:300]!r}")
        return content

    def close(self) -> None:
        self.connection.close()
