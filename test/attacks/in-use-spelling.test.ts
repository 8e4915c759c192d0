import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ImagesInUse } from '../../src/cli/prune/images-in-use.ts'
import { KnownRepositories } from '../../src/cli/prune/known-repositories.ts'
import { parseConfig } from '../../src/config/parse.ts'
import { RegistryNames } from '../../src/config/registry-names.ts'
import { retentionOf } from '../../src/config/retention/retention.ts'
import { parseReference, parseRepository, tagOrDigest } from '../../src/oci/reference.ts'
import { image } from '../support/images.ts'
import { warmWorkplace } from '../support/workplace.ts'
import { watchedRegistry } from '../support/world.ts'

const digest = `sha256:${'1'.repeat(64)}`

/** Finds images in use in one repository (`own`, or the name at another host), and unknown ones. */
function inUse(
  references: readonly string[],
  repository: string,
  yaml = '',
  ignored: readonly string[] = [],
) {
  const { config } = parseConfig({ file: '/x/dray.yaml', content: `version: 1\n${yaml}` }, 'dray.yaml')
  const images = references.map((text) => {
    const reference = parseReference(text)
    const { registry, path } = reference
    return { repository: { registry, path }, at: tagOrDigest(reference), by: 'list', protection: '--in-use' }
  })
  const found = new ImagesInUse([], images, new RegistryNames(config.registries), ignored)
  const known = new KnownRepositories(config, undefined, [parseRepository(repository)])
  return {
    kept: found.in(parseRepository(repository), known).map(({ otherHost }) => otherHost?.reference ?? 'own'),
    unknown: found.unknown(known, new Set()),
  }
}

const aliases = `registries:
  r.example.com: { aliases: [mirror.example.com, "cache.example.com/hub"] }
  plain.example.com: { insecure: true }
  docker.io: { aliases: [hub.example.com] }
`

describe('an image in use', () => {
  it.each([
    ['LOCALHOST:5000/t/app:1', 'localhost:5000/t/app'],
    ['localhost:05000/t/app:1', '127.0.0.1:5000/t/app'],
    ['localhost.:5000/t/app:1', 'localhost:5000/t/app'],
    ['[::1]:5000/t/app:1', 'localhost:5000/t/app'],
    ['[0:0:0:0:0:0:0:1]:5000/t/app:1', '127.0.0.1:5000/t/app'],
    ['[::ffff:7f00:1]:5000/t/app:1', 'localhost:5000/t/app'],
    [`R.Example.com:443/t/app@${digest}`, 'r.example.com/t/app'],
    ['r.example.com.:0443/t/app:1', 'r.example.com/t/app'],
    ['plain.example.com:80/t/app:1', 'plain.example.com/t/app'],
    ['mirror.example.com/t/app:1', 'r.example.com/t/app'],
    ['r.example.com/t/app:1', 'mirror.example.com/t/app'],
    ['cache.example.com/hub/t/app:1', 'r.example.com/t/app'],
    ['cache.example.com/hub/t/app:1', 'mirror.example.com:443/t/app'],
    ['registry-1.docker.io/acme/app:1', 'docker.io/acme/app'],
    ['registry.hub.docker.com/acme/app:1', 'acme/app'],
    ['hub.example.com/nginx:1', 'nginx'],
  ])('by the name %s is an image of %s', (reference, repository) => {
    expect(inUse([reference], repository, aliases)).toEqual({ kept: ['own'], unknown: [] })
  })

  it.each(['m.example.com/t/app:1', `m.example.com:5000/t/app@${digest}`, 'r.example.com:80/t/app:1'])(
    'at another host is kept under the same path: %s',
    (reference) => {
      const found = inUse([reference, 'r.example.com/t/app:2'], 'r.example.com/t/app')
      // References at the own host come first, so that the reason names them.
      expect(found.kept).toEqual(['own', reference])
    },
  )

  it('at a host with a known repository is not an image of this one', () => {
    const yaml = 'environments: { prod: { registry: prod.example.com, path: "{image}" } }\n'
    const found = inUse(['prod.example.com/t/app:1'], 'r.example.com/t/app', yaml)
    expect(found).toEqual({ kept: [], unknown: [] })
  })

  it('in no known repository gets a warning, unless its host is ignored', () => {
    const references = [
      'quay.io/a/b:1',
      'QUAY.io:443/a/b:1',
      'quay.io/a/c:1',
      'nginx',
      'r.example.com/t/app:1',
    ]
    const unknown = ['quay.io/a/b:1', 'quay.io/a/c:1', 'docker.io/library/nginx:latest']
    expect(inUse(references, 'r.example.com/t/app').unknown).toEqual(unknown)
    expect(inUse(references, 'r.example.com/t/app', '', ['quay.io', 'docker.io']).unknown).toEqual([])
  })

  it('at an ignored host is kept too', () => {
    expect(inUse(['quay.io/t/app:1'], 'r.example.com/t/app', '', ['quay.io']).kept).toEqual([
      'quay.io/t/app:1',
    ])
  })

  it('may be at a host that dray.yaml ignores in any spelling without a wildcard', () => {
    const read = (host: string) => {
      const content = `version: 1
retention:
  protect: [{ inUse: { files: ["*.yaml"], ignoreHosts: [${JSON.stringify(host)}] } }]
  rules: [{ name: old, tags: ["pr-*"], olderThan: 30d }]
`
      return retentionOf(parseConfig({ file: '/x/dray.yaml', content }, 'dray.yaml'))[0]?.protect[0]
    }
    expect(read('Quay.IO.')).toMatchObject({ inUse: { ignoreHosts: ['quay.io'] } })
    for (const host of ['*.quay.io', 'quay.io/a', 'quay'])
      expect(() => read(host)).toThrow(expect.objectContaining({ code: 'config' }))
  })
})

