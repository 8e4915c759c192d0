/**
 * Contests of retention: dating many tags, and deleting a few images among many tags. The registry
 * is the embedded one, in memory: docker-registry reads all tags for each manifest that it deletes.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { body, type Content, image, manifestOf, types } from '../../test/support/images.ts'
import { Oracle } from '../../test/support/oracle.ts'
import type { Attempt, Contest, Entrant } from './contest.ts'
import { type Dray, drays } from './contestants.ts'
import { type GrowthRegistry, openGrowthRegistry } from './growth-registry.ts'
import type { Invocation } from './process.ts'
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
const limitDays = 30
const alone = regbotTool.available ? '' : '; regbot is not on the PATH, so dray runs alone'

const path = 'team/api'
const dated = { tags: 5000, old: 2500 } as const
const pruned = { tags: 10_000, deletes: 500 } as const

interface Tagged {
  readonly tag: string
  readonly content: Content
}

/** What a run does, by a program that gets the registry. */
interface Task {
  dray(dray: Dray, cache: Cache, registry: GrowthRegistry, stage: Stage): Promise<Invocation>
  regbot(speed: RegbotSpeed, registry: GrowthRegistry, stage: Stage): Promise<Invocation>
  /** before each run */
  restore?(registry: GrowthRegistry): Promise<void>
  /** the note of a contestant with another result */
  check(output: string, name: string, registry: GrowthRegistry): Promise<string | undefined>
}

type Cache = 'cold' | 'warm'

export function dating(against: string | undefined): Contest {
  const images = Array.from({ length: dated.tags }, (_, i): Tagged => {
    const age = i < dated.old ? 90 : 1
    return { tag: `build-${i}`, content: imageOfAge(`dated ${i}`, age * day + i * 1000) }
  })
  const expected = `${dated.old} images to delete`
  return contestOf('dating', `listing and dating ${dated.tags} tags`, against, images, {
    dray: (dray, cache, { host }, stage) =>
      drayIn(stage, dray, cache, { host, tag: '*', olderThan: `${limitDays}d` }, ['prune']),
    regbot: (speed, { host }, stage) =>
      datingScript(scriptFile(stage), { host, path }, new Date(now - limitDays * day), speed),
    check: async (output, name) => {
      if (name.startsWith('dray')) return output.includes(expected) ? undefined : `not "${expected}"`
      const found = datedBy(output)
      const isRight = found.dated === dated.tags && found.old === dated.old
      return isRight ? undefined : `dated ${found.dated}, of them ${found.old} old`
    },
  })
}

export function pruning(against: string | undefined): Contest {
  const base = imageOfAge('pruned', day)
  const images = Array.from({ length: pruned.tags }, (_, i): Tagged => ({
    tag: i < pruned.deletes ? `pr-${i}` : `main-${i}`,
    content: annotated(base, `${i}`),
  }))
  const toDelete = images.slice(0, pruned.deletes)
  const kept = images.slice(pruned.deletes).map(({ tag }) => tag)
  const title = `deleting ${pruned.deletes} images among ${pruned.tags} tags`
  return contestOf('pruning', title, against, images, {
    dray: (dray, cache, { host }, stage) =>
      drayIn(stage, dray, cache, { host, tag: 'pr-*' }, ['prune', '--apply', '--yes']),
    regbot: (speed, { host }, stage) => deletingScript(scriptFile(stage), { host, path }, 'pr-', speed),
    restore: (registry) => addAll(registry, toDelete),
    check: async (_, name, { host }) => {
      const left = new Set(await new Oracle(host).tags(path))
      const lost = kept.filter((tag) => !left.has(tag)).length
      const remaining = toDelete.filter(({ tag }) => left.has(tag)).length
      return lost + remaining === 0 ? undefined : `${name}: ${lost} tags lost, ${remaining} not deleted`
    },
  })
}

function contestOf(
  name: string,
  title: string,
  against: string | undefined,
  images: readonly Tagged[],
  task: Task,
): Contest {
  let opened: GrowthRegistry | undefined
  const registry = (): GrowthRegistry => {
    if (opened === undefined) throw new Error(`the contest ${name} is not prepared`)
    return opened
  }
  const entrant = (
    { name: called, kind }: Pick<Entrant, 'name' | 'kind'>,
    program: (stage: Stage) => Promise<Invocation>,
    variant?: Cache,
  ): Entrant => ({
    name: called,
    kind,
    ...(variant !== undefined && { variant }),
    attempt: async (stage): Promise<Attempt> => {
      await task.restore?.(registry())
      return {
        programs: [await program(stage)],
        takeRequests: () => registry().takeRequests(),
        check: ([ended]) => task.check(ended?.output ?? '', called, registry()),
      }
    },
  })
  return {
    name,
    title: `${title}${alone}`,
    rtts: [0],
    isLocal: true,
    goals: [],
    prepare: async (stage) => {
      opened = await openGrowthRegistry('docker-registry-2.8')
      stage.closeLater(opened)
      await addAll(opened, images)
    },
    entrants: () => [
      ...drays(against).flatMap((dray) =>
        (['cold', 'warm'] as const).map((cache) =>
          entrant(dray, (stage) => task.dray(dray, cache, registry(), stage), cache),
        ),
      ),
      ...(regbotTool.available ? regbotSpeeds : []).map((speed) =>
        entrant(speed, (stage) => task.regbot(speed, registry(), stage)),
      ),
    ],
  }
}

async function addAll(registry: GrowthRegistry, images: readonly Tagged[]): Promise<void> {
  for (const { tag, content } of images) await registry.add(path, content, [tag])
}

/** dray with a policy of one rule. The cache is empty, or the one of the runs before. */
async function drayIn(
  stage: Stage,
  dray: Dray,
  cache: Cache,
  { host, tag, olderThan }: { readonly host: string; readonly tag: string; readonly olderThan?: string },
  words: readonly string[],
): Promise<Invocation> {
  const cwd = join(stage.folder, stage.newName())
  await mkdir(cwd)
  const repositories = [`${host}/${path}`]
  const rule = { name: 'old', repositories, tags: [tag], ...(olderThan !== undefined && { olderThan }) }
  const retention = { limits: { maxDeletes: 1_000_000, maxPercent: 100 }, rules: [rule] }
  await writeFile(join(cwd, 'dray.yaml'), JSON.stringify({ version: 1, retention }))
  const warm = join(stage.folder, `cache of ${dray.name}`)
  const env = {
    XDG_CACHE_HOME: cache === 'warm' ? warm : join(cwd, 'cache'),
    DRAY_AUDIT_FILE: join(cwd, 'audit.jsonl'),
  }
  return { ...dray.invocation(...words), cwd, env }
}

function scriptFile(stage: Stage): string {
  return join(stage.folder, `${stage.newName()}.yml`)
}

/** Only the config tells the time. */
function imageOfAge(label: string, age: number): Content {
  return image({ label, layers: 1, created: new Date(now - age).toISOString() })
}

/** The image with another manifest and the same blobs. */
function annotated(content: Content, number: string): Content {
  const manifest = manifestOf(types.manifest, { ...body(content), annotations: { number } })
  return { ...content, root: manifest.descriptor, manifests: [manifest] }
}
