import { DrayError } from '../../lib/errors.ts'
import { defaultTagPolicy, type TagLevel } from '../../semver/tag-policy.ts'

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
