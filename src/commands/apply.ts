import { string as stringArg } from '@oclif/core/args'
import { string } from '@oclif/core/flags'
import { changeFlags } from '../cli/change-flags.ts'
import { readPlanFile } from '../cli/plan-file.ts'
import { PruneChangeCommand, type PruneFlags } from '../cli/prune-change-command.ts'
import { pruneFlags } from '../cli/prune-flags.ts'
import type { PrunePlan } from '../plan/prune-plan.ts'

export default class Apply extends PruneChangeCommand {
  static override summary = 'Carry out a saved plan.'
  static override description = `Does what the plan says and nothing else. Where a tag has moved since the plan was made, that image is left alone and the exit code is 3. A plan that is carried out twice does nothing the second time.

A plan of "dray prune" deletes: before that the repositories are read anew, and what runs is asked for again where dray.yaml says how; what is needed by now stays.`
  static override examples = [
    {
      description: 'Make a plan:',
      command: '<%= config.bin %> promote api:1.4.2 --from staging --to prod --out plan.json',
    },
    { description: 'Look at it:', command: '<%= config.bin %> plan show plan.json' },
    { description: 'Carry it out:', command: '<%= config.bin %> apply plan.json --yes' },
  ]
  static override args = {
    plan: stringArg({ description: 'The file that --out wrote.', required: true, ignoreStdin: true }),
  }
  static override flags = {
    ...changeFlags,
    'in-use': string({
      summary: 'With a plan to delete: a list of images that something runs; - is standard input.',
      helpValue: 'FILE',
      multiple: true,
      multipleNonGreedy: true,
    }),
    all: pruneFlags.all,
    metrics: pruneFlags.metrics,
  }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Apply)
    const plan = await readPlanFile(args.plan, { ownOnly: true })
    if (plan.operation !== 'prune') return this.change({ plan, isFresh: false }, flags)
    if (flags['dry-run']) return await this.showPrune(plan, flags)
    return await this.#prune(plan, flags, flags['in-use'] ?? [])
  }

  async #prune(plan: PrunePlan, flags: PruneFlags, lists: readonly string[]): Promise<unknown> {
    const [{ InUseReader }, { KnownRepositories }, { policyNamed, retentionOf }] = await Promise.all([
      import('../cli/images-in-use.ts'),
      import('../cli/known-repositories.ts'),
      import('../config/retention.ts'),
    ])
    const loaded = await this.context.config()
    const isConfigured = plan.inUse.length > 0 && loaded.retention !== undefined
    const policy = isConfigured ? policyNamed(retentionOf(loaded), plan.policyName) : undefined
    if (plan.inUse.length > 0 && policy === undefined && lists.length === 0)
      this.warn(
        'what runs was asked for when the plan was made, and cannot be asked for again here: --in-use',
      )
    const known = new KnownRepositories(
      loaded.config,
      policy,
      plan.repositories.map(({ repository }) => repository),
    )
    const askWhatRuns = this.asker(new InUseReader(policy?.protect ?? [], lists, this.context), known)
    const readSince = this.context.clock.now()
    return await this.carryOutPrune(
      { plan, isFresh: false, readSince, readers: new Map(), askWhatRuns, takenUp: [] },
      flags,
    )
  }
}
