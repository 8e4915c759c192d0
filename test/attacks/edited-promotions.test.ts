import { copyFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  addTag,
  attachStep,
  type EditablePlan,
  editPlan,
  firstPlacement,
  removeSteps,
  tagStep,
} from '../support/edited-plans.ts'
import {
  digestOf,
  multi,
  newest,
  ofDev,
  old,
  PlanRepositories,
  unrelated,
} from '../support/plan-repositories.ts'
import { warmDray } from '../support/program.ts'
import { makeFolder, removeFolder } from '../support/temp.ts'
import { type Workplace, warmWorkplace } from '../support/workplace.ts'
import { watchedRegistry } from '../support/world.ts'

const isWrite = ({ method }: { readonly method: string }) => method !== 'GET' && method !== 'HEAD'

let world: PlanRepositories
beforeAll(async () => {
  world = new PlanRepositories(await watchedRegistry())
})
afterAll(async () => {
  await world.registry[Symbol.asyncDispose]()
})

/** Replaces the planned image by one of another repository. */
function takeFromDev(plan: EditablePlan): void {
  const text = JSON.stringify(plan)
    .replaceAll(`"staging/`, `"dev/`)
    .replaceAll(digestOf(multi), digestOf(ofDev))
    .replaceAll(`"size":${multi.root.size}`, `"size":${ofDev.root.size}`)
    .replaceAll(multi.root.mediaType, ofDev.root.mediaType)
  Object.assign(plan, JSON.parse(text))
  firstPlacement(plan).evidence = { found: 0, missing: 0 }
  removeSteps(plan, ({ kind }) => kind === 'attach')
}

function dropEnvironments(plan: EditablePlan): void {
  for (const { from, to } of plan.placements) {
    delete from.environment
    delete to.environment
  }
}

