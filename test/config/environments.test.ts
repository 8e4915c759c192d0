import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { emptyConfig } from '../../src/config/config.ts'
import { checkImage, findImagesAt, repositoriesOf } from '../../src/config/environments.ts'
import { hashOfConfig } from '../../src/config/hash.ts'
import { parseConfig } from '../../src/config/parse.ts'
import type { DrayError } from '../../src/lib/errors.ts'

const text = `
version: 1
environments:
  any: { registry: r.example.com, path: "{image}" }
  dev: { registry: r.example.com, path: "dev/{image}", promoteFrom: [] }
  staging: { registry: r.example.com, path: "team-{image}/staging", promoteFrom: [dev] }
  prod:
    promoteFrom: [staging]
    targets:
      - { registry: eu.example.com, path: "prod/{image}" }
      - { registry: docker.io, path: "{image}" }
images:
  api: {}
  web: { name: frontend/web }
`
const read = (content: string) => parseConfig({ file: '/x/dray.yaml', content }, 'dray.yaml').config
const config = read(text)

describe('an environment', () => {
  it('has one repository of an image in each target', () => {
    expect(repositoriesOf(config, 'prod', 'web')).toEqual([
      { registry: 'eu.example.com', path: 'prod/frontend/web' },
      { registry: 'docker.io', path: 'frontend/web' },
    ])
    expect(repositoriesOf(config, 'prod', 'api')[1]).toEqual({ registry: 'docker.io', path: 'library/api' })
  })

  it('uses the name of an image that is not listed', () => {
    expect(repositoriesOf(config, 'dev', 'other')).toEqual([{ registry: 'r.example.com', path: 'dev/other' }])
  })

  it('is refused with the nearest name if it does not exist', () => {
    expect(() => repositoriesOf(config, 'stagin', 'api')).toThrowError(
      expect.objectContaining({
        code: 'usage',
        message: 'there is no environment "stagin"',
        hint: 'Did you mean "staging"? The environments are any, dev, staging, prod.',
      }),
    )
    expect(() => repositoriesOf(config, 'stagin', 'api')).toThrowError(
      expect.not.objectContaining({ subject: expect.anything() }),
    )
    expect(() => repositoriesOf(config, 'constructor', 'api')).toThrowError('there is no environment')
    expect(() => repositoriesOf(emptyConfig, 'prod', 'api')).toThrowError(
      expect.objectContaining({
        message: 'the environment "prod" is not configured',
        why: 'there is no dray.yaml in this folder or above it, or it has no environments',
        hint: expect.stringContaining('dray config init'),
      }),
    )
  })

  it('is suggested for its name or path in place of an image', () => {
    const hintOf = (name: string): string | undefined => {
      try {
        checkImage(name, config)
        return undefined
      } catch (error) {
        return (error as DrayError).hint
      }
    }
    const end = 'The images are api, web. To use another image, add it to "images:".'
    expect(hintOf('staging')).toBe(`To name the environment, write @staging. ${end}`)
    expect(hintOf('staging/api')).toBe(`Did you mean "@staging/api"? ${end}`)
    expect(hintOf('staging/other')).toBe(end)
    expect(hintOf('wep')).toBe(`Did you mean "web"? ${end}`)
    expect(hintOf('api')).toBeUndefined()
  })

  it('refuses a name that is not part of a repository', () => {
    expect(() => repositoriesOf(config, 'dev', 'Not Good')).toThrowError(
      expect.objectContaining({ code: 'malformed' }),
    )
  })

  it('is found from its repositories, the most specific first', () => {
    expect(findImagesAt(config, { registry: 'r.example.com', path: 'dev/frontend/web' })).toEqual([
      { environment: 'dev', image: 'web' },
      { environment: 'any', image: 'dev/frontend/web' },
    ])
    expect(findImagesAt(config, { registry: 'r.example.com', path: 'team-api/staging' })[0]).toEqual({
      environment: 'staging',
      image: 'api',
    })
    expect(findImagesAt(config, { registry: 'elsewhere.example.com', path: 'dev/api' })).toEqual([])
  })

  it('does not contain a repository whose image has another name there', () => {
    expect(findImagesAt(config, { registry: 'r.example.com', path: 'dev/web' })).toEqual([
      { environment: 'any', image: 'dev/web' },
    ])
  })

  it('is found for any image', () => {
    const name = fc.stringMatching(/^[a-z0-9]{1,6}(\/[a-z0-9]{1,6}){0,2}$/)
    fc.assert(
      fc.property(name, fc.constantFrom('any', 'dev', 'staging', 'prod'), (image, environment) => {
        fc.pre(image !== 'frontend/web' && image !== 'web' && !image.startsWith('library/'))
        for (const repository of repositoriesOf(config, environment, image)) {
          const expected = { environment, image }
          expect(findImagesAt(config, repository)).toContainEqual(expected)
        }
      }),
    )
  })
})

describe('the hash of a configuration', () => {
  it('does not depend on order and registries', () => {
    const other = read(`
version: 1
images: { web: { name: frontend/web }, api: { name: api } }
registries: { r.example.com: { concurrency: 2 } }
environments:
  prod:
    targets:
      - { path: "prod/{image}", registry: eu.example.com }
      - { path: "{image}", registry: docker.io }
    promoteFrom: [staging]
  dev: { promoteFrom: [], registry: r.example.com, path: "dev/{image}" }
  staging: { targets: [{ registry: r.example.com, path: "team-{image}/staging" }], promoteFrom: [dev] }
  any: { registry: r.example.com, path: "{image}" }
`)
    expect(hashOfConfig(other)).toBe(hashOfConfig(config))
  })

  it.each([
    ['a path', 'prod/{image}', 'live/{image}'],
    ['a source', 'promoteFrom: [dev]', 'promoteFrom: [dev, any]'],
    ['an open door', ', promoteFrom: [dev]', ''],
    ['an image', 'frontend/web', 'frontend/www'],
  ])('differs if %s differs', (_, before, after) => {
    expect(hashOfConfig(read(text.replace(before, after)))).not.toBe(hashOfConfig(config))
  })
})
