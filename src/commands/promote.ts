import { boolean, string } from '@oclif/core/flags'
import { ChangeCommand } from '../cli/changes/change-command.ts'
import { changeFlags, outFlag } from '../cli/command/change-flags.ts'
import { planPromotion, promotionFlags } from '../cli/changes/promotion.ts'
import type { PromotionArguments } from '../cli/terminal/complete-promotion.ts'

export default class Promote extends ChangeCommand {
  static override summary = 'Promote images from one environment to the next, by digest, with their evidence.'
  static override description = `Each source tag is resolved once; from there on everything goes by digest. What is missing at the destination is copied, signatures, SBOMs and attestations are attached, and the tags are set last, when every target has all of it. What is so already is not written again. An exact version tag (1.4.2) does not move to another image unless --move-tag says so.

The images come from the environment --from and go to the environment --to, as dray.yaml describes them; or give two addresses, a source and a destination.`
  static override examples = [
    {
      description: 'Look at the plan, answer the question, see it done:',
      command: '<%= config.bin %> promote api:1.4.2 --from staging --to prod',
    },
    { description: 'The same by addresses:', command: '<%= config.bin %> promote @staging/api:1.4.2 @prod' },
    {
      description: 'In a pipeline, exactly the image that was tested:',
      command:
        '<%= config.bin %> promote api:1.4.2 --from staging --to prod --expect-digest "$DIGEST" --yes --json',
    },
    {
      description: 'Several images, planned now and carried out later:',
      command: '<%= config.bin %> promote api:1.4.2 web:2.0.1 --from staging --to prod --out plan.json',
    },
    {
      description: 'Without environments:',
      command:
        '<%= config.bin %> promote registry.example.com/staging/api:1.4.2 registry.example.com/prod/api:1.4.2',
    },
  ]
  static override strict = false
  static override usage = ['promote IMAGE... --from ENV --to ENV', 'promote SOURCE DESTINATION']
  static override flags = {
    from: string({ summary: 'The environment that the images come from.', helpValue: 'ENV' }),
    to: string({ summary: 'The environment that they go to.', helpValue: 'ENV' }),
    partial: boolean({ summary: 'Let the targets that are ready go ahead of those that are not.' }),
    ...promotionFlags,
    'allow-backward': boolean({
      summary: 'Where the destination keeps up floating tags: let them move to a lower version.',
    }),
    ...outFlag,
    ...changeFlags,
  }

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Promote)
    const { references, ...environments } = await this.#completed({
      references: argv as string[],
      from: flags.from,
      to: flags.to,
    })
    const complete = { ...flags, ...environments }
    const change = await planPromotion('promote', references, complete, this.context, this.reading)
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
