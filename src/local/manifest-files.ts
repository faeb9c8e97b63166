/** Finds the YAML files that DIR stands for and reads them as text, none larger than a manifest can sensibly be. */
import { lstat, open, readdir, stat } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';

export interface ManifestFile {
  /** As it is shown to people: DIR joined with what is below it. */
  readonly file: string;
  /** The folder that relative paths in the manifest start from. */
  readonly folder: string;
  readonly content:
    { readonly ok: true; readonly text: string } | { readonly ok: false; readonly message: string };
}

/** A ConfigMap is limited to 1 MiB by Kubernetes; several of them in one file are plausible, more is a mistake. */
const largestFileBytes = 8 * 1024 * 1024;
const tooLarge = `is larger than ${largestFileBytes / 1024 / 1024} MiB: manifests are short texts; is this a data file?`;

const standardInputName = '<standard input>';

/** Files in bytewise order of their paths. What cannot be read is among them, with the reason. */
export async function* readManifestFiles(
  source: string,
  standardInput: AsyncIterable<Uint8Array>,
): AsyncGenerator<ManifestFile> {
  if (source === '-') {
    yield { file: standardInputName, folder: '.', content: await readStream(standardInput) };
    return;
  }
  const kind = await kindOf(source);
  if (kind === 'Folder') yield* readFolder(source);
  else if (kind === 'File') yield await readFile(source);
  else yield { file: source, folder: dirname(source), content: { ok: false, message: kind.message } };
}

async function kindOf(path: string): Promise<'Folder' | 'File' | { readonly message: string }> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) return 'Folder';
    return found.isFile() ? 'File' : { message: 'is neither a file nor a folder' };
  } catch (error) {
    return { message: reasonOf(error) };
  }
}

async function* readFolder(folder: string): AsyncGenerator<ManifestFile> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    yield { file: folder, folder, content: { ok: false, message: reasonOf(error) } };
    return;
  }
  for (const name of names.filter((each) => !each.startsWith('.')).toSorted()) {
    const path = join(folder, name);
    const isYaml = ['.yaml', '.yml'].includes(extname(name));
    const kind = await kindOf(path);
    if (kind === 'Folder') yield* (await isLink(path)) ? [] : readFolder(path);
    else if (isYaml && kind === 'File') yield await readFile(path);
    else if (isYaml && typeof kind === 'object')
      yield { file: path, folder, content: { ok: false, message: kind.message } };
  }
}

/** A link to a file is followed (a mounted ConfigMap is one); a link to a folder is not, for it may lead in a circle. */
async function isLink(path: string): Promise<boolean> {
  return (await lstat(path)).isSymbolicLink();
}

async function readFile(file: string): Promise<ManifestFile> {
  const folder = dirname(file);
  try {
    await using handle = await open(file);
    const content = await readStream(handle.createReadStream({ autoClose: false }));
    return { file, folder, content };
  } catch (error) {
    return { file, folder, content: { ok: false, message: reasonOf(error) } };
  }
}

async function readStream(stream: AsyncIterable<Uint8Array>): Promise<ManifestFile['content']> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes > largestFileBytes) return { ok: false, message: tooLarge };
    chunks.push(chunk);
  }
  try {
    return { ok: true, text: new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)) };
  } catch {
    return { ok: false, message: 'is not UTF-8: save it in that encoding' };
  }
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'does not exist';
  if (code === 'EACCES' || code === 'EPERM') return 'cannot be read: permission denied';
  return `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
}
