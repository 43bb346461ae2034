import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { openDoors } from "#app/doors.ts";

type Opened = Parameters<typeof openDoors>;

/**
 * The doors of plugins on a port of their own; everything else is a 404.
 *
 * @returns `http://127.0.0.1:port`
 */
export async function serveDoors(t: TestContext, ...opened: Opened): Promise<string> {
  const doors = openDoors(...opened);
  const server = createServer(doors.before((_request, response) => response.writeHead(404).end()));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await doors.close(1000);
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
