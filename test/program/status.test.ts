import { describe, expect, it } from 'vitest'
import { dockerRegistry } from '../support/docker-registry.ts'
import { type Content, image } from '../support/images.ts'
import { type LoggedRegistry, loggedRegistry } from '../support/logged-registry.ts'
import { type Workplace, warmWorkplace } from '../support/workplace.ts'
import { configOf } from '../support/world.ts'

const environments = ['dev', 'staging', 'prod'] as const
const names = Array.from({ length: 30 }, (_, i) => `image-${i}`)
/** Nothing listens at this address. */
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

/** A project with dev, staging, prod and a list of images. */
async function place(
  staging: string,
  prod: readonly string[],
  images: readonly string[],
): Promise<Workplace> {
  const config = JSON.parse(configOf(staging, prod)) as object
  const entries = images.map((name) => [name, {}] as const)
  return await warmWorkplace(JSON.stringify({ ...config, images: Object.fromEntries(entries) }))
}

async function status(project: Workplace, ...args: readonly string[]) {
  const { code, document } = await project.json('status', ...args)
  return { code, result: document.result as unknown as Result, document }
}

const version = (name: string, tag: string): Content => image({ label: `${name} ${tag}`, layers: 1 })

/** Pushes versions to an environment and sets `latest` on one of them. */
async function release(
  { oracle }: LoggedRegistry,
  environment: string,
  name: string,
  tags: readonly string[],
  latest: string,
): Promise<void> {
  for (const tag of new Set([...tags, latest])) {
    const floating = tag === latest ? ['latest'] : []
    await oracle.push(
      version(name, tag),
      `${environment}/${name}`,
      ...(tags.includes(tag) ? [tag] : []),
      ...floating,
    )
  }
}

