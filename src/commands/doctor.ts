import { string as stringArg } from '@oclif/core/args'
import { boolean, string } from '@oclif/core/flags'
import { BaseCommand } from '../cli/command/base-command.ts'
import { flagGroups } from '../cli/help/flag-groups.ts'
import {
  environmentsToExamine,
  examine,
  resolveRegistriesToExamine,
  resolveScratchRepository,
} from '../cli/registries/doctor.ts'
import { exitCodes } from '../cli/command/exit-codes.ts'
import type { LoadedConfig } from '../config/parse.ts'
import type { RegistryOrRepository } from '../config/resolver/resolve-registry.ts'
import { DrayError } from '../lib/errors.ts'
import { hasProblem } from '../usecases/views/doctor.ts'
import type { GateDiagnosis } from '../usecases/views/gate-diagnosis.ts'
import { renderDiagnoses } from '../render/views/doctor.ts'

export default class Doctor extends BaseCommand {
  static override summary = 'Check the connection and features of a registry.'
  static override description = `dray checks the connection, the certificate, the credentials, the clock, rate limits and the features of the registry. It only reads. For an environment with gates, it also checks keys, trusted roots and expressions.

With \`--write\`, dray also tests uploads, tags and deletes in a scratch repository. It uses its own content and removes that content afterwards.

With \`--inventory\`, dray reads the list of a repository from the API of the vendor and through the OCI API, and compares them. The report has no names of hosts, repositories or tags and no text of a server, so that you can post it. With \`--names\` it has them.

Each finding is "ok", "note", "problem" or "unknown", with advice if there is something to do. The exit code is 1 if there is a problem.`
  static override examples = [
    { description: 'Check every registry of dray.yaml', command: 'dray doctor' },
    {
      description: 'Check one registry by reading a repository',
      command: 'dray doctor registry.example.com/team/api',
    },
    {
      description: "Compare the vendor's list of a repository with the OCI API",
      command: 'dray doctor ghcr.io/acme/api --inventory',
    },
    {
      description: 'Test uploads, tags and deletes too',
      command: 'dray doctor --write registry.example.com/scratch/dray',
    },
  ]
  static override args = {
    registry: stringArg({
      description: 'HOST, HOST/PATH, @ENV or @ENV/IMAGE (default: dray.yaml).',
      ignoreStdin: true,
    }),
  }
  static override flags = {
    write: string({
      summary: 'Test uploads, tags and deletes in this repository.',
      helpValue: 'REPOSITORY',
      helpGroup: flagGroups.target,
    }),
    inventory: boolean({
      summary: "Compare the vendor's list of a repository with the OCI API.",
      helpGroup: flagGroups.target,
      exclusive: ['write'],
    }),
    names: boolean({
      summary: 'Show hosts, repositories and tags in the comparison.',
      helpGroup: flagGroups.output,
      dependsOn: ['inventory'],
    }),
    yes: boolean({
      char: 'y',
      summary: 'Allow writes to a repository of an environment.',
      helpGroup: flagGroups.safety,
      dependsOn: ['write'],
    }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Doctor)
    const loaded = await this.context.config()
    const { config } = loaded
    const scratch =
      flags.write === undefined ? undefined : resolveScratchRepository(flags.write, config, flags.yes)
    const registries = resolveRegistriesToExamine(args.registry ?? scratch?.registry, config)
    if (registries.length === 0) throw nothingToExamine()
    if (scratch !== undefined && registries.some(({ registry }) => registry !== scratch.registry))
      throw twoRegistries()
    if (flags.inventory) return await this.#compareInventories(registries, flags.names)
    const diagnoses = await Promise.all(
      registries.map((registry) => examine(this.context, registry, scratch, this.call)),
    )
    const environments = environmentsToExamine(args.registry ?? scratch?.registry, config)
    const all = [...diagnoses, ...(await this.#examineGates(loaded, environments))]
    const isWrong = all.some(hasProblem)
    this.finish(all, (page) => renderDiagnoses(all, page), isWrong ? exitCodes.failed : exitCodes.done)
  }

  async #compareInventories(registries: readonly RegistryOrRepository[], hasNames: boolean): Promise<void> {
    const { examineInventory } = await import('../cli/registries/doctor-vendor.ts')
    const all = await Promise.all(
      registries.map((one) => examineInventory(one, hasNames, this.context, this.call)),
    )
    const isWrong = all.some(hasProblem)
    this.finish(all, (page) => renderDiagnoses(all, page), isWrong ? exitCodes.failed : exitCodes.done)
  }

  async #examineGates(
    loaded: LoadedConfig,
    environments: readonly string[],
  ): Promise<readonly GateDiagnosis[]> {
    const { hasGates } = await import('../config/gates/gates-at.ts')
    if (!hasGates(loaded.config)) return []
    const { examineGates } = await import('../cli/gates/examine-gates.ts')
    return await examineGates(loaded, environments, this.context.clock.now())
  }
}

function nothingToExamine(): DrayError {
  return new DrayError('usage', 'a registry is required', {
    why: 'no dray.yaml with environments was found',
    hint: 'Name one (dray doctor registry.example.com), or write a dray.yaml with "dray config init".',
  })
}

function twoRegistries(): DrayError {
  return new DrayError('usage', '--write names a repository of another registry', {
    hint: 'Omit the registry: --write names it.',
  })
}
