import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { resolveScope } from '../../src/cli/prune/prune-scope.ts'
import { createTagLocks, openMachineFiles } from '../../src/cli/wiring/machine-locks.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { promoteRequests } from '../../src/cli/arguments/promote-requests.ts'
import { findImagesAt } from '../../src/config/environments.ts'
import { parseConfig } from '../../src/config/parse.ts'
import { retentionOf } from '../../src/config/retention/retention.ts'
import { RegistryNames } from '../../src/config/registry-names.ts'
import { layoutRegistry, parseReference } from '../../src/oci/reference.ts'
import { warmWorkplace } from '../support/workplace.ts'
import { image } from '../support/images.ts'
import { tempFolder } from '../support/temp.ts'
import { watchedRegistry } from '../support/world.ts'

const call = { signal: new AbortController().signal, notify: () => undefined }

function configOf(text: string) {
  return parseConfig({ file: '/x/dray.yaml', content: `version: 1\n${text}` }, 'dray.yaml').config
}

describe('a lock of this machine', () => {
  it.each([
    ['localhost:5000/a', '127.0.0.1:5000/a', true],
    ['r.example.com/a:sha256-1', 'r.example.com:443/a:sha256-1', true],
    ['r.example.com/a@sha256:1', 'r.example.com:80/a@sha256:1', false],
    ['localhost:5000/a', 'localhost:5000/b', false],
  ])('on %s is one on %s: %s', (one, other, isSame) => {
    const names = new RegistryNames(new Map())
    expect(names.lockName(one) === names.lockName(other)).toBe(isSame)
  })
})

describe('the lock of a tag', () => {
  const config = configOf('registries: { r.example.com: { aliases: ["mirror.example.com/acme"] } }')

  it.each([
    ['localhost:5000/a:1', '127.0.0.1:5000/a:1', true],
    ['127.0.0.1:5000/a:1', '127.0.0.24:5000/a:1', true],
    ['[::1]:5000/a:1', 'localhost:5000/a:1', true],
    ['docker.io/library/a:1', 'index.docker.io/library/a:1', true],
    ['docker.io/library/a:1', 'registry.hub.docker.com/library/a:1', true],
    ['r.example.com/a:1', 'mirror.example.com/acme/a:1', true],
    ['localhost:5000/a:1', 'localhost:5001/a:1', false],
    ['localhost:5000/a:1', 'localhost:5000/a:2', false],
  ])('%s is that of %s: %s', async (one, other, isSame) => {
    const folder = await tempFolder()
    const files = openMachineFiles({}, systemClock, call, [{ base: folder, below: ['dray'] }])
    const names = [one, other].map((text) => {
      const { tag = '', ...repository } = parseReference(text)
      return files && createTagLocks(files, config, '/').nameOf(repository, tag)
    })
    expect(new Set(names).size).toBe(isSame ? 1 : 2)
  })

  it('in an image layout is one, whichever path leads to it', async () => {
    const folder = await tempFolder()
    mkdirSync(join(folder, 'images'))
    symlinkSync(join(folder, 'images'), join(folder, 'link'))
    const files = openMachineFiles({}, systemClock, call, [{ base: folder, below: ['dray'] }])
    const paths = ['images', './images', 'link', join(folder, 'images')]
    const names = paths.map(
      (path) =>
        files && createTagLocks(files, config, folder).nameOf({ registry: layoutRegistry, path }, '1'),
    )
    expect(new Set(names).size).toBe(1)
  })
})

const environments = `environments:
  dev: { registry: "Localhost:05000", path: "dev/{image}" }
  prod: { registry: "localhost:5000", path: "prod/{image}" }
  hub: { registry: registry-1.docker.io, path: "acme/{image}" }
  far: { registry: "r.example.com:443", path: "prod/{image}" }
  plain: { registry: "plain.example.com", path: "prod/{image}" }
registries:
  plain.example.com: { insecure: true }
  r.example.com: { aliases: [mirror.example.com, "cache.example.com:5000/hub"] }
`

