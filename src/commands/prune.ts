import { boolean, string } from '@oclif/core/flags'
import { ChangeCommand } from '../cli/changes/change-command.ts'
import { jobFlags } from '../cli/jobs/job-flags.ts'
import { flagGroups } from '../cli/help/flag-groups.ts'
import type { JobKind } from '../cli/jobs/print-job.ts'
import { pruneFlags, scopeFlags } from '../cli/prune/prune-flags.ts'
import { DrayError } from '../lib/errors.ts'
import { renderExplanation } from '../render/prune/explanation.ts'

export default class Prune extends ChangeCommand {
  static override summary = 'Delete images by retention policy.'
  static override description = `dray shows the images to delete and to keep, each with the reason. It deletes nothing unless you pass \`--apply\`. Policies are under \`retention\` in dray.yaml.

- dray deletes a tag if a rule selects it, all conditions of the rule match, and no protection or image in use keeps it.
- dray deletes a manifest if no kept tag, index or subject reaches it.
- Attached artifacts are deleted together with their image.
- dray keeps an image if it cannot read everything that it needs for the decision.
- dray keeps an image that the registry refuses to delete because it is locked, immutable or in use, and deletes the others. With \`--strict\`, it then exits with 4.

dray reads the repository again while it deletes. It keeps an image if a new tag, index or subject needs the image, with exit code 3 or 4.

REPO is \`@dev/api\`, \`@dev/*\`, \`@dev\`, \`registry.example.com/team/*\` or \`registry.example.com/team/api\`. \`*\` matches within a path component, \`**\` across components. Without REPO, dray reads all repositories that the rules name.

\`--in-use\` takes a list of references, or the output of kubectl or helm. These images are protected.`
  static override examples = [
    { description: 'Show the plan', command: 'dray prune' },
    {
      description: 'Explain why one image is kept or deleted',
      command: 'dray prune --explain @dev/api:pr-12-a1',
    },
    {
      description: 'Delete images of one environment after a confirmation',
      command: `dray prune '@dev/*' --apply`,
    },
    {
      description: 'Delete images every night, from cron',
      command: `dray prune --apply --yes \\
    --metrics /var/lib/node_exporter/dray.prom`,
    },
    {
      description: 'Print a CronJob of Kubernetes that deletes images with 4 pods',
      command: 'dray prune --apply --print-job kubernetes --shards 4',
    },
    {
      description: 'Save the plan for a review, to apply it later',
      command: 'dray prune --out plan.json',
    },
    {
      description: 'Protect the images that a cluster uses',
      command: `kubectl get pods --all-namespaces -o json \\
    | dray prune --in-use -`,
    },
  ]
  static override strict = false
  static override usage = ['prune [REPO...]', 'prune --explain REF']
  static override flags = {
    apply: boolean({
      summary: 'Delete the images.',
      exclusive: ['dry-run', 'out', 'explain'],
      helpGroup: flagGroups.safety,
    }),
    explain: string({
      summary: 'Explain the decision about one tag or digest.',
      helpValue: 'REF',
      helpGroup: flagGroups.target,
      exclusive: ['out'],
    }),
    exclude: string({
      summary: 'Skip these repositories.',
      helpValue: 'REPO',
      helpGroup: flagGroups.target,
      multiple: true,
      multipleNonGreedy: true,
    }),
    shard: string({
      summary: 'Process part I of N of the repositories.',
      helpValue: 'I/N',
      helpGroup: flagGroups.target,
    }),
    ...pruneFlags,
    ...scopeFlags,
    ...jobFlags,
  }

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Prune)
    if (flags['print-job'] !== undefined) {
      const { printJob } = await import('../cli/jobs/print-job.ts')
      const options = { shards: flags.shards, version: this.context.version }
      const text = printJob(flags['print-job'] as JobKind, 'prune', this.argv, options)
      return this.finish({ job: text }, () => text.trimEnd())
    }
    const args = {
      patterns: argv as string[],
      policy: flags.policy,
      exclude: flags.exclude ?? [],
      shard: flags.shard,
      inUse: flags['in-use'] ?? [],
      cache: flags.cache,
      auditFile: flags['audit-file'],
    }
    if (flags.explain !== undefined) {
      if (this.format === 'name' || this.format === 'digest') throw explainInFormat(this.format)
      const { explainImage } = await import('../cli/prune/explaining.ts')
      const explanation = await explainImage(flags.explain, args, this.context, this.reading)
      return this.finish(explanation, (page) => renderExplanation(explanation, page))
    }
    const { planDeletes } = await import('../cli/prune/prune-inputs.ts')
    const change = await planDeletes(args, this.context, this.reading)
    await this.carryOut('prune', change, { ...flags, 'dry-run': !flags.apply })
  }
}

function explainInFormat(format: string): DrayError {
  return new DrayError('usage', `--explain has no output format "${format}"`, {
    hint: 'The formats are text, json, yaml.',
  })
}
