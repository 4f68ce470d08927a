// Asks Prometheus as Grafana's data source does, and makes data frames of the answers.
import { FieldType, rangeUtil, toDataFrame } from '@grafana/data';

const asked = new URLSearchParams(location.search);
const prometheus = asked.get('prom') || 'http://127.0.0.1:9090';
const seconds = (text) => rangeUtil.intervalToSeconds(text);
const scrape = seconds(asked.get('scrape') || '15s');
// A panel's least interval is meant for hours of data; a short run is looked at with a smaller one.
const least = asked.get('interval');

export function timeRange(dashboard) {
  const length = seconds(asked.get('range') || dashboard.time.from.replace('now-', ''));
  const end = Number(asked.get('to')) || Math.floor(Date.now() / 1000);
  return { start: end - length, end, length };
}

export function values(dashboard) {
  const found = {};
  for (const v of dashboard.templating.list) found[v.name] = asked.get(`var-${v.name}`) || v.allValue;
  return found;
}

function step(panel, range, width) {
  const points = panel.maxDataPoints || Math.floor(width);
  const rounded = rangeUtil.roundInterval((range.length * 1000) / points) / 1000;
  return Math.max(rounded, seconds(least || panel.interval || '15s'), 1);
}

export function filled(text, variables, range, interval) {
  const all = {
    ...variables,
    __interval: `${interval}s`,
    __rate_interval: `${Math.max(interval + scrape, 4 * scrape)}s`,
    __range: `${range.length}s`,
    __range_s: `${range.length}`,
  };
  return text.replace(/\$\{?(\w+)(?::\w+)?\}?/g, (whole, name) => (name in all ? all[name] : whole));
}

async function ask(path, parameters) {
  const answer = await fetch(`${prometheus}/api/v1/${path}?${new URLSearchParams(parameters)}`);
  const json = await answer.json();
  if (json.status !== 'success') throw new Error(json.error);
  return json.data.result;
}

const name = (legend, labels) =>
  legend
    ? legend.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label) => labels[label] ?? '')
    : `{${Object.entries(labels).map(([k, v]) => `${k}="${v}"`).join(', ')}}`;

function series(target, found, range, interval) {
  const byTime = new Map(found.values.map(([t, v]) => [Math.round(t), Number(v)]));
  const times = [];
  for (let t = range.first; t <= range.end; t += interval) times.push(t);
  const display = target.legendFormat === '' ? 'Value' : name(target.legendFormat, found.metric);
  return toDataFrame({
    refId: target.refId,
    fields: [
      { name: 'Time', type: FieldType.time, config: { interval: interval * 1000 }, values: times.map((t) => t * 1000) },
      {
        name: 'Value',
        type: FieldType.number,
        labels: found.metric,
        values: times.map((t) => byTime.get(t) ?? null),
        config: { displayNameFromDS: display },
      },
    ],
  });
}

// With one query, Grafana calls the column Value.
function table(target, found, alone) {
  const labels = [...new Set(found.flatMap((s) => Object.keys(s.metric)))].filter((l) => l !== '__name__').sort();
  return toDataFrame({
    refId: target.refId,
    fields: [
      { name: 'Time', type: FieldType.time, values: found.map((s) => s.value[0] * 1000) },
      ...labels.map((l) => ({ name: l, type: FieldType.string, values: found.map((s) => s.metric[l] ?? '') })),
      { name: alone ? 'Value' : `Value #${target.refId}`, type: FieldType.number, values: found.map((s) => Number(s.value[1])) },
    ],
  });
}

// Cells of a heatmap: {from, to} in seconds, {low, high} of the bucket, and how many.
function cells(found, interval) {
  const native = found.some((s) => s.histograms);
  if (native) {
    return found.flatMap((s) => (s.histograms || []).flatMap(([t, h]) =>
      (h.buckets || []).map(([, low, high, n]) => ({ from: t - interval, to: t, low: +low, high: +high, n: +n }))));
  }
  const bounds = found.map((s) => ({ le: Number(s.metric.le.replace('+Inf', 'Infinity')), at: new Map(s.values.map(([t, v]) => [t, +v])) }));
  bounds.sort((a, b) => a.le - b.le);
  return bounds.flatMap((bound, i) => [...bound.at].map(([t, v]) => ({
    from: t - interval, to: t, low: i ? bounds[i - 1].le : 0, high: bound.le, row: i, rows: bounds,
    n: v - (i ? bounds[i - 1].at.get(t) ?? 0 : 0),
  })));
}

// The panel's data: frames, or cells where it is a heatmap.
export async function load(panel, dashboard, range, width) {
  const interval = step(panel, range, width);
  const variables = values(dashboard);
  const first = Math.ceil(range.start / interval) * interval;
  const frames = [];
  for (const target of panel.targets || []) {
    const query = filled(target.expr, variables, range, interval);
    try {
      if (target.instant) {
        const found = await ask('query', { query, time: range.end });
        if (target.format === 'table') {
          if (found.length) frames.push(table(target, found, panel.targets.length === 1));
        } else {
          for (const s of found) frames.push(series(target, { ...s, values: [s.value] }, { ...range, first: Math.round(s.value[0]) }, 1e9));
        }
        continue;
      }
      const found = await ask('query_range', { query, start: first, end: range.end, step: interval });
      if (target.format === 'heatmap') {
        // The first query that finds something, as the heatmap panel takes native cells first.
        if (found.length && !frames.length) frames.push({ cells: cells(found, interval) });
      } else {
        for (const s of found) frames.push(series(target, s, { ...range, first }, interval));
      }
    } catch (error) {
      return { error: `${target.refId}: ${error.message}\n${query}` };
    }
  }
  return { frames };
}

export async function annotations(dashboard, range) {
  const interval = Math.max(1, Math.round(range.length / 400));
  const found = [];
  for (const a of dashboard.annotations.list.filter((a) => a.expr)) {
    const query = filled(a.expr, values(dashboard), range, interval).replaceAll('.+|', '.*');
    for (const s of await ask('query_range', { query, start: range.start, end: range.end, step: interval })) {
      let open = null;
      for (const [t] of s.values) {
        if (open && t - open.end <= interval) open.end = t;
        else found.push((open = { start: t, end: t, color: a.iconColor, kind: a.name, title: name(a.titleFormat, s.metric), text: name(a.textFormat, s.metric) }));
      }
    }
  }
  return found;
}