describe('an environment', () => {
  const config = configOf(environments)

  it.each([
    ['LOCALHOST:5000/prod/api', 'prod'],
    ['localhost:05000/prod/api', 'prod'],
    ['localhost.:5000/dev/api', 'dev'],
    ['127.0.0.1:5000/prod/api', 'prod'],
    ['127.8.8.8:5000/prod/api', 'prod'],
    ['[::1]:5000/prod/api', 'prod'],
    ['[0:0::1]:5000/prod/api', 'prod'],
    ['[::ffff:7f00:1]:5000/prod/api', 'prod'],
    ['0.0.0.0:5000/prod/api', 'prod'],
    ['x.localhost:5000/prod/api', 'prod'],
    ['acme/api', 'hub'],
    ['index.docker.io/acme/api', 'hub'],
    ['registry.hub.docker.com/acme/api', 'hub'],
    ['R.example.com/prod/api', 'far'],
    ['r.example.com.:443/prod/api', 'far'],
    ['mirror.example.com/prod/api', 'far'],
    ['Mirror.example.com:443/prod/api', 'far'],
    ['cache.example.com:5000/hub/prod/api', 'far'],
    ['plain.example.com:80/prod/api', 'plain'],
    ['localhost:5001/prod/api', undefined],
    ['r.example.com:80/prod/api', undefined],
    ['plain.example.com:443/prod/api', undefined],
    ['cache.example.com:5000/prod/api', undefined],
    ['cache.example.com:5000/hubs/prod/api', undefined],
  ])('is found by every name of its registry: %s is in %s', (reference, environment) => {
    expect(findImagesAt(config, parseReference(reference))).toEqual(
      environment === undefined ? [] : [{ environment, image: 'api' }],
    )
  })

  it('on an alias is found by the main name of the registry', () => {
    const turned = configOf(`registries: { r.example.com: { aliases: [cache.example.com/hub] } }
environments: { far: { registry: cache.example.com, path: "hub/prod/{image}" } }`)
    expect(findImagesAt(turned, parseReference('r.example.com/prod/api'))).toEqual([
      { environment: 'far', image: 'api' },
    ])
  })

  it('with the same registry has precedence over one with another loopback name', () => {
    const two = configOf(`environments:
  a: { registry: "127.0.0.1:5000", path: "{image}" }
  b: { registry: "127.0.0.2:5000", path: "{image}" }`)
    expect(findImagesAt(two, parseReference('127.0.0.2:5000/api'))[0]?.environment).toBe('b')
    expect(findImagesAt(two, parseReference('127.0.0.1:5000/api'))[0]?.environment).toBe('a')
  })
})

describe('the environment that an image comes from', () => {
  const config = configOf(`environments:
  dev: { registry: "r.example.com", path: "dev/{image}" }
  near: { registry: "localhost:5000", path: "dev/{image}" }
  prod: { registry: "r.example.com", path: "prod/{image}", promoteFrom: [dev, near] }
registries: { r.example.com: { aliases: [mirror.example.com] } }`)

  async function environmentOf(source: string): Promise<string | undefined> {
    const given = { operation: 'promote', references: [source, '@prod/api'], tags: [], cwd: '/' } as const
    const never = () => Promise.reject(new Error('no layout'))
    const [request] = await promoteRequests(given, config, never)
    return request?.from.environment
  }

  it.each([
    ['R.Example.com.:0443/dev/api:1', 'dev'],
    ['mirror.example.com/dev/api:1', 'dev'],
    ['LOCALHOST:05000/dev/api:1', 'near'],
    // Another process may listen at that address.
    ['127.0.0.2:5000/dev/api:1', undefined],
    ['[::1]:5000/dev/api:1', undefined],
  ])('of %s is %s, for promoteFrom', async (source, environment) => {
    expect(await environmentOf(source)).toBe(environment)
  })
})

describe('the repositories of a prune', () => {
  async function scope(args: readonly string[]) {
    const content = `version: 1
environments: { prod: { registry: "localhost:5000", path: "prod/{image}" } }
images: { api: {} }
retention:
  protect:
    - { name: a, tags: [v1], repositories: ["@prod/*"] }
    - { name: b, tags: [v2], repositories: ["LOCALHOST.:05000/prod/**"] }
    - { name: c, tags: [v3], repositories: ["[::1]:5000/prod/api"] }
    - { name: d, tags: [v4], repositories: ["127.0.0.1:5001/prod/api"] }
  rules: [{ name: old, olderThan: 30d }]
`
    const loaded = parseConfig({ file: '/x/dray.yaml', content }, 'dray.yaml')
    const [policy] = retentionOf(loaded)
    if (policy === undefined) throw new Error('no policy')
    const catalog = () => Promise.resolve(['prod/api'])
    const found = await resolveScope(policy, { patterns: args, exclude: [] }, loaded.config, catalog, call)
    return found.repositories.map((one) => [one.image, one.policy.protect.map(({ name }) => name).join('')])
  }

  it.each(['@prod', '127.0.0.1:5000/prod/api', '[0::1]:5000/prod/*', 'LocalHost:05000/**'])(
    'have their protections as %s',
    async (argument) => {
      expect(await scope([argument])).toEqual([['@prod/api', 'abc']])
    },
  )

  it('are read once, however often they are named', async () => {
    expect(await scope(['@prod/api', '127.0.0.1:5000/prod/api', '[::1]:5000/prod/*'])).toHaveLength(1)
  })
})

describe('the rules of an environment', () => {
  it('hold for its repositories under every spelling of the registry', async () => {
    await using registry = await watchedRegistry()
    const port = registry.host.split(':')[1] ?? ''
    const path = (name: string) => `registry: "localhost:${port}", path: "${name}/{image}"`
    const place = await warmWorkplace(`version: 1
environments:
  dev: { ${path('dev')} }
  prod: { ${path('prod')}, promoteFrom: [dev], require: [reason] }
images: { api: {} }
`)
    await registry.oracle.push(image({ label: 'one' }), 'dev/api', 'v1')
    for (const host of ['LOCALHOST', 'localhost.', '127.0.0.1', '[::ffff:7f00:1]']) {
      for (const at of [port, `0${port}`]) {
        const ended = await place.run(
          'copy',
          `localhost:${port}/dev/api:v1`,
          `${host}:${at}/prod/api:x`,
          '--yes',
        )
        expect({ host, code: ended.code }).toEqual({ host, code: 3 })
        expect(ended.stderr).toContain('has no reason')
      }
    }
    expect(await registry.oracle.manifest('prod/api', 'x')).toBeUndefined()
  })
})