/** Counts the requests for tags and manifests, in total and per repository, and for blobs. */
function counted(seen: readonly string[]) {
  const of = (pattern: RegExp) => seen.filter((line) => pattern.test(line))
  const perRepository = (lines: readonly string[]): number => {
    const repositories = Map.groupBy(lines, (line) => /\/v2\/([^/]+\/[^/]+)\//.exec(line)?.[1])
    return Math.max(...[...repositories.values()].map((one) => one.length))
  }
  const [lists, manifests] = [of(/\/tags\/list$/), of(/\/manifests\//)]
  return {
    lists: lists.length,
    listsPerRepository: perRepository(lists),
    manifests: manifests.length,
    manifestsPerRepository: perRepository(manifests),
    blobs: of(/\/blobs\//).length,
  }
}

const kinds = [
  { kind: 'oci-1.1', note: '', available: true },
  { kind: 'docker-registry', ...dockerRegistry },
] as const

for (const { kind, note, available } of kinds) {
  describe.skipIf(!available)(`status at ${kind}${note}`, () => {
    it('of 30 images in 3 environments requests a list and two manifests for each, and a config per image', async () => {
      const registry = await loggedRegistry(kind)
      await Promise.all(
        names.map(async (name) => {
          for (const environment of environments)
            await release(registry, environment, name, ['1.4.1', '1.4.2'], '1.4.2')
        }),
      )
      const project = await place(registry.host, [registry.host], names)
      await registry.forget()
      const { code, result } = await status(project)
      expect(counted(await registry.requests())).toEqual({
        lists: 90,
        listsPerRepository: 1,
        manifests: 180,
        manifestsPerRepository: 2,
        blobs: 30,
      })
      expect(code).toBe(0)
      expect(result.images.map((row) => row.image)).toEqual(names)
      const cells = result.images.flatMap((row) => row.cells)
      expect(new Set(cells.map((cell) => `${cell.version} ${cell.created}`))).toEqual(
        new Set(['1.4.2 2026-01-02T03:04:05.000Z']),
      )
      const steps = result.images.flatMap((row) => row.steps)
      expect(new Set(steps.map(({ state }) => state))).toEqual(new Set(['in-sync']))
    })

    it('finds the version of a current-version tag below the highest one with at most eight more requests', async () => {
      const registry = await loggedRegistry(kind)
      const tags = Array.from({ length: 12 }, (_, i) => `1.${i}.0`)
      await release(registry, 'dev', 'api', tags, '1.3.0')
      await release(registry, 'staging', 'api', tags, '1.10.0')
      await release(registry, 'prod', 'api', tags, '1.2.0')
      const project = await place(registry.host, [registry.host], ['api'])
      const requestsOf = async (environment: string) => {
        await registry.forget()
        const { result } = await status(project, '--env', environment)
        const { manifests, lists } = counted(await registry.requests())
        return { version: result.images[0]?.cells[0]?.version, manifests, lists }
      }
      expect(await requestsOf('dev')).toEqual({ version: '1.3.0', manifests: 10, lists: 1 })
      expect(await requestsOf('staging')).toEqual({ version: '1.10.0', manifests: 6, lists: 1 })
      expect(await requestsOf('prod')).toEqual({ version: null, manifests: 10, lists: 1 })
    })

    it('distinguishes images that are not deployed, unreachable, in sync, behind and drifted', async () => {
      const registry = await loggedRegistry(kind)
      await release(registry, 'dev', 'api', ['1.4.2'], '1.4.2')
      await release(registry, 'staging', 'api', ['1.4.1'], '1.4.1')
      await release(registry, 'dev', 'web', ['1.0.0'], '1.0.0')
      await registry.oracle.push(version('web', '1.0.0'), 'staging/web', '1.0.0')
      await release(registry, 'dev', 'job', ['1.0.0'], '1.0.0')
      await release(registry, 'staging', 'job', [], 'a hotfix')
      const project = await place(registry.host, [registry.host, closed], ['api', 'web', 'job'])
      const { code, result, document } = await status(project)
      expect(code).toBe(4)
      expect(document.ok).toBe(false)
      expect(result.images.map(({ cells }) => cells.map(({ state }) => state))).toEqual([
        ['present', 'present', 'not-deployed', 'unreachable'],
        ['present', 'no-current-tag', 'not-deployed', 'unreachable'],
        ['present', 'present', 'not-deployed', 'unreachable'],
      ])
      expect(result.images.map(({ steps }) => steps.map(({ state }) => state))).toEqual([
        ['behind', 'behind'],
        ['in-sync', 'behind'],
        ['drifted', 'behind'],
      ])
      expect(result.images[0]?.cells[3]?.error).toMatchObject({ code: 'network' })

      const text = await project.run('status')
      expect(text.code).toBe(4)
      expect(text.stdout).toMatch(/^IMAGE +ENVIRONMENT +VERSION +DIGEST +AGE +STATE +COMPARED BY$/m)
      expect(text.stdout).toMatch(/^api +staging +1\.4\.1 +sha256:[a-f0-9]{64} +\d+[a-z]+ +behind +latest$/m)
      expect(text.stdout).toMatch(
        /^web +staging +1\.0\.0 \(no latest\) +sha256:[a-f0-9]{64} +- +in sync +highest version$/m,
      )
      expect(text.stderr).toContain(`${closed} (3 repositories): cannot connect`)
      expect(text.stdout.trimEnd().split('\n').at(-1)).toBe(
        '3 images, 3 environments: 1 in sync, 4 behind, 1 drifted, 1 target unreachable',
      )
    })
  })
}

describe('the exit code of status', () => {
  async function prodBehind() {
    const registry = await loggedRegistry('oci-1.1')
    await release(registry, 'dev', 'api', ['1.4.2'], '1.4.2')
    await release(registry, 'staging', 'api', ['1.4.2'], '1.4.2')
    await release(registry, 'prod', 'api', ['1.4.1'], '1.4.1')
    return registry
  }

  it('is 2 with --detailed-exitcode if an image is behind', async () => {
    const { host } = await prodBehind()
    const project = await place(host, [host], ['api'])
    expect((await status(project)).code).toBe(0)
    expect((await status(project, '--detailed-exitcode')).code).toBe(2)
    const level = await status(project, '--detailed-exitcode', '--env', 'dev', '--env', 'staging')
    expect(level.code).toBe(0)
    expect(level.result.environments).toEqual(['dev', 'staging'])
    const siblings = await warmWorkplace(`version: 1
environments:
  dev: { registry: "${host}", path: "dev/{image}" }
  qa: { registry: "${host}", path: "dev/{image}", promoteFrom: [dev] }
  prod: { registry: "${host}", path: "dev/{image}", promoteFrom: [dev] }
`)
    const uncompared = await status(siblings, 'api', '--detailed-exitcode', '--env', 'qa', '--env', 'prod')
    expect([uncompared.code, ...uncompared.result.images.map(({ steps }) => steps.length)]).toEqual([2, 0])
  })

  it('is 2 without a current-version tag if prod is behind or was not compared, and 0 in sync', async () => {
    const registry = await loggedRegistry('oci-1.1')
    const push = async (environment: string, name: string, ...tags: readonly string[]) => {
      for (const tag of tags) await registry.oracle.push(version(name, tag), `${environment}/${name}`, tag)
    }
    await push('staging', 'api', '1.4.1', '1.4.2')
    await push('prod', 'api', '1.4.1')
    await push('staging', 'web', '1.4.1', '1.4.2')
    await push('prod', 'web', '1.4.2')
    await push('staging', 'job', 'pr-1')
    await push('prod', 'job', 'main')
    const project = await place(registry.host, [registry.host], ['api', 'web', 'job', 'none'])
    const exitOf = async (...images: readonly string[]) => {
      const args = ['--env', 'staging', '--env', 'prod', '--detailed-exitcode']
      const { code, result } = await status(project, ...images, ...args)
      return [code, ...result.images.flatMap(({ steps }) => steps.map(({ state }) => state))]
    }
    expect(await exitOf('api')).toEqual([2, 'behind'])
    expect(await exitOf('web')).toEqual([0, 'in-sync'])
    expect(await exitOf('job', 'none')).toEqual([2, 'unknown', 'unknown'])
  })

  it('is 4 if some targets are unreachable, and 1 if all are', async () => {
    const { host } = await prodBehind()
    const project = await place(host, [closed], ['api'])
    expect((await status(project, '--detailed-exitcode')).code).toBe(4)
    expect((await status(project, '--env', 'prod', '--detailed-exitcode')).code).toBe(1)
  })
})

it('status and diff refuse an image that dray.yaml does not list, and suggest the nearest name', async () => {
  const project = await place(closed, [closed], ['api', 'web'])
  for (const args of [
    ['status', 'apy', 'web'],
    ['diff', 'dev', 'prod', 'apy'],
  ]) {
    const { code, stderr } = await project.run(...args)
    expect(code).toBe(64)
    expect(stderr).toContain('there is no image "apy" in dray.yaml')
    expect(stderr).toContain('Did you mean "api"?')
  }
})

describe('status exits with 64 and a hint for', () => {
  it.each([
    [{ images: false, args: [] }, 'Name an image, or list all images'],
    [{ images: true, args: ['@prod'] }, '@prod is an environment'],
    [{ images: true, args: ['api:1.4.2'] }, 'names one image'],
    [{ images: true, args: ['elsewhere.test/api'] }, 'is in no environment'],
    [{ images: true, args: ['--watch'] }, 'Pass -o jsonl'],
    [{ images: true, args: ['--env', 'pord'] }, 'Did you mean \\"prod\\"?'],
  ])('%j', async ({ images, args }, hint) => {
    const project = images ? await place(closed, [closed], ['api']) : await warmWorkplace(configOf(closed))
    const { code, document } = await project.json('status', ...args)
    expect(code).toBe(64)
    expect(JSON.stringify(document.error)).toContain(hint)
  })
})

it('status warns about an unknown image if dray.yaml lists no images', async () => {
  const registry = await loggedRegistry('oci-1.1')
  await release(registry, 'dev', 'api', ['1.0.0'], '1.0.0')
  const project = await warmWorkplace(configOf(registry.host))
  const { stdout, stderr, code } = await project.run('status', 'apu', 'api')
  expect(code).toBe(0)
  expect(stderr).toContain('apu is not in dev or staging or prod. Check the name.')
  expect(stdout).toContain('1 not deployed')
  expect((await project.run('diff', 'dev', 'prod', 'apu')).stderr).toContain(
    'apu is not in dev or prod. Check',
  )
})
