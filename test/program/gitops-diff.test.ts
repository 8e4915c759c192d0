import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { dray } from '../support/program.ts'
import { type Workplace, warmWorkplace } from '../support/workplace.ts'
import { world } from '../support/world.ts'

interface Scene {
  readonly place: Workplace
  readonly host: string
  /** the index of api:1.4.2, the manifest of its second platform, and api:1.4.1 */
  readonly digests: { readonly wanted: string; readonly platform: string; readonly old: string }
  /** Makes the fake `kubectl` of a context print pods with these images. */
  readonly pods: (
    context: string,
    ...containers: readonly (readonly [image: string, imageID: string])[]
  ) => Promise<void>
  readonly compare: (...args: readonly string[]) => Promise<{
    readonly code: number | null
    readonly states: unknown
    readonly result: { readonly clusters: readonly object[]; readonly images: readonly object[] }
  }>
}

/** A registry with staging as the environment, a folder with files, and a fake `kubectl`. */
async function scene({ gitops = true } = {}): Promise<Scene> {
  const at = await world()
    .image('api:1.4.1')
    .index('api:1.4.2', ['amd64', 'arm64'])
    .image('web:2.0.0')
    .start()
  const { host } = at.staging
  const rules = gitops && { gitops: [{ files: 'deploy/*.yaml' }] }
  const config = {
    version: 1,
    environments: { staging: { registry: host, path: 'staging/{image}', ...rules } },
    images: { api: {}, web: {} },
  }
  const place = await warmWorkplace(JSON.stringify(config), { PATH: process.env['PATH'] ?? '' })
  const bin = join(place.folder, 'bin')
  await mkdir(bin)
  await mkdir(join(place.folder, 'deploy'))
  // The name of the context is the second argument.
  await writeFile(join(bin, 'kubectl'), `#!/bin/sh\nexec cat "${place.folder}/$2.json"\n`)
  await chmod(join(bin, 'kubectl'), 0o755)
  const env = { HOME: place.folder, PATH: `${bin}:${process.env['PATH'] ?? ''}` }
  const read = async (tag: string): Promise<{ digest: string; children: readonly string[] }> => {
    const headers = {
      accept: 'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json',
    }
    const response = await fetch(`http://${host}/v2/staging/api/manifests/${tag}`, { headers })
    const { manifests = [] } = (await response.json()) as { manifests?: readonly { digest: string }[] }
    return {
      digest: response.headers.get('docker-content-digest') ?? '',
      children: manifests.map(({ digest }) => digest),
    }
  }
  const [wanted, old] = [await read('1.4.2'), await read('1.4.1')]
  return {
    place,
    host,
    digests: { wanted: wanted.digest, platform: wanted.children[1] ?? '', old: old.digest },
    pods: async (context, ...containers) => {
      const items = containers.map(([image, imageID], i) => ({
        kind: 'Pod',
        metadata: { name: `pod-${i}`, namespace: 'shop' },
        spec: { containers: [{ name: 'main', image }] },
        status: { phase: 'Running', containerStatuses: [{ name: 'main', imageID }] },
      }))
      await writeFile(join(place.folder, `${context}.json`), JSON.stringify({ kind: 'List', items }))
    },
    compare: async (...args) => {
      const all = ['gitops', 'diff', '--env', 'staging', '--detailed-exitcode', '--json', ...args]
      const { code, stdout } = await dray(all, { cwd: place.folder, env })
      const { result } = JSON.parse(stdout) as { result: Awaited<ReturnType<Scene['compare']>>['result'] }
      const images = (result?.images ?? []) as readonly { image: string; state: string }[]
      return { code, states: Object.fromEntries(images.map(({ image, state }) => [image, state])), result }
    },
  }
}

const deployment = (image: string): string =>
  `kind: Deployment\nspec: { template: { spec: { containers: [{ name: main, image: "${image}" }] } } }\n`

describe('gitops diff', () => {
  it('compares files and clusters with the images of the environment', { timeout: 60_000 }, async () => {
    const { place, host, digests, pods, compare } = await scene()
    const api = `${host}/staging/api`
    const file = join(place.folder, 'deploy', 'api.yaml')
    await writeFile(file, deployment(`${api}:1.4.2`))
    await pods(
      'eu',
      [`${api}:1.4.2`, `${api}@${digests.platform}`],
      ['other.test/x:1', 'other.test/x@sha256:1'],
    )
    expect(await compare('--context', 'eu')).toMatchObject({
      code: 0,
      states: { api: 'in-sync', web: 'unused' },
    })
    await pods('us', [`${api}:1.4.2`, `docker-pullable://${api}@${digests.old}`])
    expect(await compare('--context', 'eu', '--context', 'us', 'api')).toMatchObject({
      code: 2,
      states: { api: 'running-behind' },
    })
    await writeFile(file, deployment(`${api}:1.4.1`) + `---\n` + deployment(`${host}/staging/worker:1`))
    expect(await compare()).toMatchObject({
      code: 2,
      states: { api: 'declared-behind', web: 'unused', [`${host}/staging/worker`]: 'unmanaged' },
    })
    // Only the rest is compared if a cluster cannot be read.
    expect(await compare('--context', 'none', 'web')).toMatchObject({
      code: 4,
      result: { clusters: [{ context: 'none', error: { code: 'unavailable' } }] },
    })
  })

  it('compares clusters only, if dray.yaml has no files', { timeout: 60_000 }, async () => {
    const { place, host, digests, pods, compare } = await scene({ gitops: false })
    const mirror = `mirror.test/staging/api`
    await pods(
      'eu',
      [`${mirror}:1`, `${mirror}@${digests.wanted}`],
      [`${host}/staging/web:2.0.0`, ''],
      [`${mirror}:0`, `${mirror}@${digests.old}`],
    )
    const both = await compare('--context', 'eu')
    expect(both).toMatchObject({ code: 2, states: { api: 'running-behind', web: 'unknown' } })
    expect(both.result.images[0]).toMatchObject({
      running: [{ state: 'in-sync' }, { state: 'running-behind', digest: digests.old }],
    })
    const none = await place.run('gitops', 'diff', '--env', 'staging')
    expect(none.code).toBe(64)
    expect(none.stderr).toContain('--context')
  })
})
