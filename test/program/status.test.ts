import { describe, expect, it } from 'vitest'
import { scripted } from '../registry/client/world.ts'
import { dockerRegistry } from '../support/docker-registry.ts'
import { type Content, image } from '../support/images.ts'
import { type SeenRegistry, seenRegistry } from '../support/seen-registry.ts'
import { type Workplace, workplace } from '../support/workplace.ts'
import { configOf } from '../support/world.ts'

const environments = ['dev', 'staging', 'prod'] as const
const names = Array.from({ length: 30 }, (_, i) => `image-${i}`)
/** Nobody listens there. */
const closed = '127.0.0.1:1'

interface Cell {
  readonly environment: string
  readonly state: string
  readonly digest: string | null
  readonly version: string | null
  readonly created: string | null
  readonly error?: { readonly code: string; readonly message: string }
}
interface Result {
  readonly environments: readonly string[]
  readonly images: readonly {
    readonly image: string
    readonly cells: readonly Cell[]
    readonly steps: readonly { readonly from: string; readonly to: string; readonly state: string }[]
  }[]
}

/** dev, staging and prod, where `images` are listed in `dray.yaml`. */
async function place(
  staging: string,
  prod: readonly string[],
  images: readonly string[],
): Promise<Workplace> {
  const config = JSON.parse(configOf(staging, prod)) as object
  const entries = images.map((name) => [name, {}] as const)
  return await workplace(JSON.stringify({ ...config, images: Object.fromEntries(entries) }))
}

async function status(here: Workplace, ...words: readonly string[]) {
  const { code, document } = await here.json('status', ...words)
  return { code, result: document.result as unknown as Result, document }
}

const version = (name: string, tag: string): Content => image({ label: `${name} ${tag}`, layers: 1 })

/** Pushes versions to an environment and sets `latest` on one of them. */
async function release(
  { oracle }: SeenRegistry,
  environment: string,
  name: string,
  tags: readonly string[],
  latest: string,
): Promise<void> {
  for (const tag of new Set([...tags, latest])) {
    const marks = tag === latest ? ['latest'] : []
    await oracle.push(
      version(name, tag),
      `${environment}/${name}`,
      ...(tags.includes(tag) ? [tag] : []),
      ...marks,
    )
  }
}

