/** Contests about rules that copy many repositories, and about bundles. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Content, image } from '../../test/support/images.ts'
import { isInPath } from '../release/find-program.ts'
import type { Contest, Entrant, Goal } from './contest.ts'
import { type Dray, drays } from './contestants.ts'
import { type Invocation, run } from './process.ts'
import type { Stage } from './stage.ts'

const tag = '1.0.0'
const pushedAtOnce = 8
const coldImages = 100

/** The program that copies repositories of the source to the target, below a path. */
interface Syncer {
  readonly name: string
  readonly kind: 'dray' | 'peer'
  /** @param to the path at the target that the repositories are copied below */
  sync(stage: Stage, rtt: number, names: readonly string[], to: string): Promise<Invocation>
}

/** Nothing is to be copied: the runs of almost every night. */
export function syncNothing(against: string | undefined): Contest {
  const sizes = [30, 300] as const
  const namesOf = (count: number): readonly string[] =>
    Array.from({ length: count }, (_, i) => `nothing-${count}-image${i}`)
  return {
    name: 'sync-no-op',
    title: 'repositories with one tag, all in sync, between two registries',
    rtts: [0, 20],
    goals: [
      { of: 'dray', variant: variantOf(30), rtt: 20, what: 'requests', atMost: 150 },
      { of: 'dray', variant: variantOf(30), rtt: 20, what: 'ms', atMost: 1, times: 'best peer' },
    ],
    prepare: async (stage) => {
      for (const count of sizes)
        await pushAll(stage, namesOf(count), (name) => image({ label: name, layers: 1 }), [
          'source',
          'target',
        ])
    },
    entrants: () =>
      sizes.flatMap((count) =>
        // The peers copy one repository after another.
        syncers(against, count <= 30).map((syncer): Entrant => ({
          name: syncer.name,
          kind: syncer.kind,
          variant: variantOf(count),
          attempt: async (stage, rtt) => ({
            programs: [await syncer.sync(stage, rtt, namesOf(count), '')],
          }),
        })),
      ),
  }
}

/** Everything is to be copied: the first run. */
export function syncCold(against: string | undefined): Contest {
  const names = Array.from({ length: coldImages }, (_, i) => `cold-image${i}`)
  return {
    name: 'sync-cold',
    title: `${coldImages} images of 6 layers, 3 of them shared, between two registries`,
    rtts: [0, 20],
    timesRuns: 0.6,
    goals: [{ of: 'dray', rtt: 20, what: 'ms', atMost: 0.8, times: 'best peer' }],
    prepare: async (stage) => {
      await pushAll(stage, names, (name) => sixLayers(name), ['source'])
    },
    entrants: () =>
      syncers(against).map((syncer): Entrant => ({
        name: syncer.name,
        kind: syncer.kind,
        attempt: async (stage, rtt) => {
          const to = `${stage.newName()}/`
          return {
            programs: [await syncer.sync(stage, rtt, names, to)],
            check: () => lastArrived(stage, to, names),
          }
        },
      })),
  }
}

/** A second bundle with one changed image of many. */
export function incrementalBundle(against: string | undefined): Contest {
  const names = Array.from({ length: 30 }, (_, i) => `bundled/image${i}`)
  const goals: readonly Goal[] = [{ of: 'dray', rtt: 0, what: 'maxRss', atMost: 200 * 1000 * 1000 }]
  return {
    name: 'bundle',
    title: 'a bundle of 30 images of 6 layers, and an increment after one of them has changed',
    rtts: [0, 20],
    measuresMemory: true,
    goals,
    prepare: async (stage) => {
      await pushAll(stage, names, (name) => sixLayers(name), ['source'])
    },
    entrants: () =>
      drays(against).flatMap((dray) => [
        bundleEntrant(dray, names, 'full'),
        bundleEntrant(dray, names, 'increment'),
      ]),
  }
}

function bundleEntrant(dray: Dray, names: readonly string[], variant: 'full' | 'increment'): Entrant {
  return {
    name: dray.name,
    kind: dray.kind,
    variant,
    attempt: async (stage, rtt) => {
      const cwd = await writeRule(stage, rtt, names, '')
      const full = dray.invocation('bundle', 'create', 'full.tar', 'all')
      const next = dray.invocation('bundle', 'create', 'next.tar', 'all', '--since', 'full.tar')
      if (variant === 'full') return { programs: [{ ...full, cwd }] }
      await run({ ...full, cwd, env: stage.env })
      const changed = names[0] ?? ''
      await stage.source.oracle.push(sixLayers(`${changed} ${cwd}`), changed, tag)
      return { programs: [{ ...next, cwd }] }
    },
  }
}

