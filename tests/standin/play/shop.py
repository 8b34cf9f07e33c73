"""A shop that hands orders to a worker over the Trigger.dev API and sends mails, traced by hand over OTLP as JSON.

The last part of a path says what it does wrong: /order/absent enqueues without a traceparent, /mail/bare tells the mailer nothing.
"""

import http.server, json, os, secrets, time, urllib.error, urllib.request

OTLP, NAME = os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"], os.environ["OTEL_SERVICE_NAME"]
TRIGGER, MAIL = os.environ["TRIGGER_API_URL"], os.environ["MAIL_URL"]
KEY = os.environ["TRIGGER_SECRET_KEY"]
KINDS = {"server": 2, "client": 3, "producer": 4}


def post(url, body, headers):
    data = json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json", **headers}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        return error.code, None


class Span:
    def __init__(self, trace, parent, kind, name):
        self.trace, self.parent, self.kind, self.name = trace, parent, kind, name
        self.id, self.start, self.attributes = secrets.token_hex(8), time.time_ns(), {}

    def traceparent(self):
        return f"00-{self.trace}-{self.id}-01"

    def wire(self):
        value = lambda v: {"intValue": str(v)} if isinstance(v, int) else {"stringValue": v}
        return {
            "traceId": self.trace, "spanId": self.id, "parentSpanId": self.parent, "name": self.name,
            "kind": KINDS[self.kind], "startTimeUnixNano": str(self.start), "endTimeUnixNano": str(time.time_ns()),
            "attributes": [{"key": key, "value": value(v)} for key, v in self.attributes.items()],
        }


def export(spans):
    told = dict(pair.split("=") for pair in os.environ["OTEL_RESOURCE_ATTRIBUTES"].split(","))
    resource = {"service.name": NAME, **told}
    attributes = [{"key": key, "value": {"stringValue": value}} for key, value in resource.items()]
    scoped = [{"scope": {"name": "shop"}, "spans": [span.wire() for span in spans]}]
    post(OTLP + "/v1/traces", {"resourceSpans": [{"resource": {"attributes": attributes}, "scopeSpans": scoped}]}, {})


def order(how, server, correlation):
    if how == "untraced":
        post(f"{TRIGGER}/api/v1/tasks/send-mail/trigger", {"payload": {}}, {"authorization": f"Bearer {KEY}"})
        return [], 200
    send = Span(server.trace, server.id, "producer", "trigger.dev.send-mail send")
    named = {
        "early": server.traceparent(), "absent": None, "nobody": None, "header": None, "invalid": "00-nonsense",
        "other": f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01",
    }.get(how, send.traceparent())
    payload = {"order": 7, "phone": "0721 000 111"}
    if named:
        payload["traceparent"] = named
    if how not in ("nobody", "header"):
        payload["correlationId"] = correlation
    headers = {"authorization": f"Bearer {'wrong' if how == 'denied' else KEY}"}
    if how == "header":
        headers["traceparent"] = send.traceparent()
    if how != "never":
        post(f"{TRIGGER}/api/v1/tasks/send-mail/trigger", {"payload": payload}, headers)
    return [send], 200


def mail(how, server, correlation):
    headers = {"bare": {}, "correlated": {"x-correlation-id": correlation}}.get(how, {"traceparent": server.traceparent()})
    said = []
    while not said or (said[-1] == 429 and len(said) < 5):
        said.append(post(MAIL + "/send", {}, headers)[0])
    server.attributes["mail.answers"] = " ".join(map(str, said))
    return [], 200 if said[-1] == 202 else 502


class Shop(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(200)

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        _, what, how = self.path.split("/")
        _, trace, parent, _ = self.headers["traceparent"].split("-")
        server = Span(trace, parent, "server", f"POST /{what}")
        spans, status = {"order": order, "mail": mail}[what](how, server, self.headers["x-correlation-id"])
        server.attributes["http.response.status_code"] = status
        export([server, *spans])
        self.answer(status)

    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Shop).serve_forever()
