import { readFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AuditRecord } from '../../../src/audit/log/record.ts'
import { type ApproveOptions, runApproval } from '../../../src/cli/approvals/run-approval.ts'
import { carryOut } from '../../../src/cli/changes/carry-out.ts'
import type { PlannedChange } from '../../../src/cli/changes/operation.ts'
import { operationNamed } from '../../../src/cli/changes/operations.ts'
import { readPlanFile } from '../../../src/cli/changes/plan-file.ts'
import type { PlacementTypes } from '../../../src/cli/changes/placement-types.ts'
import { planPromotion } from '../../../src/cli/changes/promotion.ts'
import { planRollback, planTagging } from '../../../src/cli/changes/tagging.ts'
import type { GateFlags } from '../../../src/cli/gates/gate-flags.ts'
import { runCheck } from '../../../src/cli/gates/run-check.ts'
import { exitCodeOf } from '../../../src/cli/command/exit-codes.ts'
import { type ErrorInfo, toErrorInfo } from '../../../src/lib/errors.ts'
import type { Clock } from '../../../src/lib/clock.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import type { GateResult } from '../../../src/plan/gates/gate-result.ts'
import type { Plan } from '../../../src/plan/plan.ts'
import { renderCheck } from '../../../src/render/gates/check.ts'
import { plainStyle } from '../../../src/render/text/style.ts'
import { type TestPorts, testPorts } from '../change-ports.ts'
import { type EditablePlan, editPlan } from '../edited-plans.ts'
import { reviewFlags } from '../review-flags.ts'
import { tempFolder } from '../temp.ts'
import type { World } from '../world.ts'
import type { TestSigner } from './test-signer.ts'

/** Flags of any of the commands. */
export interface RunFlags extends GateFlags {
  readonly from?: string
  readonly to?: string
  readonly tag?: readonly string[]
  readonly partial?: boolean
  readonly evidence?: boolean
  readonly attest?: boolean
  readonly verify?: boolean
  readonly 'allow-copy'?: boolean
  readonly 'allow-missing-evidence'?: boolean
  readonly 'evidence-conflict'?: 'refuse' | 'keep' | 'replace'
  readonly 'dry-run'?: boolean
  readonly out?: string
}

type ApprovalOptions = Partial<Omit<ApproveOptions, 'references' | 'key'>> & { readonly flags?: RunFlags }

interface ResultImage {
  readonly status: string
  readonly gates?: readonly GateResult[]
  readonly errors: readonly ErrorInfo[]
}

/** What a run printed at its end, or the error that ended it. */
export interface GatedEnd {
  readonly exitCode: number
  readonly text: string
  readonly warnings: readonly string[]
  readonly images: readonly ResultImage[]
  /** of `--dry-run` and `--out` */
  readonly plan?: Plan
  readonly error?: ErrorInfo
}

/** The results of `dray check`, and their text. */
type CheckedEnd = Awaited<ReturnType<typeof runCheck>> & { readonly text: string }

export interface GatedRuns {
  readonly folder: string
  /** milliseconds that the clock of the runs is ahead */
  ahead: number
  /** milliseconds that the runs wait at most, before they repeat a request for example */
  longestWait: number
  promote: (image: string | readonly string[], flags?: RunFlags) => Promise<GatedEnd>
  copy: (from: string, to: string, flags?: RunFlags) => Promise<GatedEnd>
  tag: (image: string, tags: readonly string[], flags?: RunFlags) => Promise<GatedEnd>
  rollback: (image: string, to: string, flags?: RunFlags) => Promise<GatedEnd>
  /** Decides about an image for prod with the key `PERSON.pem`. */
  approve: (image: string, person: string, options?: ApprovalOptions) => Promise<GatedEnd>
  /** Evaluates gates without a change. */
  check: (references: string | readonly string[], flags?: RunFlags) => Promise<CheckedEnd>
  /** Plans a promotion, and returns what executes it. */
  planned: (image: string, flags?: RunFlags) => Promise<() => Promise<GatedEnd>>
  apply: (file: string, flags?: RunFlags) => Promise<GatedEnd>
  /** Edits a saved plan, and computes its hash again. */
  edit: (from: string, to: string, change: (plan: EditablePlan) => void) => Promise<void>
  /** Writes `dray.yaml` again. */
  configure: (change: GatedConfig) => Promise<void>
  removeConfig: () => Promise<void>
  records: () => readonly AuditRecord[]
}

export interface GatedConfig {
  /** of prod */
  readonly gates: readonly object[]
  readonly signers?: Readonly<Record<string, TestSigner>>
  /** further keys of prod in `dray.yaml` */
  readonly prod?: object
  /** further environments */
  readonly environments?: object
  /** further keys of the file */
  readonly more?: object
}

