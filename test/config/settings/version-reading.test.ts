import { describe, expect, it } from 'vitest'
import { hashOfConfig } from '../../../src/config/hash.ts'
import { parseConfig } from '../../../src/config/parse.ts'
import { readingAt } from '../../../src/config/settings/version-reading.ts'
import { parseRepository } from '../../../src/oci/reference.ts'
import { plainReading } from '../../../src/semver/version.ts'

const text = `
version: 1
environments:
  dev: { registry: r.example.com, path: "dev/{image}" }
  staging:
    registry: r.example.com
    path: "staging/{image}"
    tags: { scheme: loose, semver: [exact, minor, latest], variants: [alpine], buildMetadata: true }
  prod:
    targets:
      - { registry: eu.example.com, path: "prod/{image}" }
      - { registry: us.example.com, path: "prod/{image}" }
    tags: { scheme: loose, semver: [exact, latest], ignoreVersions: ["9.*"] }
  live: { registry: eu.example.com, path: "prod/{image}", tags: { variants: [slim] } }
images:
  api: {}
  pihole: { name: dns/pihole, tags: { scheme: calver, variants: [] } }
  erlang: { tags: { scheme: loose } }
`
const read = (content: string) => parseConfig({ file: '/x/dray.yaml', content }, 'dray.yaml').config
const config = read(text)
const at = (name: string, environment?: string) => readingAt(config, parseRepository(name), environment)

describe('the reading of versions in a repository', () => {
  it('is that of its environment, in each target', () => {
    const prod = { ...plainReading, scheme: 'loose', ignoreVersions: ['9.*'], twoNumbers: true }
    expect(at('eu.example.com/prod/api')).toEqual(prod)
    expect(at('us.example.com/prod/api')).toEqual(prod)
    expect(at('r.example.com/staging/api')).toEqual({
      scheme: 'loose',
      variants: ['alpine'],
      ignoreVersions: [],
      buildMetadata: true,
      twoNumbers: false,
    })
  })

  it('has the keys of the image in place of those of the environment', () => {
    expect(at('r.example.com/staging/dns/pihole')).toEqual({
      ...plainReading,
      scheme: 'calver',
      buildMetadata: true,
    })
    expect(at('r.example.com/dev/dns/pihole')).toEqual({ ...plainReading, scheme: 'calver' })
  })

  it('has versions of two numbers if the scheme is loose and the policy writes no minor tags', () => {
    expect(at('r.example.com/dev/erlang')).toEqual({ ...plainReading, scheme: 'loose', twoNumbers: true })
    expect(at('r.example.com/staging/erlang').twoNumbers).toBe(false)
  })

  it('has the defaults in no environment, and in an environment without tag rules', () => {
    expect(at('r.example.com/other/erlang')).toEqual(plainReading)
    expect(at('r.example.com/dev/api')).toEqual(plainReading)
  })

  it('is that of the named environment if several have the repository', () => {
    expect(at('eu.example.com/prod/api', 'live')).toEqual({ ...plainReading, variants: ['slim'] })
    expect(at('eu.example.com/prod/api', 'staging').scheme).toBe('loose')
  })

  it.each([
    ['the scheme of an environment', 'ignoreVersions: ["9.*"]', 'ignoreVersions: ["8.*"]'],
    [
      'the ignored versions',
      'scheme: loose, semver: [exact, latest]',
      'scheme: calver, semver: [exact, latest]',
    ],
    ['the variants', 'variants: [slim]', 'variants: [slim, alpine]'],
    ['the scheme of an image', 'tags: { scheme: calver, variants: [] }', 'tags: { variants: [] }'],
    [
      'the build metadata of an image',
      'tags: { scheme: calver,',
      'tags: { buildMetadata: true, scheme: calver,',
    ],
  ])('changes the hash of the configuration with %s', (_, before, after) => {
    expect(text).toContain(before)
    expect(hashOfConfig(read(text.replace(before, after)))).not.toBe(hashOfConfig(config))
  })

  it('does not change the hash of a configuration that was written before its keys existed', () => {
    const old = read(`
version: 1
environments:
  prod: { registry: r.example.com, path: "prod/{image}", tags: { semver: [exact, latest], buildMetadata: true } }
images: { api: { name: web } }
`)
    expect(hashOfConfig(old)).toBe('sha256:66ddcbd21a2cd47e0d7d94178bbf98faf8f997ec8094724698d54387a13ca39d')
  })
})
