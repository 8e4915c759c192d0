import { string as stringArg } from '@oclif/core/args'
import { string } from '@oclif/core/flags'
import { ChangeCommand } from '../cli/changes/change-command.ts'
import {
  changeFlags,
  metricsFlag,
  moveTagFlag,
  outFlag,
  partialFlag,
  gitopsFlags,
} from '../cli/command/change-flags.ts'
import { flagGroups } from '../cli/help/flag-groups.ts'
import type { RollbackArguments } from '../cli/terminal/complete-tagging.ts'
import { overrideGateFlag, scanReportFlag } from '../cli/gates/gate-flags.ts'
import { planRollback } from '../cli/changes/tagging.ts'
import { DrayError } from '../lib/errors.ts'

export default class Rollback extends ChangeCommand {
  static override summary = 'Move floating tags back to an earlier version.'
  static override description = `dray moves latest and the floating tags of the version, such as 1.4 and 1, if these tags exist. It copies no content and moves no exact tag.

Without \`--to\`, dray uses the highest version below the current one. The current version is the one of the current-version tag (currentTag in dray.yaml, default latest).

The floating tags of a variant, such as 1.4-alpine and alpine, only move with \`--to 1.3.9-alpine\` or \`--variant alpine\`.

Of the gates in dray.yaml, a rollback evaluates only those whose operations contain rollback.

The next release moves the floating tags forward as usual. On a terminal, dray asks for a missing image.`
  static override examples = [
    {
      description: 'Go back to the version before the current one',
      command: 'dray rollback api --env prod --reason "1.4.2 leaks memory"',
    },
    { description: 'Go back to a certain version', command: 'dray rollback @prod/api --to 1.3.9' },
    { description: 'Go back with one variant', command: 'dray rollback @prod/api --variant alpine' },
  ]
  static override usage = ['rollback IMAGE']
  static override args = {
    image: stringArg({
      description: 'Image of dray.yaml with --env, @ENV/IMAGE or a repository.',
      required: false,
      ignoreStdin: true,
    }),
  }
  static override flags = {
    env: string({
      summary: 'Environment of the image.',
      helpValue: 'ENV',
      helpGroup: flagGroups.target,
    }),
    to: string({
      summary: 'Version to go back to (default: the one before).',
      helpValue: 'VERSION|DIGEST',
      helpGroup: flagGroups.target,
    }),
    variant: string({
      summary: 'Move the floating tags of this variant.',
      helpValue: 'SUFFIX',
      helpGroup: flagGroups.target,
    }),
    ...changeFlags,
    ...metricsFlag,
    ...outFlag,
    ...moveTagFlag,
    ...partialFlag,
    ...overrideGateFlag,
    ...scanReportFlag,
    ...gitopsFlags,
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Rollback)
    const { image, env } = await this.#completed({ image: args.image, env: flags.env })
    if (image === undefined) throw missingImage()
    const planned = await planRollback(
      { image, env, to: flags.to, variant: flags.variant },
      flags,
      this.context,
      this.reading,
    )
    const change = await this.withEdits(planned, flags)
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
  return new DrayError('usage', 'an image is required', {
    hint: 'Name it: dray rollback api --env prod, or dray rollback @prod/api.',
  })
}
