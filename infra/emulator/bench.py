"""How long people wait on the deployed stack, warm: from a POST to the notification, and
from an approval to the message that says RESOLVED. One incident at a time; Discord is
played here. Each figure stands beside the emulator's own floor in the same run: one
call of the API that does nothing (a path that is not there). Most of that is the
emulator's: each call of a function is held up for 40 ms there, because its Runtime API
writes an answer's head and body apart.

bench.py [LIVES]
"""

import http.server
import json
import queue
import sys
import threading
import time
import urllib.error

from stack import Stack, parameter

PLAYED = ("127.0.0.1", 4599)
STACK = "opsguard-bench"
WARM_UP, PATIENCE = 10, 30  # lives; seconds until a message must have come
told = queue.Queue()


class Discord(http.server.BaseHTTPRequestHandler):
    """A webhook that notes when a message came."""

    def do_POST(self):
        at = time.perf_counter()
        told.put((at, self.rfile.read(int(self.headers["Content-Length"])).decode()))
        answer = json.dumps({"id": "1234567890"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_PATCH = do_POST

    def log_message(self, *_):
        pass


def heard(incident, words=""):
    """When the message came that speaks of the incident with these words."""
    while True:
        at, message = told.get(timeout=PATIENCE)
        if incident in message and words in message:
            return at


def life(stack):
    began = time.perf_counter()
    incident = stack.alert()
    accepted = time.perf_counter()
    asked = heard(incident) - began
    decided = time.perf_counter()
    stack.call(f"/approve-fix?incidentId={incident}", "OPERATE_KEY")
    return accepted - began, asked, heard(incident, "RESOLVED") - decided


def call(stack):
    began = time.perf_counter()
    try:
        stack.call("/nowhere")
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise
    return time.perf_counter() - began


def row(name, seconds, floor):
    seconds = sorted(seconds)
    p50, p99 = (seconds[min(int(p * len(seconds)), len(seconds) - 1)] for p in (0.5, 0.99))
    print(f"{name:<44} {p50 * 1000:8.1f} ms {p99 * 1000:8.1f} ms {p50 / floor:8.1f}", flush=True)
    return p50


def main():
    lives = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    server = http.server.ThreadingHTTPServer(PLAYED, Discord)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    parameter(f"/{STACK}/discord", "http://%s:%d/api/webhooks/1/tok" % PLAYED)
    stack = Stack(STACK, 4 * 3600, f"DiscordWebhookParameter=/{STACK}/discord")
    for _ in range(WARM_UP):
        life(stack), call(stack)
    floor = sorted(call(stack) for _ in range(lives))
    print(f"{f'on the emulator, warm, {lives} of each':<44} {'p50':>11} {'p99':>11} {'ratio':>8}")
    floor = row("GET a path that is not there", floor, floor[lives // 2])
    for name, seconds in zip(("POST /ingest-alert to its answer", "POST /ingest-alert to the notification", "approve to RESOLVED, as the notification says"),
                             zip(*(life(stack) for _ in range(lives)))):
        row(name, seconds, floor)


if __name__ == "__main__":
    main()
