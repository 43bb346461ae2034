/**
 * Gives memory back at once, which otherwise waits for the garbage collector: a large body is as much
 * garbage as it has bytes. The bytes must not be looked at again. Those that share their memory with
 * others stay.
 */
export function releaseBytes(bytes: Uint8Array): void {
  const { buffer, byteOffset, byteLength } = bytes;
  const isAlone = byteOffset === 0 && byteLength === buffer.byteLength;
  if (isAlone && byteLength > 0 && buffer instanceof ArrayBuffer) buffer.transfer(0);
}
