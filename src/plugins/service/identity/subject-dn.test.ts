import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalDn, fitsDn } from "./subject-dn.ts";

test("spellings of one name have one canonical form", () => {
  const same = [
    [
      "/O=Example/OU=builders/UID=ci-bot",
      "UID=ci-bot,OU=builders,O=Example",
      "uid=CI-Bot, ou=Builders , o=example",
      "0.9.2342.19200300.100.1.1=ci-bot,2.5.4.11=builders,2.5.4.10=Example",
      "OID.0.9.2342.19200300.100.1.1=ci-bot,OU=builders,O=Example",
      "/o=Example/ou= builders /userid=ci-bot",
    ],
    ['CN="Lim, Ann",O=X', "CN=Lim\\, Ann,O=X", "CN=Lim\\2C  Ann,O=X", "/O=X/CN=Lim, Ann"],
    ["CN=a+UID=b,O=X", "UID=b+CN=a,O=X", "/O=X/CN=a+UID=b"],
    ["CN=http/host.example,O=X", "/O=X/CN=http/host.example"],
    ["CN=\\C3\\A4,O=X", "CN=ä,O=X", "CN=Ä,O=X"],
    ["CN=x+y,O=X", "CN=x\\+y,O=X", "/O=X/CN=x+y"],
  ];
  for (const [first = "", ...others] of same) {
    assert.ok(canonicalDn(first), first);
    for (const other of others) assert.equal(canonicalDn(other), canonicalDn(first), other);
  }
});

test("other names have other forms, also where a value looks like more of a name", () => {
  const names = [
    ...["/O=X/CN=a", "/CN=a/O=X", "/O=X/OU=a", "/O=X", "/O=X/CN=a/CN=b", "CN=a\\/CN\\=b,O=X"],
    ...["CN=a+UID=b,O=X", "CN=a\\+UID\\=b,O=X"],
  ];
  const forms = names.map(canonicalDn);
  assert.ok(!forms.includes(undefined));
  assert.equal(new Set(forms).size, names.length, JSON.stringify(forms));
});

test("what is no name has no form", () => {
  for (const text of ["", " ", "bot", "/", "/bot", "=x", "CN", "CN=a\\", "CN=a\\00", "a b=c"])
    assert.equal(canonicalDn(text), undefined, JSON.stringify(text));
});

test("patterns are read as names are", () => {
  const fits = (pattern: string, name: string) =>
    fitsDn(canonicalDn(pattern) ?? "", canonicalDn(name) ?? "");
  const bot = "UID=ci-bot,OU=builders,O=Example";
  for (const pattern of [
    ...["/O=Example/*", "*,O=Example", "/O=Example/OU=*/UID=ci-*", "UID=*,OU=Builders,O=Example"],
    ...["/O=Example/OU=builders/UID=ci-bot", "*", "/*/UID=ci-bot"],
  ])
    assert.ok(fits(pattern, bot), pattern);
  for (const pattern of ["/O=Other/*", "/O=Example", "/O=Example/OU=x*", "UID=ci,*", "/*/UID=bot"])
    assert.ok(!fits(pattern, bot), pattern);
});

test("a pattern with many stars ends soon", () => {
  const started = performance.now();
  assert.equal(fitsDn(`${"*a".repeat(500)}b`, "a".repeat(4000)), false);
  assert.ok(performance.now() - started < 1000);
});
