/** What a process uses, as the system counts it. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Linux, everywhere: sysconf(_SC_CLK_TCK). */
const TICKS_PER_SECOND = 100;
/** Of /proc/net/tcp. */
const ESTABLISHED = '01';

export function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) * 1_024;
}

/** Since its start, in user and system mode, all threads. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Open TCP connections of the process to that port. */
export function connectionsTo(pid: number, port: number): number {
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`));
  const sockets = new Set(links.map((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1]));
  const rows = ['tcp', 'tcp6'].flatMap((file) =>
    readFileSync(`/proc/${pid}/net/${file}`, 'utf8').split('\n'),
  );
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter(([, , remote = '', state]) => state === ESTABLISHED && portOf(remote) === port)
    .filter((fields) => sockets.has(fields[9])).length;
}

function portOf(address: string): number {
  return Number.parseInt(address.split(':')[1] ?? '', 16);
}

/** Empty: it was closed meanwhile. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
