// The worker of the shop: takes a job, answers at once, then does it.
import { setTimeout } from 'node:timers/promises';
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, metrics, propagation, trace } from '@opentelemetry/api';
import { background, serve } from './server.mjs';

const MAIL_URL = process.env.MAIL_URL ?? 'http://127.0.0.1:3025';
const tracer = trace.getTracer('shop');
const done = metrics.getMeter('shop').createCounter('shop.jobs', { description: 'Jobs that were done' });

serve(
  {
    'GET /health': async () => [200, { status: 'ok' }],
    'POST /jobs': async (body) => {
      const job = JSON.parse(body);
      background(work(job));
      return [202, { queued: job.id }];
    },
  },
  3001,
);

/** Does a job in the trace of whoever sent it, as one does with a queue: the context is in the message. */
function work(job) {
  const options = { kind: SpanKind.CONSUMER, attributes: { 'messaging.operation.type': 'process', 'messaging.message.id': job.id } };
  const sender = propagation.extract(ROOT_CONTEXT, job);
  return tracer.startActiveSpan(`${job.type} process`, options, sender, async (span) => {
    let outcome = 'done';
    try {
      await setTimeout(5); // packs a parcel
      await sendMail(job);
    } catch (error) {
      outcome = 'failed';
      console.error(error);
      span.recordException(error);
      span.setAttribute('error.type', error.name).setStatus({ code: SpanStatusCode.ERROR, message: error.message });
    } finally {
      done.add(1, { type: job.type, outcome });
      span.end();
    }
  });
}

async function sendMail({ type, subject }) {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${MAIL_URL}/send`, { method: 'POST', headers, body: JSON.stringify({ template: type, subject }) });
  if (!answer.ok) throw new Error(`the mail service answered ${answer.status}`);
}
