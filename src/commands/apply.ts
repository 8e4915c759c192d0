import { string as stringArg } from '@oclif/core/args'
import { string } from '@oclif/core/flags'
import { type ChangeFlags, changeFlags } from '../cli/command/change-flags.ts'
import { planKeyFlag, readPlanFile } from '../cli/changes/plan-file.ts'
import { PruneChangeCommand, type PruneFlags } from '../cli/prune/prune-change-command.ts'
import { pruneFlags } from '../cli/prune/prune-flags.ts'
import { reviewFlags } from '../cli/changes/review-flags.ts'
import type { PruneReview } from '../cli/prune/review-prune.ts'
import type { ReviewFlags } from '../cli/changes/review-requests.ts'
import type { Plan } from '../plan/plan.ts'
import type { PrunePlan } from '../plan/prune/prune-plan.ts'
import type { Reviewed } from '../plan/review.ts'

export default class Apply extends PruneChangeCommand {
  static override summary = 'Execute a saved plan.'
  static override description = `Executes the plan and nothing else. If a tag has moved since the plan was made, dray leaves that image alone and exits with 3. A plan that is applied twice does nothing the second time.

The file is not trusted. dray decides every step again, by the dray.yaml of now and from what the registries have now, and refuses a plan that breaks a rule. Flags that set a rule aside are not taken from the file: pass them again. A plan of "dray prune" deletes only what its policy deletes now. With --key, dray first checks who signed the plan.`
  static override examples = [
    {
      description: 'Make a plan:',
      command: '<%= config.bin %> promote api:1.4.2 --from staging --to prod --out plan.json',
    },
    { description: 'Look at it:', command: '<%= config.bin %> plan show plan.json' },
    { description: 'Execute it:', command: '<%= config.bin %> apply plan.json --yes' },
    {
      description: 'Execute it only if it is signed:',
      command: '<%= config.bin %> apply plan.json --key plans.pub.pem --yes',
    },
  ]
  static override args = {
    plan: stringArg({ description: 'The file that --out wrote.', required: true, ignoreStdin: true }),
  }
  static override flags = {
    ...changeFlags,
    'in-use': string({
      summary: 'With a plan of dray prune: a list of images that are in use; - is standard input.',
      helpValue: 'FILE',
      multiple: true,
      multipleNonGreedy: true,
    }),
    ...reviewFlags,
    ...planKeyFlag,
    all: pruneFlags.all,
    metrics: pruneFlags.metrics,
  }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Apply)
    const plan = await readPlanFile(args.plan, { keyFiles: flags.key, ownOnly: true })
    if (plan.operation !== 'prune') return await this.#place(plan, flags)
    return await this.#prune(plan, flags, flags['in-use'] ?? [])
  }

  async #place(plan: Plan, flags: ChangeFlags & ReviewFlags): Promise<unknown> {
    const { reviewPlan } = await import('../cli/changes/review-plan.ts')
    const access = flags.yes && !flags['dry-run'] ? 'write' : 'read'
    const review = (): Promise<Reviewed> => reviewPlan(plan, flags, access, this.context, this.reading)
    return await this.change({ plan, review }, flags)
  }

  async #prune(plan: PrunePlan, flags: PruneFlags, lists: readonly string[]): Promise<unknown> {
    const { reviewPrune } = await import('../cli/prune/review-prune.ts')
    const options = { lists, auditFile: flags['audit-file'] }
    const review = (): Promise<PruneReview> => reviewPrune(plan, options, this.context, this.reading)
    if (flags['dry-run']) {
      const { warnings, held } = await review()
      for (const text of [...warnings, ...held]) this.warn(text)
      return await this.showPrune(plan, flags)
    }
    return await this.carryOutPrune(
      {
        plan,
        isFresh: false,
        readSince: this.context.clock.now(),
        contents: undefined,
        askWhatRuns: async () => () => [],
        review,
        takenUp: [],
      },
      flags,
    )
  }
}
