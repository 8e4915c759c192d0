import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AuditRecord } from '../../src/audit/log/record.ts'
import { carryOut } from '../../src/cli/changes/carry-out.ts'
import type { PlannedChange } from '../../src/cli/changes/operation.ts'
import { operationNamed } from '../../src/cli/changes/operations.ts'
import type { PlacementFindings, PlacementTypes } from '../../src/cli/changes/placement-types.ts'
import { planPromotion } from '../../src/cli/changes/promotion.ts'
import { planRollback } from '../../src/cli/changes/tagging.ts'
import { type TestPorts, testPorts } from './change-ports.ts'
import { waitingClock } from './audit-log.ts'
import { tempFolder } from './temp.ts'
import type { World } from './world.ts'

/** What a run printed at its end. */
interface EndedRun {
  readonly exitCode: number
  readonly document: Record<string, unknown> & {
    readonly images: readonly (Record<string, unknown> & {
      readonly tags: readonly Record<string, unknown>[]
    })[]
  }
  readonly text: string
  readonly warnings: readonly string[]
}

/** A run that has made its plan and has not executed it. */
interface PlannedRun {
  /** Is called after each further plan of the run. */
  onPlan: () => Promise<unknown>
  /** Is called before each reading of `--verify`. */
  onVerify: () => Promise<unknown>
  end(): Promise<EndedRun>
}

interface RunFlags {
  readonly yes?: boolean
  readonly tag?: readonly string[]
  readonly 'move-tag'?: boolean
  readonly report?: string[]
  readonly verify?: boolean
}

/** Runs with one audit log, whose plans and executions a test can interleave. */
export interface InterleavedRuns {
  readonly promotion: (image: string, flags?: RunFlags) => Promise<PlannedRun>
  readonly rollback: (image: string, to: string) => Promise<PlannedRun>
  readonly records: () => readonly AuditRecord[]
}

/** @param tags the tags of prod in `dray.yaml` */
export async function interleavedRuns({ config }: World, tags: object = {}): Promise<InterleavedRuns> {
  const folder = await tempFolder()
  const { environments, ...rest } = JSON.parse(config) as { environments: { prod: object } }
  const prod = { ...environments.prod, tags }
  await writeFile(
    join(folder, 'dray.yaml'),
    JSON.stringify({ ...rest, environments: { ...environments, prod }, images: { api: {} } }),
  )
  const auditFile = join(folder, 'audit.jsonl')
  return {
    promotion: async (image, flags = {}) => {
      const ports = portsOf(folder, auditFile, flags)
      const all = { ...promotionDefaults, ...ports.flags, ...flags, tag: flags.tag && [...flags.tag] }
      const change = await planPromotion('promote', [image], all, ports.context, ports.call)
      return await plannedRun('promote', change, ports)
    },
    rollback: async (image, to) => {
      const ports = portsOf(folder, auditFile, {})
      const flags = { ...ports.flags, 'move-tag': false, partial: false }
      const change = await planRollback({ image, env: 'prod', to }, flags, ports.context, ports.call)
      return await plannedRun('rollback', change, ports)
    },
    records: () =>
      readFileSync(auditFile, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as AuditRecord),
  }
}

const promotionDefaults = {
  from: 'staging',
  to: 'prod',
  'expect-digest': undefined,
  platform: undefined,
  'move-tag': false,
  evidence: true,
  'allow-missing-evidence': false,
  'evidence-conflict': 'refuse',
  attest: undefined,
  verify: false,
} as const

function portsOf(folder: string, auditFile: string, { yes = true, report }: RunFlags): TestPorts {
  const flags = { yes, report, 'audit-file': auditFile }
  return testPorts({ folder, clock: waitingClock(Date.now()), flags, width: 120 })
}

async function plannedRun(
  name: 'promote' | 'rollback',
  change: PlannedChange<PlacementTypes>,
  ports: TestPorts,
): Promise<PlannedRun> {
  const operation = await operationNamed(name)
  const run: PlannedRun = {
    onPlan: async () => undefined,
    onVerify: async () => undefined,
    end: async () => {
      const review = async () => {
        const { findings, ...rest } = await change.review()
        const { planAgain, planRepair } = findings
        const watched: Partial<PlacementFindings> = {
          ...(planAgain !== undefined && {
            planAgain: async (images) => {
              const again = await planAgain(images)
              await run.onPlan()
              return again
            },
          }),
          ...(planRepair !== undefined && {
            planRepair: async (plan, placed) => {
              await run.onVerify()
              return await planRepair(plan, placed)
            },
          }),
        }
        return { ...rest, findings: { ...findings, ...watched } }
      }
      await carryOut(operation, { plan: change.plan, review }, ports)
      const [end] = ports.finished
      if (end === undefined) throw new Error('the run printed no result')
      return { ...end, document: end.document as EndedRun['document'], warnings: ports.warnings }
    },
  }
  return run
}
