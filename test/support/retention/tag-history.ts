import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseConfig } from '../../../src/config/parse.ts'
import { retentionOf } from '../../../src/config/retention/retention.ts'
import { startingConfig, type StartingReading } from '../../../src/config/starting/starting-config.ts'
import type { StartingPolicy } from '../../../src/config/starting/starting-policies.ts'
import { resolveScope } from '../../../src/cli/prune/prune-scope.ts'
import { decide, type RunPolicy } from '../../../src/usecases/prune/decide.ts'
import type { TagVerdict, Why } from '../../../src/plan/prune/prune-plan.ts'
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

/** The `dray.yaml` that `dray config init` writes for an image, in the environment prod. */
export function configWith(policy: StartingPolicy, name: string, reading?: StartingReading): string {
  return startingConfig({
    environments: [{ name: 'prod', registry: 'r.example.com', path: '{image}' }],
    images: [name],
    ...(reading !== undefined && { readings: new Map([[name, reading]]) }),
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
  const { limits } = retention
  const run: RunPolicy = { hash: 'sha256:', tool: '', limits, protections: [], inUse: [], isFullRun: true }
  const { plan, warnings } = decide([{ kind: 'decided', decision }], run, new Date(0))
  return [
    ...linesOf(decision.plan.tags),
    ...warnings.map((text) => `warning: ${factsOf(text.replace('r.example.com/dev/api: ', ''))}`),
    ...plan.refusals.map(({ error }) => `refused: ${error.message}: ${error.why ?? ''}`),
  ].join('\n')
}

/** The numbers, names and settings of a warning: its words have tests of their own. */
function factsOf(warning: string): string {
  const facts =
    /"[^"]*"|\[[^\]]*\]|\([^)]*\)|\b(?:scheme|buildMetadata): \w+|\b(?:ignoreVersions|orderBy|timeFrom)\b|\S*\d\S*/g
  return (warning.match(facts) ?? [warning]).join(' ')
}

/** The tags that are deleted or untagged by the lines of `verdictsOn`. */
export function deletedIn(verdicts: string): readonly string[] {
  const lines = verdicts.split('\n').filter((line) => /^(?:delete|untag) /.test(line))
  return lines.flatMap((line) => line.slice(line.indexOf(': ') + 2).split(' '))
}

function linesOf(tags: readonly TagVerdict[]): readonly string[] {
  const groups = [...Map.groupBy(tags, ({ verdict, why }) => `${verdict} ${reasonOf(why)}`)]
  const kept = groups.filter(([group]) => group.startsWith('keep'))
  const [rest] = kept.toSorted(([, a], [, b]) => b.length - a.length)
  return groups
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map((one) => {
      const [group, members] = one
      const list = one === rest ? 'all others' : sortTags(members.map(({ tag }) => tag)).join(' ')
      return `${group} (${members.length}): ${list}`
    })
}

/** Does not depend on how dray reads and sorts tags. */
function sortTags(tags: readonly string[]): readonly string[] {
  return tags.toSorted(new Intl.Collator('en', { numeric: true }).compare)
}

/** The reason without the age of the image, and without the tag that shares its digest. */
function reasonOf({ kind, by, text }: Why): string {
  if (kind === 'protection') return `by protection ${by ?? ''}`
  if (kind === 'kept') return `by rule ${by ?? ''}, ${text.includes('among the') ? 'newest' : 'recent'}`
  return by === undefined ? kind : `${kind} ${by}`
}
