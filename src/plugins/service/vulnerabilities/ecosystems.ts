/** Labels of repositories of RPM packages that say what OSV calls their products (service §8.2). */
const ECOSYSTEM = "osv_dev ecosystem";
const PRODUCTS = "osv_dev cpes";
const RED_HAT = "Red Hat";
const PREFIX = /^cpe:\/[oa]:redhat(?=:|$)/;
const MOST_PRODUCTS = 50;

/**
 * Ecosystems that labels name: `cpe:/o:redhat:enterprise_linux:9` is `Red Hat:enterprise_linux:9`.
 *
 * @returns undefined where the labels do not say which, or say something that OSV does not know.
 */
export function labelledEcosystems(
  labels: Readonly<Record<string, string | null>>,
): readonly string[] | undefined {
  if (labels[ECOSYSTEM] !== RED_HAT) return undefined;
  const products = textsIn(labels[PRODUCTS] ?? "");
  if (products.length === 0 || products.length > MOST_PRODUCTS) return undefined;
  if (!products.every((one) => PREFIX.test(one))) return undefined;
  return [...new Set(products.map((one) => one.replace(PREFIX, RED_HAT)))];
}

function textsIn(json: string): readonly string[] {
  try {
    const list: unknown = JSON.parse(json);
    return Array.isArray(list) && list.every((one) => typeof one === "string") ? list : [];
  } catch {
    return [];
  }
}