describe('dray prune', () => {
  const days = (n: number) => ({
    annotations: { 'org.opencontainers.image.created': new Date(Date.now() - n * 86_400_000).toISOString() },
  })

  async function world(registries: (host: string) => string = () => '') {
    const registry = await watchedRegistry()
    const place = await warmWorkplace(`version: 1
${registries(registry.host)}
retention:
  protect: [{ inUse: { files: ["k8s.yaml"], ignoreHosts: [ghcr.io] } }]
  rules: [{ name: old, repositories: ["${registry.host}/t/*"], tags: ["pr-*"], olderThan: 30d }]
`)
    await registry.oracle.push(image({ label: 'one', ...days(90) }), 't/app', 'pr-1')
    await registry.oracle.push(image({ label: 'two', ...days(90) }), 't/app', 'pr-2')
    await registry.oracle.push(image({ label: 'new', ...days(1) }), 't/app', 'new')
    const run = async (args: readonly string[], ...images: readonly string[]) => {
      const containers = images.map((name) => `{ image: ${JSON.stringify(name)} }`).join(', ')
      await writeFile(
        join(place.folder, 'k8s.yaml'),
        `apiVersion: v1\nkind: Pod\nspec: { containers: [${containers}] }\n`,
      )
      return await place.run(...args)
    }
    return { registry, place, run, [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose]() }
  }

  it('keeps an image in use at another host, and prints the setting that names the host', async () => {
    await using w = await world()
    const { host } = w.registry
    const others = Array.from({ length: 7 }, (_, i) => `quay.io/x/y${i}:1`)
    const shown = await w.run(['prune'], 'mirror.example.com/t/app:pr-1', 'ghcr.io/a/b:1', ...others)
    expect(shown).toMatchObject({ code: 0 })
    expect(shown.stdout).toMatch(/delete +pr-2/)
    expect(shown.stdout).not.toMatch(/delete +pr-1/)
    expect(shown.stderr).toContain(`registries: { "${host}": { aliases: ["mirror.example.com"] } }`)
    expect(shown.stderr).toContain(
      '7 images in use are in no repository that dray.yaml names: quay.io/x/y0:1, quay.io/x/y1:1, quay.io/x/y2:1, quay.io/x/y3:1, quay.io/x/y4:1 and 2 more.',
    )
    expect(shown.stderr).not.toContain('ghcr.io')
    const explained = await w.run(['explain', `${host}/t/app:pr-1`], 'mirror.example.com/t/app:pr-1')
    expect(explained.stdout).toContain('as mirror.example.com/t/app:pr-1')
    expect(await w.run(['prune', '--apply', '--yes'], 'mirror.example.com/t/app:pr-1')).toMatchObject({
      code: 0,
    })
    expect(await w.registry.oracle.manifest('t/app', 'pr-1')).toBeDefined()
    expect(await w.registry.oracle.manifest('t/app', 'pr-2')).toBeUndefined()
  })

  it('keeps an image in use under an alias or another spelling without a warning', async () => {
    await using w = await world((host) => `registries: { "${host}": { aliases: ["cache.example.com/hub"] } }`)
    const port = w.registry.host.split(':')[1] ?? ''
    const shown = await w.run(
      ['prune', '--apply', '--yes'],
      `LocalHost:0${port}/t/app:pr-1`,
      'cache.example.com/hub/t/app:pr-2',
    )
    expect(shown).toMatchObject({ code: 0 })
    expect(shown.stderr).not.toContain('warning')
    expect(await w.registry.oracle.manifest('t/app', 'pr-1')).toBeDefined()
    expect(await w.registry.oracle.manifest('t/app', 'pr-2')).toBeDefined()
  })

  it('reads a list of images in use at an IPv6 address', async () => {
    await using w = await world()
    const port = w.registry.host.split(':')[1] ?? ''
    await writeFile(join(w.place.folder, 'list.txt'), `[::1]:${port}/t/app:pr-1\n`)
    const shown = await w.run(['prune', '--in-use', 'list.txt'], `${w.registry.host}/t/app:new`)
    expect(shown).toMatchObject({ code: 0, stdout: expect.stringMatching(/keep +pr-1/) })
    expect(shown.stdout).toMatch(/delete +pr-2/)
  })

  it('reads the images in use again before it applies a saved plan', async () => {
    await using w = await world()
    expect(await w.run(['prune', '--out', 'plan.json'], `${w.registry.host}/t/app:new`)).toMatchObject({
      code: 0,
    })
    const ended = await w.run(
      ['apply', 'plan.json', '--yes'],
      'mirror.example.com/t/app:pr-1',
      `[::1]:${w.registry.host.split(':')[1] ?? ''}/t/app:pr-2`,
    )
    expect(ended.code).not.toBe(0)
    expect(await w.registry.oracle.manifest('t/app', 'pr-1')).toBeDefined()
    expect(await w.registry.oracle.manifest('t/app', 'pr-2')).toBeDefined()
  })
})
