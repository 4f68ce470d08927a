// Renders /dash/NAME.json (?dash=NAME) against a Prometheus (?prom=URL).
import React from 'react';
import { createRoot } from 'react-dom/client';
import { firstValueFrom } from 'rxjs';
import {
  applyFieldOverrides, cacheFieldDisplayNames, createTheme, dateTime, Registry, standardTransformers, standardTransformersRegistry, transformDataFrame,
} from '@grafana/data';
import { GlobalStyles, PanelChrome, ThemeContext } from '@grafana/ui';
import { annotations, filled, load, timeRange, values } from './query.js';
import { Body } from './panels.jsx';

const [WIDTH, ROW] = [1440, 38];
const COLUMN = WIDTH / 24;
const theme = createTheme({ colors: { mode: 'dark' } });

// What overrides may set.
const own = ['displayName', 'unit', 'min', 'max', 'decimals', 'color', 'thresholds', 'mappings', 'noValue', 'links', 'filterable', 'fieldMinMax'];
const drawn = [
  'width', 'minWidth', 'cellOptions', 'align', 'drawStyle', 'lineWidth', 'lineStyle', 'lineInterpolation', 'fillOpacity', 'stacking',
  'showPoints', 'pointSize', 'spanNulls', 'axisSoftMin', 'axisSoftMax', 'axisWidth', 'thresholdsStyle', 'hideFrom',
];
const property = (id, path, isCustom) => ({ id, path, name: id, isCustom, process: (v) => v, shouldApply: () => true });
const registry = new Registry(() => [
  ...own.map((id) => property(id, id, false)),
  ...drawn.map((id) => property(`custom.${id}`, id, true)),
]);
standardTransformersRegistry.setInit(() =>
  [...new Map(Object.values(standardTransformers).map((t) => [t.id, t])).values()].map((t) => ({ id: t.id, name: t.name, transformation: async () => t })));

async function prepare(panel, dashboard, range) {
  const data = await load(panel, dashboard, range, panel.gridPos.w * COLUMN);
  if (data.error || panel.type === 'heatmap' || !data.frames.length) return data;
  const context = { interpolate: (text) => text };
  const transformed = await firstValueFrom(transformDataFrame(panel.transformations || [], data.frames, context));
  const frames = applyFieldOverrides({
    data: transformed, fieldConfig: panel.fieldConfig, theme, timeZone: 'utc', fieldConfigRegistry: registry,
    replaceVariables: (text) => filled(text, values(dashboard), range, 1),
  });
  cacheFieldDisplayNames(frames);
  return { frames };
}

function Panel({ panel, ...rest }) {
  const { x, y, w, h } = panel.gridPos;
  const place = { position: 'absolute', left: x * COLUMN + 4, top: y * ROW + 4 };
  if (panel.type === 'row') return <div className="section" style={{ ...place, width: WIDTH - 16 }}>{panel.title}</div>;
  return (
    <div style={place}>
      <PanelChrome title={panel.title} description={panel.description} width={w * COLUMN - 8} height={h * ROW - 8}>
        {(width, height) => <Body panel={panel} width={width} height={height} {...rest} />}
      </PanelChrome>
    </div>
  );
}

async function main() {
  const name = new URLSearchParams(location.search).get('dash');
  const dashboard = await (await fetch(`/dash/${name}.json`)).json();
  const range = timeRange(dashboard);
  const panels = dashboard.panels.flatMap((p) => [p, ...(p.panels || [])]);
  const data = await Promise.all(panels.map((p) => (p.type === 'row' ? null : prepare(p, dashboard, range))));
  const found = await annotations(dashboard, range);
  const [from, to] = [dateTime(range.start * 1000), dateTime(range.end * 1000)];
  const shared = { range, found, theme, timeRange: { from, to, raw: { from, to } } };
  const height = Math.max(...panels.map((p) => p.gridPos.y + p.gridPos.h)) * ROW + 8;
  createRoot(document.getElementById('root')).render(
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <div style={{ position: 'relative', width: WIDTH, height }}>
        {panels.map((p, i) => <Panel key={p.id} panel={p} data={data[i]} {...shared} />)}
      </div>
    </ThemeContext.Provider>,
  );
  // What was seen, for the console: panels without data and with errors, and the annotations.
  const empty = panels.filter((p, i) => data[i] && !data[i].error && !data[i].frames.length);
  const failed = panels.map((p, i) => data[i]?.error && `${p.title}: ${data[i].error}`).filter(Boolean);
  window.seen = { empty: empty.map((p) => p.title), failed, marks: found.map((m) => `${m.kind}: ${m.title} (${m.text.trim()})`) };
  document.title = 'ready';
}

main().catch((error) => {
  document.body.innerText = error.stack;
  document.title = 'failed';
});