/** Runs in this process with a `dray.yaml` whose prod has gates. */
export async function gatedRuns(world: World, config: GatedConfig): Promise<GatedRuns> {
  const folder = await tempFolder()
  const configure = async (changed: GatedConfig): Promise<void> => writeConfig(folder, world, changed)
  await configure(config)
  const clock: Clock = {
    now: () => Date.now() + runs.ahead,
    sleep: (ms, signal) => systemClock.sleep(Math.min(ms, runs.longestWait), signal),
  }
  const at = (flags: RunFlags): TestPorts => portsOf(folder, clock, flags)
  const run = async (
    name: 'promote' | 'copy' | 'tag' | 'rollback',
    flags: RunFlags,
    plan: (ports: TestPorts) => Promise<PlannedChange<PlacementTypes>>,
  ): Promise<GatedEnd> => {
    const ports = at(flags)
    return await ended(ports, async () => carryOut(await operationNamed(name), await plan(ports), ports))
  }
  const promotionOf = async (images: readonly string[], flags: RunFlags, ports: TestPorts) =>
    planPromotion(
      'promote',
      images,
      promotionFlags(ports, { from: 'staging', to: 'prod', ...flags }),
      ports.context,
      ports.call,
    )
  const runs: GatedRuns = {
    folder,
    ahead: 0,
    longestWait: Infinity,
    promote: async (image, flags = {}) =>
      await run('promote', flags, (ports) => promotionOf([image].flat(), flags, ports)),
    copy: async (from, to, flags = {}) =>
      await run('copy', flags, (ports) =>
        planPromotion('copy', [from, to], promotionFlags(ports, flags), ports.context, ports.call),
      ),
    tag: async (image, tags, flags = {}) =>
      await run('tag', flags, (ports) =>
        planTagging(
          {
            references: [image],
            env: undefined,
            tags,
            next: undefined,
            fromLabel: false,
            policy: { levels: undefined, channels: undefined, allowBackward: false },
          },
          { 'move-tag': false, partial: false, ...ports.flags, ...flags },
          ports.context,
          ports.call,
        ),
      ),
    rollback: async (image, to, flags = {}) =>
      await run('rollback', flags, (ports) =>
        planRollback(
          { image, env: 'prod', to },
          { 'move-tag': false, partial: false, ...ports.flags, ...flags },
          ports.context,
          ports.call,
        ),
      ),
    approve: async (image, person, { flags = {}, ...options } = {}) => {
      const ports = at(flags)
      const key = join(folder, `${person}.pem`)
      const all = { from: undefined, to: 'prod', reject: false, expires: undefined, passwordEnv: undefined }
      return await ended(ports, () => runApproval({ ...all, ...options, references: [image], key }, ports))
    },
    check: async (references, flags = {}) => {
      const { context, call } = at(flags)
      const options = { references: [references].flat(), from: flags.from, to: flags.to }
      const found = await runCheck(options, flags, context, call)
      return { ...found, text: renderCheck(found.images, { style: plainStyle, width: 200 }) }
    },
    planned: async (image, flags = {}) => {
      const ports = at(flags)
      const change = await promotionOf([image], flags, ports)
      return async () =>
        await ended(ports, async () => carryOut(await operationNamed('promote'), change, ports))
    },
    apply: async (file, flags = {}) => {
      const ports = at(flags)
      return await ended(ports, async () => {
        const plan = (await readPlanFile(join(folder, file), {
          keyFiles: undefined,
          ownOnly: false,
          keyOfOverrides: () => ports.context.signingKey(),
        })) as Plan
        const operation = await operationNamed(plan.operation)
        const review = () => operation.review(plan, { ...reviewFlags, ...flags }, ports)
        await carryOut(operation, { plan, isSaved: true, review }, ports)
      })
    },
    edit: async (from, to, change) => await editPlan<EditablePlan>(folder, from, to, change),
    configure,
    removeConfig: async () => await rm(join(folder, 'dray.yaml')),
    records: () =>
      readFileSync(join(folder, 'audit.jsonl'), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as AuditRecord),
  }
  return runs
}

async function writeConfig(
  folder: string,
  world: World,
  { gates, signers = {}, prod = {}, environments = {}, more = {} }: GatedConfig,
): Promise<void> {
  const base = JSON.parse(world.config) as { readonly environments: { readonly prod: object } }
  for (const [name, { publicKeyPem }] of Object.entries(signers))
    await writeFile(join(folder, `${name}.pub`), publicKeyPem)
  const file = {
    ...base,
    environments: {
      ...base.environments,
      prod: { ...base.environments.prod, ...(gates.length > 0 && { gates }), ...prod },
      ...environments,
    },
    ...(Object.keys(signers).length > 0 && {
      signers: Object.fromEntries(Object.keys(signers).map((name) => [name, { keys: [`${name}.pub`] }])),
    }),
    ...more,
  }
  await writeFile(join(folder, 'dray.yaml'), JSON.stringify(file))
}

function promotionFlags({ flags }: TestPorts, { tag, ...given }: RunFlags) {
  return {
    ...flags,
    'expect-digest': undefined,
    platform: undefined,
    'move-tag': false,
    evidence: true,
    'allow-missing-evidence': false,
    'evidence-conflict': 'refuse',
    attest: undefined,
    verify: false,
    ...given,
    tag: tag && [...tag],
  } as const
}

function portsOf(folder: string, clock: Clock, { out, ...given }: RunFlags): TestPorts {
  const flags = {
    'dry-run': given['dry-run'] ?? false,
    'audit-file': join(folder, 'audit.jsonl'),
    reason: given.reason,
    ticket: given.ticket,
    actor: given.actor,
    ...(out !== undefined && { out: join(folder, out) }),
  }
  return testPorts({ folder, clock, flags, width: 200 })
}

async function ended(ports: TestPorts, run: () => Promise<void>): Promise<GatedEnd> {
  try {
    await run()
  } catch (thrown) {
    const error = toErrorInfo(thrown)
    return { exitCode: exitCodeOf(error.code), text: '', warnings: ports.warnings, images: [], error }
  }
  const [end] = ports.finished
  if (end === undefined) throw new Error('the run printed no result')
  const { images = [], plan } = end.document as { images?: readonly ResultImage[]; plan?: Plan | string }
  return {
    exitCode: end.exitCode,
    text: end.text,
    warnings: ports.warnings,
    images,
    ...(typeof plan === 'object' && { plan }),
  }
}
