import { string as stringArg } from '@oclif/core/args'
import { string } from '@oclif/core/flags'
import { ChangeCommand } from '../cli/changes/change-command.ts'
import { operationNamed } from '../cli/changes/operations.ts'
import { planKeyFlag, readPlanFile } from '../cli/changes/plan-file.ts'
import { reviewFlags } from '../cli/changes/review/review-flags.ts'
import { changeFlags } from '../cli/command/change-flags.ts'
import { pruneFlags } from '../cli/prune/prune-flags.ts'

export default class Apply extends ChangeCommand {
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

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Apply)
    const plan = await readPlanFile(args.plan, { keyFiles: flags.key, ownOnly: true })
    const { review } = await operationNamed(plan.operation)
    const ports = this.portsFor(flags)
    await this.carryOut(plan.operation, { plan, review: () => review(plan, flags, ports) }, flags)
  }
}
