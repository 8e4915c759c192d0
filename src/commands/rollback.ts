import { string as stringArg } from '@oclif/core/args'
import { boolean, string } from '@oclif/core/flags'
import { ChangeCommand } from '../cli/changes/change-command.ts'
import { changeFlags, outFlag } from '../cli/command/change-flags.ts'
import type { RollbackArguments } from '../cli/terminal/complete-tagging.ts'
import { planRollback } from '../cli/changes/tagging.ts'
import { DrayError } from '../lib/errors.ts'

export default class Rollback extends ChangeCommand {
  static override summary =
    'Take the floating tags of an image back to an earlier release that is still there.'
  static override description = `Moves latest, and those of 1 and 1.4 that the release belongs to, where they are set; no content is copied, and no exact tag moves. Without --to it goes back to the release before the current one: the highest version below that of the tag which marks what is current (latest, or \`marker\` of the environment). The next release moves the tags forward as usual.`
  static override examples = [
    {
      description: 'To the release before the current one:',
      command: '<%= config.bin %> rollback api --env prod --reason "1.4.2 leaks memory"',
    },
    { description: 'To a certain one:', command: '<%= config.bin %> rollback @prod/api --to 1.3.9' },
  ]
  static override args = {
    image: stringArg({
      description: 'An image: its name with --env, @ENV/IMAGE, or a repository.',
      required: false,
      ignoreStdin: true,
    }),
  }
  static override flags = {
    env: string({ summary: 'The environment that the image is in.', helpValue: 'ENV' }),
    to: string({ summary: 'The release to go back to.', helpValue: 'VERSION|DIGEST' }),
    'move-tag': boolean({ summary: 'Let floating tags move that are immutable there.' }),
    partial: boolean({ summary: 'Let the targets that are ready go ahead of those that are not.' }),
    ...outFlag,
    ...changeFlags,
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Rollback)
    const { image, env } = await this.#completed({ image: args.image, env: flags.env })
    if (image === undefined) throw missingImage()
    const change = await planRollback({ image, env, to: flags.to }, flags, this.context, this.reading)
    await this.carryOut('rollback', change, flags)
  }

  /** Asks for missing arguments, unless the run is non-interactive. */
  async #completed(given: RollbackArguments): Promise<RollbackArguments> {
    const ports = await this.asking()
    if (ports === undefined) return given
    const { completeRollback } = await import('../cli/terminal/complete-tagging.ts')
    const { newFlag } = await import('../cli/command/command-line.ts')
    const is = await completeRollback(given, ports)
    if (is === given) return given
    const [was, now] = [given.image, is.image].map((image) => (image === undefined ? [] : [image]))
    await this.sayWithoutQuestions({
      was: was ?? [],
      is: now ?? [],
      flags: newFlag('env', given.env, is.env),
    })
    return is
  }
}

function missingImage(): DrayError {
  return new DrayError('usage', 'an image is missing', {
    hint: 'Name it: dray rollback api --env prod, or dray rollback @prod/api.',
  })
}
