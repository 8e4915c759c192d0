/** Returns random numbers from 0 to 1 (mulberry32). The same seed gives the same numbers. */
export function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** `count` different random integers from 1 to `end - 1`, or all of them if there are fewer. */
export function sampleIntegers(seed: number, count: number, end: number): readonly number[] {
  const random = randomFrom(seed)
  const sample = new Set<number>()
  while (sample.size < Math.min(count, end - 1)) sample.add(1 + Math.floor(random() * (end - 1)))
  return [...sample]
}

/** The same items in another order (Fisher and Yates). */
export function shuffle<T>(items: readonly T[], seed: number): readonly T[] {
  const random = randomFrom(seed)
  const mixed = [...items]
  for (let i = mixed.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const [a, b] = [mixed[i] as T, mixed[j] as T]
    mixed[i] = b
    mixed[j] = a
  }
  return mixed
}
