import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type AnyRegistry, describeEachRegistry } from '../support/each-registry.ts'
import { dockerRegistry, startDockerRegistry } from '../support/docker-registry.ts'
import { type Content, cosignSignature, image, index, referrer, together } from '../support/images.ts'
import { Oracle } from '../support/oracle.ts'
import type { Ended, Running } from '../support/program.ts'
import { type Workplace, warmWorkplace } from '../support/workplace.ts'
import { watchedRegistry } from '../support/world.ts'

const day = 86_400_000
let repositories = 0

function ago(days: number): { readonly annotations: Readonly<Record<string, string>> } {
  const created = new Date(Date.now() - (days + 0.25) * day).toISOString()
  return { annotations: { 'org.opencontainers.image.created': created } }
}

const policy = {
  protect: [{ tags: ['latest', 'prod-*'] }],
  rules: [{ name: 'old', repositories: ['@dev/**'], tags: ['pr-*'], olderThan: '14d' }],
}

interface Place extends Workplace {
  /** the name of the image in the environment dev */
  readonly name: string
  readonly path: string
}

async function placeAt(host: string, retention: object = policy): Promise<Place> {
  const name = `r${++repositories}`
  const config = {
    version: 1,
    environments: { dev: { registry: host, path: 'dev/{image}' } },
    images: { [name]: {} },
    retention,
  }
  const project = await warmWorkplace(JSON.stringify(config))
  return { ...project, name, path: `dev/${name}` }
}

/** Pushes an old index with attached artifacts, an old, a young and a protected image. */
async function fill(oracle: Oracle, path: string): Promise<Content> {
  const label = path
  const multi = index(['linux/amd64', 'linux/arm64'], { label: `multi ${label}`, ...ago(60) })
  const whole = together(multi, referrer(multi), cosignSignature(multi))
  await oracle.push(whole, path, 'pr-1')
  await oracle.push(image({ label: `old ${label}`, ...ago(30) }), path, 'pr-2')
  await oracle.push(image({ label: `young ${label}`, ...ago(2) }), path, 'pr-3')
  await oracle.push(image({ label: `prod ${label}`, ...ago(90) }), path, 'pr-4', 'prod-1', 'latest')
  return whole
}

async function tagsOf(oracle: Oracle, path: string): Promise<readonly string[]> {
  const answer = await oracle.get(`/v2/${path}/tags/list`)
  const { tags } = JSON.parse(answer.body.toString()) as { readonly tags: readonly string[] | null }
  return (tags ?? []).toSorted()
}

