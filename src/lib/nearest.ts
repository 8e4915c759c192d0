/**
 * Longer words are not compared: no mistyped name is longer, and the work grows with the square.
 */
const maxLength = 128
/** The fewest letters that are read as the beginning of a longer word. */
const minBeginning = 3

/**
 * Returns the candidate that a mistyped word most likely means, or undefined if none is near: at
 * most a third of its letters (at least one) are changed, added, missing or swapped with their
 * neighbour. Case does not count.
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  return findNearest(word, candidates, 1)[0]
}

/**
 * Returns up to `count` near candidates, the nearest first; of equals, the one with the longer
 * common beginning, then the earlier one. Without any, those that begin with the word.
 */
export function findNearest(word: string, candidates: Iterable<string>, count: number): string[] {
  const target = word.toLowerCase()
  if (target === '' || target.length > maxLength) return []
  const limit = Math.max(1, Math.floor(target.length / 3))
  const found: { candidate: string; distance: number; alike: number }[] = []
  const longer: string[] = []
  for (const candidate of candidates) {
    const other = candidate.toLowerCase()
    if (target.length >= minBeginning && other.startsWith(target)) longer.push(candidate)
    if (Math.abs(other.length - target.length) > limit) continue
    const distance = editDistance(target, other)
    if (distance <= limit && distance < target.length)
      found.push({ candidate, distance, alike: commonPrefix(target, other) })
  }
  const sorted = found.sort((a, b) => a.distance - b.distance || b.alike - a.alike)
  if (sorted.length === 0) return [...new Set(longer)].slice(0, count)
  return [...new Set(sorted.map((f) => f.candidate))].slice(0, count)
}

/** Returns `Did you mean "staging"?`, or undefined if nothing is near. */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  const found = nearest(word, candidates)
  return found === undefined ? undefined : `Did you mean ${JSON.stringify(found)}?`
}

/** Counts the letters that are changed, added, missing or swapped (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let best = Math.min((row[j - 1] ?? 0) + 1, (last[j] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, (beforeLast[j - 2] ?? 0) + 1)
      row.push(best)
    }
    beforeLast = last
    last = row
  }
  return last[b.length] ?? 0
}

function commonPrefix(a: string, b: string): number {
  let length = 0
  while (length < a.length && a[length] === b[length]) length++
  return length
}
