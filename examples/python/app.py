"""A webhook endpoint: orders from Shopify. Run by `opentelemetry-instrument python app.py`, which is all of its tracing."""

import base64
import hashlib
import hmac
import os
import signal
import sys

from flask import Flask, request
from opentelemetry import metrics

app = Flask(__name__)
received = metrics.get_meter("orders").create_counter("orders.webhooks", description="Webhooks that were received")


@app.get("/health")
def health():
    return {"status": "ok"}


@app.post("/webhooks/shopify")
def shopify():
    accepted = is_signed(request.get_data(), request.headers.get("X-Shopify-Hmac-Sha256", ""))
    received.add(1, {"provider": "shopify", "accepted": accepted})
    if not accepted:
        return {"error": "the signature is not valid"}, 401
    return {"received": request.get_json()["id"]}


def is_signed(body, signature):
    """Shopify signs the body: HMAC-SHA256 with the secret, in base64."""
    digest = hmac.new(os.environ["SHOPIFY_API_SECRET"].encode(), body, hashlib.sha256).digest()
    return hmac.compare_digest(base64.b64encode(digest), signature.encode())


if __name__ == "__main__":
    # Without a handler SIGTERM ends Python at once, and what was not exported yet is lost; sys.exit lets the SDK export it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    app.run(port=int(os.environ.get("PORT", "5000")))
