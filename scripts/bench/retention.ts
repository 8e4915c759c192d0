/** Contests of retention: dating many tags, and deleting a few images among many tags. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  body,
  type Content,
  image,
  manifestOf,
  type StoredManifest,
  types,
} from '../../test/support/images.ts'
import type { Attempt, Contest, Entrant } from './contest.ts'
import { type Dray, drays } from './contestants.ts'
import {
  datedBy,
  datingScript,
  deletingScript,
  type RegbotSpeed,
  regbotSpeeds,
  regbotTool,
} from './regbot.ts'
import type { Stage } from './stage.ts'

const day = 86_400_000
const now = Date.now()
const pushedAtOnce = 16
const alone = regbotTool.available ? '' : '; regbot is not on the PATH, so dray runs alone'

const dated = { path: 'retention/dated', tags: 5000, old: 2500 } as const
const pruned = { path: 'retention/pruned', tags: 10_000, deletes: 500 } as const
const limitDays = 30

export function dating(against: string | undefined): Contest {
  return {
    name: 'dating',
    title: `listing and dating ${dated.tags} tags${alone}`,
    rtts: [0],
    timesRuns: 0.6,
    goals: [{ of: 'dray, warm', rtt: 0, what: 'ms', atMost: 0.5, times: 'best tuned peer' }],
    prepare: async (stage) => {
      const images = Array.from({ length: dated.tags }, (_, i) => {
        const age = i < dated.old ? 90 : 1
        return { tag: `build-${i}`, content: imageOfAge(`dated ${i}`, age * day + i * 1000) }
      })
      await pushAll(stage, dated.path, images)
    },
    entrants: () => [
      ...drays(against).flatMap((dray) => [datedByDray(dray, 'cold'), datedByDray(dray, 'warm')]),
      ...(regbotTool.available ? regbotSpeeds.map(datedByRegbot) : []),
    ],
  }
}

export function pruning(against: string | undefined): Contest {
  const base = imageOfAge('pruned', 0)
  const images = Array.from({ length: pruned.tags }, (_, i) => ({
    tag: i < pruned.deletes ? `pr-${i}` : `main-${i}`,
    content: annotated(base, `${i}`),
  }))
  const toDelete = images.slice(0, pruned.deletes).map(({ tag, content }) => ({ tag, root: rootOf(content) }))
  const kept = images.slice(pruned.deletes).map(({ tag }) => tag)
  return {
    name: 'pruning',
    title: `deleting ${pruned.deletes} images among ${pruned.tags} tags${alone}`,
    rtts: [0],
    timesRuns: 0.6,
    goals: [],
    prepare: (stage) => pushAll(stage, pruned.path, images),
    entrants: () => [
      ...drays(against).flatMap((dray) =>
        (['cold', 'warm'] as const).map((cache) =>
          prunedBy(`${dray.name}, ${cache}`, 'dray', toDelete, kept, async (stage, host) =>
            drayIn(stage, dray, cache, host, { ...pruned, tag: 'pr-*' }, ['prune', '--apply', '--yes']),
          ),
        ),
      ),
      ...(regbotTool.available
        ? regbotSpeeds.map((speed) =>
            prunedBy(speed.name, speed.kind, toDelete, kept, (stage, host) =>
              deletingScript(scriptFile(stage), { host, path: pruned.path }, 'pr-', speed),
            ),
          )
        : []),
    ],
  }
}

function datedByDray(dray: Dray, cache: Cache): Entrant {
  const expected = `${dated.old} images to delete`
  return {
    name: `${dray.name}, ${cache}`,
    kind: 'dray',
    attempt: async (stage, rtt) => {
      const host = await stage.source.hostAt(rtt)
      const policy = { ...dated, tag: '*', olderThan: `${limitDays}d` }
      return {
        programs: [await drayIn(stage, dray, cache, host, policy, ['prune'])],
        check: async ([ended]) =>
          ended?.output.includes(expected) === true ? undefined : `not "${expected}"`,
      }
    },
  }
}

function datedByRegbot(speed: RegbotSpeed): Entrant {
  return {
    ...speed,
    attempt: async (stage, rtt) => {
      const repository = { host: await stage.source.hostAt(rtt), path: dated.path }
      const before = new Date(now - limitDays * day)
      return {
        programs: [await datingScript(scriptFile(stage), repository, before, speed)],
        check: async ([ended]) => {
          const found = datedBy(ended?.output ?? '')
          const isRight = found.dated === dated.tags && found.old === dated.old
          return isRight ? undefined : `dated ${found.dated}, of them ${found.old} old`
        },
      }
    },
  }
}

/** Each attempt begins with all images, and ends with a read of the tags. */
function prunedBy(
  name: string,
  kind: Entrant['kind'],
  toDelete: readonly { readonly tag: string; readonly root: StoredManifest }[],
  kept: readonly string[],
  program: (stage: Stage, host: string) => Promise<Attempt['programs'][number]>,
): Entrant {
  return {
    name,
    kind,
    attempt: async (stage, rtt) => {
      const { oracle } = stage.source
      const there = new Set(await oracle.tags(pruned.path))
      const missing = toDelete.filter(({ tag }) => !there.has(tag))
      await inLanes(missing, async ({ tag, root }) => void (await oracle.putManifest(pruned.path, tag, root)))
      return {
        programs: [await program(stage, await stage.source.hostAt(rtt))],
        check: async () => {
          const left = new Set(await oracle.tags(pruned.path))
          const lost = kept.filter((tag) => !left.has(tag)).length
          const remaining = left.size + lost - kept.length
          return lost + remaining === 0 ? undefined : `${lost} tags lost, ${remaining} not deleted`
        },
      }
    },
  }
}

