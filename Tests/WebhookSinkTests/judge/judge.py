"""A webhook receiver as a consumer would write it, with the public packages standardwebhooks and cloudevents.

    judge.py LOG SECRET...

prints the port it listens on, and writes one JSON line to LOG for each request: which of the secrets verify it, and the
events as cloudevents parsed them. A request that no secret verifies is answered with 401, one that cannot be parsed
with 400.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock

from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from cloudevents.core.formats.json import JSONFormat
from standardwebhooks import Webhook, WebhookVerificationError

log_path, *secrets = sys.argv[1:]
lock = Lock()


def verified(body, headers):
    found = []
    for secret in secrets:
        try:
            Webhook(secret).verify(body, headers, json_parse=False)
            found.append(secret)
        except WebhookVerificationError:
            pass
    return found


def events(body, headers):
    if headers["content-type"] == "application/cloudevents-batch+json":
        parsed = [JSONFormat().read(None, json.dumps(event)) for event in json.loads(body)]
    else:
        parsed = [from_http_event(HTTPMessage(headers, body))]
    return [
        {
            "id": event.get_id(), "type": event.get_type(), "source": event.get_source(),
            "subject": event.get_subject(), "time": event.get_time().isoformat(),
            "correlationid": event.get_extension("correlationid"), "data": event.get_data(),
        }
        for event in parsed
    ]


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        line = {"id": headers.get("webhook-id"), "verified": verified(body, headers)}
        try:
            line["events"] = events(body, headers)
            status = 200 if line["verified"] else 401
        except Exception as problem:
            line["problem"], status = repr(problem), 400
        with lock, open(log_path, "a") as log:
            log.write(json.dumps(line) + "\n")
        answer = line.get("problem", "").encode()
        self.send_response(status)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
print(server.server_address[1], flush=True)
server.serve_forever()
