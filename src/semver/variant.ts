import { isTag } from '../oci/reference.ts'
import { matchesAnyGlob, matchesGlob } from '../oci/tag-glob.ts'
import { compareText } from './number.ts'
import { beginsWithPreReleaseWord, preReleaseWords } from './prerelease.ts'

/**
 * Whether a text is a variant by one of the globs. With `*-slim`, `debian-12-slim` is one, and the
 * pre-release `rc.1-slim` is not.
 */
export function isVariant(text: string, globs: readonly string[]): boolean {
  // it is the name of a floating tag
  if (!isTag(text)) return false
  return globs.some(
    (glob) => matchesGlob(glob, text) && !(/^[*?]/.test(glob) && beginsWithPreReleaseWord(text)),
  )
}

/** Returns why a glob would match pre-releases or floating tags of versions; undefined if valid. */
export function variantProblem(glob: string, channels: readonly string[]): string | undefined {
  const floating = ['latest', ...numberSamples, ...(isNumbers(glob) ? [glob] : [])]
  const tag = floating.find((text) => matchesGlob(glob, text))
  if (tag !== undefined) return `matches ${tag}, which is the floating tag of versions without a variant`
  const channel = channels.find((text) => matchesGlob(glob, text))
  // 1.4.2-SNAPSHOT and 1.4.2-RC1 are pre-releases too
  const word = preReleaseSamples.find((text) => matchesGlob(glob.toLowerCase(), text))
  const matched = channel ?? word
  if (matched === undefined) return undefined
  const kind = channel === undefined ? 'a pre-release' : 'a channel'
  return `matches ${matched}, which is ${kind}: name the variants, such as alpine or "debian-*"`
}

const preReleaseSamples = preReleaseWords.flatMap((word) => [word, `${word}1`, `${word}.1`, `${word}-1`])
const numberSamples = ['1', '12', '1.4', '3.20', '2024', '2024.04']

function isNumbers(glob: string): boolean {
  return /^v?\d+(?:\.\d+)?$/.test(glob)
}

/**
 * Returns globs for the entry `variants`. Suffixes that differ in a number become one glob:
 * `alpine*` for alpine and alpine3.20. A suffix that cannot be a variant has none.
 */
export function variantGlobs(all: readonly string[]): readonly string[] {
  // `-alpine` of 1.4.2--alpine cannot be the name of a floating tag
  const suffixes = all.filter(isTag)
  const stems = Map.groupBy(suffixes, (suffix) => suffix.replace(/\d.*$/, ''))
  const globs = [...stems]
    .filter(([stem, members]) => stem !== '' && members.length > 1)
    .map(([stem]) => `${stem}*`)
    .filter((glob) => variantProblem(glob, []) === undefined)
  const others = suffixes.filter((suffix) => !matchesAnyGlob(globs, suffix))
  return [...globs, ...others.filter((suffix) => variantProblem(suffix, []) === undefined)].toSorted(
    compareText,
  )
}

/** Splits a variant from the end of a tag or version. The longest suffix that is one wins. */
export function splitVariant(
  text: string,
  globs: readonly string[],
): { readonly rest: string; readonly variant: string } {
  if (globs.length > 0) {
    for (let at = text.indexOf('-'); at >= 0; at = text.indexOf('-', at + 1)) {
      const variant = text.slice(at + 1)
      if (isVariant(variant, globs)) return { rest: text.slice(0, at), variant }
    }
  }
  return { rest: text, variant: '' }
}

/** Adds a variant to the name of a tag: `1.4-alpine`. */
export function withVariant(name: string, variant: string): string {
  return variant === '' ? name : `${name}-${variant}`
}
