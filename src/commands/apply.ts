import { string as stringArg } from '@oclif/core/args'
import { ChangeCommand } from '../cli/change-command.ts'
import { changeFlags } from '../cli/change-flags.ts'
import { readPlacementPlan } from '../cli/plan-file.ts'

export default class Apply extends ChangeCommand {
  static override summary = 'Carry out a saved plan.'
  static override description =
    'Does what the plan says and nothing else. Where a tag has moved since the plan was made, that image is left alone and the exit code is 3. A plan that is carried out twice does nothing the second time.'
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
  static override flags = changeFlags

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Apply)
    return this.change({ plan: await readPlacementPlan(args.plan), isFresh: false }, flags)
  }
}
