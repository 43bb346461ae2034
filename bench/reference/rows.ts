/**
 * The floor of an API read: bare `node:http`, one prepared statement, JSON.
 *
 *   node rows.ts DATABASE_URL ROWS
 *
 * Writes its port. What our API costs above it is authentication, filters, paging and encoding.
 */
import { createServer } from "node:http";
import pg from "pg";

const [databaseUrl, rows] = process.argv.slice(2);
const pool = new pg.Pool({ connectionString: databaseUrl, max: 4 });
const statement = {
  name: "rows",
  text: `select id, name, created, updated, labels, description, next_version
    from repository order by num limit $1`,
  values: [Number(rows)],
};

const server = createServer((_request, response) => {
  pool.query(statement).then(
    ({ rows: found }) => {
      const body = JSON.stringify(found);
      response.writeHead(200, { "content-type": "application/json" }).end(body);
    },
    (error: Error) => response.writeHead(500).end(error.message),
  );
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  console.log(typeof address === "object" ? address?.port : address);
});
