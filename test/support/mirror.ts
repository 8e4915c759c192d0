import type { AnyRegistry } from './each-registry.ts'
import type { Oracle } from './oracle.ts'
import { type Workplace, warmWorkplace } from './workplace.ts'

let names = 0

export interface Mirror extends Workplace {
  readonly oracle: Oracle
  /** the source repository, and the destination of the rule */
  readonly from: string
  readonly to: string
}

interface SyncDocument {
  readonly result: {
    readonly drift: readonly {
      readonly to: { readonly path: string }
      readonly selected: number
      readonly tags: readonly {
        readonly tag: string
        readonly state: string
        readonly reason?: string
      }[]
      readonly error?: { readonly code: string }
    }[]
    readonly plan: { readonly drift: SyncDocument['result']['drift']; readonly steps: readonly unknown[] }
    readonly changed: number
  }
}

/** A workplace with one rule `hub` between two repositories of a registry. */
export async function mirror(
  { host, oracle }: Pick<AnyRegistry, 'host' | 'oracle'>,
  rule: object = {},
  more: object = {},
): Promise<Mirror> {
  const name = `s${++names}`
  const place = await warmWorkplace(
    JSON.stringify({
      version: 1,
      sync: [
        {
          name: 'hub',
          from: `${host}/up`,
          repositories: [name],
          to: `${host}/mirror/{repository}`,
          ...rule,
        },
      ],
      ...more,
    }),
  )
  return { ...place, oracle, from: `up/${name}`, to: `mirror/${name}` }
}

/** The result of a `--json` document. */
export function driftOf(stdout: string): SyncDocument['result'] {
  return (JSON.parse(stdout) as SyncDocument).result
}

/** `3.20 moved`, sorted. */
export function statesOf({ drift }: Pick<SyncDocument['result'], 'drift'>): readonly string[] {
  return drift.flatMap(({ tags }) => tags.map(({ tag, state }) => `${tag} ${state}`)).toSorted()
}
