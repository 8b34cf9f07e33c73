// What a dashboard file of ours may contain: Grafana's published types, made strict.
//
// Read by check.mjs, which declares each dashboard a constant of this type. Grafana's own `Dashboard` leaves options, field
// configuration and targets open (`Record<string, unknown>`), so that nothing wrong in them would be noticed; here each panel has
// those of its kind. Enums become the text that stands in JSON.

import type { Dashboard, DataQuery, FieldConfig, Panel, RowPanel, VariableModel } from '@grafana/schema';
import type { Options as GaugeOptions } from '@grafana/schema/dist/esm/raw/composable/gauge/panelcfg/x/GaugePanelCfg_types.gen';
import type {
  FieldConfig as HeatmapFields,
  Options as HeatmapOptions,
} from '@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen';
import type { Options as StatOptions } from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type {
  FieldConfig as TableFields,
  Options as TableOptions,
} from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type {
  FieldConfig as TimeSeriesFields,
  Options as TimeSeriesOptions,
} from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';
// The last release of @grafana/schema that has the queries of Tempo; since then they are in the data source's own repository.
import type { TempoQuery, TempoQueryType } from '@grafana/schema-with-tempo/dist/esm/raw/composable/tempo/dataquery/x/TempoDataQuery_types.gen';

/** The type as JSON has it: an enum's value instead of its name. */
type Json<T> = T extends string ? `${T}` : T extends number ? (`${T}` extends `${infer N extends number}` ? N : number) : T extends object ? { [K in keyof T]: Json<T[K]> } : T;

/** A reference by uid: one by name, or none, finds another data source elsewhere. */
type Source<Type extends string, Uid extends string> = { type: Type; uid: Uid };
type PrometheusSource = Source<'prometheus', 'prometheus'>;
type TempoSource = Source<'tempo', 'tempo'>;

/** A query to Prometheus. Its type is in `@grafana/prometheus`, which brings a whole user interface with it; these are its fields. */
interface PrometheusTarget extends Omit<DataQuery, 'datasource' | 'queryType' | 'hide'> {
  datasource: PrometheusSource;
  editorMode: 'code';
  exemplar: boolean;
  expr: string;
  format: 'time_series' | 'table' | 'heatmap';
  instant: boolean;
  interval?: string;
  legendFormat: string;
  range: boolean;
}

type TempoTarget = Omit<Json<TempoQuery>, 'datasource' | 'queryType'> & { datasource: TempoSource; queryType: TempoQueryType };

interface Link {
  targetBlank: boolean;
  title: string;
  url: string;
}

type Fields<Custom> = Omit<Json<FieldConfig>, 'custom' | 'links'> & { custom?: Json<Custom>; links?: Link[] };

/** What may be changed for some fields only. */
interface Override {
  matcher: { id: 'byName'; options: string };
  properties: Array<{ id: 'links'; value: Link[] }>;
}

/** What every panel has in common, and what this kind has for itself. */
type PanelOf<Type extends string, Options, Custom, Target extends { datasource: unknown }> = Omit<
  Json<Panel>,
  'datasource' | 'description' | 'fieldConfig' | 'gridPos' | 'id' | 'options' | 'targets' | 'title' | 'type'
> & {
  datasource: Target['datasource'];
  description: string;
  fieldConfig: { defaults: Fields<Custom>; overrides: Override[] };
  gridPos: { h: number; w: number; x: number; y: number };
  id: number;
  options: Json<Options>;
  targets: [Target, ...Target[]];
  title: string;
  type: Type;
};

type AnyPanel =
  | PanelOf<'gauge', GaugeOptions, never, PrometheusTarget>
  | PanelOf<'heatmap', HeatmapOptions, HeatmapFields, PrometheusTarget>
  | PanelOf<'stat', StatOptions, never, PrometheusTarget>
  | PanelOf<'table', TableOptions, TableFields, TempoTarget>
  | PanelOf<'timeseries', TimeSeriesOptions, TimeSeriesFields, PrometheusTarget>
  | (Omit<RowPanel, 'panels'> & { panels: never[] });

interface LabelQuery {
  qryType: 1;
  query: string;
  refId: string;
}

type Variable = Omit<Json<VariableModel>, 'datasource' | 'query'> & { datasource?: PrometheusSource; query: string | LabelQuery };

export type DashboardFile = Omit<Json<Dashboard>, 'panels' | 'templating' | 'title' | 'uid'> & {
  panels: AnyPanel[];
  templating: { list: Variable[] };
  title: string;
  uid: string;
};
