// What both services share: a server that knows its routes by name, and ends on SIGTERM when all is answered.
import { createServer } from 'node:http';
import { trace } from '@opentelemetry/api';

const underWay = new Set();

/** Lets `work` go on after its request was answered; the service does not end before it. */
export function background(work) {
  underWay.add(work);
  work.finally(() => underWay.delete(work));
}

/** Serves `routes`, such as `{ 'POST /jobs': async (body, headers) => [202, { queued: true }] }`, on PORT. */
export function serve(routes, defaultPort) {
  const server = createServer(async (request, response) => {
    const [status, answer] = await handle(routes, request).catch((error) => {
      console.error(error);
      return [500, { error: 'internal error' }];
    });
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
  server.listen(Number(process.env.PORT ?? defaultPort), '127.0.0.1', () => {
    console.log(`listening on http://127.0.0.1:${server.address().port}`);
  });
  const drain = () => server.close(() => Promise.all(underWay).then(() => process.emit('drained')));
  // Not `once`: behind npm, a signal may come twice.
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, drain);
}

async function handle(routes, request) {
  const { pathname } = new URL(request.url, 'http://localhost');
  const route = `${request.method} ${pathname}`;
  if (!routes[route]) return [404, { error: 'not found' }];
  // There is no framework here whose instrumentation would know the route.
  trace.getActiveSpan()?.updateName(route).setAttribute('http.route', pathname);
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return routes[route](Buffer.concat(chunks), request.headers);
}
