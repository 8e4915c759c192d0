/** Compares texts; runs of digits compare as numbers of any length. */
export function compareNaturally(a: string, b: string): number {
  const [partsOfA, partsOfB] = [partsOf(a), partsOf(b)]
  for (const [i, part] of partsOfA.entries()) {
    const other = partsOfB[i]
    if (other === undefined) return 1
    const isNumeric = /^\d/.test(part) && /^\d/.test(other)
    const order = isNumeric ? compareNumbers(BigInt(part), BigInt(other)) : compareTexts(part, other)
    if (order !== 0) return order
  }
  return partsOfA.length - partsOfB.length
}

/** The runs of digits, and the texts between them. */
function partsOf(text: string): readonly string[] {
  return text.match(/\d+|\D+/g) ?? []
}

function compareNumbers(a: bigint, b: bigint): number {
  return a === b ? 0 : a < b ? -1 : 1
}

export function compareTexts(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1
}
