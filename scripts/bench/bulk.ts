/** Contests with many images or bytes. */
import { randomFillSync } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type Content, image, manifestOf, sha256, types } from '../../test/support/images.ts'
import type { Attempt, Contest, Entrant } from './contest.ts'
import { type Contestant, type Dray, drays, peers } from './contestants.ts'
import type { Stage } from './stage.ts'

const images = 100
const processesAtOnce = 16
const pushedAtOnce = 8

export function batch(against: string | undefined): Contest {
  const names = Array.from({ length: images }, (_, i) => `image${i}`)
  return {
    name: 'batch',
    title: `${images} images of 6 layers within one registry; others than dray in ${processesAtOnce} processes at once`,
    rtts: [0, 20],
    timesRuns: 0.6,
    goals: [{ of: 'dray', rtt: 20, what: 'ms', atMost: 0.8, times: 'best peer' }],
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
      ...drays(against).map((dray) => batchInOneProcess(dray, names)),
      ...peers()
        .filter((peer) => peer.kind === 'peer' && peer.name !== 'skopeo')
        .map((peer) => batchInProcesses(peer, names)),
    ],
  }
}

function batchInOneProcess(dray: Dray, names: readonly string[]): Entrant {
  return {
    name: dray.name,
    kind: dray.kind,
    attempt: async (stage, rtt) => {
      const host = await stage.source.hostAt(rtt)
      const run = stage.newName()
      const cwd = join(stage.folder, run)
      await mkdir(cwd)
      const environments = {
        staging: { registry: host, path: 'staging/{image}' },
        prod: { registry: host, path: `${run}/{image}` },
      }
      await writeFile(join(cwd, 'dray.yaml'), JSON.stringify({ version: 1, environments }))
      const words = ['promote', ...names.map((name) => `${name}:1.0.0`), '--from', 'staging', '--to', 'prod']
      return {
        programs: [{ ...dray.invocation(...words, '--yes'), cwd }],
        check: () => lastArrived(stage, run, names),
      }
    },
  }
}

function batchInProcesses(peer: Contestant, names: readonly string[]): Entrant {
  return {
    name: peer.name,
    kind: peer.kind,
    attempt: async (stage, rtt): Promise<Attempt> => {
      const host = await stage.source.hostAt(rtt)
      const run = stage.newName()
      const copyOf = (name: string) =>
        peer.copy({
          from: `${host}/staging/${name}:1.0.0`,
          to: `${host}/${run}/${name}:1.0.0`,
          evidence: false,
        })
      return {
        programs: names.map(copyOf),
        atOnce: processesAtOnce,
        check: () => lastArrived(stage, run, names),
      }
    },
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
    watch: true,
    goals: [
      { of: 'dray', rtt: 0, what: 'ms', atMost: 1.3, times: 'crane' },
      { of: 'dray', rtt: 0, what: 'maxRss', atMost: 200 * 1000 * 1000 },
    ],
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
