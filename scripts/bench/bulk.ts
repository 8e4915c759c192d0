/** Contests with many images or bytes. */
import { randomFillSync } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type Content, image, manifestOf, sha256, types } from '../../test/support/images.ts'
import type { Contest, Entrant, Goal } from './contest.ts'
import {
  binaryName,
  type Contestant,
  type Dray,
  drays,
  peers,
  prototype,
  runPrototype,
} from './contestants.ts'
import type { Invocation } from './process.ts'
import type { Stage } from './stage.ts'

const images = 100
const allImages = `${images} images`
const oneImage = 'one image'
const processesAtOnce = 16
const pushedAtOnce = 8

/** The program that promotes images, by name, from `staging` to repositories of the run. */
type Promotion = (host: string, run: string, names: readonly string[], stage: Stage) => Promise<Invocation>

export function batch(against: string | undefined): Contest {
  const names = Array.from({ length: images }, (_, i) => `image${i}`)
  const all = (contestant: Contestant, promotion: Promotion): Entrant =>
    entrant(contestant, allImages, names, promotion)
  const allAndOne = (contestant: Contestant, promotion: Promotion): readonly Entrant[] => [
    all(contestant, promotion),
    entrant(contestant, oneImage, names.slice(0, 1), promotion),
  ]
  return {
    name: 'batch',
    title: `${images} images of 6 layers within one registry; others than dray in ${processesAtOnce} processes at once`,
    rtts: [0, 20],
    timesRuns: 0.6,
    goals: [
      ...['dray', binaryName].map((of): Goal => ({
        of,
        variant: allImages,
        rtt: 20,
        what: 'ms',
        atMost: 0.8,
        times: 'best peer',
      })),
      // Without the start, this is the CPU time of each image.
      ...[0, 20].map((rtt): Goal => ({
        of: 'dray',
        variant: allImages,
        rtt,
        what: 'cpuMs',
        atMost: 2,
        times: prototype.name,
        without: oneImage,
      })),
    ],
    prepare: async ({ source }) => {
      const waiting = [...names]
      const lane = async (): Promise<void> => {
        for (let name = waiting.shift(); name !== undefined; name = waiting.shift())
          await source.oracle.push(image({ label: name, layers: 6 }), `staging/${name}`, '1.0.0')
      }
      await Promise.all(Array.from({ length: pushedAtOnce }, lane))
    },
    // skopeo moves every byte, so its figure is not comparable.
    entrants: () => [
      ...drays(against).flatMap((dray) => allAndOne(dray, inOneProcess(dray))),
      ...allAndOne(prototype, async (host, run, some) => ({
        ...runPrototype('bulk', `${host}/staging/`, `${host}/${run}/`, '1.0.0'),
        stdin: some.join('\n'),
      })),
      ...peers()
        .filter((peer) => peer.kind === 'peer' && peer.name !== 'skopeo')
        .map((peer) => all(peer, inProcesses(peer))),
    ],
  }
}

function entrant(
  { name, kind }: Contestant,
  variant: string,
  names: readonly string[],
  promotion: Promotion,
): Entrant {
  return {
    name,
    kind,
    variant,
    attempt: async (stage, rtt) => {
      const run = stage.newName()
      return {
        programs: [await promotion(await stage.source.hostAt(rtt), run, names, stage)],
        check: () => lastArrived(stage, run, names),
      }
    },
  }
}

function inOneProcess(dray: Dray): Promotion {
  return async (host, run, names, { folder }) => {
    const cwd = join(folder, run)
    await mkdir(cwd)
    const environments = {
      staging: { registry: host, path: 'staging/{image}' },
      prod: { registry: host, path: `${run}/{image}` },
    }
    await writeFile(join(cwd, 'dray.yaml'), JSON.stringify({ version: 1, environments }))
    const references = names.map((name) => `${name}:1.0.0`)
    return { ...dray.invocation('promote', ...references, '--from', 'staging', '--to', 'prod', '--yes'), cwd }
  }
}

function inProcesses(peer: Contestant): Promotion {
  return async (host, run, names) => {
    const { command, args } = peer.copy({
      from: `${host}/staging/{}:1.0.0`,
      to: `${host}/${run}/{}:1.0.0`,
      evidence: false,
    })
    return {
      command: 'xargs',
      args: ['-P', String(processesAtOnce), '-I', '{}', command, ...args],
      stdin: names.join('\n'),
    }
  }
}

async function lastArrived(stage: Stage, run: string, names: readonly string[]): Promise<string | undefined> {
  const there = await Promise.all(
    names.map(async (name) => (await stage.source.oracle.digest(`${run}/${name}`, '1.0.0')) !== undefined),
  )
  const missing = there.filter((isThere) => !isThere).length
  return missing === 0 ? undefined : `${missing} of ${names.length} images are not there`
}

/** @param size of the blob, in bytes */
export function largeBlob(against: string | undefined, size: number): Contest {
  let content: Content | undefined
  return {
    name: 'blob',
    title: `an image with one layer of ${size / 2 ** 20} MiB from a registry to another`,
    rtts: [0],
    measuresMemory: true,
    goals: ['dray', binaryName].flatMap((of): readonly Goal[] => [
      { of, rtt: 0, what: 'ms', atMost: 1.3, times: 'crane' },
      { of, rtt: 0, what: 'cpuMs', atMost: 1.5, times: 'crane' },
      { of, rtt: 0, what: 'maxRss', atMost: 200 * 1000 * 1000 },
    ]),
    prepare: async ({ source }) => {
      content = imageOfOneLayer(size)
      await source.oracle.push(content, 'staging/large', '1.0.0')
      // Frees a gibibyte of memory.
      content = { ...content, blobs: new Map() }
    },
    entrants: () => [...drays(against), ...peers()].map((one) => between(one, () => content?.root.digest)),
  }
}

function between(contestant: Contestant, digest: () => string | undefined): Entrant {
  return {
    name: contestant.name,
    kind: contestant.kind,
    attempt: async (stage, rtt) => {
      const to = `prod/${stage.newName()}`
      const from = `${await stage.source.hostAt(rtt)}/staging/large:1.0.0`
      return {
        programs: [
          contestant.copy({ from, to: `${await stage.target.hostAt(rtt)}/${to}:1.0.0`, evidence: false }),
        ],
        check: async () => {
          const is = await stage.target.oracle.digest(to, '1.0.0')
          return is === digest() ? undefined : 'the image is another'
        },
      }
    },
  }
}

/**
 * The layer is gzip by name and content, so that no program compresses it, and is incompressible.
 */
function imageOfOneLayer(size: number): Content {
  const layer = gzipSync(randomFillSync(Buffer.alloc(size)), { level: 0 })
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      rootfs: { type: 'layers', diff_ids: [sha256(layer)] },
    }),
  )
  const describe = (mediaType: string, bytes: Uint8Array) => ({
    mediaType,
    digest: sha256(bytes),
    size: bytes.byteLength,
  })
  const manifest = manifestOf(types.manifest, {
    config: describe(types.config, config),
    layers: [describe(`${types.layer}+gzip`, layer)],
  })
  return {
    root: manifest.descriptor,
    blobs: new Map([config, layer].map((bytes) => [sha256(bytes), bytes])),
    manifests: [manifest],
  }
}