interface Tagged {
  readonly tag: string
  readonly content: Content
}

type Cache = 'cold' | 'warm'

/** dray with a policy of one rule. The cache is empty, or the one of the runs before. */
async function drayIn(
  stage: Stage,
  dray: Dray,
  cache: Cache,
  host: string,
  { path, tag, olderThan }: { readonly path: string; readonly tag: string; readonly olderThan?: string },
  words: readonly string[],
): Promise<Attempt['programs'][number]> {
  const cwd = join(stage.folder, stage.newName())
  await mkdir(cwd)
  const rule = {
    name: 'old',
    repositories: [`${host}/${path}`],
    tags: [tag],
    ...(olderThan && { olderThan }),
  }
  const retention = { limits: { maxDeletes: 1_000_000, maxPercent: 100 }, rules: [rule] }
  await writeFile(join(cwd, 'dray.yaml'), JSON.stringify({ version: 1, retention }))
  const warm = join(stage.folder, `cache of ${dray.name}`)
  const env = { XDG_CACHE_HOME: cache === 'warm' ? warm : join(cwd, 'cache') }
  return { ...dray.invocation(...words), cwd, env }
}

function scriptFile(stage: Stage): string {
  return join(stage.folder, `${stage.newName()}.yml`)
}

/** docker-registry lacks a layer for a moment while it is uploaded again, so only one image has it. */
async function pushAll({ source }: Stage, path: string, images: readonly Tagged[]): Promise<void> {
  const [first] = images
  if (first === undefined) return
  await source.oracle.push(first.content, path, first.tag)
  await inLanes(images.slice(1), async ({ tag, content }) => {
    for (const [digest, bytes] of content.blobs)
      if (!first.content.blobs.has(digest)) await source.oracle.pushBlob(path, digest, bytes)
    await source.oracle.putManifest(path, tag, rootOf(content))
  })
}

/** Images that share a layer; only the config tells the time. */
function imageOfAge(label: string, age: number): Content {
  return image({ label, layers: ['shared'], created: new Date(now - age).toISOString() })
}

/** The image with another manifest and the same blobs. */
function annotated(content: Content, number: string): Content {
  const manifest = manifestOf(types.manifest, { ...body(content), annotations: { number } })
  return { ...content, root: manifest.descriptor, manifests: [manifest] }
}

function rootOf({ root, manifests }: Content): StoredManifest {
  const found = manifests.find(({ descriptor }) => descriptor.digest === root.digest)
  if (found === undefined) throw new Error('an image has a manifest')
  return found
}

async function inLanes<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = items.values()
  const lane = async (): Promise<void> => {
    for (const item of waiting) await work(item)
  }
  await Promise.all(Array.from({ length: pushedAtOnce }, lane))
}
