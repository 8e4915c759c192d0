import { existsSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { carryOut } from '../../../src/cli/changes/carry-out.ts'
import type { ChangePorts } from '../../../src/cli/changes/operation.ts'
import { operationNamed } from '../../../src/cli/changes/operations.ts'
import { planPromotion } from '../../../src/cli/changes/promotion.ts'
import { planDeletes } from '../../../src/cli/prune/prune-inputs.ts'
import { Context } from '../../../src/cli/wiring/context.ts'
import { hashOfPlan } from '../../../src/plan/plan-hash.ts'
import { parsePlanFile } from '../../../src/plan/plan-file.ts'
import { plainStyle } from '../../../src/render/text/style.ts'
import { reviewFlags } from '../../support/review-flags.ts'
import { tempFolder } from '../../support/temp.ts'
import { world } from '../../support/world.ts'

const old = new Date(Date.now() - 60 * 86_400_000).toISOString()
const retention = {
  protect: [{ tags: ['1.*'], optional: true }],
  rules: [{ name: 'old', repositories: ['@staging/**'], tags: ['pr-*'], olderThan: '14d' }],
}

const unexpected = async (): Promise<never> => {
  throw new Error('an unexpected question')
}
const noQuestions = { pick: unexpected, pickSome: unexpected, enter: unexpected, enterSecret: unexpected }

interface Options {
  readonly flags?: Partial<ChangePorts['flags']>
  /** the answer to every question; undefined: the run is non-interactive */
  readonly answer?: boolean
  /** the typed line; with it, every image is old enough to be deleted */
  readonly typed?: (host: string) => string
  /** what both environments require */
  readonly require?: readonly string[]
}

/** A registry with something to promote and something to prune, and the change pipeline over it. */
async function newScenario(name: 'promote' | 'prune', { flags = {}, answer, typed, require = [] }: Options) {
  const kept = typed === undefined ? world().image('api:1.4.2').image('api:1.4.3') : world()
  const registries = await kept
    .image('api:pr-1', { annotations: { 'org.opencontainers.image.created': old } })
    .start()
  const config = JSON.parse(registries.config) as { environments: Record<string, object> }
  for (const environment of ['staging', 'prod'])
    config.environments[environment] = { ...config.environments[environment], require }
  const folder = await tempFolder()
  await writeFile(join(folder, 'dray.yaml'), JSON.stringify({ ...config, images: { api: {} }, retention }))
  const auditFile = join(folder, 'audit.jsonl')
  const context = new Context({ configFile: undefined, env: { HOME: folder }, cwd: folder, version: '0' })
  onTestFinished(() => context.close())
  const shown: string[] = []
  const asked: string[] = []
  const warnings: string[] = []
  const failures: string[] = []
  const finished: {
    document: object
    exitCode: number
    names: readonly string[]
    digests: readonly string[]
  }[] = []
  const call = { signal: new AbortController().signal, notify: () => undefined }
  const allFlags = {
    yes: false,
    'dry-run': false,
    'detailed-exitcode': false,
    'audit-file': auditFile,
    reason: undefined,
    ticket: undefined,
    actor: undefined,
    report: undefined,
    ...flags,
  }
  const ports: ChangePorts = {
    flags: allFlags,
    context,
    call,
    reading: call,
    stop: new AbortController().signal,
    random: Math.random,
    terminal: {
      errorPage: { style: plainStyle, width: 120 },
      say: (text) => void shown.push(text),
      warn: (text) => void warnings.push(text),
      ask: async (question) => {
        shown.push(question)
        return answer ?? false
      },
      questions: () =>
        typed && {
          ...noQuestions,
          enter: async (question) => {
            asked.push(question)
            return typed(registries.staging.host)
          },
        },
      expectBytes: () => undefined,
      showPlan: (text) => void shown.push(text),
      reportFailure: ({ error }) => void failures.push(error.message),
      finish: (document, text, exitCode, lines) => {
        shown.push(text({ style: plainStyle, width: 120 }))
        finished.push({
          document,
          exitCode,
          names: lines.names?.() ?? [],
          digests: lines.digests?.() ?? [],
        })
      },
    },
  }
  const change = name === 'promote' ? await promotion(context, allFlags) : await deletes(context, auditFile)
  registries.forget()
  const operation = await operationNamed(name)
  return {
    auditFile,
    plan: change.plan,
    carryOut: () => carryOut(operation, change, ports),
    /** `dray apply` of the plan, which was saved */
    apply: () =>
      carryOut(
        operation,
        { plan: change.plan, isSaved: true, review: () => operation.review(change.plan, reviewFlags, ports) },
        ports,
      ),
    host: registries.staging.host,
    shown,
    asked,
    warnings,
    failures,
    finished,
    digest: (tag: string) => registries.content(`api:${tag}`).root.digest,
    records: () =>
      readFileSync(auditFile, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    /** the requests that change something */
    writes: () => registries.staging.requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD'),
    isDone: async () =>
      name === 'promote'
        ? (await registries.staging.oracle.tags('prod/api')).includes('1.4.2')
        : !(await registries.staging.oracle.tags('staging/api')).includes('pr-1'),
  }
}

async function promotion(context: Context, flags: ChangePorts['flags']) {
  const call = { signal: new AbortController().signal, notify: () => undefined }
  return await planPromotion(
    'promote',
    ['api:1.4.2'],
    {
      ...flags,
      from: 'staging',
      to: 'prod',
      tag: undefined,
      'expect-digest': undefined,
      platform: undefined,
      'move-tag': false,
      evidence: true,
      'allow-missing-evidence': false,
      'evidence-conflict': 'refuse',
      attest: undefined,
      verify: false,
    },
    context,
    call,
  )
}

async function deletes(context: Context, auditFile: string) {
  const call = { signal: new AbortController().signal, notify: () => undefined }
  const none = { patterns: [], exclude: [], inUse: [], policy: undefined, shard: undefined }
  return await planDeletes({ ...none, cache: false, auditFile }, context, call)
}

describe.each([
  ['promote', 'Promote 1 image to prod?', /Plan: 1 image to promote/],
  ['prune', 'Delete 1 image?', /1 image to delete/],
] as const)('carryOut of %s', (name, question, summary) => {
  it('shows the plan, asks, and executes what it showed', async () => {
    const scenario = await newScenario(name, { answer: true })
    await scenario.carryOut()
    expect(scenario.shown[0]).toMatch(summary)
    expect(scenario.shown[1]).toBe(question)
    expect(scenario.finished).toMatchObject([
      {
        exitCode: 0,
        document: {
          operation: name,
          plan: hashOfPlan(scenario.plan),
          refusals: [],
          durationMs: expect.any(Number),
          auditLog: scenario.auditFile,
        },
      },
    ])
    const [path, tag] = name === 'promote' ? ['prod', '1.4.2'] : ['staging', 'pr-1']
    expect(scenario.finished[0]?.names).toEqual([`${scenario.host}/${path}/api:${tag}`])
    expect(scenario.finished[0]?.digests).toEqual([scenario.digest(tag)])
    expect(scenario.failures).toEqual([])
    expect(await scenario.isDone()).toBe(true)
    expect(scenario.records().map(({ plan }) => plan)).toEqual(
      scenario.records().map(() => hashOfPlan(scenario.plan)),
    )
  })

  it('changes nothing and writes no audit record if the answer is no', async () => {
    const scenario = await newScenario(name, { answer: false })
    await expect(scenario.carryOut()).rejects.toMatchObject({ code: 'cancelled' })
    expect(scenario.shown).toContain(question)
    expect(scenario.writes()).toEqual([])
    expect(existsSync(scenario.auditFile)).toBe(false)
  })

  it('refuses a change without the required justification, and writes the refusal to the audit log', async () => {
    const scenario = await newScenario(name, { flags: { yes: true }, require: ['reason'] })
    await expect(scenario.carryOut()).rejects.toMatchObject({ code: 'refused' })
    expect(scenario.writes()).toEqual([])
    expect(scenario.records()).toMatchObject([{ phase: 'refused', error: { code: 'refused' } }])
  })

  it('warns about a report that cannot be written, and exits with 1', async () => {
    const scenario = await newScenario(name, { flags: { yes: true, report: ['dotenv=/dev/null/dray.env'] } })
    await scenario.carryOut()
    expect(await scenario.isDone()).toBe(true)
    const texts = [...(name === 'prune' ? ['no records of promotions'] : []), '/dev/null/dray.env']
    expect(scenario.warnings).toEqual(texts.map((text) => expect.stringContaining(text) as string))
    expect(scenario.finished).toMatchObject([{ exitCode: 1, document: { auditLog: scenario.auditFile } }])
  })

  it('changes nothing if the audit log cannot be written', async () => {
    const scenario = await newScenario(name, { flags: { yes: true, 'audit-file': '/dev/null/audit.jsonl' } })
    await expect(scenario.carryOut()).rejects.toMatchObject({ code: 'audit' })
    expect(scenario.writes()).toEqual([])
    expect(scenario.finished).toEqual([])
  })

  it('saves the plan that it shows, and changes nothing', async () => {
    const file = join(await tempFolder(), 'plan.json')
    const scenario = await newScenario(name, { flags: { yes: true, out: file, 'detailed-exitcode': true } })
    await scenario.carryOut()
    const hash = hashOfPlan(parsePlanFile(readFileSync(file), file))
    expect(scenario.finished).toMatchObject([{ exitCode: 2, document: { hash, plan: { operation: name } } }])
    expect(scenario.finished[0]?.names).toHaveLength(1)
    expect(hash).toBe(hashOfPlan(scenario.plan))
    expect(scenario.shown.at(-1)).toBe(`Plan saved. To execute it, run: dray apply ${file}`)
    expect(scenario.writes()).toEqual([])
  })
})

describe.each(['promote', 'prune'] as const)('carryOut of a saved plan of %s', (name) => {
  it('executes it without a confirmation', async () => {
    const scenario = await newScenario(name, {})
    await scenario.apply()
    expect(await scenario.isDone()).toBe(true)
    expect(scenario.shown).toHaveLength(2)
    expect(scenario.shown[1]).toBe(`Audit log: ${scenario.auditFile}`)
    expect(scenario.finished).toMatchObject([{ exitCode: 0 }])
  })
})

it('carryOut of a saved large delete asks for no name', async () => {
  const scenario = await newScenario('prune', { typed: () => 'y' })
  await scenario.apply()
  expect(scenario.finished).toMatchObject([{ exitCode: 0 }])
  expect(scenario.writes()).toHaveLength(1)
})

describe('carryOut of a large delete', () => {
  it('deletes if the name of the repository is typed', async () => {
    const scenario = await newScenario('prune', { typed: (host) => `${host}/staging/api` })
    await scenario.carryOut()
    expect(scenario.finished).toMatchObject([{ exitCode: 0 }])
    expect(scenario.writes()).toHaveLength(1)
    expect(scenario.asked).toEqual([`Type ${scenario.host}/staging/api to confirm:`])
  })

  it('changes nothing after any other answer', async () => {
    const scenario = await newScenario('prune', { typed: () => 'y' })
    await expect(scenario.carryOut()).rejects.toMatchObject({ code: 'cancelled' })
    expect(scenario.writes()).toEqual([])
  })
})
