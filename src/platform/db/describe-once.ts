import type pg from "pg";
import { DescribedQuery, type DescribedResult, isNamed } from "./described-query.ts";
import { shapeOf, shapesOf } from "./shapes.ts";

type Callback = (error: unknown, result?: unknown) => void;
/** What the types of the driver do not tell. */
interface WithConnection {
  readonly connection: object;
}

type Query = (...parameters: unknown[]) => unknown;

/** Lets each connection describe the rows of a prepared statement once, not at each call. */
export function describeOnce(pool: pg.Pool, types: pg.CustomTypesConfig): void {
  pool.on("connect", (client) => {
    const shapes = shapesOf((client as unknown as WithConnection).connection);
    const query = client.query.bind(client) as Query;
    const run = (config: pg.QueryConfig & { name: string }, callback: Callback): void => {
      const { name, text, values = [] } = config;
      const shape = shapes.get(name);
      // Another text under the name is for the driver to refuse.
      if (shape?.text === text) {
        query(new DescribedQuery({ name, shape, values }, callback));
        return;
      }
      query(config, (error: unknown, result?: pg.QueryResult) => {
        if (result && !Array.isArray(result)) shapes.set(name, shapeOf(text, result.fields, types));
        callback(error, result);
      });
    };
    client.query = ((...parameters: unknown[]) => {
      const [config, second, third] = parameters;
      if (!isNamed(config)) return query(...parameters);
      const whole = Array.isArray(second) ? { ...config, values: second } : config;
      const callback = typeof second === "function" ? second : third;
      if (typeof callback === "function") return run(whole, callback as Callback);
      return new Promise<DescribedResult>((resolve, reject) => {
        run(whole, (error, result) => {
          if (error) reject(error);
          else resolve(result as DescribedResult);
        });
      });
    }) as typeof client.query;
  });
}
