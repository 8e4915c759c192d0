import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { StartingReading } from '../../../src/config/starting/starting-config.ts'
import { startingPolicies, type StartingPolicy } from '../../../src/config/starting/starting-policies.ts'
import {
  configWith,
  deletedIn,
  historyFolder,
  readHistory,
  verdictsOn,
} from '../../support/retention/tag-history.ts'

/** The reading that a maintainer of the repository sets, unless the defaults fit. */
const histories: readonly { readonly name: string; readonly reading?: StartingReading }[] = [
  { name: 'alpine' },
  { name: 'chart', reading: { buildMetadata: true } },
  { name: 'erlang', reading: { scheme: 'loose', variants: ['alpine', 'slim'] } },
  { name: 'localstack', reading: { scheme: 'loose', variants: ['amd64', 'arm64'] } },
  { name: 'monorepo' },
  {
    name: 'nginx',
    reading: { variants: ['alpine*', 'bookworm', 'bookworm-perl', 'otel', 'perl', 'trixie'] },
  },
  { name: 'nightly' },
  { name: 'node', reading: { variants: ['alpine*', 'bookworm', 'bookworm-slim', 'slim'] } },
  { name: 'pihole', reading: { scheme: 'calver' } },
  {
    name: 'postgres',
    reading: { scheme: 'loose', variants: ['alpine*', 'bookworm', 'trixie'], twoNumbers: true },
  },
]

/** By policy: the tags that it may delete, whatever the reviewed verdicts are. */
const deletable: Readonly<Record<string, RegExp>> = {
  newest:
    /^(?!v?\d+\.\d|(?:tempo|alloy|promtail|pyroscope|loki-canary|rollout-operator|s3)-\d|latest|stable)/,
  'pull-requests': /^(?:pr-\d+-\w+|cache-pr|canary|feature-\w+|fix-\w+|\w+-main)-[0-9a-f]{4,7}$/,
  nightlies: /^nightly-\d{8}$/,
  'release-candidates': /(?:alpha|beta|rc)/,
  environment: /^(?!latest|stable|edge$|v?\d{1,3}(?:\.\d+)?(?:-(?!rc)[a-z0-9.]+)?$|v?2026\.)/,
}

type Verdicts = Promise<{ readonly text: string; readonly tags: readonly string[] }>

describe('the starting policies', () => {
  const known = new Map<string, Verdicts>()
  const decideOnce = async (policy: StartingPolicy, name: string, reading?: StartingReading): Verdicts => {
    const key = JSON.stringify([policy.name, name, reading])
    const decide = async (): Verdicts => {
      const history = await readHistory(name)
      const text = await verdictsOn(history, name, configWith(policy, name, reading))
      return { text, tags: Object.keys(history.tags) }
    }
    const verdicts = known.get(key) ?? decide()
    known.set(key, verdicts)
    return await verdicts
  }

  it.each(histories)('decide about the tags of $name as reviewed', async ({ name, reading }) => {
    const sections: string[] = []
    for (const policy of startingPolicies) {
      const byDefault = await decideOnce(policy, name)
      sections.push(`# ${policy.name}\n${byDefault.text}\n`)
      const asSet = await decideOnce(policy, name, reading)
      if (asSet.text !== byDefault.text)
        sections.push(`# ${policy.name}, ${JSON.stringify(reading)}\n${asSet.text}\n`)
    }
    const file = join(historyFolder, `${name}.verdicts`)
    await access(file)
    await expect(sections.join('\n')).toMatchFileSnapshot(file)
  })

  it.each(startingPolicies)('delete only what they say: $name', async (policy) => {
    for (const { name, reading } of histories) {
      const allowed = deletable[policy.name]
      const deleted = deletedIn((await decideOnce(policy, name, reading)).text)
      expect({ name, wrong: deleted.filter((tag) => allowed?.test(tag) !== true) }).toEqual({
        name,
        wrong: [],
      })
    }
  })

  it('for an environment keep the highest release of each line', async () => {
    const policy = startingPolicies.find(({ name }) => name === 'environment')
    for (const { name, reading } of histories) {
      if (policy === undefined) throw new Error('there is no policy environment')
      const { text, tags } = await decideOnce(policy, name, reading)
      const releases = tags.flatMap((tag) => {
        const [, line, last, suffix = ''] = /^v?(\d+\.\d+)\.([\d.]+)(-[a-z].*)?$/.exec(tag) ?? []
        if (line === undefined || last === undefined || /^-(?:alpha|beta|rc)/.test(suffix)) return []
        return [{ tag, last, line: `${line.replace('.0', '.')}${suffix}` }]
      })
      const deleted = new Set(deletedIn(text))
      for (const line of Map.groupBy(releases, (one) => one.line).values()) {
        const [highest] = line.toSorted((a, b) => b.last.localeCompare(a.last, 'en', { numeric: true }))
        expect({ name, line: highest, isKept: !deleted.has(highest?.tag ?? '') }).toMatchObject({
          isKept: true,
        })
      }
    }
  })
})
