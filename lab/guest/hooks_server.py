#!/usr/bin/env python3
"""An HTTPS server that has one file at one path, as a pre-authenticated request has; 404 elsewhere.

    hooks_server.py CERTIFICATE FILE PATH PORT

CERTIFICATE has the key as well. Python 3.6 and later, standard library only.
"""

import http.server
import ssl
import sys


class OneFile(http.server.BaseHTTPRequestHandler):
    """Answers with the file, as it was when the server began."""

    path_of_file = ""
    content = b""

    def do_GET(self) -> None:
        """The file, or 404."""
        self.send_response(200 if self.path == self.path_of_file else 404)
        self.end_headers()
        if self.path == self.path_of_file:
            self.wfile.write(self.content)


def main(certificate: str, file: str, path: str, port: str) -> None:
    """Serve until it is ended."""
    OneFile.path_of_file = path
    with open(file, "rb") as source:  # noqa: PTH123
        OneFile.content = source.read()
    server = http.server.HTTPServer(("", int(port)), OneFile)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
