/** The device's counter-based random numbers, again: shaders/lib/random.wgsl. */

/** PCG4D (Jarzynski and Olano, JCGT 9(3), 2020) of four 32-bit words. */
export function pcg4d(
  x: number,
  y: number,
  z: number,
  w: number,
): [number, number, number, number] {
  const v = [x, y, z, w].map((word) => (Math.imul(word, 1664525) + 1013904223) >>> 0) as [
    number,
    number,
    number,
    number,
  ];
  const round = () => {
    v[0] = (v[0] + Math.imul(v[1], v[3])) >>> 0;
    v[1] = (v[1] + Math.imul(v[2], v[0])) >>> 0;
    v[2] = (v[2] + Math.imul(v[0], v[1])) >>> 0;
    v[3] = (v[3] + Math.imul(v[1], v[2])) >>> 0;
  };
  round();
  for (let i = 0; i < 4; i++) v[i] = (v[i]! ^ (v[i]! >>> 16)) >>> 0;
  round();
  return v;
}

/**
 * Standard Gumbel noise of a token at a position of a stream, from all 32 bits: −log E with E
 * exponential.
 */
export function gumbel(seed: number, stream: number, position: number, token: number): number {
  const survival = (pcg4d(seed, stream, position, token)[0] + 0.5) / 2 ** 32;
  return -Math.log(-Math.log1p(-survival));
}
