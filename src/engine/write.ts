/** One operation, as its writer is asked for it. */
import type { OperationBody } from './operation.ts';
import type { EntryWriter, Written } from './ports.ts';

export function write(body: OperationBody, writer: EntryWriter, signal: AbortSignal): Promise<Written> {
  switch (body.write.kind) {
    case 'Create':
      return writer.create(body.write.entry, signal);
    case 'Update':
      return writer.update(body.write.change, signal);
    case 'Delete':
      return writer.delete(body.write, signal);
    case 'None':
      return Promise.resolve({ kind: 'Applied', id: '', name: undefined });
  }
}
