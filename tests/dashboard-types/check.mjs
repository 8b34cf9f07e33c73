// Compiles every dashboard given as an argument as a constant of the type in dashboard.ts, then copies of it with one mistake each, which
// the compiler must refuse: a check that cannot fail would be none.
//
// Run by .ci/dashboard: node check.mjs FILE.json…

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const generated = join(here, 'generated');

const first = (dashboard, type) => dashboard.panels.find((panel) => panel.type === type);

/** Mistakes that people make, each in a place that Grafana's own type leaves open or closes. */
const MISTAKES = {
  'a field that no dashboard has': (it) => (it.schemaVerson = 42),
  'a schema version that is text': (it) => (it.schemaVersion = '42'),
  'a panel of an unknown type': (it) => (first(it, 'stat').type = 'singlestat'),
  'a panel without a data source': (it) => delete first(it, 'timeseries').datasource,
  'a data source by an unknown uid': (it) => (first(it, 'timeseries').targets[0].datasource.uid = 'PBFA97CFB590B2093'),
  'a width that is text': (it) => (first(it, 'gauge').gridPos.w = '4'),
  'an option that this kind of panel does not have': (it) => (first(it, 'stat').options.legend = { showLegend: true }),
  'an option that lacks': (it) => delete first(it, 'timeseries').options.tooltip,
  'a value that an option does not take': (it) => (first(it, 'timeseries').options.legend.placement = 'left'),
  'a value that a field setting does not take': (it) => (first(it, 'timeseries').fieldConfig.defaults.custom.drawStyle = 'bar'),
  'a field setting that does not exist': (it) => (first(it, 'timeseries').fieldConfig.defaults.custom.lineWeight = 2),
  'a threshold mode that does not exist': (it) => (first(it, 'gauge').fieldConfig.defaults.thresholds.mode = 'relative'),
  'a threshold that is text': (it) => (first(it, 'gauge').fieldConfig.defaults.thresholds.steps[1].value = '1'),
  'a query that is no text': (it) => (first(it, 'stat').targets[0].expr = ['up']),
  'a query field that does not exist': (it) => (first(it, 'stat').targets[0].exemplars = true),
  'a table of a kind that Tempo does not have': (it) => (first(it, 'table').targets[0].tableType = 'trace'),
  'a search that Tempo does not have': (it) => (first(it, 'table').targets[0].queryType = 'traceQL'),
  'a limit that is text': (it) => (first(it, 'table').targets[0].limit = '20'),
  'a variable of an unknown type': (it) => (it.templating.list[0].type = 'label'),
};

function main(files) {
  if (files.length === 0) throw new Error('which dashboards? node check.mjs FILE.json…');
  fresh();
  files.forEach((file) => declare(basename(file, '.json'), read(file)));
  const right = compile();
  if (right.status !== 0) throw new Error(`a dashboard does not fit Grafana's types:\n${right.output}`);

  fresh();
  for (const file of files) {
    for (const [name, make] of Object.entries(MISTAKES)) {
      const dashboard = read(file);
      make(dashboard);
      declare(mistaken(file, name), dashboard);
    }
  }
  const { output } = compile();
  const unnoticed = files.flatMap((file) => Object.keys(MISTAKES).filter((name) => !output.includes(`${mistaken(file, name)}.ts(`)));
  if (unnoticed.length > 0) throw new Error(`the types do not notice: ${unnoticed.join('; ')}`);
  const mistakes = Object.keys(MISTAKES).length;
  console.log(`${files.length} dashboard(s) fit @grafana/schema ${version()}; ${mistakes} mistakes in each are noticed`);
}

const read = (file) => JSON.parse(readFileSync(file, 'utf8'));
const mistaken = (file, name) => `${basename(file, '.json')}--${name.replaceAll(' ', '-')}`;
const version = () => read(join(here, 'node_modules/@grafana/schema/package.json')).version;

function fresh() {
  rmSync(generated, { force: true, recursive: true });
  mkdirSync(generated);
}

function declare(name, dashboard) {
  const head = "import type { DashboardFile } from '../dashboard';\n\nexport const dashboard: DashboardFile = ";
  writeFileSync(join(generated, `${name}.ts`), `${head}${JSON.stringify(dashboard, null, 2)};\n`);
}

function compile() {
  const compiler = join(here, 'node_modules/typescript/bin/tsc');
  const { error, status, stdout, stderr } = spawnSync(process.execPath, [compiler, '--noEmit', '--pretty', 'false'], { cwd: here, encoding: 'utf8' });
  if (error) throw error;
  return { status, output: `${stdout}${stderr}` };
}

try {
  main(process.argv.slice(2));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
