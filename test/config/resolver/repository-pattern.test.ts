import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { emptyConfig } from '../../../src/config/config.ts'
import { findImagesAt } from '../../../src/config/environments.ts'
import { parseConfig } from '../../../src/config/parse.ts'
import { RegistryNames } from '../../../src/config/registry-names.ts'
import { parseRepositoryPattern } from '../../../src/config/resolver/repository-pattern.ts'
import { isDrayError } from '../../../src/lib/errors.ts'
import { parseRepository } from '../../../src/oci/reference.ts'
import { matchesRepository } from '../../../src/selectors/repository-pattern.ts'

const names = new RegistryNames(new Map())
const { config } = parseConfig(
  {
    file: '/x/dray.yaml',
    content: `
version: 1
environments:
  dev: { registry: r.example.com, path: "dev/{image}" }
  dev-eu: { registry: r.example.com, path: "eu/{image}/dev" }
  hub: { registry: docker.io, path: "{image}" }
images: { web: { name: frontend/web } }
`,
  },
  'dray.yaml',
)

const parse = (text: string) => parseRepositoryPattern(text, emptyConfig)

function matches(pattern: string, repository: string): boolean {
  const name = parseRepository(repository)
  return matchesRepository(parse(pattern), name, findImagesAt(config, name), names)
}

