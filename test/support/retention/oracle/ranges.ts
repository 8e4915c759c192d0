import { comparePrecedence, type OracleVersion, type TextOrder } from './versions.ts'

type Operator = '>=' | '>' | '<' | '<='

interface Bound {
  readonly operator: Operator
  readonly version: OracleVersion
}

/** The lowest pre-release, as `-0` in the ranges of npm. */
const lowest: readonly string[] = ['0']

/**
 * Whether a version is in a range in the syntax of npm, with the parts that the random policies
 * use: `||`, spaces, `>=`, `>`, `<`, `<=`, `^`, `~`, `x` and missing numbers.
 */
export function isInRange(version: OracleVersion, range: string, text: TextOrder): boolean {
  return range.split('||').some((alternative) =>
    alternative
      .trim()
      .split(/\s+/)
      .flatMap(boundsOf)
      .every(({ operator, version: limit }) => {
        const order = comparePrecedence(version, limit, text)
        return { '>=': order >= 0, '>': order > 0, '<': order < 0, '<=': order <= 0 }[operator]
      }),
  )
}

function boundsOf(comparator: string): readonly Bound[] {
  const [, sign = '', text = ''] = /^(>=|<=|[<>^~]?)(.*)$/.exec(comparator) ?? []
  const [core = '', ...rest] = text.split('-')
  const numbers = core.split('.').flatMap((part) => (/^\d+$/.test(part) ? [BigInt(part)] : []))
  const prerelease = rest.length === 0 ? [] : rest.join('-').split('.')
  if (numbers.length === 0) return []
  const isPartial = numbers.length < 3
  const from = at(numbers, isPartial ? lowest : prerelease)
  switch (sign) {
    case '':
      return isPartial
        ? [
            { operator: '>=', version: from },
            { operator: '<', version: after(numbers) },
          ]
        : [
            { operator: '>=', version: from },
            { operator: '<=', version: from },
          ]
    case '^':
      return [
        { operator: '>=', version: from },
        { operator: '<', version: after(numbers.slice(0, 1)) },
      ]
    case '~':
      return [
        { operator: '>=', version: at(numbers, prerelease) },
        { operator: '<', version: after(numbers.slice(0, 2)) },
      ]
    case '>':
      return isPartial
        ? [{ operator: '>=', version: { ...after(numbers), prerelease: lowest } }]
        : [{ operator: '>', version: from }]
    case '<=':
      return isPartial ? [{ operator: '<', version: after(numbers) }] : [{ operator: '<=', version: from }]
    default:
      return [{ operator: sign as Operator, version: from }]
  }
}

function at(numbers: readonly bigint[], prerelease: readonly string[]): OracleVersion {
  return { numbers: [...numbers, 0n, 0n, 0n, 0n].slice(0, 4), prerelease, variant: '' }
}

/** The first version that does not begin with these numbers. */
function after(numbers: readonly bigint[]): OracleVersion {
  const last = numbers.at(-1) ?? 0n
  return at([...numbers.slice(0, -1), last + 1n], lowest)
}
