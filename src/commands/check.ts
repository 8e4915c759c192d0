import { string } from '@oclif/core/flags'
import { BaseCommand } from '../cli/command/base-command.ts'
import { outputFlag } from '../cli/command/global-flags.ts'
import { scanReportFlag } from '../cli/gates/gate-flags.ts'
import { flagGroups } from '../cli/help/flag-groups.ts'
import { formatAt } from '../oci/reference.ts'
import { renderCheck } from '../render/gates/check.ts'
import type { CheckedImage } from '../usecases/check/check.ts'

export default class Check extends BaseCommand {
  static override summary = 'Evaluate the gates of an environment and change nothing.'
  static override description = `With \`--to\`, dray evaluates whether the images may be promoted to that environment now. Without \`--to\`, dray evaluates images in their place: \`@ENV\` names every tagged image of the environment, and \`@ENV/NAME\` every tagged image of one repository.

dray evaluates every gate of every environment that the target repository belongs to, also gates whose \`operations\` do not list a promotion. It also checks the rules of \`residency\`.

The exit code is 0 if all images pass, 3 if gates refuse images, 1 if something could not be read, and 4 if only some images are refused or unknown. A gate in warn mode refuses nothing.`
  static override examples = [
    { description: 'Check an image before its promotion', command: 'dray check api:1.4.2 --to prod' },
    { description: 'Check everything that is in an environment', command: 'dray check @prod' },
    {
      description: 'Check an image with a scan report that is not in the registry',
      command: `dray check api:1.4.2 --to prod --scan-report trivy.json`,
    },
    {
      description: 'Print the images that a gate or a residency rule refuses',
      command: `dray check @prod --json | jq -r \\
    '.result.images[] | select(.result == "fail") | .image'`,
    },
  ]
  static override strict = false
  static override usage = ['check IMAGE... --to ENV', 'check @ENV[/IMAGE]...']
  static override flags = {
    from: string({
      summary: 'Source environment (default: promoteFrom of --to).',
      helpValue: 'ENV',
      helpGroup: flagGroups.target,
      dependsOn: ['to'],
    }),
    to: string({
      summary: 'Environment whose gates are evaluated.',
      helpValue: 'ENV',
      helpGroup: flagGroups.target,
    }),
    ...scanReportFlag,
    reason: string({
      summary: 'Reason, for rules that use it.',
      helpValue: 'TEXT',
      helpGroup: flagGroups.evidence,
      env: 'DRAY_REASON',
    }),
    ticket: string({
      summary: 'Ticket, for rules that use it.',
      helpValue: 'ID',
      helpGroup: flagGroups.evidence,
      env: 'DRAY_TICKET',
    }),
    actor: string({
      summary: 'Person who promotes, for approvals and rules.',
      helpValue: 'NAME',
      helpGroup: flagGroups.evidence,
      env: 'DRAY_ACTOR',
    }),
    ...outputFlag('jsonl', 'name', 'digest'),
  }

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Check)
    const options = { references: argv as string[], from: flags.from, to: flags.to }
    const { runCheck } = await import('../cli/gates/run-check.ts')
    const { images, exitCode } = await runCheck(options, flags, this.context, this.call)
    await this.#annotate(images)
    this.finish({ images }, (page) => renderCheck(images, page), exitCode, {
      rows: () => images,
      names: () => images.filter(isPassed).map(referenceOf),
      digests: () => images.filter(isPassed).flatMap(({ digest }) => digest ?? []),
    })
  }

  /** Shows failed gates beside the run of a CI job. */
  async #annotate(images: readonly CheckedImage[]): Promise<void> {
    const { checkAnnotations, checkSummary } = await import('../render/gates/check-ci.ts')
    const { reportToCi } = await import('../cli/ci/ci-report.ts')
    const report = { variables: {}, summary: checkSummary(images), annotations: checkAnnotations(images) }
    await reportToCi(report, [], this.context.env)
  }
}

function isPassed({ result }: CheckedImage): boolean {
  return result === 'pass'
}

function referenceOf({ from, digest }: CheckedImage): string {
  const { repository, tag } = from
  return formatAt(
    repository,
    tag === undefined && digest !== undefined ? { digest } : { tag: tag ?? 'latest' },
  )
}
