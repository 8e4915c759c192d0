import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseConfig } from '../../../src/config/load.ts'
import { retentionOf } from '../../../src/config/retention/retention.ts'
import { startingConfig } from '../../../src/config/starting/starting-config.ts'
import type { StartingPolicy } from '../../../src/config/starting/starting-policies.ts'
import { resolveScope } from '../../../src/cli/prune/prune-scope.ts'
import { decide } from '../../../src/usecases/prune/decide.ts'
import type { Why } from '../../../src/plan/prune/prune-plan.ts'
import { decideSketch, type RepositorySketch } from '../repository-graphs.ts'

export const historyFolder: string = join(import.meta.dirname, '../../corpus/tags')

/** Reads a repository of `test/corpus/tags`. The README there describes the format. */
export async function readHistory(name: string): Promise<RepositorySketch> {
  const text = await readFile(join(historyFolder, `${name}.txt`), 'utf8')
  const tags: Record<string, string> = {}
  const manifests: Record<string, RepositorySketch['manifests'][string]> = {}
  for (const line of text.split('\n').filter((one) => one !== '' && !one.startsWith('#'))) {
    const [digest = '', created = '', platforms = '', ...names] = line.split(' ')
    const image = created === '-' ? {} : { configAge: created.replace('Z', ':00Z') }
    const count = Number(platforms)
    const ownChildren = Array.from({ length: count > 1 ? count : 0 }, (_, i) => `${digest}-${i}`)
    const children = Number.isNaN(count) ? platforms.split(',') : ownChildren
    manifests[digest] = children.length === 0 ? image : { children }
    for (const child of ownChildren) manifests[child] = image
    for (const tag of names) tags[tag] = digest
  }
  return { tags, manifests }
}

/** The `dray.yaml` that `dray config init` writes for the history, in the environment prod. */
export function configWith(policy: StartingPolicy, name: string): string {
  return startingConfig({
    environments: [{ name: 'prod', registry: 'r.example.com', path: '{image}' }],
    images: [name],
    retention: { policy, environment: 'prod' },
  })
}

/**
 * Applies the policy of a `dray.yaml`, and lists what it decides: one line for each verdict and
 * reason with its tags, then warnings and refusals. The largest group of kept tags has no list: it
 * is all tags that no other line names.
 */
export async function verdictsOn(history: RepositorySketch, name: string, config: string): Promise<string> {
  const loaded = parseConfig({ file: '/x/dray.yaml', content: config }, 'dray.yaml')
  const [retention] = retentionOf(loaded)
  if (retention === undefined) throw new Error('the configuration has no policy')
  const call = { signal: new AbortController().signal, notify: () => undefined }
  const options = { patterns: [`@prod/${name}`], exclude: [] }
  const [scoped] = (await resolveScope(retention, options, loaded.config, async () => [], call)).repositories
  if (scoped === undefined) throw new Error('the policy applies to no repository')
  const { decision } = decideSketch(history, scoped.policy)
  const run = { hash: '', tool: '', limits: retention.limits, protections: [], inUse: [], isFullRun: true }
  const { plan, warnings } = decide(
    [{ kind: 'decided', decision }],
    { ...run, hash: `sha256:${''}` },
    new Date(0),
  )
  return [
    ...linesOf(
      decision.plan.tags.map(({ tag, verdict, why }) => ({ tag, group: `${verdict} ${reasonOf(why)}` })),
    ),
    ...warnings.map((text) => `warning: ${text}`),
    ...plan.refusals.map(({ error }) => `refused: ${error.message}: ${error.why ?? ''}`),
  ].join('\n')
}

function linesOf(tags: readonly { readonly tag: string; readonly group: string }[]): readonly string[] {
  const groups = [...Map.groupBy(tags, ({ group }) => group)].sort(([a], [b]) => (a < b ? -1 : 1))
  const kept = groups.filter(([group]) => group.startsWith('keep'))
  const largest = Math.max(...kept.map(([, members]) => members.length))
  const rest = kept.find(([, members]) => members.length === largest)
  return groups.map((one) => {
    const [group, members] = one
    return one === rest
      ? `${group} (${members.length}): all others`
      : `${group} (${members.length}): ${sortTags(members.map(({ tag }) => tag)).join(' ')}`
  })
}

/** Does not depend on how dray reads and sorts tags. */
function sortTags(tags: readonly string[]): readonly string[] {
  return tags.toSorted(new Intl.Collator('en', { numeric: true }).compare)
}

/** The reason without the age of the image, and without the tag that shares its digest. */
function reasonOf({ kind, by, text }: Why): string {
  if (kind === 'protection') return `by protection ${by ?? ''}`
  if (kind === 'kept')
    return `by rule ${by ?? ''}, ${text.includes('among the newest') ? 'newest' : 'recent'}`
  return by === undefined ? kind : `${kind} ${by}`
}
