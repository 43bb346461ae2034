import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { formOf, type RequestOptions, type TestApi } from "../../../support/rest-api.ts";
import { endedTask } from "../../../support/run-tasks.ts";
import { sdist, wheel } from "../../python/distributions.ts";
import {
  as,
  below,
  CLASSES,
  certificate,
  createService,
  make,
  makeDomain,
  makeGroup,
  STRANGER,
  user,
} from "../support.ts";

const classes = [CLASSES.certificate, CLASSES.saml, CLASSES.basic, CLASSES.terms];
const at = (path: string) => below("own", path);
const ANA = as(user("ana", "1"));
const PUSH = at("push_repository/");

async function createOwn(t: TestContext) {
  const api = await createService(t, { classes });
  await makeDomain(api, "own", ANA);
  const files = await make(api, at("repositories/file/file/"), { name: "files" });
  const python = await make(api, at("repositories/python/python/"), { name: "python" });
  const index = { name: "idx", base_path: "idx", repository: python };
  const distribution = await make(api, at("distributions/python/pypi/"), index);
  const record = async (json: object, who: RequestOptions = ANA) => {
    const made = await api.request("POST", PUSH, { ...who, json });
    assert.equal(made.status, 201, made.text);
    return made.body;
  };
  return { api, files, python, distribution, record };
}

const file = (bytes: string, filename = "a.txt") => [{ name: "file", bytes, filename }];

/** What a multipart request with the header of a gateway sends. */
const sent = (who: RequestOptions, form: RequestOptions): RequestOptions => ({
  ...form,
  user: null,
  headers: { ...who.headers, ...form.headers },
});

test("9.3: a record is made, read, changed and deleted", async (t) => {
  const { api, files, python, distribution, record } = await createOwn(t);
  const made = await record({ name: "p", repository: python, distribution });
  const { pulp_href, prn, pulp_created, pulp_last_updated, ...told } = made;
  assert.match(prn, /^prn:service\.pushrepository:/);
  assert.deepEqual(told, {
    ...{ name: "p", pulp_labels: {}, repository: python, distribution, enabled: true },
    ...{ allow_overwrite: false, publish_on_push: true, max_upload_size: null },
    ...{ allowed_groups: [], allowed_service_accounts: [], malware_scanning: "inherit" },
    ...{ require_attestation: false, last_push: null, push_count: 0 },
  });
  const bad = [
    [{ name: "q", repository: python }, "repository"],
    [{ name: "p", repository: files }, "name"],
    [{ name: "q" }, "repository"],
    [{ name: "q", repository: files, distribution }, "distribution"],
    [{ name: "q", repository: files, require_attestation: true }, "require_attestation"],
    [{ name: "q", repository: files, max_upload_size: 0 }, "max_upload_size"],
    [{ name: "q", repository: files, malware_scanning: "maybe" }, "malware_scanning"],
    [
      { name: "q", repository: files, allowed_groups: ["/pulp/default/api/v3/groups/999/"] },
      "allowed_groups",
    ],
    [{ name: "q", repository: files, allowed_groups: ["x"] }, "allowed_groups"],
    [{ name: "q", repository: files, allowed_service_accounts: ["x"] }, "allowed_service_accounts"],
    [{ name: "q", repository: distribution }, "repository"],
  ] as const;
  for (const [json, field] of bad) {
    const { status, body } = await api.request("POST", PUSH, { ...ANA, json });
    assert.deepEqual([status, Object.keys(body)], [400, [field]], JSON.stringify([json, body]));
  }
  const change = (json: object) => api.request("PATCH", pulp_href, { ...ANA, json });
  const changed = await change({ enabled: false, max_upload_size: 10, malware_scanning: "on" });
  assert.deepEqual(
    [changed.status, changed.body.enabled, changed.body.max_upload_size],
    [200, false, 10],
    changed.text,
  );
  assert.deepEqual((await change({ repository: files })).body, {
    repository: ["This field cannot be changed."],
  });
  const other = await record({ name: "f", repository: files });
  assert.equal(
    (await api.request("PATCH", other.pulp_href, { ...ANA, json: { name: "p" } })).status,
    400,
  );
  const whole = { name: "p2", repository: python };
  assert.equal((await api.request("PUT", pulp_href, { ...ANA, json: whole })).body.enabled, true);
  assert.equal((await api.get(`${PUSH}?name=p2`, ANA)).body.count, 1);
  assert.equal((await api.request("DELETE", pulp_href, ANA)).status, 204);
  assert.equal((await api.get(pulp_href, ANA)).status, 404);
  await endedTask(api, await api.request("DELETE", files));
  assert.equal((await api.get(PUSH, ANA)).body.count, 0, "goes with its repository");
});

