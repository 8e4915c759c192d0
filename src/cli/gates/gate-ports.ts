import { findImagesAt, repositoriesOf } from '../../config/environments.ts'
import type { LoadedConfig } from '../../config/parse.ts'
import type { GatePorts, ReportFile } from '../../gates/gate-request.ts'
import { RunReads } from '../../gates/gathering/run-reads.ts'
import type { GateTrust } from '../../gates/gate-trust.ts'
import type { Actor } from '../../audit/log/record.ts'
import { defaultTag } from '../../oci/reference.ts'
import type { Context } from '../wiring/context.ts'
import { findActor } from '../wiring/surroundings.ts'

export interface GatePortsOptions {
  readonly trust: GateTrust
  readonly reason?: string | undefined
  readonly ticket?: string | undefined
  /** `--actor` */
  readonly actor?: string | undefined
  /** the reason of each override, by the name of the gate */
  readonly overrides: ReadonlyMap<string, string>
  readonly reportFiles: readonly ReportFile[]
}

/**
 * The ports with which the gates of a run are evaluated: before its changes, and again before its
 * tags move. `dray check` uses the same.
 */
export async function createGatePorts(
  context: Context,
  { config }: LoadedConfig,
  { trust, reason, ticket, actor, overrides, reportFiles }: GatePortsOptions,
): Promise<GatePorts> {
  return {
    stores: await context.stores(),
    trust,
    clock: context.clock,
    reads: new RunReads(),
    actors: accountsOf(findActor(context.env, actor)),
    ...(reason !== undefined && { reason }),
    ...(ticket !== undefined && { ticket }),
    overrides,
    reportFiles,
    environmentsOf: (repository) => findImagesAt(config, repository).map(({ environment }) => environment),
    currentTagOf: (environment, image) => {
      const tag = config.environments.get(environment)?.currentTag ?? defaultTag
      return repositoriesOf(config, environment, image).map((repository) => ({ repository, tag }))
    },
  }
}

/** The accounts and names of the person who runs dray: `github:ada`, `ada`. */
export function accountsOf({ user, ci, says }: Actor): readonly string[] {
  const account = ci?.user === undefined ? [] : [`${ci.service}:${ci.user}`]
  return [...new Set([...account, user, ...(says === undefined ? [] : [says])])]
}
