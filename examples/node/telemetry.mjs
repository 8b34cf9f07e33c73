// Loaded before a service by `node --import ./telemetry.mjs`. Where telemetry goes, and how, is in the environment: NodeSDK itself reads
// OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL (http/protobuf, http/json, grpc), OTEL_TRACES_SAMPLER and the rest.
import { register } from 'node:module';
import { basename } from 'node:path';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { NodeSDK } from '@opentelemetry/sdk-node';

// `import http from 'node:http'` can only be instrumented with this hook.
register('@opentelemetry/instrumentation/hook.mjs', import.meta.url);

const sdk = new NodeSDK({
  serviceName: process.env.OTEL_SERVICE_NAME ?? basename(process.argv[1], '.mjs'),
  instrumentations: [
    new HttpInstrumentation({ ignoreIncomingRequestHook: ({ url }) => url === '/health' }),
    new UndiciInstrumentation(),
  ],
});
sdk.start();

// The service says `drained` when it has nothing left to do. Then what was not exported yet goes out.
process.once('drained', async () => {
  await sdk.shutdown().catch((error) => console.error(`telemetry was lost: ${error.message}`));
  process.exit();
});