describeEachRegistry('dray prune', (registryOf) => {
  async function filled(): Promise<{ registry: AnyRegistry; project: Place; whole: Content }> {
    const registry = registryOf()
    const project = await placeAt(registry.host)
    const whole = await fill(registry.oracle, project.path)
    await registry.forget()
    return { registry, project, whole }
  }

  it('shows a plan with GET and HEAD requests only', async () => {
    const { registry, project } = await filled()
    const before = await tagsOf(registry.oracle, project.path)
    await registry.forget()
    const ended = await project.run('prune')
    expect(ended).toMatchObject({ code: 0 })
    expect(ended.stdout).toMatch(/delete +pr-1 +.*old: 60d old, older than 14d/)
    expect(ended.stdout).toMatch(/keep +prod-1/)
    const methods = new Set((await registry.requests()).map(({ method }) => method))
    expect([...methods].toSorted()).toEqual(expect.not.arrayContaining(['DELETE', 'PUT', 'POST', 'PATCH']))
    expect(await tagsOf(registry.oracle, project.path)).toEqual(before)
  })

  it('deletes exactly what the policy selects, with all attached artifacts', async () => {
    const { registry, project, whole } = await filled()
    const ended = await project.run('prune', '--apply', '--yes')
    expect(ended).toMatchObject({ code: 0 })
    const methods = new Set((await registry.requests()).map(({ method }) => method))
    expect(['PUT', 'POST', 'PATCH'].filter((method) => methods.has(method))).toEqual([])
    expect(await tagsOf(registry.oracle, project.path)).toEqual(['latest', 'pr-3', 'pr-4', 'prod-1'])
    const left = await Promise.all(
      whole.manifests.map(({ descriptor }) => registry.oracle.manifest(project.path, descriptor.digest)),
    )
    expect(left.filter((one) => one !== undefined)).toEqual([])
    const again = await project.json('prune', '--apply', '--yes')
    expect(again.code).toBe(0)
    expect(again.document.result).toMatchObject({ totals: { deleted: 0, untagged: 0 } })
  })

  it('applies a saved plan once, and refuses an edited one', async () => {
    const { registry, project } = await filled()
    expect(await project.run('prune', '--out', 'plan.json')).toMatchObject({ code: 0 })
    const text = await readFile(join(project.folder, 'plan.json'), 'utf8')
    await writeFile(join(project.folder, 'edited.json'), text.replace('"pr-3"', '"pr-9"'))
    expect(await project.run('apply', 'edited.json', '--yes')).toMatchObject({ code: 3 })
    expect(await project.run('plan', 'show', 'plan.json')).toMatchObject({ code: 0 })
    expect(await project.run('apply', 'plan.json', '--yes')).toMatchObject({ code: 0 })
    expect(await tagsOf(registry.oracle, project.path)).toEqual(['latest', 'pr-3', 'pr-4', 'prod-1'])
    await registry.forget()
    expect(await project.run('apply', 'plan.json', '--yes')).toMatchObject({ code: 0 })
    const deletes = (await registry.requests()).filter(({ method }) => method === 'DELETE')
    expect(deletes).toEqual([])
  })

  it('shows and executes the verdict that explain gives for each tag', async () => {
    const { registry, project } = await filled()
    const { document } = await project.json('prune')
    const { plan } = document.result as unknown as {
      readonly plan: { readonly repositories: readonly { readonly tags: readonly Verdict[] }[] }
    }
    const tags = plan.repositories.flatMap((one) => one.tags)
    const people = tags.filter(({ tag }) => !tag.startsWith('sha256-'))
    for (const { tag, verdict, why } of people) {
      const explained = await project.json('explain', `@dev/${project.name}:${tag}`)
      expect(explained.document.result).toMatchObject({ verdict, why })
    }
    await project.run('prune', '--apply', '--yes')
    const left = await tagsOf(registry.oracle, project.path)
    const kept = tags.filter(({ verdict }) => verdict !== 'delete').map(({ tag }) => tag)
    expect(left).toEqual(kept.toSorted())
  })
})

interface Verdict {
  readonly tag: string
  readonly verdict: string
  readonly why: object
}

