import parse from 'semver/functions/parse.js'

/** A tag that is a whole version: `MAJOR.MINOR.PATCH` with an optional pre-release and an optional leading `v` (semver.org 2.0.0). */
export function isExactVersion(tag: string): boolean {
  return parse(tag.replace(/^v/, '')) !== null && /^v?\d/.test(tag)
}