function syncers(against: string | undefined, withPeers = true): readonly Syncer[] {
  return [
    ...drays(against).map((dray): Syncer => ({
      name: dray.name,
      kind: 'dray',
      sync: async (stage, rtt, names, to) => ({
        ...dray.invocation('sync', 'all', '--yes'),
        cwd: await writeRule(stage, rtt, names, to),
      }),
    })),
    ...(withPeers && isInPath('skopeo') ? [skopeo] : []),
    ...(withPeers && isInPath('regsync') ? [regsync] : []),
  ]
}

async function writeRule(stage: Stage, rtt: number, names: readonly string[], to: string): Promise<string> {
  const cwd = join(stage.folder, stage.newName())
  await mkdir(cwd)
  const rule = {
    name: 'all',
    from: await stage.source.hostAt(rtt),
    repositories: names,
    to: `${await stage.target.hostAt(rtt)}/${to}{repository}`,
    include: [{ tags: [tag] }],
  }
  await writeFile(join(cwd, 'dray.yaml'), JSON.stringify({ version: 1, sync: [rule] }))
  return cwd
}

/**
 * skopeo copies every image again unless it is there; it has no rules about referrers. It uses the
 * last component of a name only: with `--scoped`, a registry with a port makes an invalid name.
 */
const skopeo: Syncer = {
  name: 'skopeo sync',
  kind: 'peer',
  sync: async (stage, rtt, names, to) => {
    const cwd = join(stage.folder, stage.newName())
    await mkdir(cwd)
    const host = await stage.source.hostAt(rtt)
    const images = Object.fromEntries(names.map((name) => [name, [tag]]))
    await writeFile(join(cwd, 'sync.yaml'), JSON.stringify({ [host]: { 'tls-verify': false, images } }))
    const target = `${await stage.target.hostAt(rtt)}/${to}`
    return {
      command: 'skopeo',
      args: [
        '--insecure-policy',
        'sync',
        '--dest-tls-verify=false',
        '--src',
        'yaml',
        '--dest',
        'docker',
        'sync.yaml',
        target.replace(/\/$/, ''),
      ],
      cwd,
    }
  },
}

const regsync: Syncer = {
  name: 'regsync once',
  kind: 'peer',
  sync: async (stage, rtt, names, to) => {
    const cwd = join(stage.folder, stage.newName())
    await mkdir(cwd)
    const [source, target] = [await stage.source.hostAt(rtt), await stage.target.hostAt(rtt)]
    const config = {
      version: 1,
      creds: [source, target].map((registry) => ({ registry, tls: 'disabled' })),
      defaults: { parallel: 16 },
      sync: names.map((name) => ({
        source: `${source}/${name}:${tag}`,
        target: `${target}/${to}${name}:${tag}`,
        type: 'image',
      })),
    }
    await writeFile(join(cwd, 'regsync.yml'), JSON.stringify(config))
    return { command: 'regsync', args: ['once', '-c', 'regsync.yml'], cwd }
  },
}

/** An image whose first three layers are those of every image. */
function sixLayers(label: string): Content {
  const own = [3, 4, 5].map((layer) => `${label} ${layer}`)
  return image({ label, layers: ['base 0', 'base 1', 'base 2', ...own] })
}

async function pushAll(
  stage: Stage,
  names: readonly string[],
  make: (name: string) => Content,
  sides: readonly ('source' | 'target')[],
): Promise<void> {
  const waiting = [...names]
  const lane = async (): Promise<void> => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift())
      for (const side of sides) await stage[side].oracle.push(make(name), name, tag)
  }
  await Promise.all(Array.from({ length: pushedAtOnce }, lane))
}

async function lastArrived(stage: Stage, to: string, names: readonly string[]): Promise<string | undefined> {
  const there = await Promise.all(
    names.map(async (name) => (await stage.target.oracle.digest(`${to}${name}`, tag)) !== undefined),
  )
  const missing = there.filter((isThere) => !isThere).length
  return missing === 0 ? undefined : `${missing} of ${names.length} images are not there`
}

function variantOf(count: number): string {
  return `${count} repositories`
}
