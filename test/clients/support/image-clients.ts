import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tarArchive } from "../../support/tar-archive.ts";
import { registryTool } from "./registry-tools.ts";

/** Clients of a registry, each in a home of its own: what one logs in with, another does not know. */
export class ImageClient implements AsyncDisposable {
  readonly #home: string;
  readonly #env: Readonly<Record<string, string>>;

  private constructor(home: string, env: Readonly<Record<string, string>>) {
    this.#home = home;
    this.#env = env;
  }

  static async create(): Promise<ImageClient> {
    const home = await mkdtemp(join(tmpdir(), "deckle-image-client-"));
    await mkdir(join(home, "run"), { mode: 0o700 });
    await mkdir(join(home, "registries.d"));
    await writeFile(join(home, "policy.json"), '{"default":[{"type":"insecureAcceptAnything"}]}');
    return new ImageClient(home, {
      XDG_RUNTIME_DIR: join(home, "run"),
      REGISTRY_AUTH_FILE: join(home, "auth.json"),
      DOCKER_CONFIG: home,
    });
  }

  path(name: string): string {
    return join(this.#home, name);
  }

  /** Standard output of a command that succeeds. */
  async run(program: string, ...args: readonly string[]): Promise<string> {
    const { status, stdout, output } = await this.#tool(program, args);
    assert.equal(status, 0, `${program} ${args.join(" ")}\n${output}`);
    return stdout;
  }

  /** Everything that a command says which does not succeed. */
  async fails(program: string, ...args: readonly string[]): Promise<string> {
    const { status, output } = await this.#tool(program, args);
    assert.notEqual(status, 0, `${program} ${args.join(" ")}\n${output}`);
    return output;
  }

  /** Pushes an image of one file, and nothing else. */
  async pushImage(reference: string, content = reference): Promise<void> {
    const layer = this.path("layer.tar");
    await writeFile(layer, tarArchive([{ name: "hello", data: content }]));
    await this.run("crane", "append", "-f", layer, "-t", reference);
  }

  /** The same home with more in its environment. */
  with(env: Readonly<Record<string, string>>): ImageClient {
    return new ImageClient(this.#home, { ...this.#env, ...env });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#home, { recursive: true, force: true });
  }

  #tool(program: string, args: readonly string[]) {
    return registryTool(program, args, { cwd: this.#home, env: this.#env });
  }
}
