const units = {
  '': 1,
  K: 1000,
  M: 1000 ** 2,
  G: 1000 ** 3,
  Ki: 1024,
  Mi: 1024 ** 2,
  Gi: 1024 ** 3,
} as const
const grammar = /^([0-9]{1,12}(?:\.[0-9]{1,3})?)([KMG]i?|)B\/s$/

/** Parses `20MiB/s` or `500KB/s` to bytes in a second; undefined for other text and for 0. */
export function parseBandwidth(text: string): number | undefined {
  const [, amount, unit] = grammar.exec(text) ?? []
  if (amount === undefined) return undefined
  const bytes = Math.floor(Number(amount) * units[unit as keyof typeof units])
  return bytes > 0 ? bytes : undefined
}
