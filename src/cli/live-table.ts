/** A table that follows the mappings: redrawn in place on a terminal; elsewhere a line for every change, as `get -w`. */
import type { Condition } from '../api/conditions.ts';
import type { ReconMappingSpec, ReconMappingStatus } from '../api/recon-mapping.ts';
import type { Cluster, ClusterObject } from '../controller/ports.ts';
import { table, type Output } from './output.ts';
import { since } from './since.ts';

/** As `kubectl get reconmappings` prints them. */
export const MAPPING_HEADER: readonly string[] = [
  'NAME',
  'SOURCE',
  'TARGET',
  'MODE',
  'READY',
  'REASON',
  'IN-SYNC',
  'PENDING',
  'FAILED',
  'LAST-RUN',
];
const LAST_RUN = MAPPING_HEADER.length - 1;

/** Sorted by name. */
export function mappingRows(cluster: Cluster): string[][] {
  return cluster
    .list('ReconMapping')
    .map(rowOf)
    .toSorted(([one = ''], [other = '']) => (one < other ? -1 : 1));
}

function rowOf({ metadata, object }: ClusterObject): string[] {
  const status = (object['status'] ?? {}) as ReconMappingStatus;
  const cells = [
    `${metadata.namespace}/${metadata.name}`,
    ...specCells(object['spec']),
    ...statusCells(status),
  ];
  return cells.map((cell) => (cell === undefined ? '-' : String(cell)));
}

/** Whatever people wrote: a field that is not there, or is something else, shows as a dash. */
function specCells(written: unknown): (string | undefined)[] {
  const spec = (written ?? {}) as Partial<ReconMappingSpec>;
  return [spec.source?.systemRef?.name, spec.target?.systemRef?.name, spec.mode ?? 'Observe'];
}

function statusCells({
  conditions = [],
  totals,
  lastRun,
}: ReconMappingStatus): (string | number | undefined)[] {
  const condition = (type: string): Condition | undefined => conditions.find((one) => one.type === type);
  const finished = lastRun?.finishedAt;
  return [
    condition('Ready')?.status,
    condition('Ready')?.reason,
    condition('InSync')?.status,
    totals?.pending,
    totals?.failed,
    finished && since(Date.now() - Date.parse(finished)),
  ];
}

export class LiveTable {
  readonly #output: Output;
  readonly #isTerminal: boolean;
  #rows: readonly (readonly string[])[] = [];
  #lines = 0;

  constructor(output: Output, isTerminal: boolean) {
    this.#output = output;
    this.#isTerminal = isTerminal;
  }

  show(rows: readonly (readonly string[])[]): void {
    if (this.#isTerminal) {
      this.#rows = rows;
      this.#draw();
      return;
    }
    const known = new Set(this.#rows.map(textOf));
    const changed = rows.filter((row) => !known.has(textOf(row)));
    const isFirst = this.#rows.length === 0;
    this.#rows = rows;
    if (changed.length === 0) return;
    const text = table(MAPPING_HEADER, changed);
    this.#output.write(isFirst ? text : text.slice(text.indexOf('\n') + 1));
  }

  /** A line above the table. */
  say(line: string): void {
    this.#erase();
    this.#output.write(`${line}\n`);
    if (this.#isTerminal) this.#draw();
  }

  end(): void {
    this.#lines = 0;
  }

  #draw(): void {
    this.#erase();
    if (this.#rows.length === 0) return;
    this.#output.write(table(MAPPING_HEADER, this.#rows));
    this.#lines = this.#rows.length + 1;
  }

  #erase(): void {
    if (this.#lines > 0) this.#output.write(`\u001B[${this.#lines}A\u001B[J`);
    this.#lines = 0;
  }
}

/** How long ago it was is no change. */
function textOf(row: readonly string[]): string {
  return row.slice(0, LAST_RUN).join('\t');
}
