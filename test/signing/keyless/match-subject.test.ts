import { assert, constantFrom, property, array } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { matchesSubject } from '../../../src/signing/keyless/match-subject.ts'

const glob = 'https://github.com/acme/{image}/.github/workflows/release.yml@refs/tags/v*'
const of = (repository: string, tag = 'v1.4.2') =>
  `https://github.com/${repository}/.github/workflows/release.yml@refs/tags/${tag}`

describe('the glob of a subject', () => {
  it('matches the repository of the image', () => {
    expect(matchesSubject(glob, 'api', of('acme/api'))).toBe(true)
    expect(matchesSubject(glob, 'team/api', of('acme/team/api'))).toBe(true)
  })

  it.each([
    of('acme/api-evil'),
    of('acme/ap'),
    of('acme/apix'),
    of('acme-evil/api'),
    of('evil/acme/api'),
    of('acme/api/evil'),
    `${of('acme/api')}/x`,
    `x${of('acme/api')}`,
    ` ${of('acme/api')}`,
    `${of('acme/api')}\n/x`,
    of('acme/api').replace('github.com', 'githubxcom'),
    of('acme/api').toUpperCase(),
    of('acme/api').replace('release.yml', 'releaseXyml'),
    '',
  ])('does not match %j', (subject) => {
    expect(matchesSubject(glob, 'api', subject)).toBe(false)
  })

  it.each([
    ['a/*', 'a/b', true],
    ['a/*', 'a/', true],
    ['a/*', 'a/b/c', false],
    ['a/**', 'a/b/c', true],
    ['a/**/c', 'a/b/b/c', true],
    ['a/**/c', 'a/c', false],
    ['*@example.com', 'ada@example.com', true],
    ['*@example.com', 'ada@example.com.evil.test', false],
    ['a.c', 'abc', false],
    ['a?c', 'abc', false],
    ['a[b]c', 'abc', false],
    ['***', 'a/b', true],
    ['*', '', true],
    ['', '', true],
    ['', 'a', false],
    ['*a*b', 'xaxbxab', true],
  ])('%j and %j: %s', (pattern, subject, expected) => {
    expect(matchesSubject(pattern, 'api', subject)).toBe(expected)
  })

  it('takes the name of the image literally', () => {
    expect(matchesSubject('acme/{image}', '*', 'acme/api')).toBe(false)
    expect(matchesSubject('acme/{image}', '*', 'acme/*')).toBe(true)
    expect(matchesSubject('acme/{image}', '{image}', 'acme/{image}')).toBe(true)
  })

  it('agrees with a regular expression', () => {
    const parts = array(constantFrom('a', 'b', '/', '*', '**', '.'), { maxLength: 8 })
    const texts = array(constantFrom('a', 'b', '/', '.'), { maxLength: 10 })
    assert(
      property(parts, texts, (pattern, text) => {
        const joined = pattern.join('')
        const source = joined.replaceAll(/\*\*|\*|\./g, (part) =>
          part === '**' ? '[^]*' : part === '*' ? '[^/]*' : String.raw`\.`,
        )
        const expected = new RegExp(`^${source}$`).test(text.join(''))
        return matchesSubject(joined, 'api', text.join('')) === expected
      }),
    )
  })

  it('takes no exponential time', () => {
    expect(matchesSubject('**a'.repeat(200), 'api', 'a'.repeat(2000) + 'b')).toBe(false)
  })
})
