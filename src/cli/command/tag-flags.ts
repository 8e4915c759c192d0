import { DrayError } from '../../lib/errors.ts'
import { fitsSomeTag } from '../../oci/tag-glob.ts'
import { defaultTagPolicy, type TagLevel } from '../../semver/tag-policy.ts'
import { variantProblem } from '../../semver/variant.ts'

/** Splits `a,b`, which means the same as a repeated flag. */
export function parseList(values: readonly string[]): readonly string[] {
  return values.flatMap((value) => value.split(',')).map((value) => value.trim())
}

/** @throws `usage`. */
export function parseLevels(text: string): readonly TagLevel[] {
  const levels = defaultTagPolicy.levels
  return parseList([text]).map((name) => {
    const level = levels.find((known) => known === name)
    if (level !== undefined) return level
    throw new DrayError('usage', `--semver ${JSON.stringify(name)} is not a level`, {
      hint: `The levels are ${levels.join(', ')}.`,
    })
  })
}

/** Parses names of pre-release channels that are no other tags. @throws `usage`. */
export function parseChannels(values: readonly string[]): readonly string[] {
  const names = parseList(values)
  const bad = names.find((name) => !/^[A-Za-z][0-9A-Za-z-]*$/.test(name) || /^(?:latest|v\d.*)$/.test(name))
  if (bad === undefined) return names
  throw new DrayError('usage', `--prerelease-channel ${JSON.stringify(bad)} is not a channel`, {
    hint: 'A channel is the first identifier of pre-releases: beta in 2.0.0-beta.3.',
  })
}

/** Parses globs of variants. @throws `usage`. */
export function parseVariants(values: readonly string[]): readonly string[] {
  const globs = parseGlobs('--variant', values)
  for (const glob of globs) {
    const problem = glob.startsWith('-')
      ? 'begins with "-", which is not part of it'
      : variantProblem(glob, [])
    if (problem === undefined) continue
    throw new DrayError('usage', `--variant ${JSON.stringify(glob)} is not a variant`, {
      why: `it ${problem}`,
      hint: 'Pass the suffix of the versions, such as alpine or "debian-*".',
    })
  }
  return globs
}

/** @throws `usage` for a glob that matches no tag. */
export function parseGlobs(flag: string, values: readonly string[]): readonly string[] {
  const globs = parseList(values)
  const bad = globs.find((glob) => !fitsSomeTag(glob))
  if (bad === undefined) return globs
  throw new DrayError('usage', `${flag} ${JSON.stringify(bad)} cannot match any tag`, {
    hint: 'Use letters, digits, ".", "_", "-", "*" (any characters) and "?" (one character).',
  })
}
