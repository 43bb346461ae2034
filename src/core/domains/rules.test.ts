import assert from "node:assert/strict";
import { test } from "node:test";
import { ValidationError } from "#base/errors.ts";
import type { JsonObject } from "#base/json.ts";
import { checkDomainName, openOptions, sealOptions, shownOptions, storeOptions } from "./rules.ts";
import { AZURE, FILE_SYSTEM, S3, S3_ALIAS } from "./storage-classes.ts";

const secrets = {
  keyName: "00000000",
  seal: (text: string) => `sealed ${text}`,
  open: (token: string) => token.replace(/^sealed /, ""),
};

const problems = (className: string, given: JsonObject): unknown => {
  try {
    storeOptions(className, given);
  } catch (error) {
    assert.ok(error instanceof ValidationError);
    return (error.detail as JsonObject).storage_settings;
  }
  return undefined;
};

const keys = { access_key: "a", secret_key: "s", bucket_name: "b" };

test("every option has its name and its default, however it is given", () => {
  const options = storeOptions(S3, {
    AWS_ACCESS_KEY_ID: "a",
    aws_secret_access_key: "s",
    AWS_STORAGE_BUCKET_NAME: "b",
    AWS_S3_ENDPOINT_URL: "http://s3.example",
    aws_location: "below",
    verify: true,
    transfer_config: { max_concurrency: 3 },
  });

  const { transfer_config: transfer, gzip_content_types: types, ...rest } = options;
  assert.deepEqual(rest, {
    ...keys,
    security_token: null,
    file_overwrite: true,
    object_parameters: {},
    querystring_auth: true,
    querystring_expire: 3600,
    signature_version: null,
    location: "below",
    custom_domain: null,
    cloudfront_key_id: null,
    cloudfront_key: null,
    addressing_style: null,
    file_name_charset: "utf-8",
    gzip: false,
    url_protocol: "https:",
    endpoint_url: "http://s3.example",
    proxies: null,
    region_name: null,
    use_ssl: true,
    verify: null,
    max_memory_size: 0,
    default_acl: null,
    use_threads: true,
  });
  assert.equal((types as readonly string[]).length, 5);
  assert.equal((transfer as JsonObject).max_concurrency, 3);
  assert.equal((transfer as JsonObject).multipart_threshold, 8_388_608);
  assert.deepEqual(storeOptions(S3_ALIAS, keys), storeOptions(S3, keys));
  const azure = storeOptions(AZURE, {
    AZURE_ACCOUNT_NAME: "n",
    account_key: "k",
    AZURE_CONTAINER: "c",
    azure_ssl: false,
  });
  assert.deepEqual([azure.account_name, azure.azure_container, azure.azure_ssl], ["n", "c", false]);
});

test("what is stored stays where nothing is given; a null that is given counts", () => {
  const stored = storeOptions(FILE_SYSTEM, {
    location: "/a",
    file_upload_permissions: 384,
    directory_permissions_mode: 448,
  });

  const merged = storeOptions(FILE_SYSTEM, { directory_permissions_mode: null }, stored);

  assert.deepEqual(merged, {
    location: "/a",
    base_url: "",
    file_permissions_mode: 384,
    directory_permissions_mode: null,
  });
});

test("what is wrong is said under the key that was given", () => {
  const unexpected = "Unexpected field";
  const odd = JSON.parse('{"location": "", "__proto__": 1, "constructor": 2, "media_rot": 3}');
  const said = Object.entries(problems(FILE_SYSTEM, odd) as JsonObject);
  assert.deepEqual(said, [
    ["__proto__", unexpected],
    ["constructor", unexpected],
    ["media_rot", unexpected],
  ]);
  assert.deepEqual(problems(FILE_SYSTEM, { MEDIA_ROOT: 1 }), {
    MEDIA_ROOT: ["Not a valid string."],
  });
  assert.deepEqual(problems(FILE_SYSTEM, { location: null }), {
    location: ["This field may not be null."],
  });
  assert.deepEqual(problems(S3, { ...keys, transfer_config: { nope: 1, use_threads: "x" } }), {
    transfer_config: { nope: unexpected, use_threads: ["Must be a valid boolean."] },
  });
  assert.deepEqual(problems(S3, { ...keys, secret_key: "" }), {
    non_field_errors: ["One of 'secret_key' or 'security_token' must be set."],
  });
  assert.equal(problems(S3, { ...keys, secret_key: null, security_token: "t" }), undefined);
  assert.deepEqual(Object.keys(problems(AZURE, {}) as object), [
    ...["account_name", "account_key", "azure_container"],
  ]);
  for (const location of ["relative", "/a/../b"])
    assert.match(JSON.stringify(problems(FILE_SYSTEM, { location })), /incorrect values/);
});

test("each leaf is sealed, and secrets are only said to be set", () => {
  const options = storeOptions(S3, { ...keys, proxies: { http: "p" }, cloudfront_key: "" });

  const sealed = sealOptions(options, secrets);
  assert.deepEqual(sealed.proxies, { http: 'sealed "p"' });
  assert.equal(sealed.region_name, "sealed null");
  assert.deepEqual(openOptions(sealed, secrets), options);

  const shown = shownOptions(S3, options);
  assert.deepEqual(shown.hidden_fields, [
    { name: "access_key", is_set: true },
    { name: "secret_key", is_set: true },
    { name: "security_token", is_set: false },
    { name: "cloudfront_key", is_set: false },
  ]);
  assert.ok(!("secret_key" in shown) && shown.bucket_name === "b");
});

test("names that are paths of the service are refused, in any case", () => {
  for (const name of ["api", "API", "content", "Content"])
    assert.throws(() => checkDomainName(name), ValidationError);
  checkDomainName("apis");
});
