import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Digest } from '../../src/oci/digest.ts'
import {
  addDelete,
  type Editable,
  type EditablePrunePlan,
  editPlan,
  mustExist,
} from '../support/edited-plans.ts'
import type { RepositoryPlan } from '../../src/plan/prune/prune-plan.ts'
import { type Content, image, index, referrer, together } from '../support/images.ts'
import { warmDray } from '../support/program.ts'
import { makeFolder, removeFolder } from '../support/temp.ts'
import { type Workplace, warmWorkplace } from '../support/workplace.ts'
import { type WatchedRegistry, watchedRegistry } from '../support/world.ts'

const dated = (label: string, year: number): Parameters<typeof image>[0] => ({
  label,
  annotations: { 'org.opencontainers.image.created': `${year}-01-01T00:00:00Z` },
})
const kept = ['keep-1', 'used', 'other', 'young'].map((tag) => {
  return [tag, image(dated(tag, tag === 'young' ? new Date().getUTCFullYear() + 1 : 2020))] as const
})
const multi = index(['amd64', 'arm64'], { layers: 1, ...dated('multi', 2020) })
const old = together(multi, referrer(multi))

let registry: WatchedRegistry
beforeAll(async () => {
  registry = await watchedRegistry()
})
afterAll(async () => {
  await registry[Symbol.asyncDispose]()
})

function configOf(name: string, retention: object = {}): string {
  const at = (path: string): object => ({ registry: registry.host, path: `${path}/{image}` })
  return JSON.stringify({
    version: 1,
    environments: { dev: at('dev'), prod: at('prod') },
    images: { [name]: {} },
    retention: {
      protect: [{ tags: ['keep-*'] }, { inUse: { files: ['k8s/*.yaml'] } }],
      rules: [
        {
          name: 'old',
          repositories: ['@dev/*'],
          tags: ['pr-*', 'keep-*', 'used', 'young'],
          olderThan: '14d',
        },
      ],
      limits: { maxDeletes: 1 },
      ...retention,
    },
  })
}

async function fill(name: string): Promise<void> {
  const { oracle } = registry
  await oracle.push(old, `dev/${name}`, 'pr-1')
  for (const [tag, content] of kept) await oracle.push(content, `dev/${name}`, tag)
  await oracle.push(image(dated('prod', 2020)), `prod/${name}`, 'pr-1')
}

async function place(name: string, retention?: object): Promise<Workplace> {
  const project = await warmWorkplace(configOf(name, retention))
  await use(project.folder, name)
  return project
}

async function use(folder: string, name: string): Promise<void> {
  await mkdir(join(folder, 'k8s'))
  const containers = [{ image: `${registry.host}/dev/${name}:used` }]
  const pod = { kind: 'Pod', apiVersion: 'v1', spec: { containers } }
  await writeFile(join(folder, 'k8s', 'pod.yaml'), JSON.stringify(pod))
}

const inDev = (plan: EditablePrunePlan): Editable<RepositoryPlan> =>
  mustExist(plan.repositories.find(({ repository }) => repository.path.startsWith('dev/')))
const sizeOf = (tag: string): number => mustExist(kept.find(([one]) => one === tag))[1].root.size
const whole = (content: Content): readonly string[] =>
  content.manifests.map(({ descriptor }) => descriptor.digest)

