import { BlockList, isIP } from "node:net";

/** Which addresses downloads may reach. */
export interface AddressPolicy {
  /** @param address IPv4 or IPv6 text, without brackets. */
  denies(address: string): boolean;
}

/** Words that stand for several networks. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  private: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"],
  loopback: ["127.0.0.0/8", "0.0.0.0/8", "::1/128", "::/128"],
  "link-local": ["169.254.0.0/16", "fe80::/10"],
};

/**
 * @param networks CIDR, single addresses, or the words `private`, `loopback`, `link-local`.
 * @throws RangeError naming the first entry that is none of these.
 */
export function addressPolicy(networks: readonly string[]): AddressPolicy {
  const list = new BlockList();
  for (const entry of networks.flatMap((network) => WORDS[network] ?? [network])) add(list, entry);
  return {
    denies: (address) =>
      [address, embeddedIpv4(address)].some(
        (each) => each !== undefined && list.check(each, isIP(each) === 6 ? "ipv6" : "ipv4"),
      ),
  };
}

function add(list: BlockList, entry: string): void {
  const [address = "", bits, ...rest] = entry.split("/");
  const family = isIP(address);
  const longest = family === 6 ? 128 : 32;
  const prefix = bits === undefined ? longest : Number(bits);
  const valid = Number.isInteger(prefix) && prefix >= 0 && prefix <= longest;
  if (family === 0 || rest.length > 0 || bits === "" || !valid)
    throw new RangeError(`'${entry}' is not a network.`);
  list.addSubnet(address, prefix, family === 6 ? "ipv6" : "ipv4");
}

/**
 * The IPv4 address that an IPv6 one leads to: mapped (`::ffff:0:0/96`), compatible (`::/96`),
 * NAT64 (`64:ff9b::/96`) and 6to4 (`2002::/16`). Otherwise undefined.
 */
export function embeddedIpv4(address: string): string | undefined {
  if (isIP(address) !== 6) return undefined;
  const groups = expand(address);
  const head = groups.slice(0, 6).join(":");
  if (head === "0:0:0:0:0:ffff" || head === "64:ff9b:0:0:0:0" || head === "0:0:0:0:0:0")
    return dotted(groups[6], groups[7]);
  return groups[0] === "2002" ? dotted(groups[1], groups[2]) : undefined;
}

/** Eight groups in hex without leading zeros. */
function expand(address: string): string[] {
  const plain = (address.split("%")[0] ?? "").replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, toGroups);
  const [head = "", tail] = plain.split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  return [...before, ...Array<string>(zeros).fill("0"), ...after].map((group) =>
    Number.parseInt(group, 16).toString(16),
  );
}

function toGroups(_all: string, ...parts: string[]): string {
  const [a = 0, b = 0, c = 0, d = 0] = parts.slice(0, 4).map(Number);
  return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

function dotted(high = "0", low = "0"): string {
  const [h, l] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return `${h >> 8}.${h & 255}.${l >> 8}.${l & 255}`;
}
