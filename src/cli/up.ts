/** `rollcall up DIR`: the controllers over a folder of manifests, until stopped; prints what `kubectl get -w` would. */
import { join } from 'node:path';
import type { DomainObserver, Leadership } from '../controller/ports.ts';
import { realTimers } from '../lib/timers.ts';
import { FolderCluster } from '../local/cluster.ts';
import { FileRecorder } from '../local/recorder.ts';
import { openLog } from '../observe/log.ts';
import { runControllers } from '../run-controllers.ts';
import type { UpSettings } from '../service-settings.ts';
import { StateError } from '../store/state-error.ts';
import { EXIT } from './failure.ts';
import { LiveTable, mappingRows } from './live-table.ts';
import { stateFolderOf } from './project.ts';

/** Whoever holds the state folder leads. */
const ALONE: Leadership = {
  acquire: () => Promise.resolve(),
  lost: new AbortController().signal,
  validUntil: () => Infinity,
  release: () => Promise.resolve(),
};

/** Nobody scrapes a laptop. */
const NOBODY: DomainObserver = {
  ran: () => undefined,
  crashed: () => undefined,
  scheduled: () => undefined,
  probed: () => undefined,
  forgotten: () => undefined,
};

export async function up(settings: UpSettings, signal: AbortSignal): Promise<number> {
  const { directory } = settings;
  const stateFolder = stateFolderOf(directory, settings.state);
  const table = new LiveTable(process.stdout, process.stdout.isTTY);
  const log = openLog(settings.logLevel, (line) => table.say(line.trimEnd()));
  const records = join(stateFolder, 'objects');
  const cluster = new FolderCluster({ directory, records, log, timers: realTimers });
  cluster.onStatus = () => table.show(mappingRows(cluster));
  const file = join(stateFolder, 'events.jsonl');
  try {
    await runControllers(
      {
        settings,
        stateFolder,
        alone: true,
        cluster,
        recorder: new FileRecorder({ file, timers: realTimers, say: (line) => table.say(line) }),
        leadership: ALONE,
        observer: NOBODY,
        log,
        connect: async (changed) => {
          await cluster.watch(changed, signal);
          table.show(mappingRows(cluster));
        },
      },
      signal,
    );
  } catch (error) {
    if (!(error instanceof StateError)) throw error;
    process.stderr.write(`rollcall: ${error.message}\n`);
    return EXIT.failed;
  }
  table.end();
  return EXIT.ok;
}
