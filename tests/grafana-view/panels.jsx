// One component per kind of panel, from Grafana's own library.
import React from 'react';
import { getDisplayProcessor, reduceField, ReducerID } from '@grafana/data';
import { BigValue, TimeSeries } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import { Heatmap } from './heatmap.jsx';

const COLORS = { blue: '#5794f2', red: '#f2495c', purple: '#b877d9' };

// Dashed lines at the annotations; a filled bar below where one lasts.
function marks(found) {
  return (config) => {
    config.addHook('draw', (u) => {
      for (const mark of found) {
        const [x, end] = [mark.start, mark.end].map((t) => u.valToPos(t * 1000, 'x', true));
        if (x < u.bbox.left || x > u.bbox.left + u.bbox.width) continue;
        u.ctx.save();
        u.ctx.strokeStyle = u.ctx.fillStyle = COLORS[mark.color] || mark.color;
        u.ctx.setLineDash([4, 4]);
        u.ctx.beginPath();
        u.ctx.moveTo(x, u.bbox.top);
        u.ctx.lineTo(x, u.bbox.top + u.bbox.height);
        u.ctx.stroke();
        u.ctx.fillRect(x, u.bbox.top + u.bbox.height, Math.max(4, end - x), 4);
        u.ctx.restore();
      }
    });
    return null;
  };
}

function Stat({ panel, frames, width, height, theme }) {
  const each = Math.floor(width / frames.length);
  const value = (frame, i) => {
    const field = frame.fields[1];
    const last = reduceField({ field, reducers: [ReducerID.lastNotNull] })[ReducerID.lastNotNull];
    const display = (field.display || getDisplayProcessor({ field, theme }))(last);
    const title = frames.length > 1 ? field.config.displayNameFromDS : undefined;
    return <BigValue key={i} value={{ ...display, title }} width={each} height={height} theme={theme}
      colorMode={panel.options.colorMode} graphMode="none" textMode={frames.length > 1 ? 'value_and_name' : 'auto'} justifyMode="auto" />;
  };
  return <div style={{ display: 'flex' }}>{frames.map(value)}</div>;
}

export function Body(props) {
  const { panel, data, width, height, timeRange, range, found, theme } = props;
  if (data.error) return <pre className="error">{data.error}</pre>;
  if (!data.frames.length) return <div className="note">{panel.fieldConfig.defaults.noValue || 'No data'}</div>;
  switch (panel.type) {
    case 'timeseries':
      return <TimeSeries frames={data.frames} width={width} height={height} timeRange={timeRange} timeZone="utc"
        legend={panel.options.legend} structureRev={1}>{marks(found)}</TimeSeries>;
    case 'stat':
      return <Stat panel={panel} frames={data.frames} width={width} height={height} theme={theme} />;
    case 'heatmap':
      return <Heatmap panel={panel} cells={data.frames[0].cells} width={width} height={height} range={range} />;
    case 'table':
      return <TableNG data={data.frames[0]} width={width} height={height} fieldConfig={panel.fieldConfig}
        cellHeight={panel.options.cellHeight} structureRev={1} timeRange={timeRange} />;
    default:
      return <div className="error">no component for {panel.type}</div>;
  }
}