describe('a pattern of repositories', () => {
  it.each([
    ['@dev', 'r.example.com/dev/api'],
    ['@dev', 'r.example.com/dev/team/api'],
    ['@dev/*', 'r.example.com/dev/api'],
    ['@dev/**', 'r.example.com/dev/team/api'],
    ['@dev/api', 'r.example.com/dev/api'],
    ['@dev/web', 'r.example.com/dev/frontend/web'],
    ['@dev/w*', 'r.example.com/dev/frontend/web'],
    ['@dev/team/*', 'r.example.com/dev/team/api'],
    ['@dev/*/api', 'r.example.com/dev/team/api'],
    ['@dev/**/api', 'r.example.com/dev/a/b/api'],
    ['@dev/**/api', 'r.example.com/dev/api'],
    ['@dev/team/**/api', 'r.example.com/dev/team/api'],
    ['@dev/a*', 'r.example.com/dev/a'],
    ['@dev/*-api', 'r.example.com/dev/team-api'],
    ['@dev/a**z', 'r.example.com/dev/a/b/z'],
    ['@dev-eu/api', 'r.example.com/eu/api/dev'],
    ['@hub/api', 'docker.io/library/api'],
    ['@hub/*', 'api'],
    ['r.example.com/dev/*', 'r.example.com/dev/api'],
    ['r.example.com/**', 'r.example.com/dev/team/api'],
    ['r.example.com/dev/api', 'r.example.com/dev/api'],
    ['localhost:5000/*', 'localhost:5000/api'],
    ['[::1]:5000/*', '[::1]:5000/api'],
    ['docker.io/api', 'docker.io/library/api'],
    ['docker.io/*', 'api'],
    ['index.docker.io/team/*', 'team/api'],
    ['team/*', 'docker.io/team/api'],
    ['library/*', 'api'],
    ['api', 'docker.io/library/api'],
    ['Registry/team/*', 'Registry/team/api'],
  ])('%s fits %s', (pattern, repository) => {
    expect(matches(pattern, repository)).toBe(true)
  })

  it.each([
    ['@dev/*', 'r.example.com/dev/team/api'],
    ['@dev/*', 'r.example.com/dev-2/api'],
    ['@dev/*', 'r.example.com/eu/api/dev'],
    ['@dev', 'r.example.com/eu/api/dev'],
    ['@dev/frontend/*', 'r.example.com/dev/frontend/web'],
    ['@dev/pi', 'r.example.com/dev/api'],
    ['@dev/api', 'r.example.com/dev/api-2'],
    ['@dev/a*', 'r.example.com/dev/team/a'],
    ['@dev/**/api', 'r.example.com/dev/team-api'],
    ['@dev/team/**', 'r.example.com/dev/team'],
    ['@dev/a.i', 'r.example.com/dev/axi'],
    ['@dev/*', 'other.example.com/dev/api'],
    ['r.example.com/dev/*', 'r.example.com/dev/team/api'],
    ['r.example.com/dev/*', 'r.example.com/x/dev/api'],
    ['r.example.com/dev/*', 'r.example.com:444/dev/api'],
    ['r.example.com/*', 'rxexample.com/api'],
    ['docker.io/*', 'docker.io/team/api'],
    ['team/*', 'r.example.com/team/api'],
  ])('%s does not fit %s', (pattern, repository) => {
    expect(matches(pattern, repository)).toBe(false)
  })

  it.each([
    ['', 'empty'],
    ['*', 'the environment or registry is missing'],
    ['**', 'the environment or registry is missing'],
    ['api*', 'the environment or registry is missing'],
    ['*/api', 'a registry cannot have wildcards'],
    ['*.example.com/team/api', 'a registry cannot have wildcards'],
    ['**/api', 'a registry cannot have wildcards'],
    ['@*/api', 'environment cannot have wildcards'],
    ['@*', 'environment cannot have wildcards'],
    ['@', 'not the name of an environment'],
    ['@Dev/api', 'not the name of an environment'],
    ['@dev/', 'empty'],
    ['@dev//*', 'empty'],
    ['@dev/*/', 'empty'],
    ['@dev/api:1.4', 'a tag or digest'],
    ['@dev/*:*', 'a tag or digest'],
    ['@dev/a|b', 'not a component'],
    ['@dev/a?', 'not a component'],
    ['@dev/[ab]', 'not a component'],
    ['@dev/{a,b}', 'not a component'],
    ['@dev/(a)', 'not a component'],
    ['@dev/.*', 'not a component'],
    [String.raw`@dev/a\*`, 'not a component'],
    ['@dev/Api*', 'lower case'],
    ['@dev/a\n', 'not a component'],
    ['r.example.com', 'r.example.com/**'],
    ['localhost', 'localhost/**'],
    ['r.example.com/a|b', 'not a component'],
    ['r.example.com/api:1.4', 'not a component'],
    ['r.example.com/', 'empty'],
    ['oci:./dir', 'not a registry'],
    ['https://r.example.com/team/*', 'no scheme'],
    [`@dev/${'a'.repeat(2000)}`, 'too long'],
    [`@dev/${'*a'.repeat(200)}`, 'longer than'],
  ])('cannot be %j', (text, message) => {
    expect(() => parse(text)).toThrowError(
      expect.objectContaining({ code: 'malformed', message: expect.stringContaining(message) as unknown }),
    )
  })

  it.each(['api', 'team/*', 'Team/*', 'library/api'])(
    '%s is not on Docker Hub if dray.yaml defines environments',
    (text) => {
      expect(() => parseRepositoryPattern(text, config)).toThrowError(
        expect.objectContaining({ code: 'usage', hint: expect.stringContaining(`@dev/${text}`) as unknown }),
      )
    },
  )

  it('has the environment or registry to expand', () => {
    expect(parse('@dev')).toMatchObject({
      in: { kind: 'environment', environment: 'dev' },
      glob: '**',
      isPlain: false,
    })
    expect(parse('@dev/team/api')).toMatchObject({ glob: 'team/api', isPlain: true })
    expect(parse('docker.io/a*')).toMatchObject({
      in: { kind: 'registry', registry: 'docker.io' },
      glob: 'library/a*',
      isPlain: false,
    })
    expect(parse('r.io/team/api')).toMatchObject({
      text: 'r.io/team/api',
      in: { kind: 'registry', registry: 'r.io' },
      glob: 'team/api',
      isPlain: true,
    })
  })

  it('takes time linear in the length of the name, with any number of wildcards', () => {
    const pattern = parse(`r.io/x/${'*a'.repeat(100)}b`)
    const stars = parse(`r.io/${'**/'.repeat(60)}b`)
    const name = parseRepository(`r.io/x/${'a'.repeat(240)}`)
    const deep = parseRepository(`r.io/${'a/'.repeat(120)}a`)
    for (let i = 0; i < 100; i++) {
      expect(matchesRepository(pattern, name, [], names)).toBe(false)
      expect(matchesRepository(stars, deep, [], names)).toBe(false)
    }
  })

  it('is parsed or is a DrayError if it is any text', () => {
    const token = fc.constantFrom('@', 'dev', '*', '**', '/', '.', 'a', 'A', ':', '|', 'r.io', '\\', '(', ' ')
    fc.assert(
      fc.property(fc.array(token, { maxLength: 12 }), (tokens) => {
        try {
          const pattern = parse(tokens.join(''))
          expect(parse(pattern.text)).toEqual(pattern)
        } catch (thrown) {
          if (!isDrayError(thrown) || thrown.code !== 'malformed') throw thrown
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('without wildcards matches only its own repository', () => {
    const path = fc.stringMatching(/^[a-z0-9]{1,3}([._-][a-z0-9]{1,3})?(\/[a-z0-9]{1,3}){1,2}$/)
    fc.assert(
      fc.property(path, path, (one, other) => {
        const pattern = parse(`r.io/${one}`)
        expect(matchesRepository(pattern, { registry: 'r.io', path: one }, [], names)).toBe(true)
        expect(matchesRepository(pattern, { registry: 'r.io', path: other }, [], names)).toBe(one === other)
      }),
    )
  })
})
