import { string } from '@oclif/core/flags'
import { ChangeCommand } from '../cli/changes/change-command.ts'
import {
  allowBackwardFlag,
  changeFlags,
  metricsFlag,
  outFlag,
  partialFlag,
  gitopsFlags,
} from '../cli/command/change-flags.ts'
import { flagGroups } from '../cli/help/flag-groups.ts'
import { planPromotion, promotionFlags } from '../cli/changes/promotion.ts'
import type { PromotionArguments } from '../cli/terminal/complete-promotion.ts'

export default class Promote extends ChangeCommand {
  static override summary = 'Promote images to an environment by digest.'
  static override description = `IMAGE is an image of dray.yaml, such as \`api:1.4.2\`. Without \`--from\`, dray uses the environment in promoteFrom of the destination, if there is only one. SOURCE and DESTINATION are references, such as \`registry.example.com/prod/api:1.4.2\`, \`@prod/api:1.4.2\` or \`@prod\`.

dray resolves each source tag once and then uses only the digest. It copies missing content and the attached artifacts (signatures, SBOMs, attestations). It writes the tags last, after every target has the content. It skips content and tags that are already up to date.

A version tag such as 1.4.2 does not move to another image, unless you pass \`--move-tag\`. If dray.yaml sets tags.semver for the destination, dray also writes the floating tags of the version. They never move to a lower version, unless you pass \`--allow-backward\`.

If the destination has gates in dray.yaml, dray evaluates them before it writes anything, and again before tags move if the copy takes long. It refuses an image that a gate does not accept. To write it anyway, pass \`--override-gate\` with a reason.

\`--platform\` copies only those platforms of an index, such as \`linux/arm64\`, and the unchanged index. Its digest and signatures stay valid. Some registries refuse an index without all of its platforms.

\`--gitops\` also writes the tag and the digest into the deployment files of the destination (gitops in dray.yaml), after all tags. Without \`--commit\`, \`--push\` or \`--pr\`, the edits stay in the working tree.

dray shows the plan and asks for confirmation. On a terminal, it also asks for missing arguments. \`--dry-run\` and \`--out\` change nothing.

\`--verify\` reads every manifest and one byte of every blob at the destination, and copies missing content again.`
  static override examples = [
    {
      description: 'Show the plan, ask for confirmation, and promote an image',
      command: 'dray promote api:1.4.2 --from staging --to prod',
    },
    {
      description: 'Promote exactly the image that was tested, in a CI job',
      command: `dray promote api:1.4.2 --from staging --to prod --yes --json \\
    --expect-digest "$DIGEST"`,
    },
    {
      description: 'Promote an image and open a pull request for its files',
      command: 'dray promote api:1.4.2 --from staging --to prod --gitops --pr',
    },
    {
      description: 'Save the plan for several images, to apply it later',
      command: `dray promote api:1.4.2 web:2.0.1 --from staging --to prod \\
    --out plan.json`,
    },
    {
      description: 'Name the environments in the references',
      command: 'dray promote @staging/api:1.4.2 @prod',
    },
    {
      description: 'Promote between two repositories, without environments',
      command: `dray promote registry.example.com/staging/api:1.4.2 \\
    registry.example.com/prod/api:1.4.2`,
    },
  ]
  static override strict = false
  static override usage = ['promote IMAGE... [--from ENV] --to ENV', 'promote SOURCE DESTINATION']
  static override flags = {
    from: string({
      summary: 'Source environment (default: promoteFrom of --to).',
      helpValue: 'ENV',
      helpGroup: flagGroups.target,
    }),
    to: string({
      summary: 'Destination environment.',
      helpValue: 'ENV',
      helpGroup: flagGroups.target,
    }),
    ...changeFlags,
    ...metricsFlag,
    ...outFlag,
    ...promotionFlags,
    ...allowBackwardFlag,
    ...partialFlag,
    ...gitopsFlags,
  }

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Promote)
    const { references, ...environments } = await this.#completed({
      references: argv as string[],
      from: flags.from,
      to: flags.to,
    })
    const complete = { ...flags, ...environments }
    const planned = await planPromotion('promote', references, complete, this.context, this.reading)
    const change = await this.withEdits(planned, flags)
    await this.carryOut('promote', change, complete)
  }

  /** Asks for missing arguments, unless the run is non-interactive. */
  async #completed(given: PromotionArguments): Promise<PromotionArguments> {
    const ports = await this.asking()
    if (ports === undefined) return given
    const { completePromotion } = await import('../cli/terminal/complete-promotion.ts')
    const { newFlag } = await import('../cli/command/command-line.ts')
    const is = await completePromotion(given, ports)
    if (is === given) return given
    const flags = [...newFlag('from', given.from, is.from), ...newFlag('to', given.to, is.to)]
    await this.sayWithoutQuestions({ was: given.references, is: is.references, flags })
    return is
  }
}