describe('a saved prune that was edited, with a new hash', () => {
  const name = 'edited'
  let made: string
  beforeAll(async () => {
    await fill(name)
    const folder = await makeFolder()
    made = join(folder, 'plan.json')
    await writeFile(join(folder, 'dray.yaml'), configOf(name))
    await use(folder, name)
    await warmDray(['prune', '--out', made], { cwd: folder, env: { HOME: folder } })
  })
  afterAll(() => removeFolder(dirname(made)))

  /** Applies the edited plan, and restores the deleted images. */
  async function applied(edit: (plan: EditablePrunePlan) => void, retention?: object) {
    const project = await place(name, retention)
    await copyFile(made, join(project.folder, 'plan.json'))
    await editPlan<EditablePrunePlan>(project.folder, 'plan.json', 'edited.json', edit)
    registry.forget()
    const ended = await project.run('apply', 'edited.json', '--yes')
    const deleted = registry.requests.filter(({ method }) => method === 'DELETE')
    await registry.oracle.push(old, `dev/${name}`, 'pr-1')
    return { project, ended, deleted }
  }

  it.each(['keep-1', 'used', 'other', 'young'])(
    'does not delete an image that the policy keeps: %s',
    async (tag) => {
      const { ended } = await applied((plan) => void addDelete(inDev(plan), tag, sizeOf(tag)))
      expect(ended.code, ended.stdout + ended.stderr).toBe(4)
      expect(ended.stdout).toContain('cannot delete ')
      expect(await registry.oracle.tags(`dev/${name}`)).toContain(tag)
    },
  )

  it('is refused with another name, another policy or without images in use', async () => {
    const { ended } = await applied((plan) => {
      addDelete(inDev(plan), 'keep-1', sizeOf('keep-1'))
      plan.policy = 'sha256:0'
      plan.inUse = []
      inDev(plan).referrers = 'read'
    })
    expect(ended.code).toBe(4)
    expect(await registry.oracle.tags(`dev/${name}`)).toContain('keep-1')
  })

  it('names the protection or the rule that keeps an image', async () => {
    const { ended } = await applied((plan) => void addDelete(inDev(plan), 'keep-1', sizeOf('keep-1')))
    expect(ended.stdout).toContain('protected: tags keep-*')
  })

  it.each<readonly [string, (plan: EditablePrunePlan) => void, string]>([
    [
      'of a repository without a rule',
      (plan) => {
        const one = inDev(plan)
        const path = `prod/${name}`
        Object.assign(one, {
          image: `@${path}`,
          environment: 'prod',
          repository: { ...one.repository, path },
        })
        for (const step of one.steps) step.repository = one.repository
      },
      'has no rule for',
    ],
    ['with another name', (plan) => void (inDev(plan).image = '@dev/other'), 'the plan has the name'],
    [
      'of fewer images than it shows',
      (plan) => void (inDev(plan).count = { images: 1000, deleted: 0 }),
      'the count of images does not match its tags',
    ],
    ['in another environment', (plan) => void (inDev(plan).environment = 'prod'), 'the plan has the name'],
    ['by an unknown policy', (plan) => void (plan.policyName = 'lax'), '--config'],
  ])('is refused: one %s', async (_, edit, message) => {
    const { ended, deleted } = await applied(edit)
    expect(ended.code).not.toBe(0)
    expect(ended.stderr).toContain(message)
    expect(deleted).toEqual([])
  })

  it.each<readonly [string, (one: Editable<RepositoryPlan>) => void]>([
    ['the order', (one) => one.steps.forEach((step) => (step.after = []))],
    [
      'the deleted tags',
      (one) => {
        one.tags = one.tags.filter(({ tag }) => tag !== 'pr-1')
        for (const step of one.steps) if (step.kind === 'deleteManifest') step.losesTags = []
      },
    ],
    [
      'the subject',
      (one) => {
        for (const step of one.steps)
          if (step.kind === 'deleteManifest' && step.subject !== undefined)
            step.subject = mustExist(kept[0])[1].root.digest as Digest
      },
    ],
  ])('is refused with a change of %s', async (_, edit) => {
    const { ended } = await applied((plan) => edit(inDev(plan)))
    expect(ended.code, ended.stdout + ended.stderr).not.toBe(0)
  })

  it('deletes no orphaned manifest', async () => {
    const untagged = image(dated('untagged', 2020))
    await registry.oracle.push(untagged, `dev/${name}`)
    const { ended } = await applied((plan) => {
      const step = addDelete(inDev(plan), 'keep-1', untagged.root.size)
      const digest = untagged.root.digest as Digest
      mustExist(inDev(plan).tags.find(({ tag }) => tag === 'keep-1')).verdict = 'keep'
      Object.assign(step, { target: { ...step.target, digest }, losesTags: [] })
      inDev(plan).others.push({ digest, role: 'child', of: [], verdict: 'delete', why: step.why, size: 1 })
    })
    expect(ended.code, ended.stdout + ended.stderr).not.toBe(0)
    expect(await registry.oracle.manifest(`dev/${name}`, untagged.root.digest)).toBeDefined()
  })

  it('does not change what the next prune deletes', async () => {
    const { project } = await applied((plan) => {
      const one = inDev(plan)
      const first = mustExist(one.steps[0])
      const step = addDelete(one, 'keep-1', sizeOf('keep-1'))
      step.after = [first.id]
    })
    expect(await project.run('prune', '--apply', '--yes')).toMatchObject({ code: 0 })
    await registry.oracle.push(old, `dev/${name}`, 'pr-1')
    expect(await registry.oracle.tags(`dev/${name}`)).toContain('keep-1')
  })

  it('is checked against the limits of the policy as a whole', async () => {
    const rules = [{ name: 'all', repositories: ['@dev/*'], tags: ['pr-*', 'other'] }]
    const { ended, deleted } = await applied(
      (plan) => void addDelete(inDev(plan), 'other', sizeOf('other')),
      { rules },
    )
    expect(ended).toMatchObject({ code: 3, stderr: expect.stringContaining('maxDeletes is 1') })
    expect(deleted).toEqual([])
  })

  it.each(['removed', 'without a policy'])('is refused without its policy: dray.yaml %s', async (kind) => {
    const other = await warmWorkplace(JSON.stringify({ version: 1 }))
    if (kind === 'removed') await rm(join(other.folder, 'dray.yaml'))
    const ended = await other.run('apply', made, '--yes')
    expect(ended).toMatchObject({ code: 3, stderr: expect.stringContaining('--config') })
    expect(await registry.oracle.digest(`dev/${name}`, 'pr-1')).toBe(old.root.digest)
  })
})

describe('a saved prune', () => {
  it('is applied without flags, and follows the current policy', async () => {
    await fill('asis')
    const project = await place('asis')
    await project.run('prune', '--out', 'plan.json')
    const protect = [{ tags: ['pr-*'] }, { inUse: { files: ['k8s/*.yaml'] } }]
    await writeFile(join(project.folder, 'protected.yaml'), configOf('asis', { protect }))
    const later = await project.run('apply', 'plan.json', '--yes', '--config', 'protected.yaml')
    expect(later.stderr).toContain('the policy changed')
    expect(later.code).toBe(3)
    expect(await registry.oracle.tags('dev/asis')).toContain('pr-1')
    const ended = await project.run('apply', 'plan.json', '--yes')
    expect(ended.code, ended.stdout + ended.stderr).toBe(0)
    expect(await registry.oracle.tags('dev/asis')).not.toContain('pr-1')
    for (const digest of whole(old))
      expect(await registry.oracle.manifest('dev/asis', digest)).toBeUndefined()
  })

  it('that was made with --in-use needs --in-use again', async () => {
    await fill('listed')
    const project = await place('listed')
    await writeFile(join(project.folder, 'used.txt'), `${registry.host}/dev/listed:other\n`)
    await project.run('prune', '--in-use', 'used.txt', '--out', 'plan.json')
    const refused = await project.run('apply', 'plan.json', '--yes')
    expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining('--in-use') })
    expect(await project.run('apply', 'plan.json', '--yes', '--in-use', 'used.txt')).toMatchObject({
      code: 0,
    })
  })
})
