import assert from "node:assert/strict";
import { test } from "node:test";
import { createSite } from "./manager-site.ts";

const SERVICE = { PULP_ENABLED_PLUGINS: "['file', 'service']", PULP_DOMAIN_ENABLED: "true" };

test("tenants get the roles by a command", async (t) => {
  const { manage, query } = await createSite(t);
  const command = async (...words: string[]) => {
    const { code, out, err } = await manage(["service-migrate-rbac", ...words], "", SERVICE);
    assert.equal(code, 0, err);
    return out;
  };
  const without = await manage(["service-migrate-rbac"]);
  assert.deepEqual([without.code, without.out], [1, ""]);
  assert.match(without.err, /ENABLED_PLUGINS does not name 'service'/);

  await query("insert into app_user (username, password) values ('eve', '!')");
  await query(`with o as (insert into service_domain_org (app_user)
      select id from app_user where username = 'eve' returning id)
    insert into service_domain_org_domain (domain_org, domain)
    select o.id, d.num from o, domain d where d.name = 'default'`);
  const told = (verb: string, count: string) =>
    [
      `The user 'eve' ${verb} 'core.domain_owner' in 'default'.`,
      `The user 'eve' ${verb} 'service.domain_admin' in 'default'.`,
      `${count} assignments: 2.\n`,
    ].join("\n");
  assert.equal(await command("--dry-run"), told("would get", "Missing"));
  assert.equal(await command(), told("has got", "New"));
  assert.equal(await command(), "New assignments: 0.\n");
  const rows = await query(
    `select count(*)::int as count from role_assignment a join role r on r.num = a.role
     where r.name = 'service.domain_admin' and a.domain is not null and a.object is null`,
  );
  assert.equal(rows[0]?.count, 1);
});