test("records are of their domain: others neither see nor use them", async (t) => {
  const { api, files, record } = await createOwn(t);
  const { pulp_href: href } = await record({ name: "p", repository: files });
  const eve = as(user("eve", "2"));
  await makeDomain(api, "hers", eve);
  assert.equal((await api.get(PUSH, eve)).status, 403);
  assert.equal((await api.get(PUSH, STRANGER)).status, 401);
  const crossed = href.replace("/own/", "/hers/");
  assert.equal((await api.get(crossed, eve)).status, 404);
  const json = { name: "x", repository: files };
  const foreign = await api.request("POST", below("hers", "push_repository/"), { ...eve, json });
  assert.equal(foreign.status, 400);
});

const content = (api: TestApi, repository: string, bytes: string, who = ANA) =>
  api.request(
    "POST",
    at("content/file/files/"),
    sent(who, formOf({ relative_path: "a.txt", repository }, file(bytes))),
  );

test("content that is uploaded into a repository keeps to its record", async (t) => {
  const { api, files, record } = await createOwn(t);
  assert.equal((await endedTask(api, await content(api, files, "before"))).state, "completed");
  const { pulp_href: href } = await record({ name: "p", repository: files, max_upload_size: 5 });
  const large = await content(api, files, "too large");
  assert.deepEqual(
    [large.status, large.body],
    [413, { detail: "Upload exceeds the maximum of 5 bytes." }],
  );
  const over = await endedTask(api, await content(api, files, "other"));
  assert.match(over.error?.description ?? "", /PLP0023.*overwrite/);
  const set = (json: object) => api.request("PATCH", href, { json });
  await set({ allow_overwrite: true });
  assert.equal((await endedTask(api, await content(api, files, "other"))).state, "completed");
  const { push_count, last_push } = (await api.get(href)).body;
  assert.equal(push_count, 1);
  assert.ok(Date.parse(last_push) > 0);
  const { body: published } = await api.get(at("publications/file/file/"));
  assert.equal(published.count, 1, "published once, by the push");
  await set({ enabled: false });
  for (const who of [ANA, {}]) {
    const off = await (who === ANA
      ? content(api, files, "x")
      : api.request(
          "POST",
          at("content/file/files/"),
          formOf({ relative_path: "a", repository: files }, file("x")),
        ));
    assert.deepEqual(
      [off.status, off.body],
      [403, { detail: "Pushing to this repository is disabled." }],
    );
  }
});

test("artifacts and uploads that are there are measured too, and what is not pushed is left alone", async (t) => {
  const { api, files, record } = await createOwn(t);
  await record({ name: "p", repository: files, max_upload_size: 5 });
  const artifact = await api.request("POST", at("artifacts/"), formOf({}, file("too large")));
  const upload = await make(api, at("uploads/"), { size: 9 });
  for (const source of [{ artifact: artifact.body.pulp_href }, { upload }]) {
    const form = formOf({ relative_path: "b", repository: files, ...source });
    assert.equal((await api.request("POST", at("content/file/files/"), form)).status, 413);
  }
  const alone = formOf({ relative_path: "b", artifact: artifact.body.pulp_href });
  assert.equal((await api.request("POST", at("content/file/files/"), alone)).status, 202);
});

