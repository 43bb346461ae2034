import { createPrivateKey, generateKeyPair, type KeyObject } from "node:crypto";
import { promisify } from "node:util";
import { uuid7 } from "#base/uuid7.ts";
import { type Ctx, type Executor, sql } from "#sdk";
import { type Algorithm, CURVES } from "./algorithms.ts";
import { type KeyBook, type SigningKey, signingKey, type VerifyingKey } from "./keys.ts";
import { registryAuthSettingsOf } from "./settings.ts";

/** Keys made by other processes are found after this time, or when a token names one. */
const BELIEVED_MS = 60_000;
/** Tokens may name any key: the database is asked about unknown ones so often at most. */
const PAUSE_MS = 2_000;
const DAY_MS = 86_400_000;
/** Serialises the making of keys among processes. */
const LOCK = 7_160_422;

interface KeyRow {
  readonly algorithm: Algorithm;
  readonly private_key: string;
  /** Older than its lifetime, by the clock of the database. */
  readonly is_old: boolean;
}

/** Keys in the database, sealed, made when there is none or the newest has grown old. */
export class StoredKeys implements KeyBook {
  readonly #ctx: Ctx;
  #known: readonly StoredKey[] = [];
  #readAt = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;
  #making: Promise<SigningKey> | undefined;

  constructor(ctx: Ctx) {
    this.#ctx = ctx;
  }

  async signing(): Promise<SigningKey> {
    if (this.#age() > BELIEVED_MS) await this.#read();
    return this.#newest() ?? this.#made();
  }

  async find(id: string): Promise<VerifyingKey | undefined> {
    const has = () => this.#known.find(({ key }) => key.id === id)?.key;
    const known = has();
    if (known && this.#age() <= BELIEVED_MS) return known;
    if (this.#age() > PAUSE_MS) await this.#read();
    return has();
  }

  async all(): Promise<readonly VerifyingKey[]> {
    if (this.#age() > PAUSE_MS) await this.#read();
    return this.#known.map(({ key }) => key);
  }

  #age(): number {
    return this.#ctx.clock.now() - this.#readAt;
  }

  #newest(): SigningKey | undefined {
    const { TOKEN_SIGNATURE_ALGORITHM: wanted } = registryAuthSettingsOf(this.#ctx);
    return this.#known.find(({ key, isOld }) => key.algorithm === wanted && !isOld)?.key;
  }

  #read(): Promise<void> {
    this.#reading ??= this.#load(this.#ctx.db).finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #load(db: Executor): Promise<void> {
    const days = registryAuthSettingsOf(this.#ctx).TOKEN_KEY_LIFETIME;
    const { rows } = await sql<KeyRow>`
      select algorithm, private_key,
        created < clock_timestamp() - make_interval(days => ${days}) as is_old
      from container_token_key order by created desc, id desc limit 100`.execute(db);
    this.#known = rows.map(({ algorithm, private_key, is_old }) => ({
      key: signingKey(createPrivateKey(this.#ctx.secrets.open(private_key)), algorithm),
      isOld: is_old,
    }));
    this.#readAt = this.#ctx.clock.now();
  }

  #made(): Promise<SigningKey> {
    this.#making ??= this.#make().finally(() => {
      this.#making = undefined;
    });
    return this.#making;
  }

  async #make(): Promise<SigningKey> {
    const { TOKEN_SIGNATURE_ALGORITHM: algorithm } = registryAuthSettingsOf(this.#ctx);
    const draft = signingKey(await newPrivateKey(algorithm), algorithm);
    await this.#ctx.db.transaction().execute(async (trx) => {
      await sql`select pg_advisory_xact_lock(${LOCK})`.execute(trx);
      // Another process may have made one in between.
      await this.#load(trx);
      if (this.#newest()) return;
      await this.#insert(trx, draft);
      await this.#load(trx);
    });
    const made = this.#newest();
    if (!made) throw new Error("The signing key that was just made is not there.");
    return made;
  }

  async #insert(trx: Executor, { id, algorithm, privateKey }: SigningKey): Promise<void> {
    const { TOKEN_KEY_LIFETIME: days, TOKEN_EXPIRATION_TIME: seconds } = registryAuthSettingsOf(
      this.#ctx,
    );
    const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    // Nothing that such a key has signed is in force any more.
    const dead = days * DAY_MS + seconds * 1000 + DAY_MS;
    await sql`delete from container_token_key
      where created < clock_timestamp() - make_interval(secs => ${dead / 1000})`.execute(trx);
    await sql`insert into container_token_key (id, kid, algorithm, private_key)
      values (${uuid7()}, ${id}, ${algorithm}, ${this.#ctx.secrets.seal(pem)})`.execute(trx);
  }
}

interface StoredKey {
  readonly key: SigningKey;
  readonly isOld: boolean;
}

const makePair = promisify(generateKeyPair);

async function newPrivateKey(algorithm: Algorithm): Promise<KeyObject> {
  const namedCurve = CURVES[algorithm];
  if (namedCurve !== undefined) return (await makePair("ec", { namedCurve })).privateKey;
  if (algorithm === "EdDSA") return (await makePair("ed25519", {})).privateKey;
  return (await makePair("rsa", { modulusLength: 3072 })).privateKey;
}
