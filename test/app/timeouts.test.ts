import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { freePort } from "../support/server.ts";
import { runProgram, startProgram } from "./program.ts";
import { roleEnvironment } from "./role-environment.ts";

/** `process <number>` of each line that says that one serves. */
const serving = (text: string): readonly number[] =>
  [...text.matchAll(/Serving the \w+ as process (\d+)/g)].map(([, pid]) => Number(pid));

for (const role of ["api", "content"] as const) {
  test(`PULP_${role.toUpperCase()}_GUNICORN_*: a process that hangs for too long is replaced, as many run as are wanted`, async (t) => {
    const prefix = `PULP_${role.toUpperCase()}_GUNICORN_`;
    const environment = {
      ...(await roleEnvironment(t)),
      [`${prefix}TIMEOUT`]: "5",
      [`${prefix}WORKERS`]: "2",
    };
    assert.equal((await runProgram(t, ["manager", "migrate"], { environment })).code, 0);
    const port = await freePort();
    const program = startProgram(t, [role, "-b", `127.0.0.1:${port}`], environment);
    await program.says(/(Serving[\s\S]*){2}/);
    const [first = 0] = serving(program.output.err);

    process.kill(first, "SIGSTOP");

    await program.says(new RegExp(`Process ${first} says nothing any more and is ended`));
    await program.says(/(Serving[\s\S]*){3}/);
    assert.equal(new Set(serving(program.output.err)).size, 3);
  });
}

test("PULP_API_GUNICORN_TIMEOUT: a request that takes longer is ended", async (t) => {
  const environment = { ...(await roleEnvironment(t)), PULP_API_GUNICORN_TIMEOUT: "2" };
  assert.equal((await runProgram(t, ["manager", "migrate"], { environment })).code, 0);
  const port = await freePort();
  const program = startProgram(t, ["api", "-b", `127.0.0.1:${port}`], environment);
  await program.says(/Serving/);
  const head = "POST /pulp/api/v3/login/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
  const socket = connect(port, "127.0.0.1").on("error", () => undefined);
  const began = performance.now();
  // The body never comes.
  socket.write(`${head}Content-Length: 10\r\nAuthorization: Basic YTpi\r\n\r\n`);
  socket.resume();
  await once(socket, "close");
  assert.ok(performance.now() - began < 60_000, "long before the five minutes of silence");
});
