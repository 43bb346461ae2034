import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { request as forward } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createApi } from "../support/api.ts";
import { createIdentity } from "../support/certificates.ts";
import { createOidcIssuer } from "../support/oidc-issuer.ts";
import { startServer } from "../support/server.ts";
import { answer } from "../support/upstream.ts";
import { pythonPackages, pythonTool } from "./support/python-tools.ts";

/** A front with TLS, as clients want it where they send identities. */
async function createFront(t: TestContext, apiUrl: string) {
  const { cert, key } = createIdentity("front", { names: ["127.0.0.1"] });
  const target = new URL(apiUrl);
  const asked: string[] = [];
  const server = createServer({ cert, key }, (incoming, response) => {
    const { method, url: path, headers } = incoming;
    asked.push(`${method} ${path}`);
    const options = { host: target.hostname, port: target.port, method, path, headers };
    const request = forward(options, (found) => {
      response.writeHead(found.statusCode ?? 502, found.statusMessage, found.headers);
      found.pipe(response);
    });
    request.on("error", () => response.destroy());
    incoming.pipe(request);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

/** The service that gives jobs their identity, as runners are told about it. */
function serveIdentities(issuer: Awaited<ReturnType<typeof createOidcIssuer>>, claims: object) {
  issuer.upstream.otherwise((request, response) => {
    const url = new URL(request.path, issuer.url);
    const isJob = request.headers.authorization?.toLowerCase() === "bearer of-the-runner";
    const aud = url.searchParams.get("audience") ?? "";
    if (url.pathname !== "/identity" || !isJob) answer.status(404)(request, response);
    else
      void issuer
        .sign({ aud, ...claims })
        .then((value) => answer.file(JSON.stringify({ value }))(request, response));
  });
}

test("uv publishes from a job without any secret, and only where the job is trusted", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "deckle-publishing-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const issuer = await createOidcIssuer(t);
  const server = await startServer({
    env: {
      PULP_PYTHON_TRUSTED_ISSUERS: JSON.stringify([issuer.url]),
      PULP_PYPI_API_HOSTNAME: "http://127.0.0.1",
    },
  });
  t.after(() => server[Symbol.asyncDispose]());
  const api = createApi(server);
  const front = await createFront(t, server.apiUrl);
  for (const name of ["trusting", "other"]) {
    const { pulp_href: repository } = await api.post("repositories/python/python/", { name });
    await api.done(
      await api.post("distributions/python/pypi/", { name, base_path: name, repository }),
    );
    if (name === "trusting") {
      const claims = { repository: "org/app", workflow_ref: "org/app/.github/workflows/*" };
      const json = { issuer: issuer.url, claims, projects: ["iniconfig", "pluggy"] };
      await api.post(`${repository}trusted_publishers/`, json);
    }
  }
  const workflow_ref = "org/app/.github/workflows/release.yml@refs/heads/main";
  serveIdentities(issuer, { workflow_ref });
  const files = (await readdir(pythonPackages)).map((name) => join(pythonPackages, name));
  const publish = (index: string, project: string) =>
    pythonTool(
      "uv",
      [
        ...["publish", "--trusted-publishing", "always"],
        ...["--publish-url", `https://${front.host}/pypi/${index}/legacy/`],
        ...files.filter((path) => path.includes(`/${project}-`)),
      ],
      {
        cwd: folder,
        env: {
          ...{ HOME: folder, UV_NO_CONFIG: "1", UV_NO_PROGRESS: "1", GITHUB_ACTIONS: "true" },
          ...{ UV_INSECURE_HOST: front.host, UV_CACHE_DIR: join(folder, "cache") },
          ACTIONS_ID_TOKEN_REQUEST_URL: `${issuer.url}/identity?version=2`,
          ACTIONS_ID_TOKEN_REQUEST_TOKEN: "of-the-runner",
        },
      },
    );

  const published = await publish("trusting", "iniconfig");
  const project = await publish("trusting", "packaging");
  const elsewhere = await publish("other", "iniconfig");
  serveIdentities(issuer, { repository: "org/fork", workflow_ref });
  const fork = await publish("trusting", "pluggy");

  assert.equal(published.status, 0, published.output);
  assert.deepEqual(front.asked.slice(0, 3), [
    "GET /_/oidc/audience",
    "POST /_/oidc/mint-token",
    "POST /pypi/trusting/legacy/",
  ]);
  assert.notEqual(project.status, 0);
  assert.match(project.output, /may not upload packaging/);
  assert.notEqual(elsewhere.status, 0);
  assert.match(elsewhere.output, /403/);
  assert.notEqual(fork.status, 0);
  assert.match(fork.output, /no trusted publisher fits|422/);
  const { count } = await api.get("content/python/packages/?fields=filename");
  assert.equal(count, 1);
});