test("groups that may push are kept to; tenants name those that they are members of", async (t) => {
  const { api, files, record } = await createOwn(t);
  const ben = as(user("ben", "1"));
  await api.get(at("repositories/"), ben);
  await makeGroup(api, "crew", ["1|ben"]);
  await makeGroup(api, "others", []);
  const groups = (await api.get(below("default", "groups/?ordering=name"))).body.results;
  const hrefOf = (name: string) =>
    groups.find((one: { name: string }) => one.name === name)?.pulp_href;
  const json = { name: "p", repository: files, allowed_groups: [hrefOf("crew")] };
  assert.equal((await api.request("POST", PUSH, { ...ANA, json })).status, 400, "not hers");
  assert.equal(
    (
      await api.request("POST", PUSH, {
        ...ben,
        json: { ...json, allowed_groups: [hrefOf("others")] },
      })
    ).status,
    400,
  );
  const made = await record(json, ben);
  assert.deepEqual(made.allowed_groups, [hrefOf("crew")]);
  const denied = await content(api, files, "x");
  assert.deepEqual(
    [denied.status, denied.body],
    [403, { detail: "You may not push to this repository." }],
  );
  assert.equal((await content(api, files, "x", ben)).status, 202);
  const opened = await api.request("PATCH", made.pulp_href, {
    ...ANA,
    json: { allowed_groups: [] },
  });
  assert.deepEqual(opened.body.allowed_groups, []);
  assert.equal((await content(api, files, "x")).status, 202);
});

test("accounts of programs push where their record is named, and nobody else", async (t) => {
  const { api, files, record } = await createOwn(t);
  const account = async (name: string) => {
    const json = { name, subject_dn: `/O=Example/CN=${name}`, org_id: "1" };
    const made = await api.request("POST", at("rh_service_account/"), { ...ANA, json });
    assert.equal(made.status, 201, made.text);
    return { href: made.body.pulp_href, who: as(certificate(`/O=Example/CN=${name}`, "1")) };
  };
  const [builder, other] = [await account("builder"), await account("other")];
  const made = await record({
    ...{ name: "p", repository: files, allowed_service_accounts: [builder.href] },
    allow_overwrite: true,
  });
  assert.deepEqual(made.allowed_service_accounts, [builder.href]);
  const pushed = async (who: RequestOptions, bytes: string) =>
    (await content(api, files, bytes, who)).status;
  assert.equal(await pushed(builder.who, "one"), 202);
  assert.equal(await pushed(other.who, "two"), 403);
  assert.equal(await pushed(ANA, "three"), 403);
  const unknown = builder.href.replace(/[0-9a-f]{12}\/$/, "000000000000/");
  const json = { allowed_service_accounts: [unknown] };
  const refused = await api.request("PATCH", made.pulp_href, { ...ANA, json });
  assert.deepEqual([refused.status, Object.keys(refused.body)], [400, Object.keys(json)]);
  assert.equal((await api.request("DELETE", builder.href, ANA)).status, 204);
  assert.deepEqual((await api.get(made.pulp_href, ANA)).body.allowed_service_accounts, []);
});

test("push/ takes a file into the repository under the rules of the record", async (t) => {
  const { api, files, python, record } = await createOwn(t);
  const records = {
    files: await record({ name: "f", repository: files, max_upload_size: 100 }),
    python: await record({ name: "p", repository: python }),
  };
  const push = (to: { pulp_href: string }, form: RequestOptions, who = ANA) =>
    api.request("POST", `${to.pulp_href}push/`, sent(who, form));
  const labels = { pulp_labels: JSON.stringify({ team: "a" }) };
  const task = await endedTask(
    api,
    await push(records.files, formOf(labels, file("bytes", "b.txt"))),
  );
  assert.equal(task.state, "completed", JSON.stringify(task.error));
  const [unit = "", version = ""] = task.created_resources;
  const { body: stored } = await api.get(unit);
  assert.deepEqual([stored.relative_path, stored.pulp_labels], ["b.txt", { team: "a" }]);
  assert.match(version, /\/versions\/1\/$/);
  const named = formOf({ relative_path: "d/c.txt" }, file("other", "b.txt"));
  assert.equal((await endedTask(api, await push(records.files, named))).state, "completed");

  const { filename, bytes } = wheel();
  const wheelForm = formOf({}, [{ name: "file", bytes, filename }]);
  const pushed = await endedTask(api, await push(records.python, wheelForm));
  assert.equal(pushed.state, "completed", JSON.stringify(pushed.error));
  assert.match(pushed.created_resources.join(), /content\/python\/packages/);

  const large = await push(records.files, formOf({}, file("x".repeat(101))));
  assert.equal(large.status, 413);
  assert.equal(
    (await push(records.files, formOf({}, file("x")), as(user("eve", "2")))).status,
    403,
  );
  assert.equal((await push(records.files, formOf({}, file("x")), STRANGER)).status, 401);
  assert.equal((await push(records.files, formOf({ relative_path: "x" }))).status, 400);
  const odd = formOf({ relative_path: "../x" }, file("x"));
  assert.equal((await push(records.files, odd)).status, 400);
  assert.equal((await api.get(records.files.pulp_href, ANA)).body.push_count, 2);
});

