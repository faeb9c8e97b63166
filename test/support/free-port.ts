import { once } from 'node:events';
import { createServer } from 'node:net';

/** What was given out may not be listened on yet. */
const given = new Set<number>();

/** Below the ports that outgoing connections take, so that none of them takes it before the server does. */
export async function freePort(): Promise<number> {
  const port = 20_000 + Math.floor(Math.random() * 12_000);
  const server = createServer();
  const isFree = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
  });
  if (!isFree) return freePort();
  server.close();
  await once(server, 'close');
  if (given.has(port)) return freePort();
  given.add(port);
  return port;
}
