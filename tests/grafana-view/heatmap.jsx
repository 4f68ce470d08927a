// A heatmap as Grafana draws it: classic buckets as rows of equal height, native ones on a
// logarithmic axis. Grafana's own is not part of its component library.
import React, { useEffect, useRef } from 'react';
import { getValueFormat } from '@grafana/data';

const ORANGES = ['#fff5eb', '#fee6ce', '#fdd0a2', '#fdae6b', '#fd8d3c', '#f16913', '#d94801', '#a63603', '#7f2704'];
const text = (unit, value) => {
  const { text, suffix } = getValueFormat(unit)(value);
  return text + (suffix || '');
};

function scale(cells, top, bottom) {
  const rows = cells.find((c) => c.rows)?.rows;
  if (rows) {
    const used = cells.filter((c) => c.n > 0).map((c) => c.row);
    const [low, high] = [Math.max(0, Math.min(...used) - 1), Math.max(...used) + 1];
    const height = (bottom - top) / (high - low + 1);
    const y = (c) => ({ y: bottom - (c.row - low + 1) * height, h: height });
    const ticks = rows.slice(low, high + 1).map((r, i) => ({ value: r.le, y: bottom - (i + 1) * height }));
    return { y, ticks: ticks.filter((_, i) => i % Math.ceil(16 / height) === 0), shown: (c) => c.row >= low && c.row <= high };
  }
  const seen = cells.filter((c) => c.n > 0 && c.low > 0);
  const [low, high] = [Math.log(Math.min(...seen.map((c) => c.low))), Math.log(Math.max(...seen.map((c) => c.high)))];
  const at = (v) => bottom - ((Math.log(v) - low) / (high - low || 1)) * (bottom - top);
  const ticks = [0, 1, 2, 3, 4].map((i) => Math.exp(low + ((high - low) * i) / 4)).map((value) => ({ value, y: at(value) }));
  return { y: (c) => ({ y: at(c.high), h: at(c.low) - at(c.high) }), ticks, shown: (c) => c.low > 0 };
}

export function Heatmap({ panel, cells, width, height, range }) {
  const canvas = useRef();
  useEffect(() => {
    const draw = canvas.current.getContext('2d');
    const [left, right, top, bottom] = [60, width - 8, 6, height - 52];
    const { y, ticks, shown } = scale(cells, top, bottom);
    const x = (t) => left + ((Math.min(Math.max(t, range.start), range.end) - range.start) / range.length) * (right - left);
    const most = Math.max(...cells.map((c) => c.n));
    draw.font = '12px sans-serif';
    draw.fillStyle = '#ccccdc';
    for (const cell of cells.filter((c) => c.n > 1e-9 && shown(c))) {
      const place = y(cell);
      draw.fillStyle = ORANGES[Math.min(8, Math.floor(9 * (cell.n / most) ** 0.5))];
      draw.fillRect(x(cell.from), place.y, Math.max(1, x(cell.to) - x(cell.from) - 1), Math.max(1, place.h - 1));
    }
    draw.fillStyle = '#ccccdc';
    draw.textAlign = 'right';
    for (const tick of ticks) draw.fillText(text(panel.options.yAxis.unit, tick.value), left - 6, tick.y + 4);
    draw.textAlign = 'center';
    for (let i = 0; i <= 4; i++) {
      const t = range.start + (range.length * i) / 4;
      draw.fillText(new Date(t * 1000).toISOString().slice(11, 16), Math.min(x(t), right - 16), bottom + 16);
    }
    ORANGES.forEach((color, i) => {
      draw.fillStyle = color;
      draw.fillRect(left + i * 20, bottom + 26, 20, 8);
    });
    draw.fillStyle = '#ccccdc';
    draw.textAlign = 'left';
    draw.fillText(`0 – ${text('short', most)}`, left + 190, bottom + 34);
  });
  return <canvas ref={canvas} width={width} height={height} />;
}
