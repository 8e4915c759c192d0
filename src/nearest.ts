/** Names longer than this are compared by their beginning. */
const maxLength = 128

/** The candidates that `name` was probably meant to be, the most similar first, at most `count`; none where nothing is similar. */
export function nearest(name: string, candidates: readonly string[], count = 3): readonly string[] {
  const wanted = name.toLowerCase().slice(0, maxLength)
  const limit = Math.max(2, Math.ceil(wanted.length / 3))
  return [...new Set(candidates)]
    .map((candidate) => ({
      candidate,
      distance: distanceOf(wanted, candidate.toLowerCase().slice(0, maxLength)),
    }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance || (a.candidate < b.candidate ? -1 : 1))
    .slice(0, count)
    .map(({ candidate }) => candidate)
}

/** Insertions, deletions, replacements and swaps of neighbours from one to the other (optimal string alignment). */
function distanceOf(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(beforeLast, j - 2) + 1 : Infinity
      row[j] = Math.min(at(last, j) + 1, at(row, j - 1) + 1, replaced, swapped)
    }
    beforeLast = last
    last = row
  }
  return at(last, b.length)
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity
}
