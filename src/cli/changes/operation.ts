import type { Call } from '../../lib/call.ts'
import type { Clock } from '../../lib/clock.ts'
import type { ErrorInfo } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import type { Hash, Plan, StepId } from '../../plan/plan.ts'
import type { PrunePlan } from '../../plan/prune/prune-plan.ts'
import type { Page } from '../../render/text/style.ts'
import type { CiReport } from '../ci/ci-report.ts'
import type { ChangeFlags } from '../command/change-flags.ts'
import type { ExitCode } from '../command/exit-codes.ts'
import type { RunPart } from '../command/run-exit.ts'
import type { ResultLines } from '../output/result-lines.ts'
import type { ReviewFlags } from './review/review-flags.ts'
import type { Questions } from '../terminal/ask.ts'
import type { Context } from '../wiring/context.ts'
import type { ChangedTarget } from './justification.ts'

/** The types that belong together in one operation. */
export interface OperationTypes {
  readonly plan: Plan | PrunePlan
  /** what the reading for the plan found and its execution uses again */
  readonly findings: unknown
  readonly outcome: { readonly refusals: readonly Failure[] }
}

/** A plan that is ready to be shown, saved or executed. */
export interface PlannedChange<T extends OperationTypes> {
  readonly plan: T['plan']
  /** it was reviewed when it was saved: no confirmation is asked before its execution */
  readonly isSaved?: true
  /**
   * The current basis of the plan. A new plan has just been decided. A saved plan is decided again.
   * @throws `refused`, `conflict`, and what the registries throw.
   */
  readonly review: () => Promise<Review<T>>
}

export interface Review<T extends OperationTypes> {
  readonly findings: T['findings']
  /** of a saved plan: the plan with what is refused now, to be shown; absent if it is the same */
  readonly shown?: T['plan']
  /** when the reading of the registries began, ms */
  readonly startedAt: number
  readonly warnings: readonly string[]
  /**
   * warnings about steps that dray will not execute; shown with the plan, as the outcome has them
   * anyway
   */
  readonly omissions: readonly string[]
}

export interface Executed<T extends OperationTypes> {
  readonly outcome: T['outcome']
  /** where the audit log is */
  readonly auditLog: string
  /** id of the run in the audit log; after a further decision, of its first plan */
  readonly run?: string
  /** `--verify`: everything that the plan placed was read back */
  readonly verified?: boolean
  /** the deletes that were executed */
  readonly deleted?: ReadonlySet<StepId>
  /** what the outcome is about, if dray decided again; it was never executed in this form */
  readonly plan?: T['plan']
  /** the hashes of the plans that were executed after the first one */
  readonly decidedAgain?: readonly Hash[]
}

/** The ports that a command gives to the pipeline. */
export interface ChangePorts {
  readonly flags: ChangeFlags
  readonly context: Context
  readonly call: Call
  /** for reading; it ends at the first Ctrl-C, as a read has nothing to finish */
  readonly reading: Call
  /** aborted: no new step begins */
  readonly stop: AbortSignal
  readonly terminal: ChangeTerminal
  /** from 0 to below 1 */
  readonly random: () => number
}

interface ChangeTerminal {
  /** of stderr */
  readonly errorPage: Page
  /** Shows a line on stderr; `text` is escaped. */
  say(text: string): void
  /** Shows a warning and adds it to the result document. */
  warn(text: string): void
  /** @throws `usage` if the run is non-interactive. */
  ask(question: string): Promise<boolean>
  /** undefined if the run is non-interactive */
  questions(): Questions | undefined
  expectBytes(bytes: number): void
  /** Shows on stderr a plan to confirm. `text` is escaped. */
  showPlan(text: string): void
  /** Shows on stderr what failed, if the format of the result has only what succeeded. */
  reportFailure(failure: Failure): void
  finish(document: object, text: (page: Page) => string, exitCode: ExitCode, lines: ResultLines): void
}

/** A line of `--output name` and `--output digest`. */
export interface ChangedImage {
  /** a valid argument of dray */
  readonly reference: string
  readonly digest: Digest
}

/** A part of a change that failed or was refused. */
export interface Failure {
  readonly image?: string
  readonly error: ErrorInfo
}

