// Does one job with the real SDK and says on stdout, as JSON, what came of it.
//
// Started by tests/standin/sdk.rs: `node trigger.mjs '{"url": …, "key": …, "do": "trigger" | "batch", …}'`.
import { configure, idempotencyKeys, tasks } from "@trigger.dev/sdk/v3";

const job = JSON.parse(process.argv[2]);
configure({ baseURL: job.url, accessToken: job.key });

// What JSON cannot say, so that the SDK annotates it.
const odd = { at: new Date(0), nothing: undefined, amount: 9007199254740993n };

async function key(of) {
  return of === undefined ? undefined : await idempotencyKeys.create(of);
}

const jobs = {
  trigger: async () => tasks.trigger(job.task, { ...job.payload, ...odd }, { idempotencyKey: await key(job.idempotency) }),
  batch: async () => {
    const items = job.items.map(async ({ payload, idempotency }) => ({
      payload: { ...payload, ...odd },
      options: { idempotencyKey: await key(idempotency) },
    }));
    return tasks.batchTrigger(job.task, await Promise.all(items), { idempotencyKey: await key(job.idempotency) });
  },
  // Payloads without fields.
  plain: async () => [
    await tasks.trigger(job.task, "a text"),
    await tasks.trigger(job.task, undefined),
    await tasks.trigger(job.task, [1, new Date(0)]),
  ],
};

try {
  console.log(JSON.stringify({ ok: await jobs[job.do]() }));
} catch (error) {
  console.log(JSON.stringify({ error: { name: error.name, status: error.status, message: error.message } }));
}
