import type { WatchRule } from '../../../config/watch/watch-config.ts'
import type { Call, ProgressEvent } from '../../../lib/call.ts'
import { type ErrorCode, type ErrorInfo, toDrayError, toErrorInfo } from '../../../lib/errors.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { WatchRun } from '../../../usecases/watch/queue/watch-work.ts'
import { exitCodes } from '../../command/exit-codes.ts'
import type { Context } from '../../wiring/context.ts'
import type { FinishedRun, WatchRunResult } from '../../../usecases/watch/watch-report.ts'
import { type CapturedRun, createRunPorts } from './run-ports.ts'
import { planRule } from './plan-rule.ts'
import { allRepositories } from '../whole-rule.ts'
import type { RuleRunner } from './rule-runner.ts'
import { resolveSources } from './resolve-sources.ts'

/**
 * A later attempt can succeed without a change by a person: a registry, the disk or the audit log
 * was not available, or another run was quicker.
 */
const temporary: ReadonlySet<ErrorCode> = new Set([
  'unavailable',
  'network',
  'timeout',
  'conflict',
  'audit',
  'io',
  'protocol',
  'interrupted',
])

/** For `--verbose`. Sums of all runs would stay in memory. */
const shownDuringRuns: ReadonlySet<ProgressEvent['kind']> = new Set([
  'request',
  'retry',
  'quota',
  'wait',
  'note',
  'proxied',
])

/**
 * Executes the run of a rule as the command would, with the digests that the registry has now.
 * Never throws: every failure is a part of the report.
 */
export async function runRule(run: WatchRun, runner: RuleRunner): Promise<FinishedRun> {
  const { clock, rules } = runner
  const began = clock.now()
  const warnings: string[] = []
  const own = new AbortController()
  const follow = (): void => own.abort(runner.call.signal.reason)
  runner.call.signal.addEventListener('abort', follow, { once: true })
  const call: Call = {
    signal: own.signal,
    notify: (event) => {
      if (shownDuringRuns.has(event.kind)) runner.call.notify(event)
      if (event.kind !== 'warning') return
      warnings.push(event.from === undefined ? event.text : `${event.from}: ${event.text}`)
    },
  }
  const rule = rules.get(run.rule)
  const context = runner.openContext()
  let ended: EndedRun
  try {
    ended =
      rule === undefined ? absent : await execute(rule, run, { ...runner, call, stop: own.signal }, context)
  } catch (thrown) {
    ended = failed([toErrorInfo(thrown)])
  } finally {
    // Signals that follow one of the whole process would stay in memory.
    runner.call.signal.removeEventListener('abort', follow)
    // A connection that does not close must not end the process.
    await context.close().catch((error: unknown) => void warnings.push(toDrayError(error).message))
  }
  const { result, digests, errors } = ended
  const isDone = result !== 'retried'
  return {
    report: {
      kind: 'run',
      at: new Date(clock.now()).toISOString(),
      rule: run.rule,
      subject: run.subject,
      sources: [...new Set(run.events.map(({ source }) => source))],
      tags: [...new Set(run.events.map(({ tag }) => tag))],
      result,
      attempt: 1 + Math.max(...run.events.map(({ attempts }) => attempts)),
      durationMs: clock.now() - began,
      digests: Object.fromEntries(digests),
      warnings: [...new Set([...ended.warnings, ...warnings])],
      errors,
    },
    end: {
      kind: isDone ? 'done' : 'retry',
      digests: result === 'changed' || result === 'unchanged' ? digests : new Map(),
    },
  }
}

interface EndedRun {
  readonly result: WatchRunResult
  readonly digests: ReadonlyMap<string, Digest>
  readonly warnings: readonly string[]
  readonly errors: readonly ErrorInfo[]
}

const absent: EndedRun = { result: 'absent', digests: new Map(), warnings: [], errors: [] }

async function execute(
  rule: WatchRule,
  run: WatchRun,
  runner: RuleRunner,
  context: Context,
): Promise<EndedRun> {
  const isWhole = run.subject === allRepositories
  const { digests, isHandled } = isWhole
    ? { digests: new Map<string, Digest>(), isHandled: false }
    : await resolveSources(rule, run, runner, context)
  if (digests.size === 0 && !isWhole) return absent
  if (isHandled) return { ...absent, result: 'unchanged', digests }
  const { flags, plan } = planRule(rule, run, [...digests.keys()], runner.flags)
  const { stop, call } = runner
  const { ports, captured } = createRunPorts({ flags, context, call, stop })
  try {
    await plan(context, ports)
  } catch (thrown) {
    return { ...failed([toErrorInfo(thrown)]), digests, warnings: captured.warnings }
  }
  return { ...endOf(captured, flags['dry-run']), digests, warnings: captured.warnings }
}

function endOf({ exitCode, errors, document }: CapturedRun, isDryRun: boolean): Omit<EndedRun, 'digests'> {
  if (exitCode !== exitCodes.done) return failed(errors)
  const result = isDryRun ? 'planned' : hasChanged(document) ? 'changed' : 'unchanged'
  return { result, warnings: [], errors: [] }
}

/** Whether a run has an image or repository that is not unchanged. */
function hasChanged(document: object | undefined): boolean {
  const { images = [] } = (document ?? {}) as { readonly images?: readonly { readonly status?: string }[] }
  return images.some(({ status }) => status !== 'unchanged')
}

function failed(errors: readonly ErrorInfo[]): EndedRun {
  const codes = errors.map(({ code }) => code)
  const isTemporary = codes.some((code) => temporary.has(code))
  const isRefused = codes.length > 0 && codes.every((code) => code === 'refused')
  const result = isTemporary ? 'retried' : isRefused ? 'refused' : 'failed'
  return { result, digests: new Map(), warnings: [], errors }
}
