/** The rows for people and for programs. */
import { cpus, release, totalmem } from 'node:os';
import { isPassed, medianOf, peakOf, ratioOf, type Row } from './rounds.ts';

const HEAD = [
  'scenario',
  'size',
  'seconds',
  'spread',
  'taken off',
  'beside',
  'seconds',
  'ratio',
  'bar',
  'MiB',
  'beside',
  'bar',
  'per s',
  'CPU s',
  '',
];

export function tableOf(rows: readonly Row[]): string {
  const lines = [HEAD, ...rows.map(cellsOf)];
  const widths = HEAD.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)));
  return lines.map((line) => line.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ')).join('\n');
}

export function documentOf(rows: readonly Row[]): unknown {
  return { machine: machine(), scenarios: rows.map(recordOf) };
}

export function machine(): string {
  const [first] = cpus();
  const memory = `${String(Math.round(totalmem() / 2 ** 30))} GiB`;
  return `${String(cpus().length)} × ${first?.model ?? 'unknown'}, ${memory}, Linux ${release()}, Node ${process.version}`;
}

function cellsOf(row: Row): string[] {
  const seconds = row.own.map((one) => one.seconds);
  const median = medianOf(row.own, 'seconds');
  return [
    row.name,
    String(row.size),
    median.toFixed(2),
    `${Math.min(...seconds).toFixed(2)}–${Math.max(...seconds).toFixed(2)}`,
    row.less === 0 ? '' : row.less.toFixed(2),
    row.reference.name,
    row.reference.seconds.toFixed(2),
    ratioOf(row).toFixed(2),
    row.bar?.toFixed(2) ?? '',
    peakOf(row.own).toFixed(0),
    row.reference.peakRssMiB === 0 ? '' : row.reference.peakRssMiB.toFixed(0),
    row.barRssMiB?.toFixed(0) ?? '',
    row.size === 0 ? '' : (row.size / median).toFixed(0),
    medianOf(row.own, 'cpuSeconds').toFixed(1),
    isPassed(row) ? 'ok' : 'MISSED',
  ];
}

function recordOf(row: Row): unknown {
  return {
    name: row.name,
    size: row.size,
    seconds: medianOf(row.own, 'seconds'),
    reference: { name: row.reference.name, seconds: row.reference.seconds },
    ratio: ratioOf(row),
    bar: row.bar ?? null,
    peakRssMiB: peakOf(row.own),
    barRssMiB: row.barRssMiB ?? null,
    passed: isPassed(row),
  };
}
