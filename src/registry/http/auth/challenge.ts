import { HeaderScanner } from '../header-scanner.ts'

/** dray ignores longer values, and more challenges or parameters than these. */
const maxLength = 16 * 1024
const maxChallenges = 16
const maxParameters = 32

/** One challenge of `WWW-Authenticate`. */
export interface Challenge {
  /** lower case */
  readonly scheme: string
  /** names in lower case; the first of a name counts */
  readonly parameters: ReadonlyMap<string, string>
}

/**
 * Parses the challenges of a `WWW-Authenticate` value (RFC 9110, section 11.6.1), in their order.
 * Several headers are joined by commas. A malformed challenge ends the list.
 */
export function parseChallenges(value: string): Challenge[] {
  if (value.length > maxLength) return []
  const scanner = new HeaderScanner(value)
  const found: Challenge[] = []
  while (found.length < maxChallenges) {
    skipSeparators(scanner)
    const scheme = scanner.token()
    if (scheme === undefined) return found
    skipToken68(scanner)
    const parameters = readParameters(scanner)
    if (parameters === undefined) return found
    found.push({ scheme: scheme.toLowerCase(), parameters })
    skipSeparators(scanner)
    if (scanner.done) return found
  }
  return found
}

function skipSeparators(scanner: HeaderScanner): void {
  scanner.takeWhile((c) => c === ',' || c === ' ' || c === '\t')
}

/** Skips a `token68`: `Negotiate` and `NTLM` have one in place of parameters. */
function skipToken68(scanner: HeaderScanner): void {
  const start = scanner.position
  scanner.skipSpace()
  scanner.takeWhile((c) => /[A-Za-z0-9._~+/-]/.test(c))
  scanner.takeWhile((c) => c === '=')
  scanner.skipSpace()
  if (!scanner.done && scanner.peek() !== ',') scanner.moveTo(start)
}

/**
 * Reads the parameters up to the next challenge: a name without `=` is the next scheme. Undefined
 * if a value is malformed.
 */
function readParameters(scanner: HeaderScanner): Map<string, string> | undefined {
  const parameters = new Map<string, string>()
  for (let count = 0; count < maxParameters; count++) {
    const start = scanner.position
    skipSeparators(scanner)
    const name = scanner.token()
    if (name === undefined) return parameters
    scanner.skipSpace()
    if (!scanner.eat('=')) {
      scanner.moveTo(start)
      return parameters
    }
    scanner.skipSpace()
    const value = scanner.peek() === '"' ? scanner.quoted() : scanner.takeWhile((c) => !', \t'.includes(c))
    if (value === undefined) return undefined
    if (!parameters.has(name.toLowerCase())) parameters.set(name.toLowerCase(), value)
  }
  return undefined
}
