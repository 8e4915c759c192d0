import { string as stringArg } from '@oclif/core/args'
import { boolean } from '@oclif/core/flags'
import { BaseCommand } from '../../cli/command/base-command.ts'
import { planDocument } from '../../cli/changes/documents.ts'
import { operationNamed } from '../../cli/changes/operations.ts'
import { flagGroups } from '../../cli/help/flag-groups.ts'
import { planKeyFlag, readPlanFile } from '../../cli/changes/plan-file.ts'

export default class PlanShow extends BaseCommand {
  static override summary = 'Show a saved plan.'
  static override description = `dray checks the file and shows the plan. It sends no request to a registry. \`dray apply --dry-run\` also checks the plan against dray.yaml and the registries.`
  static override examples = [
    { description: 'Show a plan', command: 'dray plan show plan.json' },
    {
      description: 'Make a plan',
      command: `dray promote api:1.4.2 --from staging --to prod --out plan.json`,
    },
    {
      description: 'Show a plan only if it is signed with this key',
      command: 'dray plan show plan.json --key plans.pub.pem',
    },
  ]
  static override args = {
    plan: stringArg({ description: 'File that --out wrote.', required: true, ignoreStdin: true }),
  }

  static override flags = {
    ...planKeyFlag,
    all: boolean({ summary: 'List everything that is folded otherwise.', helpGroup: flagGroups.output }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(PlanShow)
    const plan = await readPlanFile(args.plan, { keyFiles: flags.key, ownOnly: false })
    if (flags.key !== undefined) this.say('The plan is signed with a key of --key.')
    const operation = await operationNamed(plan.operation, plan)
    this.finish(planDocument(operation, plan), (page) =>
      operation.renderPlan(plan, page, { all: flags.all, configuration: undefined }),
    )
  }
}
