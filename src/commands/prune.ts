import { boolean, string } from '@oclif/core/flags'
import { ChangeCommand } from '../cli/changes/change-command.ts'
import { pruneFlags, scopeFlags } from '../cli/prune/prune-flags.ts'
import { renderExplanation } from '../render/prune/explanation.ts'

export default class Prune extends ChangeCommand {
  static override summary = 'Delete the images that a retention policy says nobody needs.'
  static override description = `Shows the images to delete and to keep, each with its reason, and changes nothing; --apply deletes them. Policies are under "retention:" in dray.yaml.

A tag is deleted if a rule selects it, all conditions of the rule agree, and no protection or image in use keeps it. A manifest is deleted only if no kept tag, index or subject reaches it. Attached artifacts are deleted together with their image. When in doubt, dray keeps an image. While it deletes, it checks the repository again and keeps images that others need by then, with exit code 3 or 4.

REPO is @dev/api, @dev/*, @dev, registry.example.com/team/* or registry.example.com/team/api: "*" within a component of the path, "**" across them. Without one, dray reads all repositories that the rules name.`
  static override examples = [
    { description: 'See what would go:', command: '<%= config.bin %> prune' },
    {
      description: 'Why one image stays or goes:',
      command: '<%= config.bin %> prune --explain @dev/api:pr-12-a1',
    },
    { description: 'Delete it, after a question:', command: '<%= config.bin %> prune @dev/* --apply' },
    {
      description: 'Every night, from cron:',
      command: '<%= config.bin %> prune --apply --yes --metrics /var/lib/node_exporter/dray.prom',
    },
    {
      description: 'A plan for somebody to look at, and to carry out later:',
      command: '<%= config.bin %> prune --out plan.json',
    },
    {
      description: 'What a cluster runs stays:',
      command: '<%= config.bin %> prune --in-use images-in-use.txt',
    },
  ]
  static override strict = false
  static override usage = ['prune [REPO...]', 'prune [REPO...] --apply', 'prune --explain REF']
  static override flags = {
    apply: boolean({ summary: 'Delete it.', exclusive: ['dry-run', 'out', 'explain'] }),
    explain: string({
      summary: 'Tell of one tag or digest what every rule and protection says of it.',
      helpValue: 'REF',
      exclusive: ['out'],
    }),
    exclude: string({
      summary: 'Leave these repositories out; may be given several times.',
      helpValue: 'REPO',
      multiple: true,
      multipleNonGreedy: true,
    }),
    shard: string({
      summary: 'Look at one of N parts of the repositories: for the jobs of a matrix.',
      helpValue: 'I/N',
    }),
    ...scopeFlags,
    ...pruneFlags,
  }

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Prune)
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
      const { explainImage } = await import('../cli/prune/explaining.ts')
      const explanation = await explainImage(flags.explain, args, this.context, this.reading)
      return this.finish(explanation, (page) => renderExplanation(explanation, page))
    }
    const { planDeletes } = await import('../cli/prune/prune-inputs.ts')
    const change = await planDeletes(args, this.context, this.reading)
    await this.carryOut('prune', change, { ...flags, 'dry-run': !flags.apply })
  }
}