/** How often each place was asked for its tags, for manifests, and how often any config was read. */
function counted(seen: readonly string[]) {
  const of = (pattern: RegExp) => seen.filter((line) => pattern.test(line))
  const perPlace = (lines: readonly string[]): number => {
    const places = Map.groupBy(lines, (line) => /\/v2\/([^/]+\/[^/]+)\//.exec(line)?.[1])
    return Math.max(...[...places.values()].map((one) => one.length))
  }
  const [lists, manifests] = [of(/\/tags\/list$/), of(/\/manifests\//)]
  return {
    lists: lists.length,
    listsPerPlace: perPlace(lists),
    manifests: manifests.length,
    manifestsPerPlace: perPlace(manifests),
    blobs: of(/\/blobs\//).length,
  }
}

const kinds = [
  { kind: 'oci-1.1', note: '', available: true },
  { kind: 'docker-registry', ...dockerRegistry },
] as const

for (const { kind, note, available } of kinds) {
  describe.skipIf(!available)(`status at ${kind}${note}`, () => {
    it('of 30 images in 3 environments takes a list and two manifests for each, and a config for each image', async () => {
      const registry = await seenRegistry(kind)
      await Promise.all(
        names.map(async (name) => {
          for (const environment of environments)
            await release(registry, environment, name, ['1.4.1', '1.4.2'], '1.4.2')
        }),
      )
      const here = await place(registry.host, [registry.host], names)
      await registry.forget()
      const { code, result } = await status(here)
      expect(counted(await registry.seen())).toEqual({
        lists: 90,
        listsPerPlace: 1,
        manifests: 180,
        manifestsPerPlace: 2,
        blobs: 30,
      })
      expect(code).toBe(0)
      expect(result.images.map((row) => row.image)).toEqual(names)
      const cells = result.images.flatMap((row) => row.cells)
      expect(new Set(cells.map((cell) => `${cell.version} ${cell.created}`))).toEqual(
        new Set(['1.4.2 2026-01-02T03:04:05.000Z']),
      )
      const steps = result.images.flatMap((row) => row.steps)
      expect(new Set(steps.map(({ state }) => state))).toEqual(new Set(['level']))
    })

    it('finds a marker below the highest version with at most eight requests more, and gives up after them', async () => {
      const registry = await seenRegistry(kind)
      const tags = Array.from({ length: 12 }, (_, i) => `1.${i}.0`)
      await release(registry, 'dev', 'api', tags, '1.3.0')
      await release(registry, 'staging', 'api', tags, '1.10.0')
      await release(registry, 'prod', 'api', tags, '1.2.0')
      const here = await place(registry.host, [registry.host], ['api'])
      const asked = async (environment: string) => {
        await registry.forget()
        const { result } = await status(here, '--env', environment)
        const { manifests, lists } = counted(await registry.seen())
        return { version: result.images[0]?.cells[0]?.version, manifests, lists }
      }
      expect(await asked('dev')).toEqual({ version: '1.3.0', manifests: 10, lists: 1 })
      expect(await asked('staging')).toEqual({ version: '1.10.0', manifests: 6, lists: 1 })
      expect(await asked('prod')).toEqual({ version: null, manifests: 10, lists: 1 })
    })

    it('tells absent, unmarked and unreachable apart, and what is behind and what differs', async () => {
      const registry = await seenRegistry(kind)
      await release(registry, 'dev', 'api', ['1.4.2'], '1.4.2')
      await release(registry, 'staging', 'api', ['1.4.1'], '1.4.1')
      await release(registry, 'dev', 'web', ['1.0.0'], '1.0.0')
      await registry.oracle.push(version('web', '1.0.0'), 'staging/web', '1.0.0')
      await release(registry, 'dev', 'job', ['1.0.0'], '1.0.0')
      await release(registry, 'staging', 'job', [], 'a hotfix')
      const here = await place(registry.host, [registry.host, closed], ['api', 'web', 'job'])
      const { code, result, document } = await status(here)
      expect(code).toBe(4)
      expect(document.ok).toBe(false)
      expect(result.images.map(({ cells }) => cells.map(({ state }) => state))).toEqual([
        ['present', 'present', 'absent', 'unreachable'],
        ['present', 'unmarked', 'absent', 'unreachable'],
        ['present', 'present', 'absent', 'unreachable'],
      ])
      expect(result.images.map(({ steps }) => steps.map(({ state }) => state))).toEqual([
        ['behind', 'behind'],
        ['behind', 'unknown'],
        ['differs', 'behind'],
      ])
      expect(result.images[0]?.cells[3]?.error).toMatchObject({ code: 'network' })

      const text = await here.run('status')
      expect(text.code).toBe(4)
      expect(text.stdout).toMatch(/^IMAGE +ENVIRONMENT +VERSION +DIGEST +AGE +STATE$/m)
      expect(text.stdout).toMatch(/^api +staging +1\.4\.1 +sha256:[a-f0-9]{64} +\d+[a-z]+ +behind$/m)
      expect(text.stdout).toMatch(/^web +staging +no latest \(1\.0\.0\) +- +- +behind$/m)
      expect(text.stderr).toContain(`${closed} (3 images): cannot connect`)
      expect(text.stderr).toContain('3 images, 3 environments: 4 behind, 1 differs, 1 target unreachable')
    })
  })
}

describe('the exit code of status', () => {
  async function threeLevels() {
    const registry = await seenRegistry('oci-1.1')
    await release(registry, 'dev', 'api', ['1.4.2'], '1.4.2')
    await release(registry, 'staging', 'api', ['1.4.2'], '1.4.2')
    await release(registry, 'prod', 'api', ['1.4.1'], '1.4.1')
    return registry
  }

  it('is 2 where something is behind, with --detailed-exitcode only', async () => {
    const { host } = await threeLevels()
    const here = await place(host, [host], ['api'])
    expect((await status(here)).code).toBe(0)
    expect((await status(here, '--detailed-exitcode')).code).toBe(2)
    const level = await status(here, '--detailed-exitcode', '--env', 'dev', '--env', 'staging')
    expect(level.code).toBe(0)
    expect(level.result.environments).toEqual(['dev', 'staging'])
  })

  it('is 4 where some could not be reached, and 1 where none could, whatever differs', async () => {
    const { host } = await threeLevels()
    const here = await place(host, [closed], ['api'])
    expect((await status(here, '--detailed-exitcode')).code).toBe(4)
    expect((await status(here, '--env', 'prod', '--detailed-exitcode')).code).toBe(1)
  })
})

it('status and diff refuse an image that dray.yaml does not list, with the nearest name', async () => {
  const here = await place(closed, [closed], ['api', 'web'])
  for (const words of [
    ['status', 'apy', 'web'],
    ['diff', 'dev', 'prod', 'apy'],
  ]) {
    const { code, stderr } = await here.run(...words)
    expect(code).toBe(64)
    expect(stderr).toContain('there is no image "apy" in dray.yaml')
    expect(stderr).toContain('Did you mean "api"?')
  }
})

it('status shows what it has when the time is up', async () => {
  const registry = await seenRegistry('oci-1.1')
  await release(registry, 'dev', 'api', ['1.4.2'], '1.4.2')
  // takes every request and never answers one
  const mute = await scripted(() => ({ status: 200, raw: () => undefined }))
  const here = await place(registry.host, [mute.registry], ['api'])
  const { code, result } = await status(here, '--timeout', '1s')
  expect(code).toBe(4)
  expect(result.images[0]?.cells.map(({ state }) => state)).toEqual(['present', 'absent', 'unreachable'])
  expect(result.images[0]?.cells[2]?.error).toMatchObject({ code: 'timeout' })
})

it('a registry that does not let us in is unreachable in its own words', async () => {
  const registry = await seenRegistry('oci-1.1')
  await release(registry, 'dev', 'api', ['1.4.2'], '1.4.2')
  const no = { errors: [{ code: 'DENIED', message: 'not for \u001b[31myou' }] }
  const shut = await scripted(() => ({ status: 403, body: JSON.stringify(no) }))
  const here = await place(registry.host, [shut.registry], ['api', 'web'])
  const { code, stderr } = await here.run('status')
  expect(code).toBe(4)
  expect(stderr).toContain(`${shut.registry} (2 images): cannot`)
  expect(stderr).toContain('not for \\x1b[31myou')
  expect(stderr).not.toContain('\u001b')
})

it('in a pipe the longest name comes out whole, and the columns stay aligned', async () => {
  const registry = await seenRegistry('oci-1.1')
  const long = 'n'.repeat(200)
  for (const name of [long, 'api']) await release(registry, 'dev', name, ['1.0.0'], '1.0.0')
  const here = await place(registry.host, [registry.host], [long, 'api'])
  const { stdout, code } = await here.run('status', '--env', 'dev')
  expect(code).toBe(0)
  const [heading, ...lines] = stdout.trimEnd().split('\n')
  expect(lines.map((line) => line.split(/ +/)[0])).toEqual([long, 'api'])
  expect(new Set(lines.map((line) => line.indexOf(' dev ') + 1))).toEqual(
    new Set([heading?.indexOf('ENVIRONMENT')]),
  )
})

describe('without knowing what to look at, status says what to do:', () => {
  it.each([
    [{ images: false, words: [] }, 'Name them'],
    [{ images: true, words: ['@prod'] }, '@prod is an environment'],
    [{ images: true, words: ['api:1.4.2'] }, 'names one image'],
    [{ images: true, words: ['elsewhere.test/api'] }, 'is in no environment'],
    [{ images: true, words: ['--env', 'pord'] }, 'Did you mean \\"prod\\"?'],
  ])('%j', async ({ images, words }, said) => {
    const here = images ? await place(closed, [closed], ['api']) : await workplace(configOf(closed))
    const { code, document } = await here.json('status', ...words)
    expect(code).toBe(64)
    expect(JSON.stringify(document.error)).toContain(said)
  })
})

it('status warns of an image that is nowhere if dray.yaml lists no images', async () => {
  const registry = await seenRegistry('oci-1.1')
  await release(registry, 'dev', 'api', ['1.0.0'], '1.0.0')
  const here = await workplace(configOf(registry.host))
  const { stderr, code } = await here.run('status', 'apu', 'api')
  expect(code).toBe(0)
  expect(stderr).toContain('apu is nowhere. Check the name.')
  expect(stderr).toContain('1 image nowhere')
  expect((await here.run('diff', 'dev', 'prod', 'apu')).stderr).toContain('apu is nowhere')
})
