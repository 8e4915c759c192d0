import * as fc from 'fast-check'

/**
 * Any code point, lone surrogates included. The unit `binary` of fast-check is the same, but it
 * takes a second of CPU to build its table, which is a timeout on a loaded machine.
 */
const codePoint = fc.nat({ max: 0x10ffff }).map((code) => String.fromCodePoint(code))

/** Any string, including lone surrogates. */
export function anyText(maxLength = 32): fc.Arbitrary<string> {
  const common = fc.string({ unit: 'grapheme-ascii', maxLength })
  return fc.oneof(common, fc.string({ unit: codePoint, maxLength }))
}
