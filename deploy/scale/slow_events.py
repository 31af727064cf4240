#!/usr/bin/env python3
"""A server that is always ready and answers every POST with events, one each 50 ms: slow_events.py HOST PORT"""

import http.server
import sys
import time

COUNT, SECONDS = 30, 0.05


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for index in range(COUNT):
            event = b'data: {"choices":[{"text":"%d"}]}\n\n' % index
            self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
            time.sleep(SECONDS)
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        """Clients may leave."""


if __name__ == "__main__":
    Server((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()
