import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { gunzipSync } from "node:zlib";

type Attributes = Readonly<Record<string, string>>;

/** One data point of one instrument, as it came over the wire. */
export interface Point {
  readonly service: string;
  readonly scope: string;
  readonly name: string;
  readonly unit: string;
  readonly kind: "gauge" | "sum" | "histogram";
  readonly isMonotonic: boolean;
  readonly attributes: Attributes;
  /** Of a histogram the sum. */
  readonly value: number;
  readonly count: number;
  readonly bounds: readonly number[];
  readonly buckets: readonly number[];
}

export interface OtlpReceiver {
  readonly url: string;
  /** Every point so far, the oldest first. */
  readonly points: readonly Point[];
  readonly requests: readonly { readonly path: string; readonly type: string | undefined }[];
  /** The newest point that fits, waited for. */
  newest(fits: (point: Point) => boolean): Promise<Point>;
}

/** A collector of OpenTelemetry that decodes what it gets. */
export async function startOtlpReceiver(t: TestContext): Promise<OtlpReceiver> {
  const points: Point[] = [];
  const requests: { path: string; type: string | undefined }[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    requests.push({ path: request.url ?? "", type: request.headers["content-type"] });
    points.push(
      ...pointsOf(request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body),
    );
    response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    points,
    requests,
    async newest(fits) {
      const limit = Date.now() + 20_000;
      for (;;) {
        const found = points.findLast(fits);
        if (found) return found;
        if (Date.now() > limit) {
          const names = [...new Set(points.map(({ name }) => name))];
          throw new Error(`No such point among those of ${names.join(", ")}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
  };
}

type Fields = Map<number, (Buffer | bigint)[]>;

/** The fields of a message by number: bytes of nested ones, and plain numbers. */
function fieldsOf(bytes: Buffer): Fields {
  const fields: Fields = new Map();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes.readUInt8(at);
      at += 1;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const slice = (length: number): Buffer => {
    if (at + length > bytes.length) throw new Error("A field ends behind its message.");
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const key = Number(varint());
    const type = key & 7;
    const value = type === 0 ? varint() : slice(type === 2 ? Number(varint()) : type === 1 ? 8 : 4);
    const number = key >> 3;
    fields.set(number, [...(fields.get(number) ?? []), value]);
  }
  return fields;
}

const messages = (fields: Fields, number: number): Fields[] =>
  (fields.get(number) ?? []).map((value) => fieldsOf(value as Buffer));
const bytesOf = (fields: Fields, number: number): Buffer =>
  Buffer.concat((fields.get(number) ?? []) as Buffer[]);
const textOf = (fields: Fields, number: number): string => bytesOf(fields, number).toString();

function attributesOf(fields: Fields, number: number): Attributes {
  const pairs = messages(fields, number).map((pair) => {
    const [value = new Map()] = messages(pair, 2);
    return [textOf(pair, 1), textOf(value, 1)] as const;
  });
  return Object.fromEntries(pairs);
}

function numberOf(fields: Fields): number {
  if (fields.has(4)) return bytesOf(fields, 4).readDoubleLE();
  return Number(bytesOf(fields, 6).readBigInt64LE());
}

const doubles = (bytes: Buffer): number[] =>
  Array.from({ length: bytes.length / 8 }, (_, index) => bytes.readDoubleLE(index * 8));
const longs = (bytes: Buffer): number[] =>
  Array.from({ length: bytes.length / 8 }, (_, index) => Number(bytes.readBigUInt64LE(index * 8)));

/** `ExportMetricsServiceRequest` of opentelemetry-proto 1.x. */
function pointsOf(bytes: Buffer): Point[] {
  return messages(fieldsOf(bytes), 1).flatMap((resourceMetrics) => {
    const [resource = new Map()] = messages(resourceMetrics, 1);
    const service = attributesOf(resource, 1)["service.name"] ?? "";
    return messages(resourceMetrics, 2).flatMap((scopeMetrics) => {
      const [scope = new Map()] = messages(scopeMetrics, 1);
      return messages(scopeMetrics, 2).flatMap((metric) =>
        pointsOfMetric(metric, { service, scope: textOf(scope, 1) }),
      );
    });
  });
}

const KINDS = [
  [5, "gauge"],
  [7, "sum"],
  [9, "histogram"],
] as const;

function pointsOfMetric(
  metric: Fields,
  origin: { readonly service: string; readonly scope: string },
): Point[] {
  const common = { ...origin, name: textOf(metric, 1), unit: textOf(metric, 3) };
  return KINDS.flatMap(([number, kind]) =>
    messages(metric, number).flatMap((data) =>
      messages(data, 1).map((point) => ({
        ...common,
        kind,
        isMonotonic: data.get(3)?.[0] === 1n,
        ...(kind === "histogram" ? histogramOf(point) : plainOf(point)),
      })),
    ),
  );
}

const plainOf = (point: Fields) => ({
  attributes: attributesOf(point, 7),
  value: numberOf(point),
  ...{ count: 1, bounds: [], buckets: [] },
});

const histogramOf = (point: Fields) => ({
  attributes: attributesOf(point, 9),
  value: bytesOf(point, 5).readDoubleLE(),
  count: Number(bytesOf(point, 4).readBigUInt64LE()),
  bounds: doubles(bytesOf(point, 7)),
  buckets: longs(bytesOf(point, 6)),
});