test("uploads to an index keep to the record of its repository", async (t) => {
  const { api, python, record } = await createOwn(t);
  const { pulp_href: href } = await record({ name: "p", repository: python });
  const set = (json: object) => api.request("PATCH", href, { json });
  const twine = ({ filename, bytes, sha256 }: ReturnType<typeof sdist>) =>
    api.request(
      "POST",
      "/pypi/own/idx/legacy/",
      sent(
        ANA,
        formOf({ ":action": "file_upload", sha256_digest: sha256 }, [
          { name: "content", bytes, filename },
        ]),
      ),
    );
  const first = sdist({ salt: "1" });
  const done = await twine(first);
  assert.equal(done.status, 202, done.text);
  await endedTask(api, done);
  const second = sdist({ salt: "2" });
  assert.equal(first.filename, second.filename);
  assert.equal((await twine(second)).status, 400, "there already");
  await set({ allow_overwrite: true });
  const over = await endedTask(api, await twine(second));
  assert.equal(over.state, "completed", JSON.stringify(over.error));
  const { latest_version_href } = (await api.get(python)).body;
  const listed = await api.get(
    at(`content/python/packages/?repository_version=${latest_version_href}`),
  );
  assert.deepEqual(
    listed.body.results.map((one: { sha256: string }) => one.sha256),
    [second.sha256],
  );
  await set({ max_upload_size: 10 });
  assert.equal((await twine(wheel())).status, 413);
  await set({ max_upload_size: null, require_attestation: true });
  assert.deepEqual(Object.keys((await twine(wheel())).body), ["attestations"]);
  await set({ enabled: false });
  const off = await twine(wheel());
  assert.deepEqual([off.status, off.body.detail], [403, "Pushing to this repository is disabled."]);
  assert.equal((await api.get(href)).body.push_count, 2);
});

test("a repository without a record costs a push one statement", async (t) => {
  const { api, files } = await createOwn(t);
  const statements = await api.statementsOf(() => content(api, files, "x"));
  assert.equal(statements.filter((text) => /service_push/.test(text)).length, 1);
});

test("9.3: a record that was for some is for nobody when the last of them is gone", async (t) => {
  const { api, files, record } = await createOwn(t);
  await makeGroup(api, "pushers", ["1|ana"]);
  const group = (await api.get(below("default", "groups/?name=pushers"))).body.results[0].pulp_href;
  const { pulp_href: href } = await record({
    name: "p",
    repository: files,
    allowed_groups: [group],
  });
  const push = async () => {
    const upload = formOf({ repository: files, relative_path: "a" }, file("a"));
    return (await api.request("POST", at("content/file/files/"), sent(ANA, upload))).status;
  };
  assert.equal(await push(), 202);
  const gone = await api.request("DELETE", group);
  if (gone.status === 202) await endedTask(api, gone);
  assert.deepEqual((await api.get(href)).body.allowed_groups, []);
  assert.equal(await push(), 403, "its list is empty, and not that of everybody");
  const named = await api.request("PATCH", href, { ...ANA, json: { name: "q" } });
  assert.deepEqual([named.status, await push()], [200, 403]);
  await api.request("PATCH", href, { ...ANA, json: { allowed_groups: [] } });
  assert.equal(await push(), 202, "until somebody says so");
});