/** How a plan is confirmed before its execution. */
interface Confirmation<T extends OperationTypes> {
  readonly question: (plan: T['plan']) => string
  /** the text that a person must type instead of yes, if the plan changes a lot */
  readonly typedAnswer?: (plan: T['plan']) => string | undefined
}

interface MetricsFacts<T extends OperationTypes> {
  readonly plan: T['plan']
  readonly outcome: T['outcome']
  readonly durationMs: number
  readonly isSuccess: boolean
}

/** One operation as a value: everything that the change pipeline does differently for it. */
export interface Operation<T extends OperationTypes> {
  readonly hasSteps: (plan: T['plan']) => boolean
  /** Whether `--detailed-exitcode` reports differences; by default, whether it has steps. */
  readonly hasDifferences?: (plan: T['plan']) => boolean
  readonly changedTargets: (plan: T['plan']) => readonly ChangedTarget[]
  /** The plan without steps and with the refusal of everything, for the audit log. */
  readonly refuseAll: (plan: T['plan'], error: ErrorInfo) => T['plan']
  /** The one refusal of a plan that has nothing else. It ends the command like any other error. */
  readonly onlyRefusal?: (plan: T['plan']) => ErrorInfo | undefined
  /** Decides a saved plan again by the current `dray.yaml`. */
  readonly review: (plan: T['plan'], flags: SavedPlanFlags, ports: ChangePorts) => Promise<Review<T>>
  readonly confirmation: Confirmation<T>
  /** @param findings undefined only for a plan without steps */
  readonly execute: (
    plan: T['plan'],
    findings: T['findings'] | undefined,
    isConfirmed: boolean,
    ports: ChangePorts,
  ) => Promise<Executed<T>>
  /**
   * `--verify`: reads back what was placed, and repairs it. Resolves with undefined if it was not
   * asked for.
   * @throws `corrupt`, `conflict`, and what the repair throws.
   */
  readonly verify?: (
    plan: T['plan'],
    executed: Executed<T>,
    findings: T['findings'],
    ports: ChangePorts,
  ) => Promise<Executed<T> | undefined>
  /** The outcome of a plan of which no step was executed. */
  readonly withoutExecution: (plan: T['plan']) => T['outcome']
  /** The images or repositories of a run, for its exit code. */
  readonly parts: (outcome: T['outcome']) => readonly RunPart[]
  readonly renderPlan: (plan: T['plan'], page: Page, options: PlanPageOptions) => string
  readonly renderOutcome: (
    plan: T['plan'],
    outcome: T['outcome'],
    page: Page,
    options: OutcomePageOptions,
  ) => string
  /**
   * Returns the images for `--output name` and `--output digest`: the images that the plan changes,
   * or those that an execution changed and those that are up to date.
   */
  readonly imagesOf: (plan: T['plan'], executed?: Executed<T>) => readonly ChangedImage[]
  /** Whether a registry kept items that the plan deletes: a problem with `--strict`. */
  readonly hasLocked?: (outcome: T['outcome']) => boolean
  /** Returns the failures of an execution, without the refusals of the plan. */
  readonly failures: (plan: T['plan'], outcome: T['outcome']) => readonly Failure[]
  /** Further members of the document of a plan. */
  readonly planDocument?: (plan: T['plan']) => object
  /** Further members of the document of a run: its list of images or repositories, and its sums. */
  readonly outcomeDocument: (plan: T['plan'], outcome: T['outcome']) => object
  /** @param hash of the plan that the run began with */
  readonly ciReport: (plan: T['plan'], outcome: T['outcome'] | undefined, hash: Hash) => Promise<CiReport>
  /** Writes the file of `--metrics`. */
  readonly writeMetrics?: (file: string, facts: MetricsFacts<T>, clock: Clock) => Promise<void>
  /** As `writeMetrics`, of a dry run; absent: its metrics are about executions only. */
  readonly writePlanMetrics?: (file: string, plan: T['plan'], clock: Clock) => Promise<void>
}

interface OutcomePageOptions {
  readonly durationMs: number
  /** nothing is folded */
  readonly all: boolean
}

export interface PlanPageOptions {
  /** nothing is folded */
  readonly all: boolean
  /** name of the configuration file in use */
  readonly configuration: string | undefined
}

/** Flags of `dray apply` that only the review of a saved plan uses. */
interface SavedPlanFlags extends ReviewFlags {
  readonly 'in-use'?: readonly string[] | undefined
}
