/** Health and metrics over HTTP: GET only, nothing else is answered. */
import { createServer, type Server, type ServerResponse } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly type?: string;
  readonly body: string;
}

export type Routes = Readonly<Record<string, () => Answer | Promise<Answer>>>;

/** `address`: `host:port`, `:port` for all interfaces. Port 0: a free one. Rejects where it is taken. */
export async function serve(address: string, routes: Routes): Promise<Server> {
  const server = createServer((request, response) => {
    const path = (request.url ?? '').split('?')[0] ?? '';
    const route = request.method === 'GET' && Object.hasOwn(routes, path) ? routes[path] : undefined;
    void answer(route, response);
  });
  const { host, port } = parseAddress(address);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return server;
}

async function answer(route: Routes[string] | undefined, response: ServerResponse): Promise<void> {
  const {
    status,
    type = 'text/plain; charset=utf-8',
    body,
  } = route
    ? await Promise.resolve(route()).catch((): Answer => ({ status: 500, body: 'failed\n' }))
    : { status: 404, body: 'not found\n' };
  response.writeHead(status, { 'Content-Type': type }).end(body);
}

function parseAddress(address: string): { readonly host: string | undefined; readonly port: number } {
  const at = address.lastIndexOf(':');
  const host = address.slice(0, at).replace(/^\[(.*)\]$/, '$1');
  return { host: host === '' ? undefined : host, port: Number(address.slice(at + 1)) };
}
