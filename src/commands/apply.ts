import { string as stringArg } from '@oclif/core/args'
import { boolean, string } from '@oclif/core/flags'
import { ChangeCommand } from '../cli/changes/change-command.ts'
import { operationNamed } from '../cli/changes/operations.ts'
import { planKeyFlag, readPlanFile } from '../cli/changes/plan-file.ts'
import { reviewFlags } from '../cli/changes/review/review-flags.ts'
import { changeFlags } from '../cli/command/change-flags.ts'
import { scanReportFlag } from '../cli/gates/gate-flags.ts'
import { flagGroups } from '../cli/help/flag-groups.ts'
import { pruneFlags } from '../cli/prune/prune-flags.ts'

export default class Apply extends ChangeCommand {
  static override summary = 'Execute a saved plan.'
  static override description = `dray executes only the steps of the plan. If a tag has moved since the plan was made, dray does not change that image and exits with 3. If you apply a plan twice, the second run changes nothing. dray does not ask for confirmation, because the plan was reviewed when it was saved.

dray does not trust the file. It makes every decision again, by the current dray.yaml and the current content of the registries, and refuses a plan that breaks a rule. Pass flags such as \`--move-tag\` again: they are not part of the plan. With \`--key\`, dray first verifies the signature of the plan.

dray evaluates the gates of the current dray.yaml again. If they differ from those of the plan, or if one of them fails now, dray does not change that image and exits with 3. The overrides of the plan apply; if audit.sign.key is set, it must have signed such a plan, or a key of \`--key\`. Pass the files of \`--scan-report\` again.

A plan of \`dray prune\` deletes only images that the policy still deletes. If it was made with \`--in-use\`, pass a list again.

A plan of \`dray copy\` to an environment that does not follow its promoteFrom, tags.semver or attest needs \`--allow-copy\`.`
  static override examples = [
    { description: 'Execute a plan', command: 'dray apply plan.json' },
    {
      description: 'Make a plan and show it first',
      command: `dray promote api:1.4.2 --from staging --to prod --out plan.json
dray plan show plan.json`,
    },
    {
      description: 'Execute a plan only if it is signed with this key',
      command: 'dray apply plan.json --key plans.pub.pem',
    },
    {
      description: 'Check a plan against the registries and change nothing',
      command: 'dray apply plan.json --dry-run',
    },
  ]
  static override args = {
    plan: stringArg({ description: 'File that --out wrote.', required: true, ignoreStdin: true }),
  }
  static override flags = {
    ...changeFlags,
    yes: boolean({ ...changeFlags.yes, summary: 'Accepted for scripts; apply needs no confirmation.' }),
    'in-use': string({
      summary: 'List of images in use, for a prune plan (- is stdin).',
      helpValue: 'FILE',
      helpGroup: flagGroups.safety,
      multiple: true,
      multipleNonGreedy: true,
    }),
    ...reviewFlags,
    ...scanReportFlag,
    ...planKeyFlag,
    all: pruneFlags.all,
    metrics: pruneFlags.metrics,
    strict: pruneFlags.strict,
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Apply)
    const plan = await readPlanFile(args.plan, {
      keyFiles: flags.key,
      ownOnly: true,
      keyOfOverrides: () => this.context.signingKey(),
    })
    const { review } = await operationNamed(plan.operation, plan)
    const ports = this.portsFor(flags)
    await this.carryOut(
      plan.operation,
      { plan, isSaved: true, review: () => review(plan, flags, ports) },
      flags,
    )
  }
}
