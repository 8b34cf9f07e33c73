// The API of the shop: takes webhooks, looks who signed them, and gives the work to the worker.
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { SpanKind, SpanStatusCode, context, metrics, propagation, trace } from '@opentelemetry/api';
import { serve } from './server.mjs';

const WORKER_URL = process.env.WORKER_URL ?? 'http://127.0.0.1:3001';
const tracer = trace.getTracer('shop');
const received = metrics.getMeter('shop').createCounter('shop.webhooks', { description: 'Webhooks that were received' });

serve(
  {
    'GET /health': async () => [200, { status: 'ok' }],
    'POST /webhooks/stripe': webhook('stripe', signedByStripe, (event) => ({ type: event.type, subject: event.data.object.id })),
    'POST /webhooks/github': webhook('github', signedByGitHub, (event) => ({ type: 'push', subject: event.after })),
  },
  3000,
);

function webhook(provider, isSigned, toJob) {
  return async (body, headers) => {
    const accepted = isSigned(body, headers);
    received.add(1, { provider, accepted });
    if (!accepted) return [401, { error: 'the signature is not valid' }];
    await enqueue({ id: randomUUID(), provider, ...toJob(JSON.parse(body)) });
    return [200, { received: true }];
  };
}

/** Gives a job to the worker, which does it after it has answered. */
function enqueue(job) {
  const options = { kind: SpanKind.PRODUCER, attributes: { 'messaging.operation.type': 'send', 'messaging.message.id': job.id } };
  return tracer.startActiveSpan(`${job.type} send`, options, async (span) => {
    try {
      propagation.inject(context.active(), job);
      const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(job) };
      const answer = await fetch(`${WORKER_URL}/jobs`, request);
      if (!answer.ok) throw new Error(`the worker answered ${answer.status}`);
    } catch (error) {
      span.recordException(error);
      span.setAttribute('error.type', error.name).setStatus({ code: SpanStatusCode.ERROR, message: error.message });
      throw error;
    } finally {
      span.end();
    }
  });
}

/** `Stripe-Signature: t=TIME,v1=HMAC`, over the time and the body; five minutes are the most that a webhook may take. */
function signedByStripe(body, headers) {
  const parts = Object.fromEntries((headers['stripe-signature'] ?? '').split(',').map((part) => part.split('=')));
  const isFresh = Math.abs(Date.now() / 1000 - Number(parts.t)) <= 300;
  return isFresh && isSame(parts.v1, hmac('STRIPE_WEBHOOK_SECRET', `${parts.t}.`, body));
}

/** `X-Hub-Signature-256: sha256=HMAC`, over the body. */
function signedByGitHub(body, headers) {
  return isSame(headers['x-hub-signature-256'], `sha256=${hmac('GITHUB_WEBHOOK_SECRET', body)}`);
}

function hmac(secret, ...parts) {
  if (!process.env[secret]) throw new Error(`${secret} is not set`);
  const digest = createHmac('sha256', process.env[secret]);
  for (const part of parts) digest.update(part);
  return digest.digest('hex');
}

function isSame(given = '', wanted) {
  const [one, other] = [Buffer.from(given), Buffer.from(wanted)];
  return one.length === other.length && timingSafeEqual(one, other);
}