const edits: readonly (readonly [string, (plan: EditablePlan) => void])[] = [
  ['another source that keeps the name of the environment', takeFromDev],
  [
    'another source under its own name',
    (plan) => {
      takeFromDev(plan)
      firstPlacement(plan).from.environment = 'dev'
    },
  ],
  [
    'another source and no environments',
    (plan) => {
      takeFromDev(plan)
      dropEnvironments(plan)
    },
  ],
  [
    'another source as a copy',
    (plan) => {
      takeFromDev(plan)
      firstPlacement(plan).from.environment = 'dev'
      plan.operation = 'copy'
    },
  ],
  [
    'another source as a copy to a reference',
    (plan) => {
      takeFromDev(plan)
      firstPlacement(plan).from.environment = 'dev'
      delete firstPlacement(plan).to.environment
      plan.operation = 'copy'
    },
  ],
  [
    'the same source under a name that is not in dray.yaml',
    (plan) => {
      const placement = firstPlacement(plan)
      const { registry, path } = placement.from.repository
      const other = `localhost:${registry.split(':').at(-1)}`
      placement.image = `${other}/${path}:1.4.2`
      placement.from.repository.registry = other
      for (const step of plan.steps) if ('from' in step) step.from.registry = other
    },
  ],
  ['no environments', dropEnvironments],
  ['an invented environment', (plan) => void (firstPlacement(plan).to.environment = 'sandbox')],
  ['another environment', (plan) => void (firstPlacement(plan).to.environment = 'staging')],
  [
    'an image that the source does not have',
    (plan) => {
      Object.assign(plan, JSON.parse(JSON.stringify(plan).replaceAll(digestOf(multi), digestOf(old))))
      firstPlacement(plan).evidence = { found: 0, missing: 0 }
      removeSteps(plan, ({ kind }) => kind === 'attach' || kind === 'copy')
    },
  ],
  ['the name of another image', (plan) => void (firstPlacement(plan).image = 'web:1.4.2')],
  ['the name of another version', (plan) => void (firstPlacement(plan).image = 'edited:1.6.0')],
  ['the tag of another version', (plan) => void (firstPlacement(plan).from.tag = '1.6.0')],
  ['no attestation', (plan) => removeSteps(plan, ({ kind }) => kind === 'attest')],
  [
    'no attached artifacts',
    (plan) => {
      removeSteps(plan, ({ kind }) => kind === 'attach')
      firstPlacement(plan).evidence = { found: 0, missing: 0 }
    },
  ],
  [
    'an attached artifact that is not attached',
    (plan) => void (attachStep(plan).manifest = structuredClone(unrelated.root) as never),
  ],
  [
    'an image under the tag of a signature',
    (plan) => {
      const step = attachStep(plan)
      const tag = `${digestOf(multi).replace(':', '-')}.sig`
      Object.assign(step, { via: 'tag', tag, manifest: unrelated.root })
      step.expect = [{ kind: 'tag', repository: step.to, tag, digest: null }]
    },
  ],
  ['no copy of the content', (plan) => removeSteps(plan, ({ kind }) => kind === 'copy')],
  ['tags before content', (plan) => void (tagStep(plan, '1.4.2').after = [])],
  [
    'fewer attached artifacts than it shows',
    (plan) => void (firstPlacement(plan).evidence = { found: 5, missing: 5 }),
  ],
  ['a floating tag backward', (plan) => addTag(plan, 'latest', digestOf(newest))],
  [
    'a floating tag backward by its flag',
    (plan) => addTag(plan, 'latest', digestOf(newest), 'allowBackward'),
  ],
  ['a floating tag backward by another flag', (plan) => addTag(plan, '1', digestOf(newest), 'moveTag')],
  ['a floating tag backward as a rollback', (plan) => addTag(plan, 'latest', digestOf(newest), 'rollback')],
  [
    'a floating tag backward without the version',
    (plan) => {
      addTag(plan, 'latest', digestOf(newest))
      const placement = firstPlacement(plan)
      placement.tags = placement.tags.filter(({ tag }) => tag === 'latest')
      delete placement.keptTags
      removeSteps(plan, (step) => step.kind === 'tag' && step.tag !== 'latest')
    },
  ],
  [
    'a floating tag of other versions without the version',
    (plan) => {
      addTag(plan, 'latest', digestOf(newest))
      addTag(plan, '1.5', digestOf(newest))
      const placement = firstPlacement(plan)
      placement.tags = placement.tags.filter(({ tag }) => tag === 'latest' || tag === '1.5')
      delete placement.keptTags
      removeSteps(plan, (step) => step.kind === 'tag' && step.tag !== 'latest' && step.tag !== '1.5')
    },
  ],
  ['a floating tag of other versions', (plan) => addTag(plan, '1.5', digestOf(newest))],
  [
    'a floating tag backward for a version of another image',
    (plan) => {
      addTag(plan, 'latest', digestOf(newest))
      const step = tagStep(plan, 'latest')
      const { repository } = step
      firstPlacement(plan).tags.push({ tag: '99.0.0', before: digestOf(multi), change: 'unchanged' })
      step.expect.push({ kind: 'highest', repository, line: {}, version: '99.0.0', buildMetadata: false })
    },
  ],
  ['a version tag that moves', (plan) => addTag(plan, '1.4.0', digestOf(old))],
  ['a version tag that moves by its flag', (plan) => addTag(plan, '1.4.0', digestOf(old), 'moveTag')],
  ['another spelling of a version', (plan) => addTag(plan, 'v1.5.0', undefined)],
  ['an immutable tag that moves', (plan) => addTag(plan, 'release-1', digestOf(old))],
  ['an immutable tag by its flag', (plan) => addTag(plan, 'release-1', digestOf(old), 'moveTag')],
  ['a tag operation', (plan) => void (plan.operation = 'tag')],
  ['a rollback', (plan) => void (plan.operation = 'rollback')],
  ['an unknown operation', (plan) => void (plan.operation = 'sync' as never)],
  ['an unknown field', (plan) => void Object.assign(plan, { trusted: true })],
]

