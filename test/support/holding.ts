import { readOpenHolds } from '../../src/audit/holds/open-holds.ts'
import { executeHolds } from '../../src/execute/holds/execute-holds.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { formatRepository, type TagOrDigest } from '../../src/oci/reference.ts'
import type { HoldOutcome, HoldPlan } from '../../src/plan/holds/hold-plan.ts'
import { decide, type HoldChange } from '../../src/usecases/hold/decide.ts'
import { gather } from '../../src/usecases/hold/gather.ts'
import { type Bench, repository } from './promotion.ts'

export interface Holding extends Partial<HoldChange> {
  /** the host of the registry */
  readonly host: string
  readonly path?: string
  readonly at?: TagOrDigest
  /** by default now */
  readonly now?: Date
}

/** Plans like `dray hold`. */
export async function planHold(run: Bench, holding: Holding): Promise<HoldPlan> {
  const { host, path = 'app', at = { tag: '1.4.2' }, now = new Date() } = holding
  const { decision = 'hold', reason = 'incident', ticket, expires } = holding
  const target = repository({ host }, path)
  const requests = [{ image: `${path}:${'tag' in at ? at.tag : at.digest}`, targets: [target], at }]
  const change = {
    decision,
    reason,
    ...(ticket !== undefined && { ticket }),
    ...(expires !== undefined && { expires }),
  }
  const open = await readOpenHolds(run.auditFile, {
    identify: formatRepository,
    now: now.getTime(),
    signal: run.call.signal,
  })
  return decide(
    await gather(requests, run.freshStores(), run.call),
    change,
    (of, digest) => open.get(formatRepository(of))?.some((one) => one.digest === digest) === true,
    now,
  )
}

/** Plans and executes like `dray hold --yes`. */
export async function hold(run: Bench, holding: Holding): Promise<readonly HoldOutcome[]> {
  return await executeHoldPlan(run, await planHold(run, holding), holding.reason)
}

export async function executeHoldPlan(
  run: Bench,
  plan: HoldPlan,
  reason = 'incident',
): Promise<readonly HoldOutcome[]> {
  return await executeHolds(
    plan,
    {
      stores: run.freshStores(),
      sink: run.log,
      clock: systemClock,
      actor: { user: 'ada', host: 'here' },
      reason,
      tool: '0',
      newId: () => crypto.randomUUID(),
      runId: crypto.randomUUID(),
      tagLocks: run.tagLocks,
      neverUntag: new Set(),
      stop: new AbortController().signal,
    },
    run.call,
  )
}
