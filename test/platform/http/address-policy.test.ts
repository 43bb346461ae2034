import assert from "node:assert/strict";
import { test } from "node:test";
import { addressPolicy, embeddedIpv4 } from "#platform/http/address-policy.ts";

test("words and networks deny their addresses, in every notation", () => {
  const policy = addressPolicy([
    "private",
    "loopback",
    "link-local",
    "203.0.113.0/24",
    "2001:db8::1",
  ]);
  const denied = ["10.1.2.3", "172.31.0.1", "192.168.0.1", "100.64.0.1", "127.9.9.9", "0.0.0.0"];
  const more = ["169.254.169.254", "203.0.113.7", "::1", "::", "fe80::1", "fd00::1", "2001:db8::1"];
  const hidden = [
    "::ffff:10.0.0.1",
    "::ffff:a00:1",
    "::10.0.0.1",
    "64:ff9b::a00:1",
    "2002:a00:1::",
  ];

  for (const address of [...denied, ...more, ...hidden]) assert.ok(policy.denies(address), address);
  for (const address of [
    "8.8.8.8",
    "172.32.0.1",
    "2001:db8::2",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
  ])
    assert.ok(!policy.denies(address), address);
});

test("without networks nothing is denied", () => {
  assert.ok(!addressPolicy([]).denies("127.0.0.1"));
});

test("what is no network is refused at the start", () => {
  for (const entry of ["lan", "10.0.0.0/33", "10.0.0.0/", "::/129", "10.0.0/8", "1.2.3.4/8/9", ""])
    assert.throws(() => addressPolicy([entry]), {
      name: "RangeError",
      message: /is not a network/,
    });
});

test("addresses inside addresses", () => {
  assert.equal(embeddedIpv4("::ffff:1.2.3.4"), "1.2.3.4");
  assert.equal(embeddedIpv4("2002:102:304::1"), "1.2.3.4");
  assert.equal(embeddedIpv4("2001:db8::1"), undefined);
  assert.equal(embeddedIpv4("1.2.3.4"), undefined);
});