describe('a saved promotion that was edited, with a new hash', () => {
  const name = 'edited'
  let made: string
  let before: unknown
  beforeAll(async () => {
    await world.fill(name)
    const folder = await makeFolder()
    made = join(folder, 'plan.json')
    await writeFile(join(folder, 'dray.yaml'), world.configOf(name))
    const args = ['promote', `${name}:1.4.2`, '--from', 'staging', '--to', 'prod', '--out', made]
    await warmDray(args, { cwd: folder, env: { HOME: folder } })
    before = await world.prodOf(name)
  })
  afterAll(() => removeFolder(dirname(made)))

  const placed = async (): Promise<Workplace> => {
    const project = await warmWorkplace(world.configOf(name))
    await copyFile(made, join(project.folder, 'plan.json'))
    return project
  }

  it.each(edits)('is refused, and nothing is written: %s', async (_, edit) => {
    const project = await placed()
    await editPlan<EditablePlan>(project.folder, 'plan.json', 'edited.json', edit)
    world.registry.forget()
    const ended = await project.run('apply', 'edited.json', '--yes')
    expect(ended.code, ended.stdout + ended.stderr).not.toBe(0)
    expect(world.registry.requests.filter(isWrite)).toEqual([])
    expect(await world.prodOf(name)).toEqual(before)
  })

  it.each([
    ['a rule of an environment', takeFromDev, 'to staging, and the configuration does not'],
    ['the promotion order', (plan: EditablePlan) => (takeFromDev(plan), fromDev(plan)), 'promoteFrom'],
    ['an attestation', (plan: EditablePlan) => removeSteps(plan, (s) => s.kind === 'attest'), '--no-attest'],
    ['an immutable tag', (plan: EditablePlan) => addTag(plan, 'release-1', digestOf(old)), '--move-tag'],
    ['a floating tag', (plan: EditablePlan) => addTag(plan, '1', digestOf(newest)), '--allow-backward'],
  ])('has an error with the broken rule and a hint: %s', async (_, edit, message) => {
    const project = await placed()
    await editPlan<EditablePlan>(project.folder, 'plan.json', 'edited.json', edit)
    const ended = await project.run('apply', 'edited.json', '--yes')
    expect(ended).toMatchObject({ code: 3, stderr: expect.stringContaining(message) })
  })

  it('has a refusal in the audit log', async () => {
    const project = await placed()
    await editPlan<EditablePlan>(project.folder, 'plan.json', 'edited.json', (plan) => {
      removeSteps(plan, ({ kind }) => kind === 'attest')
    })
    const { code } = await project.run('apply', 'edited.json', '--yes', '--audit-file', 'refused.jsonl')
    expect(code).toBe(3)
    const log = await project.run('audit', 'log', '--audit-file', 'refused.jsonl', '--json')
    expect(log.stdout).toContain('does not attest')
  })

  it('is refused by --dry-run too, which writes nothing', async () => {
    const project = await placed()
    await editPlan<EditablePlan>(project.folder, 'plan.json', 'edited.json', takeFromDev)
    expect(await project.run('apply', 'edited.json', '--dry-run')).toMatchObject({ code: 3 })
  })

  it.each(['removed', 'of another folder'])('is refused without its dray.yaml: %s', async (kind) => {
    const other = await warmWorkplace(JSON.stringify({ version: 1 }))
    if (kind === 'removed') await rm(join(other.folder, 'dray.yaml'))
    const ended = await other.run('apply', made, '--yes')
    expect(ended).toMatchObject({ code: 3, stderr: expect.stringContaining('--config') })
    expect(await world.prodOf(name)).toEqual(before)
  })
})

function fromDev(plan: EditablePlan): void {
  firstPlacement(plan).from.environment = 'dev'
}
