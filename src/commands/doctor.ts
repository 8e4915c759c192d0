import { string as stringArg } from '@oclif/core/args'
import { boolean, string } from '@oclif/core/flags'
import { BaseCommand } from '../cli/command/base-command.ts'
import { examine, resolveRegistriesToExamine, resolveScratchRepository } from '../cli/registries/doctor.ts'
import { exitCodes } from '../cli/command/exit-codes.ts'
import { DrayError } from '../lib/errors.ts'
import { hasProblem } from '../usecases/views/doctor.ts'
import { renderDiagnoses } from '../render/views/doctor.ts'

export default class Doctor extends BaseCommand {
  static override summary = 'Say whether a registry can be reached, as whom, and what it can do.'
  static override description =
    'The connection and its certificate, which credentials are used and whether they are taken, the clock, limits, and what the registry can do: by reading alone. With --write it tries the rest in a scratch repository, with content of its own that it takes away again. Each finding that is not well says what to do about it. Ends with 1 where something is wrong.'
  static override examples = [
    { description: 'Every registry of dray.yaml:', command: '<%= config.bin %> doctor' },
    {
      description: 'One registry, by what a repository shows:',
      command: '<%= config.bin %> doctor registry.example.com/team/api',
    },
    {
      description: 'With a trial of uploads, tags and deletes:',
      command: '<%= config.bin %> doctor --write registry.example.com/scratch/dray',
    },
  ]
  static override args = {
    registry: stringArg({
      description:
        'HOST, HOST/REPOSITORY, @ENV or @ENV/IMAGE; every registry of dray.yaml where it is not given.',
      ignoreStdin: true,
    }),
  }
  static override flags = {
    write: string({
      summary: 'Try uploads, tags and deletes in this repository, and take away what was made.',
      helpValue: 'REPOSITORY',
    }),
    yes: boolean({
      char: 'y',
      summary: 'Write also to a repository that belongs to an environment.',
      dependsOn: ['write'],
    }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Doctor)
    const { config } = await this.context.config()
    const scratch =
      flags.write === undefined ? undefined : resolveScratchRepository(flags.write, config, flags.yes)
    const registries = resolveRegistriesToExamine(args.registry ?? scratch?.registry, config)
    if (registries.length === 0) throw nothingToExamine()
    if (scratch !== undefined && registries.some(({ registry }) => registry !== scratch.registry))
      throw twoRegistries()
    const diagnoses = await Promise.all(
      registries.map((registry) => examine(this.context, registry, scratch, this.call)),
    )
    const isWrong = diagnoses.some(hasProblem)
    this.finish(
      diagnoses,
      (page) => renderDiagnoses(diagnoses, page),
      isWrong ? exitCodes.failed : exitCodes.done,
    )
  }
}

function nothingToExamine(): DrayError {
  return new DrayError('usage', 'which registry?', {
    why: 'no dray.yaml with environments was found',
    hint: 'Name one: dray doctor registry.example.com',
  })
}

function twoRegistries(): DrayError {
  return new DrayError('usage', '--write names a repository of another registry', {
    hint: 'Leave the registry out: --write says which one it is.',
  })
}