describe('dray prune', () => {
  it.each([1, 2, 4])(
    'reaches the same end state in the next run if it is killed at delete %i',
    async (nth) => {
      let deletes = 0
      let running: Running | undefined
      await using registry = await watchedRegistry({
        onRequest: ({ method }) => {
          if (method === 'DELETE' && ++deletes === nth) running?.child.kill('SIGKILL')
        },
      })
      const project = await placeAt(registry.host)
      const whole = await fill(registry.oracle, project.path)
      running = project.start('prune', '--apply', '--yes')
      expect(await running.ended).toBe(null)
      running = undefined
      expect(await project.run('prune', '--apply', '--yes')).toMatchObject({ code: 0 })
      const left = await Promise.all(
        whole.manifests.map(({ descriptor }) => registry.oracle.manifest(project.path, descriptor.digest)),
      )
      expect(left.filter((one) => one !== undefined)).toEqual([])
      expect(await tagsOf(registry.oracle, project.path)).toEqual(['latest', 'pr-3', 'pr-4', 'prod-1'])
      expect(await project.run('audit', 'verify')).toMatchObject({ code: 0 })
    },
  )

  it('exits with 3, deletes nothing and shows the deletes if a limit is exceeded', async () => {
    await using registry = await watchedRegistry()
    const limits = { maxPercent: 20 }
    const project = await placeAt(registry.host, { ...policy, limits })
    await fill(registry.oracle, project.path)
    registry.forget()
    const ended = await project.run('prune', '--apply', '--yes')
    expect(ended.code).toBe(3)
    expect(ended.stdout).toMatch(
      /delete +pr-1 .*\n(?:.*\n)+refused {2}@dev.*\n.*limits\.maxPercent .*\n.*maxPercent is 20\n/,
    )
    const shown = await project.json('prune')
    expect(shown.document.result).toMatchObject({
      plan: {
        repositories: [
          { tags: expect.arrayContaining([expect.objectContaining({ tag: 'pr-1', verdict: 'delete' })]) },
        ],
      },
    })
    expect(registry.requests.filter(({ method }) => method === 'DELETE')).toEqual([])
  })

  it('keeps images in use from a list and from files, and refuses an empty list', async () => {
    await using registry = await watchedRegistry()
    const protect = [...policy.protect, { inUse: { files: ['k8s/*.yaml'] } }]
    const project = await placeAt(registry.host, { ...policy, protect })
    await fill(registry.oracle, project.path)
    expect(await project.run('prune', '--apply', '--yes')).toMatchObject({ code: 3 })
    await writeFile(join(project.folder, 'empty.txt'), '# nothing\n')
    await mkdir(join(project.folder, 'k8s'))
    const pod = {
      kind: 'Pod',
      apiVersion: 'v1',
      spec: { containers: [{ image: `${registry.host}/${project.path}:pr-1` }] },
    }
    await writeFile(join(project.folder, 'k8s', 'pod.yaml'), JSON.stringify(pod))
    expect((await project.run('prune', '--in-use', 'empty.txt', '--apply', '--yes')).code).not.toBe(0)
    await writeFile(join(project.folder, 'used.txt'), `${registry.host}/${project.path}:pr-2\n`)
    registry.forget()
    expect(await project.run('prune', '--in-use', 'used.txt', '--apply', '--yes')).toMatchObject({ code: 0 })
    expect(registry.requests.filter(({ method }) => method === 'DELETE')).toEqual([])
  })

  it('writes metrics, and after a success the time of it, and removes its saved plan', async () => {
    await using registry = await watchedRegistry()
    const project = await placeAt(registry.host, { ...policy, limits: { maxDeletes: 1 } })
    await fill(registry.oracle, project.path)
    const file = join(project.folder, 'dray.prom')
    const before = `dray_prune_last_success_timestamp_seconds{policy=""} 1700000000\n`
    await writeFile(file, before)
    expect((await project.run('prune', '--apply', '--yes', '--metrics', file)).code).toBe(3)
    const refused = await readFile(file, 'utf8')
    expect(refused).toContain(before)
    expect(refused).toMatch(/dray_prune_refused\{policy=""\} 1/)
    await writeFile(
      join(project.folder, 'dray.yaml'),
      (await readFile(join(project.folder, 'dray.yaml'), 'utf8')).replace('"maxDeletes":1', '"maxDeletes":9'),
    )
    expect((await project.run('prune', '--apply', '--yes', '--metrics', file)).code).toBe(0)
    expect(await readdir(`${project.auditFile}.prunes`)).toEqual([])
    const done = await readFile(file, 'utf8')
    expect(done).not.toContain(before)
    expect(done).toMatch(/dray_prune_deleted_images\{repository=".*",policy=""\} 2/)
    for (const line of done.trimEnd().split('\n'))
      expect(line).toMatch(
        /^(?:# (?:HELP|TYPE) \w+ .+|\w+\{(?:\w+="[^"]*",?)*\} -?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/,
      )
  })

  it('exits with 3 if a protection matches nothing and is not optional', async () => {
    await using registry = await watchedRegistry()
    const protect = [{ tags: ['porduction'] }]
    const project = await placeAt(registry.host, { ...policy, protect })
    await fill(registry.oracle, project.path)
    const ended = await project.run('prune', '--apply', '--yes')
    expect(ended.code).toBe(3)
    expect(ended.stdout).toContain('porduction')
    const optional = await placeAt(registry.host, { ...policy, protect: [{ tags: ['x'], optional: true }] })
    await fill(registry.oracle, optional.path)
    expect(await optional.run('prune', '--apply', '--yes')).toMatchObject({ code: 0 })
  })

  it('exits with 64 without --yes if it is non-interactive', async () => {
    await using registry = await watchedRegistry()
    const project = await placeAt(registry.host)
    await fill(registry.oracle, project.path)
    const ended: Ended = await project.run('prune', '--apply')
    expect(ended).toMatchObject({ code: 64 })
    expect(ended.stderr).toContain('--yes')
  })
})

describe.skipIf(!dockerRegistry.available)(`dray prune without deletes${dockerRegistry.note}`, () => {
  it('stops after one delete, exits with 3 and names the setting of the registry', async () => {
    await using registry = {
      ...(await startDockerRegistry({ deletes: false })),
      async [Symbol.asyncDispose]() {
        await this.stop()
      },
    }
    const project = await placeAt(registry.host)
    await fill(new Oracle(registry.url), project.path)
    await registry.clearLog()
    const ended = await project.run('prune', '--apply', '--yes')
    expect(ended.code).toBe(3)
    expect(ended.stdout + ended.stderr).toMatch(/REGISTRY_STORAGE_DELETE_ENABLED|storage\.delete\.enabled/)
    const deletes = (await registry.log()).filter(({ method }) => method === 'DELETE')
    expect(deletes).toHaveLength(1)
  })
})
